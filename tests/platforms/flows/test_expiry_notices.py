"""What ends soon is told ahead of time: each date at 30, 14, 7, 3 and 1 days, once."""

from __future__ import annotations

import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import DatabaseError, connection

from platforms.expiries import Act, What, days_left, expiries, own_certificate
from platforms.models import App, Authorization, Consent, DataCheck, Stream
from tenants.models import Store
from tenants.scope import all_tenants, tenant_scope
from tests.support.factories import NOON, make_authorization, make_store, make_stream
from tests.support.together import together
from tests.support.watching import linked, look, told

LINKED = NOON - timedelta(days=200)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def grant(tenant, *, platform="ebay", consented_at=LINKED, **fields) -> Authorization:
    """An authorization that opens one active store, consented to long ago."""
    row = make_authorization(tenant, platform=platform, **fields)
    with tenant_scope(tenant):
        Consent.objects.create(tenant=tenant, authorization=row, at=consented_at, mode=row.mode)
    linked(tenant, platform=platform, authorization=row, display_name="Tea House")
    return row


def ends() -> list[tuple[int, int]]:
    """(days left, threshold) of each notice of an end."""
    found = told("ends_soon", "secret_ends")
    return [(notice.data["days"], int(notice.key.rpartition(":")[2])) for notice in found]


def test_the_end_of_a_permission_is_told_five_times(world):
    row = grant(world.lotus, consent_expires_at=NOON + days(40))
    for hour in range(0, 41 * 24, 6):
        look(NOON + timedelta(hours=hour))
    assert ends() == [(30, 30), (14, 14), (7, 7), (3, 3), (1, 1)]
    notice = told("ends_soon")[0]
    assert notice.key == f"ends:{row.public_id}:permission:2026-12-31:30"
    assert notice.data == {
        "what": "permission", "at": (NOON + days(40)).isoformat(), "days": 30,
        "stores": ["Tea House"],
    }  # fmt: skip
    assert notice.created_at == NOON + days(10)


def test_each_moment_is_told_not_a_minute_early_nor_twice(world):
    grant(world.lotus, consent_expires_at=NOON + days(7))
    look(NOON - timedelta(minutes=1))  # after a standstill of weeks: only the newest
    assert ends() == [(8, 14)]
    look(NOON)
    assert [look(NOON + timedelta(minutes=m)) for m in (0, 1, 2)] == [0, 0, 0]
    assert ends() == [(8, 14), (7, 7)]


def test_after_a_standstill_only_the_newest_is_told(world):
    grant(world.lotus, consent_expires_at=NOON + days(30))
    look(NOON)
    look(NOON + days(25.5))
    assert ends() == [(30, 30), (5, 7)]


def test_a_permission_given_five_days_before_its_end_is_told_at_three_and_one(world):
    grant(world.lotus, consent_expires_at=NOON + days(5), consented_at=NOON)
    for hour in range(0, 5 * 24):
        look(NOON + timedelta(hours=hour))
    assert ends() == [(3, 3), (1, 1)]


def test_linking_again_begins_anew(world):
    row = grant(world.lotus, consent_expires_at=NOON + days(3))
    look()
    with tenant_scope(world.lotus):
        Consent.objects.create(
            tenant=world.lotus, authorization=row, at=NOON + days(1), mode=row.mode
        )
        Authorization.objects.filter(pk=row.pk).update(consent_expires_at=NOON + days(181))
    for day in range(1, 182):
        look(NOON + days(day))
    assert ends() == [(3, 3), (30, 30), (14, 14), (7, 7), (3, 3), (1, 1)]


def test_a_date_that_swings_around_midnight_is_told_once(world):
    midnight = datetime(2026, 11, 28, tzinfo=UTC)
    row = grant(world.lotus, consent_expires_at=midnight - timedelta(seconds=1))
    look()
    with tenant_scope(world.lotus):
        Authorization.objects.filter(pk=row.pk).update(
            consent_expires_at=midnight + timedelta(seconds=1)
        )
    look(NOON + timedelta(minutes=5))
    assert ends() == [(7, 7)]


def test_one_notice_tells_of_all_stores_that_a_permission_opens(world):
    row = grant(world.lotus, consent_expires_at=NOON + days(7))
    make_store(world.lotus, authorization=row, display_name="Silk Road")
    make_store(world.lotus, authorization=row, display_name="Gone", state="unlinked")
    look()
    (notice,) = told("ends_soon")
    assert notice.data["stores"] == ["Tea House", "Silk Road"]
    assert notice.authorization_id == row.pk


