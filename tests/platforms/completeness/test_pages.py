"""The page that shows it: for managers all stores, for operators theirs."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from io import StringIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from platforms import tasks
from platforms.models import DataCheck, DayCount, Order, Trouble
from tenants.models import Event, Store
from tenants.scope import tenant_scope
from tests.platforms.completeness.conftest import count_tonight, lose
from tests.support.factories import make_store
from tests.support.pages import text_of, words_of


def ask_for(client, store, day):
    return client.post(reverse("store_completeness_count", args=[store.public_id]), {"day": day})


def make_day(store, *, back=1, **fields):
    day = timezone.localtime(timezone=store.zone).date() - timedelta(days=back)
    with tenant_scope(store.tenant_id):
        return DayCount.objects.create(
            tenant_id=store.tenant_id, store=store, day=day, counted_at=timezone.now(),
            **{"platform_count": 10, "our_count": 10} | fields,
        )  # fmt: skip


# --- what it shows


def test_what_was_healed_in_the_night_is_shown(shop, operator, anna):
    gone = lose(shop, 2)
    count_tonight()

    board = text_of(anna, "completeness")
    assert "day-healed" in board
    assert "2 were put right by a count" in board
    page = text_of(operator, "store_completeness", shop.public_id)
    for number in gone:
        order = Order.objects.get(number=number)
        assert reverse("order", args=[order.public_id]) in page


def test_the_totals_say_how_many_are_here(world, anna):
    make_day(world.tea, platform_count=1200, our_count=1198, missing=2)
    make_day(world.silk, platform_count=45, our_count=45, different=3, healed=3)
    text = text_of(anna, "completeness")
    assert "Of 1,245 orders of the last 30 days, 1,243 are here." in text
    assert "2 are still missing" in text


def test_nothing_counted_yet_is_said(world, anna):
    assert "No day has been counted yet" in text_of(anna, "completeness")


def test_every_state_of_a_day_has_words_and_a_sign(world, anna):
    make_day(world.tea, back=1)
    make_day(world.tea, back=2, missing=1, our_count=9, healed=1)
    make_day(world.tea, back=3, missing=1, our_count=9)
    night = timezone.now() - timedelta(days=4)
    with tenant_scope(world.lotus):
        Trouble.objects.create(
            tenant=world.lotus, store=world.tea, fault="platform_down",
            began_at=night - timedelta(days=1), ended_at=night + timedelta(days=1),
        )  # fmt: skip
    text = text_of(anna, "completeness", q="tea")
    for state in ("complete", "healed", "differs", "unasked", "uncounted"):
        assert f'class="day day-{state}" title="2' in text
    assert "1 complete, 1 put right, 1 with differences left" in text


def test_a_platform_that_was_down_is_shown_as_that(market, shop, anna):
    market.control("knobs", where="ebay", set={"down": True})
    count_tonight()
    assert 'class="day day-unasked" title="2' in text_of(anna, "completeness")


def test_unreadable_records_are_not_here(world, anna):
    make_day(world.tea, unreadable=1)
    text = text_of(anna, "store_completeness", world.tea.public_id)
    assert "Of 11 orders of the last 30 days, 10 are here." in text
    assert "1 cannot be read." in text
    assert f"{reverse('quarantine')}?store={world.tea.public_id}" in text
    assert "missing or out of date" not in text


def test_what_is_still_missing_says_what_to_do(world, anna):
    make_day(world.tea, missing=3, healed=1)
    text = text_of(anna, "store_completeness", world.tea.public_id)
    assert "2 are missing or out of date." in text
    assert "cannot be read." not in text


def test_stores_with_differences_come_first_and_can_be_chosen(world, anna):
    make_day(world.silk)
    make_day(world.tea, missing=1)
    text = text_of(anna, "completeness")
    assert text.index(">Tea House<") < text.index(">silk<")
    text = text_of(anna, "completeness", which="differing")
    assert ">silk<" not in text
    assert ">Tea House<" not in text_of(anna, "completeness", which="uncounted")


def test_a_managers_page_hides_the_numbers_of_orders(shop, anna):
    (gone,) = lose(shop, 1)
    count_tonight()
    page = text_of(anna, "store_completeness", shop.public_id)
    assert gone not in page
    assert "shown to operators" in page


# --- counting a day now


def test_a_day_is_counted_now(world, shop, operator):
    (gone,) = lose(shop, 1, days_ago=5)
    day = timezone.localtime(timezone=shop.zone).date() - timedelta(days=5)
    answer = ask_for(operator, shop, day.isoformat())
    check = DataCheck.objects.get()
    assert answer.url == reverse("check", args=[check.public_id])
    assert Event.objects.get(verb="check.started").actor == world.bo
    tasks.pump_checks(patience_s=0)
    tasks.pump_orders()
    DataCheck.objects.update(leased_until=None)
    tasks.pump_checks(patience_s=0)
    row = DayCount.objects.get()
    assert (row.day, row.missing, row.healed) == (day, 1, 1)
    assert Order.objects.filter(number=gone).exists()


@pytest.mark.parametrize(
    "day",
    [
        "", "nonsense", "0001-01-01", "9999-12-31", "2026-02-30", "2026-11-20'--", "-1",
        "2026-11-20\0", "٢٠٢٦-١١-٢٠x", "9" * 400, "<script>",
    ],
)  # fmt: skip
def test_hostile_days_count_nothing(shop, anna, day):
    answer = ask_for(anna, shop, day)
    assert answer.url == reverse("store_completeness", args=[shop.public_id])
    assert "<script>alert" not in anna.get(answer.url).content.decode()
    assert not DataCheck.objects.exists()


def test_a_second_count_waits_for_the_first(shop, anna):
    today = timezone.localtime(timezone=shop.zone).date().isoformat()
    ask_for(anna, shop, today)
    answer = ask_for(anna, shop, today)
    assert "under way" in anna.get(answer.url).content.decode()
    assert DataCheck.objects.count() == 1


def test_a_store_that_is_not_active_has_no_button(shop, anna):
    Store.objects.filter(pk=shop.pk).update(state="paused")
    page = text_of(anna, "store_completeness", shop.public_id)
    assert "Count now</button>" not in page
    ask_for(anna, shop, "2026-11-20")
    assert not DataCheck.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        {"page": "9" * 50}, {"page": "-1"}, {"page": "x"}, {"which": "'"}, {"platform": "../"},
        {"q": "\0%_'\""}, {"q": "x" * 5000}, {"which": "differing", "page": "\0"},
    ],
)  # fmt: skip
def test_hostile_addresses_show_a_page(world, anna, query):
    assert anna.get(reverse("completeness"), query).status_code == 200


# --- whose it is


def test_an_operator_sees_the_stores_bound_to_them_only(world):
    make_day(world.tea)
    make_day(world.silk, missing=4)
    text = text_of(world.client(world.bo), "completeness")
    assert "Tea House" in text
    assert ">silk<" not in text
    assert "Of 10 orders of the last 30 days, 10 are here." in text
    assert "silk" not in csv_of(world.client(world.bo), "completeness_csv")


def test_customer_service_sees_none(world):
    make_day(world.tea)
    text = text_of(world.client(world.cai), "completeness")
    assert "Ask an owner or admin of Lotus." in text
    assert "no store to count" not in text


def test_another_company_is_never_counted_in(world, anna):
    make_day(world.syrup, platform_count=777)
    assert "777" not in words_of(anna, "completeness")
    assert "syrup" not in csv_of(anna, "completeness_csv")
    assert anna.get(reverse("store_completeness", args=[world.syrup.public_id])).status_code == 404
    assert ask_for(anna, world.syrup, "2026-11-20").status_code == 404


def test_a_store_that_is_gone_leaves_nothing_behind(world, anna):
    make_day(world.tea, platform_count=777)
    assert "777" in words_of(anna, "completeness")
    with tenant_scope(world.lotus):
        Store.objects.filter(pk=world.tea.pk).delete()
        assert not DayCount.objects.exists()
    assert "777" not in words_of(anna, "completeness")


def test_an_unlinked_store_is_not_listed(world, anna):
    make_day(world.tea, platform_count=777)
    assert "777" in words_of(anna, "completeness")
    with tenant_scope(world.lotus):
        Store.objects.filter(pk=world.tea.pk).update(state="unlinked")
    assert "777" not in words_of(anna, "completeness")


# --- as a file


def csv_of(client, name, *args):
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode("utf-8-sig")


def test_the_file_has_a_row_for_each_store_and_day(world, anna):
    with tenant_scope(world.lotus):
        Store.objects.filter(pk=world.tea.pk).update(display_name="=1+1")
    make_day(world.tea, missing=2, our_count=8)
    rows = list(csv.DictReader(StringIO(csv_of(anna, "completeness_csv"))))
    assert len(rows) == 3 * 30
    counted = [row for row in rows if row["Missing"]]
    assert [row["Missing"] for row in counted] == ["2"]
    assert counted[0]["Store"] == "'=1+1"
    assert date.fromisoformat(counted[0]["Day"])
    one = csv_of(anna, "store_completeness_csv", world.tea.public_id)
    assert len(one.splitlines()) == 31


# --- fast


def test_pages_cost_the_same_with_many_stores(world, anna):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            text_of(anna, "completeness")
        return len(queries)

    make_day(world.tea)
    cost()  # what is asked once for a session
    few = cost()
    for _ in range(60):
        make_day(make_store(world.lotus), missing=1)
    assert cost() == few <= 20
