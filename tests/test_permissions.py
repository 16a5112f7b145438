"""Every address x everybody. An address without a rule fails; so does a rule without address."""

from __future__ import annotations

import re
import uuid
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from platforms.flows import link
from platforms.models import (
    App,
    ChatRobot,
    DataCheck,
    LegalHold,
    LinkAttempt,
    Notice,
    Occasion,
    Quarantined,
    Replay,
)
from tenants.models import ApiToken, Duty, Invitation, Membership
from tenants.models.tenant import new_token, token_hash
from tenants.scope import tenant_scope
from tests.conftest import bind, join_support, make_user
from tests.support.factories import make_authorization, make_order, make_stream

# Who comes: nobody, the owner of another company, a member without any binding, the store's
# customer service, its operator, an admin and the owner without a binding, and support.
EVERYBODY = ("nobody", "dan", "eve", "cai", "bo", "ada", "anna", "sam")

OPEN, LOGIN, DENIED, HIDDEN, NO_TENANT = "open", "login", "denied", "hidden", "no tenant"


def rule(**who: str) -> dict[str, str]:
    return {"nobody": LOGIN, "sam": NO_TENANT, **who}


PUBLIC = dict.fromkeys(EVERYBODY, OPEN)
SIGNED_IN = {**PUBLIC, "nobody": LOGIN}
MEMBERS = rule(dan=OPEN, eve=OPEN, cai=OPEN, bo=OPEN, ada=OPEN, anna=OPEN)
MANAGERS = rule(dan=OPEN, eve=DENIED, cai=DENIED, bo=DENIED, ada=OPEN, anna=OPEN)
MANAGERS_OF_IT = {**MANAGERS, "dan": HIDDEN}
STORE_KNOWN = rule(dan=HIDDEN, eve=HIDDEN, cai=OPEN, bo=OPEN, ada=OPEN, anna=OPEN)
STORE_WORKED_ON = {**STORE_KNOWN, "cai": HIDDEN}
ORDERS_READ = rule(dan=HIDDEN, eve=HIDDEN, cai=HIDDEN, bo=OPEN, ada=HIDDEN, anna=HIDDEN)
# Chosen in the form: what is not theirs is not there.
RECORDS_SETTLED = rule(dan=OPEN, eve=HIDDEN, cai=HIDDEN, bo=OPEN, ada=OPEN, anna=OPEN)
OWN_ONLY = rule(dan=HIDDEN, eve=HIDDEN, cai=HIDDEN, bo=OPEN, ada=HIDDEN, anna=HIDDEN)
NOWHERE = dict.fromkeys(EVERYBODY, HIDDEN)
# Programs: 401 without a token; support has no company, so no token either.
API_MEMBERS = {**MEMBERS, "sam": LOGIN}
API_STORE = {**STORE_KNOWN, "sam": LOGIN}
API_ORDER = {**ORDERS_READ, "sam": LOGIN}

