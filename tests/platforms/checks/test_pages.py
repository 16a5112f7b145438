"""The data check centre as people meet it."""

from __future__ import annotations

import base64
import csv
import re
import zlib
from datetime import timedelta
from io import StringIO

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from platforms.data_checks.counts_parts import number_tables
from platforms.flows.confirm_link import confirm
from platforms.flows.link import submit_keys
from platforms.models import DataCheck, Order, Stream
from tenants.models import Duty, Event, Store
from tests.conftest import bind
from tests.platforms.checks.conftest import ask_counts, ask_stress, worked
from tests.support.factories import make_authorization, make_store
from tests.support.linking import attempt_for, keys_of
from tests.support.pages import text_of


def test_a_list_of_numbers_has_headings_of_its_own():
    with translation.override("zh-hans"):
        (table,) = number_tables({"missing": ["1"]})
        assert table.headings == ("订单号", "差异", "现状")


def start(client, store, kind, **fields):
    data = {"kind": kind} | {f"{kind}-{name}": value for name, value in fields.items()}
    return client.post(reverse("store_checks", args=[store.public_id]), data)


def days(store, back, until=0):
    today = timezone.localtime(timezone=store.zone).date()
    return {"since": today - timedelta(days=back), "until": today - timedelta(days=until)}


@pytest.fixture
def counted(shop):
    """A finished count that found one order missing; and its number."""
    week = timezone.now() - timedelta(days=6)
    gone = Order.objects.filter(store=shop, changed_at__gte=week).first()
    Order.objects.filter(pk=gone.pk).delete()
    return worked(ask_counts(shop)), gone.number


# --- starting


def test_a_store_that_rests_is_not_checked_and_it_is_said_why(anna, shop):
    Store.objects.filter(pk=shop.pk).update(state="paused")
    answer = start(anna, shop, "stress", concurrency=2, seconds=10, calls=10)
    assert answer.url == reverse("store_checks", args=[shop.public_id])
    assert "Only an active store can be checked." in anna.get(answer.url).content.decode()
    assert not DataCheck.objects.exists()


def test_a_count_is_asked_for_and_its_report_read(world, anna, shop):
    answer = start(anna, shop, "counts", **days(shop, 6))
    check = DataCheck.objects.get()
    assert answer.url == reverse("check", args=[check.public_id])
    assert "Waiting for its turn" in text_of(anna, "check", check.public_id)
    event = Event.objects.get(verb="check.started")
    assert (event.actor, event.detail["kind"]) == (world.anna, "counts")

    worked(check)
    assert "Every order that Ozon has" in text_of(anna, "check", check.public_id)


def test_an_operator_may_check_and_others_may_not(world, operator, shop):
    assert start(operator, shop, "stress", concurrency=1, seconds=10, calls=10).status_code == 302
    assert start(world.client(world.cai), shop, "stress").status_code == 404
    assert start(world.client(world.dan), shop, "stress").status_code == 404


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("stress", {"concurrency": 9, "seconds": 30, "calls": 50}, "from 1 to 8"),
        ("stress", {"concurrency": 0, "seconds": 30, "calls": 50}, "from 1 to 8"),
        ("stress", {"concurrency": 1, "seconds": 121, "calls": 50}, "from 10 to 120"),
        ("stress", {"concurrency": 1, "seconds": 30, "calls": 9999}, "from 10 to 2000"),
        ("stress", {"concurrency": "x", "seconds": 30, "calls": 50}, "whole number"),
        ("counts", {"since": "nonsense", "until": "2026-01-01"}, "valid date"),
        ("counts", {"since": "0001-01-01", "until": "2026-01-01"}, "answers back to"),
        ("counts", {"since": "2026-11-01", "until": "9999-12-31"}, "still to come"),
        ("nothing", {}, "Start the test"),
    ],
)
def test_what_cannot_be_asked_is_said(anna, shop, kind, fields, says):
    answer = start(anna, shop, kind, **fields)
    assert answer.status_code == (200 if kind == "nothing" else 400)
    assert says in answer.content.decode()
    assert not DataCheck.objects.exists()


def test_a_window_has_bounds_and_an_order(anna, shop):
    assert "31 days at most" in start(anna, shop, "counts", **days(shop, 31)).content.decode()
    assert start(anna, shop, "counts", **days(shop, 0, 3)).status_code == 400
    assert start(anna, shop, "counts", **days(shop, 30)).status_code == 302


def test_the_window_begins_where_our_pulls_began(anna, shop):
    """Older orders were never asked for: they would be missing by nobody's mistake."""
    today = timezone.localtime(timezone=shop.zone).date()
    form = anna.get(reverse("store_checks", args=[shop.public_id])).context["counts"]
    assert form["since"].initial == today - timedelta(days=6)
    Stream.objects.update(starts_at=timezone.now() - timedelta(days=1))
    form = anna.get(reverse("store_checks", args=[shop.public_id])).context["counts"]
    assert form["since"].initial == form.begun == today - timedelta(days=1)


