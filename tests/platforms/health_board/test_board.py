"""The board as people see it: filters, counts, order, pages, and nobody else's stores."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tenants.models import Duty, Store
from tenants.scope import tenant_scope
from tests.conftest import bind
from tests.platforms.health_board.scenes import broken, count_calls, linked, outage
from tests.support.factories import make_stream

ROW = re.compile(r'<tr id="row-[^"]*".*?</tr>', re.DOTALL)
NAME = re.compile(r'id="open-[^"]*" href="[^"]*">([^<]*)<')
CHIP = re.compile(r'id="chip-(\w+)".*?<strong>([\d,]+)</strong>', re.DOTALL)
CHIPS = ("all", "seller", "ends", "waits", "working", "paused")


@pytest.fixture
def lotus(world):
    """Lotus without the world's own stores: they are in nobody's way when counting."""
    with tenant_scope(world.lotus):
        Store.objects.all().delete()
        yield world.lotus


@pytest.fixture
def fleet(lotus) -> dict[str, Store]:
    """One store of every kind a reader can filter by."""
    now = timezone.now()
    return {
        "dead": broken(lotus, store={"account_name": "dead"}),
        "barred": linked(lotus, fault="ip_not_whitelisted", store={"account_name": "barred"}),
        "ending": linked(lotus, platform="ozon", store={"account_name": "ending"},
                         grant={"consent_expires_at": now + timedelta(days=3)}),
        "slow": linked(lotus, fault="rate_limited", store={"account_name": "slow"}),
        "well": linked(lotus, platform="ozon", store={"account_name": "well",
                                                      "display_name": "Fine Goods"}),
        "paused": linked(lotus, store={"account_name": "paused", "state": "paused"}),
        "gone": linked(lotus, store={"account_name": "gone", "state": "unlinked"}),
    }  # fmt: skip


def page(world, user=None, query="", **headers) -> str:
    answer = world.client(user or world.anna).get(f"{reverse('health')}?{query}", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def names(text: str) -> list[str]:
    return NAME.findall(text)


def chips(text: str) -> dict[str, int]:
    return {name: int(count.replace(",", "")) for name, count in CHIP.findall(text)}


def row_of(text: str, name: str) -> str:
    return next(row for row in ROW.findall(text) if f">{name}<" in row)


def test_the_worst_comes_first_and_what_is_unlinked_not_at_all(world, fleet):
    assert names(page(world)) == ["dead", "barred", "ending", "slow", "Fine Goods", "paused"]


def test_the_chips_count_every_store_once(world, fleet):
    counted = chips(page(world))
    assert counted == dict(zip(CHIPS, (6, 2, 1, 1, 1, 1), strict=True))
    assert sum(counted.values()) == 2 * counted["all"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=seller", ["dead", "barred"]),
        ("state=ends", ["ending"]),
        ("state=waits", ["slow"]),
        ("state=working", ["Fine Goods"]),
        ("state=paused", ["paused"]),
        ("platform=ozon", ["ending", "Fine Goods"]),
        ("platform=ozon&state=ends", ["ending"]),
        ("fault=rate_limited", ["slow"]),
        ("q=fine", ["Fine Goods"]),
        ("q=FINE+goods", ["Fine Goods"]),
        ("q=nowhere", []),
        ("state=nonsense&platform=bazaar&fault=bad&sort=x&page=-3", None),
        ("page=99999999999", None),
        ("q=%00", None),
    ],
)
def test_filters_leave_what_they_name_and_nonsense_filters_nothing(world, fleet, query, found):
    everything = ["dead", "barred", "ending", "slow", "Fine Goods", "paused"]
    assert names(page(world, query=query)) == (everything if found is None else found)


def test_a_chip_counts_what_the_other_filters_leave(world, fleet):
    assert chips(page(world, query="platform=ozon&state=ends")) == dict(
        zip(CHIPS, (2, 0, 1, 0, 1, 0), strict=True)
    )
    assert chips(page(world, query="fault=rate_limited"))["all"] == 1
    assert chips(page(world, query="q=slow"))["waits"] == 1


def test_chips_and_pages_keep_the_other_filters(world, fleet):
    text = page(world, query="platform=ozon&sort=name&q=n")
    address = re.search(r'id="chip-working" href="([^"]*)"', text)[1].replace("&amp;", "&")
    assert parse_qs(urlsplit(address).query) == {
        "state": ["working"], "platform": ["ozon"], "sort": ["name"], "q": ["n"],
    }  # fmt: skip
    assert 'name="state" value="" form="health-filter" disabled' in text


def test_other_orders(world, lotus):
    now = timezone.now()
    linked(lotus, store={"account_name": "b"}, stream={"watermark": now - timedelta(hours=9)},
           grant={"consent_expires_at": now + timedelta(days=90)})  # fmt: skip
    linked(lotus, store={"account_name": "c"}, grant={"consent_expires_at": now + timedelta(40)})
    linked(lotus, store={"account_name": "z", "display_name": "A first"})
    assert names(page(world, query="sort=name")) == ["A first", "b", "c"]
    assert names(page(world, query="sort=expiry")) == ["c", "b", "A first"]
    assert names(page(world, query="sort=lag"))[0] == "b"


def test_fifty_a_page_and_each_store_on_one_of_them(world, lotus):
    for number in range(120):
        linked(lotus, store={"account_name": f"s{number:03}"})
    pages = [names(page(world, query=f"sort=name&page={n}")) for n in (1, 2, 3)]
    assert [len(each) for each in pages] == [50, 50, 20]
    assert [*pages[0], *pages[1], *pages[2]] == [f"s{number:03}" for number in range(120)]
    assert names(page(world, query="sort=name&page=99")) == pages[2]
    assert "page 2 of 3" in page(world, query="page=2")


def test_a_row_tells_clocks_calls_and_what_to_do(world, lotus):
    now = timezone.now()
    store = linked(
        lotus, store={"account_name": "tea"},
        grant={"access_expires_at": now + timedelta(minutes=47),
               "consent_expires_at": now + timedelta(days=90, minutes=1)},
    )  # fmt: skip
    count_calls(store, now.replace(minute=0, second=0, microsecond=0), good=9, platform_down=1)
    row = row_of(page(world), "tea")
    ends = timezone.localtime(now + timedelta(days=90, minutes=1), timezone.get_fixed_timezone(480))
    for shown in ("in 47 minutes", "in 90 days", f"{ends:%Y-%m-%d}", f"{ends:%Y-%m-%d %H:%M}",
                  "3 minutes ago", "3 minutes behind", "90 %", "200 ms", "All well",
                  "90 % of 10 calls succeeded"):  # fmt: skip
        assert shown in row, shown


def test_the_button_leads_to_the_one_thing_to_do(world, fleet):
    text = page(world)
    assert reverse("relink", args=[fleet["dead"].public_id]) in row_of(text, "dead")
    assert reverse("store_diagnosis", args=[fleet["barred"].public_id]) in row_of(text, "barred")
    assert reverse("relink", args=[fleet["ending"].public_id]) in row_of(text, "ending")
    assert reverse("store_resume", args=[fleet["paused"].public_id]) in row_of(text, "paused")
    assert "<button" not in row_of(text, "Fine Goods")


def test_a_member_without_rights_gets_words_instead_of_the_button(world, fleet):
    bind(world.member(world.bo), fleet["dead"], Duty.OPERATOR)
    row = row_of(page(world, world.bo), "dead")
    assert "An owner or admin must relink it" in row
    assert reverse("relink", args=[fleet["dead"].public_id]) not in row


# --- who sees what


def test_a_member_sees_and_counts_bound_stores_only(world, fleet):
    assert names(page(world, world.bo)) == []
    bind(world.member(world.bo), fleet["slow"], Duty.OPERATOR)
    bind(world.member(world.bo), fleet["well"], Duty.CUSTOMER_SERVICE)
    text = page(world, world.bo)
    assert names(text) == ["slow", "Fine Goods"]
    assert chips(text) == dict(zip(CHIPS, (2, 0, 0, 1, 1, 0), strict=True))
    assert names(page(world, world.bo, "q=dead")) == []


def test_another_company_sees_none_of_it(world, fleet):
    text = page(world, world.dan)
    assert names(text) == ["syrup"]
    assert chips(text)["all"] == 1


def test_streams_of_other_stores_are_not_taken_for_its_own(world, lotus):
    """Two shops of one account, each with a stream: each has the health of its own."""
    first = linked(lotus, store={"account_name": "first"})
    second = Store.objects.create(
        tenant=lotus, platform="ebay", account_name="second", state="active", external_id="2",
        authorization=first.authorization,
    )  # fmt: skip
    make_stream(first.authorization, second, fault="rate_limited", last_success_at=timezone.now())
    text = page(world)
    assert "Working" in row_of(text, "first")
    assert "slowed down" in row_of(text, "second")
    assert chips(text)["all"] == 2


# --- outages


def test_an_outage_is_told_to_those_who_are_at_the_platform(world, fleet):
    outage("ozon")
    told = "many stores at Ozon fail the same way (platform disturbed). It is not you"
    client = world.client(world.anna)
    assert told in page(world)
    assert told in client.get(reverse("home")).content.decode()
    assert told not in page(world, world.dan)


def test_the_page_of_a_store_tells_of_the_outage_it_suffers_from(world, fleet):
    outage("ebay", "rate_limited")
    client = world.client(world.anna)
    for name, told in (("slow", True), ("paused", False)):
        text = client.get(reverse("store", args=[fleet[name].public_id])).content.decode()
        assert ("It is not you" in text) is told, name


# --- live


def test_htmx_gets_the_board_alone_with_the_place_it_is_at(world, fleet):
    text = page(world, query="state=waits", **{"HX-Request": "true", "HX-Trigger": "health-board"})
    assert text.lstrip().startswith('<div id="health-board" hx-get="/health/?state=waits"')
    assert "<form class=" not in text


def test_a_choice_is_a_place_to_come_back_to_and_a_look_for_news_is_not(world, fleet):
    client = world.client(world.anna)
    for trigger, pushed in (("health-filter", "/health/?state=ends"), ("health-board", None)):
        headers = {"HX-Request": "true", "HX-Trigger": trigger}
        answer = client.get("/health/?state=ends&q=", headers=headers)
        assert answer.headers.get("HX-Push-Url") == pushed


def test_going_back_in_the_browser_gets_the_whole_page(world, fleet):
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in page(world, **headers)


# --- cost


def test_two_hundred_stores_cost_no_more_queries_than_ten(world, lotus):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page(world)
        return len(captured)

    for number in range(10):
        make = broken if number == 0 else linked
        make(lotus)
    few = queries()
    for number in range(190):
        linked(lotus, fault="platform_down" if number % 3 else "")
    assert queries() == few


def test_home_names_a_few_and_counts_the_rest(world, lotus):
    for number in range(7):
        broken(lotus, store={"account_name": f"dead_{number}"})
        ends = timezone.now() + timedelta(days=2)
        linked(lotus, store={"account_name": f"end_{number}"}, grant={"consent_expires_at": ends})
    text = world.client(world.anna).get(reverse("home")).content.decode()
    assert text.count("is no longer authorized") == 3
    assert "4 more stores need you." in text
    assert "The permissions of 4 more stores end soon." in text