RULES: dict[str, dict[str, str]] = {
    "home": MEMBERS,
    "health": MEMBERS,
    "checks": MEMBERS,
    "store_checks": STORE_WORKED_ON,
    **dict.fromkeys(
        ("check", "check_progress", "check_stop", "check_pdf", "check_csv"), STORE_WORKED_ON
    ),
    **dict.fromkeys(("store_replays", "replay_progress", "replay_stop"), STORE_WORKED_ON),
    "completeness": MEMBERS,
    "completeness_csv": MEMBERS,
    **dict.fromkeys(
        ("store_completeness", "store_completeness_csv", "store_completeness_count"),
        STORE_WORKED_ON,
    ),
    "orders": MEMBERS,
    "orders_export": MEMBERS,
    "order": ORDERS_READ,
    "find_order": MEMBERS,
    "store_order_fix": STORE_WORKED_ON,
    "stores": MEMBERS,
    "store": STORE_KNOWN,
    "store_health": STORE_KNOWN,
    "store_timeline": STORE_KNOWN,
    "store_release": STORE_WORKED_ON,
    "store_pull": STORE_WORKED_ON,
    "store_pause": MANAGERS_OF_IT,
    "store_resume": MANAGERS_OF_IT,
    "store_unlink": MANAGERS_OF_IT,
    "store_back_fill": MANAGERS_OF_IT,
    "store_diagnosis": STORE_KNOWN,
    "store_diagnosis_bundle": STORE_KNOWN,
    "back_fill": STORE_KNOWN,
    "relink": MANAGERS_OF_IT,
    "link_start": MANAGERS,
    "link_support_end": MANAGERS,
    "link_from_platform": MANAGERS,
    "link_claim": MANAGERS,
    "link_mode": MANAGERS,
    "link_name": MANAGERS,
    "link_suggest": MANAGERS,
    **dict.fromkeys(
        (
            "link_attempt",
            "link_go",
            "link_address",
            "link_paste",
            "link_keys",
            "link_prepare",
            "link_confirm",
            "link_again",
            "link_cancel",
            "link_check",
            "link_watch",
            "hand_over_make",
            "hand_over_revoke",
            "link_done",
            "link_progress",
            "link_access",
        ),
        MANAGERS_OF_IT,
    ),
    "callback": PUBLIC,
    "declined": PUBLIC,
    "push": NOWHERE,  # an address that nobody was told
    "hand_over": PUBLIC,
    "hand_over_page": PUBLIC,
    "hand_over_go": PUBLIC,
    "hand_over_paste": PUBLIC,
    "quarantine": MEMBERS,
    "quarantine_records": MEMBERS,
    **dict.fromkeys(
        ("quarantine_release", "quarantine_dismiss", "quarantine_put_back"), RECORDS_SETTLED
    ),
    "quarantine_record": STORE_WORKED_ON,
    "expiries": MEMBERS,
    "calendar_feed_make": MEMBERS,
    "calendar_feed_end": MEMBERS,
    "secret_until": MANAGERS_OF_IT,
    "calendar_file": PUBLIC,
    "notices": MEMBERS,
    "notices_bell": MEMBERS,
    "notices_read_all": MEMBERS,
    "notice_settings": MEMBERS,
    "notice_go": STORE_KNOWN,
    "notice_read": STORE_KNOWN,
    "robots": MANAGERS,
    "robot_choose": MANAGERS,
    "robot_add": MANAGERS,
    "robot": MANAGERS_OF_IT,
    "robot_try": MANAGERS_OF_IT,
    "robot_switch": MANAGERS_OF_IT,
    "robot_remove": MANAGERS_OF_IT,
    "retention": MANAGERS,
    "retention_report": MANAGERS,
    "retention_rule": MANAGERS_OF_IT,
    "hold_place": MANAGERS,
    "hold_release": MANAGERS_OF_IT,
    "bindings": MANAGERS,
    "members": MANAGERS,
    "invite": MANAGERS,
    "member": MANAGERS_OF_IT,
    "member_remove": MANAGERS_OF_IT,
    "invitation_resend": MANAGERS_OF_IT,
    "invitation_revoke": MANAGERS_OF_IT,
    "join": PUBLIC,
    "join_as_other": PUBLIC,
    "accept_invitation": PUBLIC,
    "no_tenant": SIGNED_IN,
    "switch_tenant": {**dict.fromkeys(EVERYBODY, HIDDEN), "nobody": LOGIN},  # to none of theirs
    "leave_tenant": MEMBERS,
    "tenant_settings": MANAGERS,
    "events": MANAGERS,
    "api_tokens": MEMBERS,
    "api_token_revoke": OWN_ONLY,
    "api_members": API_MEMBERS,
    "api_bindings": API_MEMBERS,
    "api_binding": {**API_MEMBERS, "dan": HIDDEN, "eve": DENIED, "cai": DENIED, "bo": DENIED},
    "api_stores": API_MEMBERS,
    "api_store": API_STORE,
    "api_health": API_MEMBERS,
    "api_orders": API_MEMBERS,
    "api_order": API_ORDER,
    "api_quarantine": API_MEMBERS,
    "api_schema": PUBLIC,
    "api_docs": PUBLIC,
    "profile": SIGNED_IN,
    "language": PUBLIC,
    "demo_mail": NOWHERE,  # the demo only
}

# allauth's own; those that need no sign-in are named, all others need one.
ACCOUNT_PAGES_FOR_ALL = {
    "account_login", "account_signup", "account_inactive",
    "account_email_verification_sent", "account_confirm_email", "account_reset_password",
    "account_reset_password_done", "account_reset_password_from_key",
    "account_reset_password_from_key_done",
}  # fmt: skip


def addresses(resolver=None, prefix=""):
    for entry in (resolver or get_resolver()).url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield path, entry
        else:
            yield from addresses(entry, path)


ALL = [(path, entry) for path, entry in addresses() if not path.startswith("support/")]
OURS = sorted({entry.name for path, entry in ALL if not path.startswith("accounts/")})
ALLAUTH = sorted({entry.name for path, entry in ALL if path.startswith("accounts/")})
OWN_PAGES = {"jsi18n", "password_change"}
SUPPORT = sorted({path for path, _ in addresses() if path.startswith("support/")})


@dataclass
class Scene:
    world: object
    arguments: dict[str, dict[str, object]]
    people: dict[str, object]


