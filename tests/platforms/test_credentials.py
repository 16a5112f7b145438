"""What authorizations and applications keep secret; a row that does not open is set aside."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import sealing
from platforms import credentials, tasks, vault
from platforms.flows.refresh import Outcome, refresh
from platforms.models import App, Authorization, Order, Stream
from platforms.spec import Grant
from tenants.scope import tenant_scope
from tests.accounts.test_sealing import key
from tests.support.factories import make_authorization
from tests.support.linking import link_store, make_app


def secrets_of(row: Authorization) -> dict[str, str]:
    return credentials.open_secrets(Authorization.objects.get(pk=row.pk))


# --- opening and sealing


def test_a_credential_moved_to_another_row_stays_shut(world):
    one, two = (make_authorization(world.lotus) for _ in range(2))
    with tenant_scope(world.lotus):
        Authorization.objects.filter(pk=two.pk).update(sealed_credential=one.sealed_credential)
        assert secrets_of(one)["refresh_token"] == "rt-1"
        with pytest.raises(vault.Unopenable):
            secrets_of(two)


def test_an_applications_secret_moved_to_another_stays_shut(db):
    one, two = make_app("ebay"), make_app("amazon")
    two.sealed_secret = one.sealed_secret
    with pytest.raises(vault.Unopenable):
        credentials.app_keys(two)


def test_an_applications_secret_is_sealed_with_the_newest_key(db, settings):
    settings.VAULT_KEYS = [key("k1")]
    app = make_app("ebay")
    secret = credentials.app_keys(app).client_secret
    settings.VAULT_KEYS = [key("k2", 2), key("k1")]
    assert (credentials.reseal_app(app), credentials.reseal_app(app)) == (True, False)
    stored = App.objects.get()
    assert sealing.key_id_of(bytes(stored.sealed_secret)) == "k2"
    assert credentials.app_keys(stored).client_secret == secret


def test_secrets_are_in_no_repr(world):
    row = make_authorization(world.lotus, secrets={"refresh_token": "rt-s3cret"})
    row.app = make_app("ebay")
    with tenant_scope(world.lotus):
        account = credentials.account_of(row)
    assert account.secrets["refresh_token"] == "rt-s3cret"
    told = repr(account) + repr(row) + repr(row.app)
    assert "s3cret" not in told
    assert account.app is not None
    assert account.app.client_secret not in told


def test_what_an_attempt_keeps_opens_only_for_its_field(world):
    blob = credentials.seal_for_attempt(world.lotus.pk, "a-1", "verifier", "v")
    assert credentials.open_for_attempt(world.lotus.pk, "a-1", "verifier", blob) == "v"
    for attempt, name in (("a-2", "verifier"), ("a-1", "pending")):
        with pytest.raises(vault.Unopenable):
            credentials.open_for_attempt(world.lotus.pk, attempt, name, blob)


# --- what is kept of an answer


@pytest.mark.parametrize(("given", "kept"), [("rt-2", "rt-2"), (None, "rt-1"), ("", "rt-1")])
def test_without_a_new_refresh_token_the_old_one_is_kept(given, kept):
    before = {"refresh_token": "rt-1", "access_token": "at-1", "seller_id": "S"}
    after = credentials.merge(before, Grant(access_token="at-2", refresh_token=given))
    assert after == {"refresh_token": kept, "access_token": "at-2", "seller_id": "S"}
    assert before["access_token"] == "at-1"


@pytest.mark.parametrize(
    ("lifetime", "margin"),
    [
        (timedelta(hours=2), timedelta(minutes=24)),  # a fifth
        (timedelta(minutes=30), timedelta(minutes=10)),  # at least ten minutes
        (timedelta(minutes=10), timedelta(minutes=5)),  # but not more than half
        (timedelta(seconds=-5), timedelta(seconds=-5)),  # over: now
    ],
)
def test_when_a_token_is_due(world, lifetime, margin):
    now = timezone.now()
    row = make_authorization(world.lotus, access_expires_at=now + lifetime)
    due = credentials.next_refresh(row, {"refresh_token": "rt"}, now=now)
    # Up to half a margin earlier, by chance, so that grants made together spread out.
    latest = now + lifetime - margin
    assert max(now, latest - abs(margin) / 2) <= due <= latest


def test_fixed_keys_are_never_due(world):
    row = make_authorization(world.lotus, platform="ozon", mode="api_key", access_expires_at=None)
    assert credentials.next_refresh(row, {"api_key": "k"}, now=timezone.now()) is None


def test_the_secret_a_person_would_recognize():
    assert credentials.main_secret({"access_token": "a", "refresh_token": "r"}) == "r"
    assert credentials.main_secret({"client_id": "c", "api_key": "k"}) == "k"
    assert credentials.main_secret({}) == ""


# --- a row that does not open


def damage(row: Authorization) -> None:
    """As after a wrong restore: somebody else's ciphertext."""
    other = make_authorization(row.tenant)
    Authorization.objects.filter(pk=row.pk).update(sealed_credential=other.sealed_credential)


def test_a_pull_sets_it_aside_and_the_others_go_on(market, world):
    shut = link_store(market, world.lotus, "ebay-lantern", name="one").authorization
    good = link_store(market, world.lotus, "ozon-zarya", name="two").authorization
    damage(shut)

    assert tasks.pump_orders() == 2

    stream = Stream.objects.get(authorization=shut)
    assert (stream.fault, stream.failures, stream.leased_until) == ("unknown", 1, None)
    assert stream.due_at > timezone.now()
    assert Authorization.objects.get(pk=shut.pk).state == "active"
    assert set(Order.objects.values_list("platform", flat=True)) == {"ozon"}
    assert Stream.objects.get(authorization=good).fault == ""


def test_a_refresh_sets_it_aside_and_the_others_go_on(market, world):
    shut = link_store(market, world.lotus, "ebay-lantern", name="one").authorization
    good = link_store(market, world.lotus, "amazon-aurora-eu", name="two").authorization
    before = secrets_of(good)["access_token"]
    past = timezone.now() - timedelta(seconds=1)
    Authorization.objects.update(refresh_due_at=past, access_expires_at=past)
    damage(shut)
    market.wire.calls.clear()

    tasks.pump_refresh()

    row = Authorization.objects.get(pk=shut.pk)
    assert (row.state, row.fault, row.leased_until) == ("active", "unknown", None)
    assert row.refresh_due_at > timezone.now()
    assert secrets_of(good)["access_token"] != before
    assert len(market.wire.calls) == 1


def test_a_row_that_opens_again_is_as_good_as_before(market, world):
    row = link_store(market, world.lotus, "ebay-lantern").authorization
    sealed = bytes(row.sealed_credential)
    damage(row)
    tasks.pump_orders()
    Authorization.objects.filter(pk=row.pk).update(sealed_credential=sealed)
    Stream.objects.update(due_at=timezone.now())

    tasks.pump_orders()

    assert Stream.objects.get().fault == ""
    assert Order.objects.exists()


def test_an_application_whose_secret_does_not_open_stops_its_stores_alone(market, world):
    row = link_store(market, world.lotus, "ebay-lantern").authorization
    App.objects.update(sealed_secret=make_app_secret_of_another())
    past = timezone.now() - timedelta(seconds=1)
    Authorization.objects.filter(pk=row.pk).update(access_expires_at=past)

    result = refresh(authorization=row, now=timezone.now())

    assert result.outcome == Outcome.FAILED
    assert Authorization.objects.get(pk=row.pk).state == "active"


def make_app_secret_of_another() -> bytes:
    return sealing.seal(b"secret", aad=b"app/another/secret")