def test_a_refresh_token_counts_down_only_where_a_refresh_does_not_renew_it(world):
    counts_down = grant(world.lotus, platform="ebay", refresh_expires_at=NOON + days(7))
    grant(world.lotus, platform="shopee", refresh_expires_at=NOON + days(7))
    look()
    assert [(n.authorization_id, n.data["what"]) for n in told("ends_soon")] == [
        (counts_down.pk, "refresh_token")
    ]


def test_a_permission_and_a_refresh_token_that_end_together_are_told_once(world):
    at = NOON + days(7)
    grant(world.lotus, platform="aliexpress", consent_expires_at=at, refresh_expires_at=at)
    look()
    assert [n.data["what"] for n in told("ends_soon")] == ["permission"]


def test_the_end_of_a_key_is_told_as_one(world):
    grant(world.lotus, platform="ozon", mode="api_key", consent_expires_at=NOON + days(7))
    look()
    assert [n.data["what"] for n in told("ends_soon")] == ["key"]


@pytest.mark.parametrize("state", ["paused", "unlinked", "needs_relink"])
def test_nothing_is_told_of_stores_that_are_not_active(world, state):
    grant(world.lotus, consent_expires_at=NOON + days(7))
    with tenant_scope(world.lotus):
        Store.objects.update(state=state)
    look()
    assert ends() == []


def test_what_has_ended_is_not_told_as_coming(world):
    grant(world.lotus, consent_expires_at=NOON)
    look()
    assert ends() == []


@pytest.mark.django_db(transaction=True)
def test_workers_that_look_at_once_tell_each_end_once(world):
    for _ in range(4):
        grant(world.lotus, consent_expires_at=NOON + days(7))
    together(look, times=4)
    assert ends() == [(7, 7)] * 4