@pytest.fixture
def scene(world):
    """Lotus' tea store with everything an address can point at."""
    eve = make_user("eve@lotus.example")
    with tenant_scope(world.lotus):
        Membership.objects.create(tenant=world.lotus, user=eve)
        world.tea.authorization = make_authorization(world.lotus)
        world.tea.save()
        bind(world.member(world.cai), world.rice, Duty.CUSTOMER_SERVICE)
        order = make_order(world.tea)
        stream = make_stream(world.tea.authorization, world.tea, ends_at=timezone.now())
        attempt = link.start(
            tenant=world.lotus, user=world.anna, platform="ozon", mode="api_key",
            account_name="new", now=timezone.now(),
        )  # fmt: skip
        check = DataCheck.objects.create(
            tenant=world.lotus, store=world.tea, kind="stress", created_at=timezone.now(),
            asked={"concurrency": 1, "seconds": 10, "calls": 10},
        )  # fmt: skip
        replay = Replay.objects.create(
            tenant=world.lotus, store=world.tea, kind="read", asked_at=timezone.now(),
            since=timezone.now() - timedelta(days=1), until=timezone.now(),
        )  # fmt: skip
        invitation = Invitation.objects.create(
            tenant=world.lotus, email="x@y.example", token_hash=token_hash("t"),
            expires_at=timezone.now(),
        )  # fmt: skip
        token = ApiToken.objects.create(
            tenant=world.lotus, membership=world.member(world.bo), name="erp",
            token_hash=token_hash("slk_x"), last_four="abcd",
        )  # fmt: skip
        notice = Notice.objects.create(
            tenant=world.lotus, occasion=Occasion.HEALED, key="healed:1", store=world.tea,
            created_at=timezone.now(),
        )  # fmt: skip
        unreadable = Quarantined.objects.create(
            tenant=world.lotus, store=world.tea, platform="ebay", reason="x", raw=b"",
            raw_sha256="x",
        )  # fmt: skip
        own_app = App.objects.create(
            tenant=world.lotus, platform="shopify", name="Own", client_id="c", sealed_secret=b"-"
        )
        robot = ChatRobot.objects.create(
            tenant=world.lotus, kind="slack", name="Team", sealed_address=b"-"
        )
        hold = LegalHold.objects.create(
            tenant=world.lotus, store=world.tea, reason="case 7", placed_at=timezone.now()
        )
    of = {"store": world.tea, "back_fill": stream, "relink": world.tea, "order": order}
    of |= {name: world.tea for name in OURS if name.startswith("store_")}
    of |= {name: check for name in OURS if name == "check" or name.startswith("check_")}
    of |= dict.fromkeys(("replay_progress", "replay_stop"), replay)
    of |= {name: attempt for name in OURS if name.startswith(("link_", "hand_over_"))}
    of |= {name: world.member(world.bo) for name in ("member", "member_remove")}
    of |= dict.fromkeys(("invitation_resend", "invitation_revoke"), invitation)
    of |= dict.fromkeys(("notice_go", "notice_read"), notice)
    of |= {"secret_until": own_app, "hold_release": hold}
    of |= dict.fromkeys(("robot", "robot_try", "robot_switch", "robot_remove"), robot)
    of |= {"quarantine_record": unreadable}
    of |= {"api_token_revoke": token, "api_store": world.tea, "api_order": order}
    arguments = {name: {"public_id": row.public_id} for name, row in of.items()}
    arguments |= {
        "api_binding": {
            "store": world.tea.public_id, "member": world.member(world.bo).public_id,
            "duty": "operator",
        },
        "link_watch": {"public_id": attempt.public_id, "since": "authorize"},
        "link_from_platform": {"platform": "amazon"},  # one where a linking can begin
    }  # fmt: skip
    people = {name: getattr(world, name) for name in EVERYBODY if hasattr(world, name)}
    return Scene(world=world, arguments=arguments, people=people | {"eve": eve, "nobody": None})


FILLERS = {
    "platform": "ozon", "mode": "api_key", "token": "no-such-token", "mail_id": "1",
    "public_id": uuid.UUID(int=7), "pk": 1, "key": "x", "uidb36": "1", "kind": "slack",
}  # fmt: skip


def address_of(name, scene=None):
    given = scene.arguments.get(name, {}) if scene else {}
    path = next(path for path, entry in ALL if entry.name == name)
    wanted = re.findall(r"<(?:\w+:)?(\w+)>", path)
    full_name = f"accounts:{name}" if name in ("profile", "language") else name
    return reverse(full_name, kwargs={k: given.get(k, FILLERS.get(k)) for k in wanted})


def visit(client, address, **headers):
    """GET; POST or PUT where the address does not take that."""
    for method in (client.get, client.post, client.put):
        answer = method(address, **headers)
        if answer.status_code != 405:
            break
    return answer