def test_a_second_check_waits_for_the_first(anna, shop):
    ask_stress(shop)
    answer = start(anna, shop, "counts", **days(shop, 3))
    assert answer.url == reverse("store_checks", args=[shop.public_id])
    assert "under way" in anna.get(answer.url).content.decode()
    assert DataCheck.objects.count() == 1


def test_a_store_that_is_not_active_cannot_be_checked(anna, shop):
    Store.objects.filter(pk=shop.pk).update(state="paused")
    start(anna, shop, "counts", **days(shop, 3))
    assert not DataCheck.objects.exists()


# --- while it runs


def test_progress_is_shown_and_ends_with_the_report(anna, shop):
    check = ask_stress(shop)
    DataCheck.objects.update(
        state="running",
        progress={"so_far": {"calls": 5, "seconds": 4.0, "success": 1.0, "latency_ms": None}},
    )
    live = text_of(anna, "check_progress", check.public_id)
    assert "hx-get" in live
    assert 'value="50"' in live  # of ten calls
    DataCheck.objects.update(state="waiting", progress={})
    worked(check)
    answer = anna.get(reverse("check_progress", args=[check.public_id]))
    assert answer["HX-Refresh"] == "true"


def test_a_wait_for_the_limit_names_the_hour(anna, shop):
    check = ask_counts(shop)
    until = timezone.now() + timedelta(minutes=3)
    DataCheck.objects.update(
        state="running", leased_until=until,
        progress={"paused": True, "waits_for": "rate_limited", "goes_on_at": until.isoformat()},
    )  # fmt: skip
    assert "limit" in text_of(anna, "check", check.public_id)


def test_it_is_stopped_by_a_button(world, anna, shop):
    check = ask_stress(shop)
    anna.post(reverse("check_stop", args=[check.public_id]))
    assert DataCheck.objects.get().state == "stopped"
    assert Event.objects.filter(verb="check.stopped", actor=world.anna).exists()
    assert "was stopped" in text_of(anna, "check", check.public_id)


# --- the report


def test_numbers_of_orders_are_for_operators_only(anna, operator, counted):
    check, number = counted
    for name in ("check", "check_csv"):
        assert number in text_of(operator, name, check.public_id)
        hidden = text_of(anna, name, check.public_id)
        assert number not in hidden
        assert "shown to operators" in hidden
        assert "1 order" in hidden  # what they may know


def test_the_csv_opens_in_a_spreadsheet_and_runs_nothing(operator, shop, counted):
    check, number = counted
    Store.objects.filter(pk=shop.pk).update(display_name='=HYPERLINK("http://x")')
    answer = operator.get(reverse("check_csv", args=[check.public_id]))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    text = answer.content.decode()
    assert text.startswith("\ufeff")
    rows = list(csv.reader(StringIO(text[1:])))
    assert ["Store", '\'=HYPERLINK("http://x")'] in rows
    assert ["Missing here", "1", "0 after pulling"] in rows
    assert [number, "missing", "put right"] in rows
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]


def test_the_pdf_says_the_same(operator, shop, counted):
    check, number = counted
    answer = operator.get(reverse("check_pdf", args=[check.public_id]))
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    words = pdf_text(answer.content)
    for wanted in ("Count reconciliation", "1 order", "Missing here", "Day by day", number):
        assert wanted in words, wanted


def test_the_pdf_of_a_manager_holds_no_numbers(anna, counted):
    check, number = counted
    words = pdf_text(anna.get(reverse("check_pdf", args=[check.public_id])).content)
    assert "Count reconciliation" in words
    assert number not in words


def test_a_stress_report_has_charts_and_figures(anna, shop):
    check = worked(ask_stress(shop))
    page = text_of(anna, "check", check.public_id)
    assert page.count('<svg viewBox="0 0 640') == 2
    assert "Orders can be read steadily" in page
    assert "style=" not in re.sub(r"<head>.*?</head>", "", page, flags=re.DOTALL)
    words = pdf_text(anna.get(reverse("check_pdf", args=[check.public_id])).content)
    assert "Orders an hour" in words


@pytest.mark.parametrize("kind", ["counts", "stress"])
def test_names_of_any_script_fit_into_the_pdf(anna, shop, kind):
    Store.objects.filter(pk=shop.pk).update(display_name="晨曦灯饰 Заря <b>&😀")
    check = worked(ask_counts(shop) if kind == "counts" else ask_stress(shop))
    assert anna.get(reverse("check_pdf", args=[check.public_id])).content.startswith(b"%PDF")


@pytest.mark.parametrize(
    "verdict", ["died", "unlinked", "refused", "failing", "too_many", "stopped", "no_window"]
)
@pytest.mark.parametrize("kind", ["counts", "stress"])
def test_a_check_that_came_to_nothing_has_a_report_too(anna, shop, kind, verdict):
    check = ask_counts(shop) if kind == "counts" else ask_stress(shop)
    DataCheck.objects.filter(pk=check.pk).update(
        state="failed", finished_at=timezone.now(), fault="platform_down",
        report={"ended": verdict, "verdict": verdict, "so_far": {}},
    )  # fmt: skip
    for name in ("check", "check_csv", "check_pdf"):
        assert anna.get(reverse(name, args=[check.public_id])).status_code == 200


