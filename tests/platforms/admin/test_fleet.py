"""The fleet: its counts are right, each leads to as many rows, and it stays cheap."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from platforms.admin import fleet_counts
from platforms.admin.fleet import RIGHTS
from platforms.models import (
    App,
    Authorization,
    ChatRobot,
    DataCheck,
    Delivery,
    Lane,
    LinkAttempt,
    Moment,
    Notice,
    Outage,
    Sending,
    TimelineEntry,
    Trouble,
)
from tenants.models import Store
from tenants.scope import all_tenants
from tests.conftest import make_user
from tests.platforms.admin.conftest import SECRETS
from tests.support.factories import make_authorization, make_store, make_stream

FLEET = "/support/fleet/"
HOUR = timedelta(hours=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture(autouse=True)
def _all(request):
    """Tests look at and write rows of several tenants."""
    with all_tenants("a test of what crosses tenants"):
        yield


def make_app(platform: str, tenant=None, **fields) -> App:
    return App.objects.create(
        tenant=tenant, platform=platform, name=f"At {platform}", client_id="c",
        sealed_secret=b"-", **fields,
    )  # fmt: skip


def store_of(tenant, platform: str = "ebay", *, app: App | None = None, state: str = "active"):
    grant = make_authorization(tenant, platform=platform, app=app)
    return make_store(tenant, platform=platform, authorization=grant, state=state)


def break_it(store: Store, fault: str, *, since, ended_at=None) -> Trouble:
    return Trouble.objects.create(
        tenant=store.tenant, store=store, authorization=store.authorization, fault=fault,
        began_at=since, ended_at=ended_at,
    )  # fmt: skip


def boards(client) -> dict[str, object]:
    page = client.get(FLEET)
    assert page.status_code == 200
    return {board.name: board for board in page.context["boards"]}


def texts(board) -> list[list[object]]:
    return [
        [cell.text if cell.number is None else cell.number for cell in row] for row in board.rows
    ]


def test_stores_are_counted_by_platform_and_state(desk, now):
    Store.objects.exclude(pk=desk.world.tea.pk).delete()  # the desk's only one has a trouble
    lotus, maple = desk.world.lotus, desk.world.maple
    for tenant, platform, state in (
        (lotus, "ebay", "active"), (maple, "ebay", "active"), (maple, "ebay", "paused"),
        (lotus, "ozon", "needs_relink"), (lotus, "ozon", "unlinked"),
    ):  # fmt: skip
        store_of(tenant, platform, state=state)
    healed = store_of(lotus, "ozon")
    break_it(healed, "platform_down", since=now - HOUR, ended_at=now)

    rows = {row[0]: row[1:] for row in texts(boards(desk.agent)["platforms"])}

    # stores, working, in trouble, needs relinking, paused, being linked
    assert rows["eBay"] == [4, 2, 1, 0, 1, 1]
    assert rows["Ozon"] == [2, 1, 0, 1, 0, 0]
    assert rows["All platforms"] == [6, 3, 1, 1, 1, 1]


def test_faults_tell_stores_tenants_and_since_when(desk, now):
    for tenant, hours in ((desk.world.lotus, 1), (desk.world.lotus, 5), (desk.world.maple, 3)):
        break_it(store_of(tenant), "platform_down", since=now - hours * HOUR)
    break_it(store_of(desk.world.maple), "platform_down", since=now - 90 * HOUR, ended_at=now)

    first, second = texts(boards(desk.agent)["faults"])

    assert first[1:4] == ["platform_down", 3, 2]
    assert first[4].endswith("(5 hours)")
    assert second[1:4] == ["insufficient_scope", 1, 1]


def test_applications_tell_their_stores_and_the_share_in_trouble(desk, now):
    maple = desk.world.maple
    own = make_app("shopify", maple, secret_expires_at=now + timedelta(days=5, hours=1))
    make_app("shopify", desk.world.lotus)
    for index in range(3):
        store = store_of(maple, "shopify", app=own)
        if index < 2:
            break_it(store, "unauthorized_client", since=now)
    store_of(maple, app=desk.app)

    found = boards(desk.agent)

    assert texts(found["our_apps"])[0][2:5] == [2, 1, "50 %"]
    assert texts(found["own_apps"]) == [["Shopify", 2, 3, 2, "67 %", 0, 1]]
    (line,) = texts(found["own_apps_to_see"])
    assert line[:6] == ["At shopify", "Maple", "Shopify", 3, 2, "67 %"]
    assert line[6].endswith("in 5 days")


def test_an_own_application_that_fails_is_named_although_no_day_is_known(desk, now):
    own = make_app("shopify", desk.world.maple)
    break_it(store_of(desk.world.maple, "shopify", app=own), "token_revoked", since=now)
    (line,) = texts(boards(desk.agent)["own_apps_to_see"])
    assert line[3:] == [1, 1, "100 %", "–"]


def test_open_outages_are_told_with_their_extent(desk, now):
    Outage.objects.create(platform="ozon", fault="platform_down", since=now, ended_at=now, stores=5)
    (row,) = texts(boards(desk.agent)["outages"])
    assert row[:2] == ["eBay", "Platform disturbed"]
    assert row[3:] == [9, 12, 3]


def facts(board) -> dict[str, int]:
    return {row[0]: row[1] for row in texts(board)}


def test_the_refresh_engine_tells_what_waits_and_fails(desk, now):
    lotus = desk.world.lotus
    Authorization.objects.update(refreshed_at=now - 3 * HOUR, refresh_due_at=None)
    soon, late = now - timedelta(minutes=1), now - timedelta(minutes=11)
    held = now + timedelta(minutes=1)
    for fields in (
        {"refresh_due_at": soon},
        {"refresh_due_at": late},
        {"refresh_due_at": late, "state": "paused"},
        {"refresh_due_at": late, "leased_until": held, "in_flight_since": soon},
        {"in_flight_since": late, "leased_until": soon},
        {"refresh_failures": 1},
        {"refresh_failures": 2},
        {"consent_expires_at": now + timedelta(days=29)},
        {"consent_expires_at": now + timedelta(days=31)},
    ):
        make_authorization(lotus, **{"refreshed_at": now - 3 * HOUR} | fields)
    fresh = make_authorization(lotus, refreshed_at=now - timedelta(minutes=50))
    for minutes in (10, 70):
        TimelineEntry.objects.create(
            tenant=lotus, authorization=fresh, moment=Moment.NOT_REFRESHED, fault="network",
            first_at=now - 9 * HOUR, last_at=now - timedelta(minutes=minutes),
        )  # fmt: skip

    assert list(facts(boards(desk.agent)["refresh"]).values()) == [2, 1, 1, 1, 1, 1, 1, 1]


def test_pulls_are_counted_by_lane(desk, now):
    store = store_of(desk.world.lotus)
    grant, late = store.authorization, now - timedelta(minutes=11)
    for fields in (
        {"due_at": late, "lane": Lane.BACK_FILL},
        {"due_at": late, "lane": Lane.BACK_FILL, "finished_at": now},
        {"due_at": late, "failures": 2},
        {"due_at": late, "leased_until": now + HOUR},
        {"due_at": now + HOUR},
    ):
        make_stream(grant, store, **fields)
    desk.stream.delete()

    # due, late, under way, failing
    assert texts(boards(desk.agent)["streams"]) == [
        ["New links", 0, 0, 0, 0], ["Incremental", 1, 1, 1, 1], ["Back-fill", 1, 1, 0, 0],
    ]  # fmt: skip


def test_notices_checks_and_pushes_tell_what_is_stuck(desk, now):
    lotus = desk.world.lotus
    notice = Notice.objects.create(
        tenant=lotus, occasion="broke", key="old", created_at=now - timedelta(days=8)
    )
    Sending.objects.create(tenant=lotus, notice=notice, robot=desk.robot, state="given_up")
    Sending.objects.create(
        tenant=lotus, notice=notice, membership=desk.world.member(desk.world.bo), due_at=now
    )
    DataCheck.objects.create(
        tenant=lotus, store=desk.world.silk, kind="counts", state="running", created_at=now,
        leased_until=now - HOUR,
    )  # fmt: skip
    for number, (state, hours) in enumerate((("failed", 1), ("failed", 25), ("refused", 2))):
        Delivery.objects.create(
            platform="ebay", key=str(number), state=state, received_at=now - hours * HOUR,
            address="/push/", authorization=desk.authorization,
        )  # fmt: skip
    Authorization.objects.filter(pk=desk.authorization.pk).update(pushes="refused")

    found = boards(desk.agent)

    # waiting, late, given up within a week, robots that refused
    assert list(facts(found["notices"]).values()) == [2, 1, 1, 1]
    assert list(facts(found["checks"]).values()) == [0, 1, 1]
    assert list(facts(found["pushes"]).values()) == [1, 1, 0, 0, 1]


def fill(world, now, *, stores: int) -> None:
    """Something of everything that the fleet counts."""
    for index in range(stores):
        tenant = (world.lotus, world.maple)[index % 2]
        app = make_app("shopify", tenant, secret_expires_at=now + timedelta(days=index - 3))
        store = store_of(tenant, "shopify", app=app)
        make_stream(store.authorization, store, due_at=now - HOUR, failures=index)
        break_it(store, ("token_revoked", "platform_down")[index % 2], since=now - HOUR)
        store_of(tenant, "ozon", state=("paused", "needs_relink", "active")[index % 3])
        LinkAttempt.objects.create(tenant=tenant, platform="ozon", mode="api_key")
        ChatRobot.objects.create(
            tenant=tenant, kind="slack", name=f"r{index}", sealed_address=b"-", refused_at=now
        )
        Outage.objects.create(platform=f"p{index}", fault="platform_down", since=now)


def test_every_number_leads_to_as_many_rows(desk, now):
    fill(desk.world, now, stores=5)
    seen: set[str] = set()
    for name, board in boards(desk.agent).items():
        if name == "outages":  # as the watch counted, not as things stand
            continue
        for row in board.rows:
            for head, cell in zip(board.heads or (None, "n"), row, strict=True):
                if cell.number is None or head == "Tenants" or cell.url in seen:
                    continue
                page = desk.agent.get(cell.url)
                assert page.status_code == 200, cell.url
                assert not parse_qs(urlsplit(cell.url).query).get("e"), cell.url
                assert page.context["cl"].result_count == cell.number, (name, cell.url)
                seen.add(cell.url)
    assert len(seen) > 80


def test_the_fleet_costs_as_many_queries_for_50_stores_as_for_5(desk, now):
    fill(desk.world, now, stores=5)
    queries(desk)  # the first sight of a session costs one more
    few = queries(desk)
    Outage.objects.all().delete()
    fill(desk.world, now, stores=45)
    assert queries(desk) == few
    assert few <= 30  # with session, user and rights


def queries(desk) -> int:
    with CaptureQueriesContext(connection) as found:
        assert desk.agent.get(FLEET).status_code == 200
    return len(found)


def test_the_share_says_nothing_fails_only_where_nothing_does():
    assert fleet_counts.Opened(stores=1000, failing=1).share == 1
    assert fleet_counts.Opened(stores=1000, failing=0).share == 0
    assert fleet_counts.Opened().share is None


def test_an_empty_fleet_says_so(world, db):
    chief = make_user("chief@storelink.example", is_staff=True, is_superuser=True)
    Store.objects.all().delete()
    page = world.client(chief).get(FLEET).content.decode()
    for sentence in ("No store is linked yet.", "No store is in trouble.",
                     "No platform is disturbed.", "There is no application of ours."):  # fmt: skip
        assert sentence in page


# --- who may see it


@pytest.mark.parametrize("who", ["anna", "bo", "dan"])
def test_members_and_strangers_never_reach_it(desk, who):
    answer = desk.world.client(getattr(desk.world, who)).get(FLEET)
    assert answer.status_code == 302
    assert "login" in answer["Location"]


def test_staff_needs_the_right_to_all_that_is_counted(desk):
    looker = make_user("looker@storelink.example", is_staff=True)
    assert desk.world.client(looker).get(FLEET).status_code == 403
    names = [right.split(".") for right in RIGHTS]
    rights = [
        Permission.objects.get(codename=code, content_type__app_label=label)
        for label, code in names
    ]
    looker.user_permissions.set(rights[:-1])
    assert desk.world.client(looker).get(FLEET).status_code == 403
    looker.user_permissions.set(rights)
    assert desk.world.client(looker).get(FLEET).status_code == 200


def test_the_way_there_is_shown_to_those_who_may_go(desk):
    index = reverse("admin:index")
    assert f'href="{FLEET}"' in desk.agent.get(index).content.decode()
    looker = make_user("looker@storelink.example", is_staff=True)
    assert f'href="{FLEET}"' not in desk.world.client(looker).get(index).content.decode()


def test_the_fleet_is_looked_at_only_and_kept_by_no_browser(desk):
    assert desk.agent.post(FLEET).status_code == 405
    assert "no-store" in desk.agent.get(FLEET)["Cache-Control"]


def test_no_secret_is_on_it_and_nothing_that_the_policy_forbids(desk, now):
    fill(desk.world, now, stores=3)
    page = desk.agent.get(FLEET).content.decode()
    assert not [each for each in (*SECRETS, *desk.hashes) if each in page]
    own = page[page.index("data-fleet") :]
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", own.split("</main>")[0])


def test_it_is_told_in_chinese_with_the_same_numbers(desk):
    desk.agent_user.language = "zh-hans"
    desk.agent_user.save()
    page = desk.agent.get(FLEET)
    assert page.headers["Content-Language"] == "zh-hans"
    assert texts(page.context["boards"][1])[0][1:4] == ["insufficient_scope", 1, 1]