@contextmanager
def undone():
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def outcome(answer):
    if answer.status_code == 401:
        return LOGIN
    if answer.status_code in (301, 302):
        if answer.url.startswith(reverse("account_login")):
            return LOGIN
        return NO_TENANT if answer.url == reverse("no_tenant") else OPEN
    return {403: DENIED, 404: HIDDEN}.get(answer.status_code, OPEN)


def api_client(scene, who):
    """A program with a token of that person; without one for nobody and for support."""
    user = scene.people[who]
    membership = user and scene.world.members.get(user)
    if user and not membership and who == "eve":
        with tenant_scope(scene.world.lotus):
            membership = Membership.objects.get(user=user)
    if not membership:
        return Client()
    secret = f"slk_{new_token()}"
    with tenant_scope(membership.tenant_id):
        ApiToken.objects.create(
            tenant_id=membership.tenant_id, membership=membership, name="t",
            token_hash=token_hash(secret), last_four="0000",
        )  # fmt: skip
    return Client(headers={"authorization": f"Bearer {secret}"})


def test_every_address_has_a_rule_and_every_rule_an_address():
    assert set(OURS) == set(RULES)


def test_every_view_of_ours_declares_who_may_come():
    undeclared = [
        path
        for path, entry in ALL
        if not path.startswith(("accounts/", "account/", "api/", "demo/"))
        and not hasattr(entry.callback, "access")
    ]
    assert undeclared == []


@pytest.mark.parametrize("name", ["health", "check_progress", "store_timeline", "link_watch"])
def test_a_part_asked_for_after_the_session_ended_reloads_its_page(scene, name):
    answer = Client().get(address_of(name, scene), headers={"HX-Request": "true"})
    assert (answer["HX-Refresh"], answer.content) == ("true", b"")


@pytest.mark.parametrize("name", OURS)
def test_access(scene, name):
    found = {}
    for who in EVERYBODY:
        user = scene.people[who]
        client = api_client(scene, who) if name.startswith("api_") and name not in (
            "api_tokens", "api_token_revoke"
        ) else scene.world.client(user)  # fmt: skip
        # What one person does must not change the next one's answer; resending commits on its own.
        with nullcontext() if name == "invitation_resend" else undone():
            answer = visit(client, address_of(name, scene))
        assert answer.status_code < 500, (who, answer.status_code)
        found[who] = outcome(answer)
    expected = RULES[name]
    if expected == PUBLIC:
        # Open to all does not mean that something is there: an unknown link is a 404 for all.
        assert not {LOGIN, DENIED, NO_TENANT} & set(found.values())
    else:
        assert found == expected


@pytest.mark.parametrize("name", ALLAUTH)
def test_account_pages(scene, name):
    answer = visit(Client(), address_of(name))
    assert answer.status_code < 500
    assert (outcome(answer) == LOGIN) == (name not in ACCOUNT_PAGES_FOR_ALL), name


@pytest.mark.parametrize("who", ["nobody", "dan", "bo", "anna"])
def test_support_pages_are_for_staff(scene, who):
    client = scene.world.client(scene.people[who])
    for path in SUPPORT:
        if "<" in path or "(" in path:
            continue
        address = "/" + path
        if address.rstrip("/").endswith(("login", "logout", "jsi18n")):
            continue
        answer = client.get(address)
        assert answer.status_code in (302, 403, 404), (address, answer.status_code)


def test_support_without_a_group_sees_no_rows(scene):
    client = scene.world.client(scene.world.sam)
    for path in SUPPORT:
        if path.count("/") == 3 and "<" not in path and path.split("/")[1] not in OWN_PAGES:
            assert client.get("/" + path).status_code in (302, 403, 404), path


def test_support_acting_for_a_tenant_links_but_reads_no_orders(scene):
    join_support(scene.world.sam)
    client = scene.world.client(scene.world.sam)
    session = client.session
    session["support_tenant"] = str(scene.world.lotus.public_id)
    session.save()
    assert client.get(reverse("link_start")).status_code == 200
    assert client.get(address_of("link_attempt", scene)).status_code == 200
    for name in ("orders", "order", "store", "members", "events"):
        assert outcome(client.get(address_of(name, scene))) == NO_TENANT


def test_a_support_agent_who_lost_the_right_acts_for_nobody(scene):
    client = scene.world.client(scene.world.sam)
    session = client.session
    session["support_tenant"] = str(scene.world.lotus.public_id)
    session.save()
    assert outcome(client.get(reverse("link_start"))) == NO_TENANT


def test_an_attempt_of_another_tenant_is_not_there(scene):
    with tenant_scope(scene.world.lotus):
        assert LinkAttempt.objects.count() == 1
    assert scene.world.client(scene.world.dan).get(
        address_of("link_attempt", scene)
    ).status_code == 404  # fmt: skip


def test_the_login_page_is_where_everyone_is_sent():
    assert reverse(settings.LOGIN_URL) == reverse("account_login")