def test_one_that_cannot_be_told_holds_up_no_other(world):
    cursed = grant(world.lotus, consent_expires_at=NOON + days(7))
    grant(world.maple, consent_expires_at=NOON + days(3))

    def refuse(execute, sql, params, many, context):
        if sql.startswith("INSERT") and any(str(cursed.public_id) in str(each) for each in params):
            raise DatabaseError("a disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse), pytest.raises(ExceptionGroup):
        look()
    assert ends() == [(3, 3)]
    look()
    assert ends() == [(3, 3), (7, 7)]


# --- applications


def own_app(tenant, **fields) -> App:
    return App.objects.create(
        tenant=tenant, platform="shopify", name="Lotus app", client_id="c",
        secret_expires_at=NOON + days(7), **fields,
    )  # fmt: skip


def test_the_end_of_a_companys_own_application_secret_is_told(world):
    app = own_app(world.lotus)
    grant(world.lotus, platform="shopify", app=app)
    for day in range(8):
        look(NOON + days(day))
    assert ends() == [(7, 7), (3, 3), (1, 1)]
    notice = told("secret_ends")[0]
    assert (notice.tenant_id, notice.app_id, notice.store) == (world.lotus.pk, app.pk, None)
    assert notice.data["name"] == "Lotus app"


def test_applications_nobody_uses_are_not_told(world):
    own_app(world.lotus)
    grant(world.lotus, platform="shopify", app=own_app(world.lotus, active=False))
    look()
    assert ends() == []


def test_our_own_application_is_told_to_support_once_a_day(world, caplog):
    grant(world.lotus, platform="shopify", app=own_app(None))
    for hour in range(0, 48, 6):
        look(NOON + timedelta(hours=hour))
    assert ends() == []
    assert [r.days for r in caplog.records if r.message == "ours.ends_soon"] == [7, 7, 6]


# --- the list of what ends


def listed(tenant, **how):
    with tenant_scope(tenant):
        stores = list(Store.objects.select_related("authorization").order_by("pk"))
    return expiries(stores=stores, now=NOON, until=NOON + days(60), **how)


def test_the_list_has_the_nearest_first_with_days_and_stores(world):
    later = grant(world.lotus, consent_expires_at=NOON + days(50))
    sooner = grant(world.lotus, platform="ozon", mode="api_key", consent_expires_at=NOON + days(2))
    grant(world.lotus, consent_expires_at=NOON + days(61))
    grant(world.maple, consent_expires_at=NOON + days(3))
    found = listed(world.lotus)
    assert [(e.authorization.pk, e.what, e.days_left) for e in found] == [
        (sooner.pk, What.KEY, 2), (later.pk, What.PERMISSION, 50),
    ]  # fmt: skip
    assert found[0].act == Act.RELINK
    assert [store.platform for store in found[0].stores] == ["ozon"]


def test_the_list_can_begin_before_now(world):
    grant(world.lotus, consent_expires_at=NOON - days(2))
    assert listed(world.lotus) == []
    assert [e.days_left for e in listed(world.lotus, since=NOON - days(30))] == [-2]


def test_paused_stores_are_listed_and_stores_to_relink_are_not(world):
    for state in ("paused", "needs_relink", "unlinked"):
        row = grant(world.lotus, consent_expires_at=NOON + days(9))
        with tenant_scope(world.lotus):
            row.stores.update(state=state)
    assert [e.stores[0].state for e in listed(world.lotus)] == ["paused"]


def test_own_applications_are_listed_with_their_stores_and_ours_without(world):
    theirs, ours = own_app(world.lotus), own_app(None)
    for app in (theirs, ours):
        grant(world.lotus, platform="shopify", app=app)
    found = {e.app.pk: e for e in listed(world.lotus, apps=[theirs, ours])}
    assert (found[theirs.pk].act, len(found[theirs.pk].stores)) == (Act.RELINK, 1)
    assert (found[ours.pk].act, found[ours.pk].stores) == (Act.OURS, ())


@pytest.mark.parametrize(
    ("left", "expected"),
    [(days(7), 7), (days(7) + timedelta(seconds=1), 8), (days(0.1), 1), (days(-0.1), 0)],
)
def test_begun_days_count(left, expected):
    assert days_left(NOON + left, NOON) == expected


# --- our own certificate


@pytest.fixture
def certificate(tmp_path, settings):
    """Our callback address on a port of its own, with a certificate that nobody trusts."""
    ends_at = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(ends_at)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    place = tmp_path / "both.pem"
    place.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.BASE_URL = f"https://127.0.0.1:{server.server_port}"
    yield ends_at, server
    server.shutdown()
    server.server_close()
    thread.join()


def test_our_certificates_end_is_read_and_remembered(certificate, world):
    ends_at, server = certificate
    assert own_certificate() == ends_at
    found = listed(world.lotus, with_certificate=True)
    assert [(e.what, e.at, e.name, e.act) for e in found] == [
        (What.CERTIFICATE, ends_at, "127.0.0.1", Act.OURS)
    ]
    server.socket.close()
    assert own_certificate() == ends_at


def test_a_certificate_that_cannot_be_read_fails_nobody(settings):
    settings.BASE_URL = "https://127.0.0.1:9"
    assert own_certificate() is None
    settings.BASE_URL = "http://127.0.0.1:8000"
    assert own_certificate() is None


# --- a check is suggested


@pytest.fixture
def fresh(world) -> Store:
    """Linked an hour ago; its first pull has ended."""
    return linked(world.lotus, linked_at=NOON - timedelta(hours=1))


def suggested() -> list[int]:
    return [notice.store_id for notice in told("check_suggested")]


def test_a_check_is_suggested_once_after_the_first_pull(fresh):
    with tenant_scope(fresh.tenant_id):
        Stream.objects.update(last_success_at=None)
    look()
    assert suggested() == []
    with tenant_scope(fresh.tenant_id):
        Stream.objects.update(last_success_at=NOON)
    assert [look(NOON + timedelta(minutes=m)) for m in (1, 2, 3)] == [1, 0, 0]
    assert suggested() == [fresh.pk]


def test_no_check_is_suggested_for_stores_linked_before_or_checked_already(world, fresh):
    linked(world.lotus, linked_at=NOON - timedelta(hours=25))
    with tenant_scope(world.lotus):
        DataCheck.objects.create(
            tenant=world.lotus, store=fresh, kind="counts", created_at=NOON, state="done"
        )
    look()
    assert suggested() == []


def test_a_shop_that_joined_others_has_its_own_first_pull(world):
    row = make_authorization(world.lotus, platform="amazon")
    make_stream(row, None, last_success_at=NOON)
    shop = make_store(
        world.lotus, platform="amazon", authorization=row, linked_at=NOON - timedelta(hours=1)
    )
    own = make_stream(row, shop, lane=0, ends_at=NOON)
    look()
    assert suggested() == []
    with all_tenants("it has caught up"):
        Stream.objects.filter(pk=own.pk).update(finished_at=NOON)
    look()
    assert suggested() == [shop.pk]