def test_an_interrupted_count_shows_how_far_it_was(anna, shop):
    check = ask_counts(shop)
    DataCheck.objects.filter(pk=check.pk).update(
        state="running", leased_until=timezone.now(),
        progress={"platform": 1234, "pages": 13, "missing": 2, "different": 0, "phase": "read"},
    )  # fmt: skip
    worked(check)
    page = text_of(anna, "check", check.public_id)
    assert "interrupted on our side" in page
    assert "1,234" in page


def test_there_is_no_report_before_the_end(anna, shop):
    check = ask_stress(shop)
    for name in ("check_pdf", "check_csv"):
        answer = anna.get(reverse(name, args=[check.public_id]))
        assert answer.url == reverse("check", args=[check.public_id])


def test_a_reader_of_chinese_gets_chinese(world, shop, counted):
    world.anna.language = "zh-hans"
    world.anna.save()
    client = world.client(world.anna)
    check, _number = counted
    for name, *args in (("checks",), ("store_checks", shop.public_id), ("check", check.public_id)):
        assert 'lang="zh-Hans"' in text_of(client, name, *args)
    content = client.get(reverse("check_pdf", args=[check.public_id])).content
    assert b"STSong-Light" in content


def pdf_text(content: bytes) -> str:
    """The words of the pages, as far as they are set in a Latin font."""
    words = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
        try:
            page = zlib.decompress(base64.a85decode(b"<~" + stream.strip(), adobe=True))
        except (ValueError, zlib.error):
            continue
        words += re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", page)
    return " ".join(word.decode("latin-1") for word in words)


# --- the centre


def test_the_centre_lists_stores_with_their_last_checks(anna, shop, counted):
    page = text_of(anna, "checks")
    assert "Put right" in page
    assert "not checked yet" in page
    assert reverse("store_checks", args=[shop.public_id]) in page


def test_the_centre_filters(world, anna, shop, counted):
    def shown(**query):
        return {row.store.name for row in anna.get(reverse("checks"), query).context["lines"]}

    assert shown(which="unchecked") == {"Tea House", "silk", "rice"}
    assert shown(which="new") == {"zarya"}
    assert shown(which="running") == set()
    assert shown(which="attention") == set()
    assert shown(platform="ozon") == {"rice", "zarya"}
    assert shown(q="zary") == {"zarya"}
    assert shown(which="no-such") == shown()
    check, _number = counted
    DataCheck.objects.filter(pk=check.pk).update(report={**check.report, "verdict": "incomplete"})
    assert shown(which="attention") == {"zarya"}
    ask_stress(shop)
    assert shown(which="running") == {"zarya"}


def test_members_find_the_stores_they_operate(world, shop, operator):
    names = {line.store.name for line in operator.get(reverse("checks")).context["lines"]}
    assert names == {"Tea House", "zarya"}
    assert world.client(world.cai).get(reverse("checks")).context["lines"] == []


def test_another_company_sees_nothing_of_it(world, shop, counted):
    check, _number = counted
    stranger = world.client(world.dan)
    assert {line.store.name for line in stranger.get(reverse("checks")).context["lines"]} == {
        "syrup"
    }
    for name in ("check", "check_progress", "check_pdf", "check_csv"):
        assert stranger.get(reverse(name, args=[check.public_id])).status_code == 404


def test_thousands_of_stores_are_paged(world, anna, django_assert_max_num_queries):
    for _ in range(130):
        make_store(world.lotus)
    with django_assert_max_num_queries(30):
        answer = anna.get(reverse("checks"), {"page": "2", "q": ""})
    assert len(answer.context["lines"]) == 50
    assert answer.context["next_url"] == "?page=3&q="


def test_a_store_is_suggested_for_a_check_where_it_is_looked_at(world, anna, market):
    store = make_store(world.lotus, authorization=make_authorization(world.lotus))
    page = text_of(anna, "store", store.public_id)
    assert reverse("store_checks", args=[store.public_id]) in page
    assert "Not checked yet" in page
    bind(world.member(world.cai), store, Duty.CUSTOMER_SERVICE)
    assert "data-checks" not in text_of(world.client(world.cai), "store", store.public_id)


def test_the_end_of_linking_suggests_a_check_until_there_was_one(world, anna, market):
    attempt = attempt_for(world.lotus, "ozon-zarya", name="zarya")
    attempt = submit_keys(
        attempt=attempt, values=keys_of("ozon-zarya", attempt.mode), ip=None, now=timezone.now()
    )
    store = confirm(attempt=attempt, user=world.anna, now=timezone.now()).stores[0]
    address = reverse("store_checks", args=[store.public_id])
    assert address in text_of(anna, "link_done", attempt.public_id)
    ask_stress(store)
    assert address not in text_of(anna, "link_done", attempt.public_id)
