"""Strangers, hostile input, people who ask all the time, and platforms that hang."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from platforms import transport
from platforms.credentials import open_secrets
from platforms.flows.find_order import ASKED_AN_HOUR, find_order
from platforms.models import Order, Stream
from platforms.order_finder.numbers import clean_number
from platforms.order_finder.reasons import Seeker
from platforms.spec import Answer
from tenants.flows.record_event import record_events
from tenants.models import Duty, Event, Outcome
from tenants.scope import all_tenants, tenant_scope
from tests.conftest import bind
from tests.platforms.commands.run import run
from tests.platforms.order_finder.conftest import (
    add_order,
    fix_of,
    in_time_again,
    linked,
    look_for,
    press,
    reason_of,
    sought,
)
from tests.support.factories import make_authorization, make_order, make_stream
from tests.support.linking import link_store
from tests.support.together import together
from tests.support.wire import emulated


@pytest.fixture
def bo(world):
    return world.client(world.bo)


# --- who may ask


def test_another_company_learns_nothing(shop, world, market):
    theirs = Order.objects.filter(store=shop).first()
    dan = world.client(world.dan)
    bind_dan(world)
    answer = look_for(dan, theirs.number, store=shop)
    assert reason_of(answer) not in ("here", "not_bound", "wrong_store", "in_quarantine")
    assert "willow" not in answer.content.decode()
    assert press(dan, theirs.number, shop, "get").status_code == 404
    assert [each["reason"] for each in sought(world.lotus)] == []
    assert len(sought(world.maple)) == 1


def bind_dan(world):
    with tenant_scope(world.maple):
        bind(world.member(world.dan), world.syrup, Duty.OPERATOR)


def test_our_rows_of_another_company_are_not_those_of_ours(world):
    bind_dan(world)
    make_order(world.syrup, number="SAME-1")
    assert reason_of(look_for(world.client(world.bo), "SAME-1")) != "here"
    assert reason_of(look_for(world.client(world.dan), "SAME-1")) == "here"


def test_customer_service_and_people_without_a_store_are_told_whom_to_ask(shop, world):
    for user in (world.cai,):
        client = world.client(user)
        answer = look_for(client, Order.objects.filter(store=shop).first().number)
        assert "data-reason" not in answer.content.decode()
        assert "Ask an owner or admin of Lotus" in answer.content.decode()
        assert press(client, "1", shop, "get").status_code == 404
    assert sought(world.lotus) == []


def test_a_store_that_one_does_not_operate_is_not_asked(market, world, bo):
    with tenant_scope(world.lotus):
        other = linked(market, world, "ebay-magnolia", name="magnolia", operators=())
    number = add_order(market, "ebay-magnolia")
    calls = len(market.wire.calls)
    assert reason_of(look_for(bo, number, store=other)) != "not_yet_due"
    assert len(market.wire.calls) == calls


def test_a_manager_sees_reasons_but_no_buyer(shop, market, world):
    anna = world.client(world.anna)
    order = Order.objects.filter(store=shop).exclude(ship_name=None).first()
    page = look_for(anna, order.number).content.decode()
    assert order.ship_name not in page
    number = add_order(market)
    assert fix_of(look_for(anna, number)) == "get"
    press(anna, number, shop, "get")
    landed = Order.objects.get(number=number)
    page = anna.get(reverse("find_order"), follow=True).content.decode()
    assert "Only operators of the store can open it." in page
    assert landed.ship_name not in page


def test_an_operator_may_not_press_what_is_for_managers(shop, market, bo):
    press(bo, add_order(market), shop, "back_fill")
    press(bo, "1", shop, "unlink")
    press(bo, "1", shop, "")
    assert not Stream.objects.exclude(ends_at=None).exists()


# --- what is pasted


HOSTILE = [
    "", "   ", "\0", "​‎", "'; drop table platforms_order; --", "%", "_%_", "../../etc/passwd",
    "1" * 10_000, "<script>alert(1)</script>", "{{ 7*7 }}", "𝟙𝟚-𝟛", "١٢-٣٤٥٦٧-٨٩٠١٢",
    "-1", "1e999999", "a\r\nSet-Cookie: x=1", "#", "..", "%s%n", "12-34567-89012/../../x?y=z",
]  # fmt: skip


def test_whatever_is_pasted_gets_an_answer(shop, bo):
    for number in HOSTILE:
        answer = bo.post(reverse("find_order"), {"number": number, "store": number[:50]})
        assert answer.status_code in (200, 400), number
        page = answer.content.decode()
        assert "<script>alert" not in page
        assert (answer.status_code == 400) == ("data-reason" not in page), number
        assert bo.get(reverse("find_order"), {"number": number}).status_code == 200
        assert press(bo, number, shop, "get").status_code == 302
    for raw in (b"number=%ED%A0%80&store=%00", b"number=%FF%FE1&from=%00&status=%ED%A0%80"):
        form = "application/x-www-form-urlencoded"
        assert bo.post(reverse("find_order"), raw, content_type=form).status_code in (200, 400)
    assert Order.objects.filter(store=shop).exists()


def test_digits_of_another_script_are_digits(shop, bo):
    order = Order.objects.filter(store=shop).first()
    table = str.maketrans("0123456789", "０１２３４５６７８９")
    arabic = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
    assert reason_of(look_for(bo, order.number.translate(table))) == "here"
    assert reason_of(look_for(bo, order.number.translate(arabic))) == "here"


@pytest.mark.parametrize(
    ("pasted", "number"),
    [
        ("订单号：26-11111-22222", "26-11111-22222"),
        ("订单编号 26-11111-22222", "26-11111-22222"),
        ("订单ID: 579012345678901234", "579012345678901234"),
        ("Order number 26-11111-22222", "26-11111-22222"),
        ("Order: 26-11111-22222", "26-11111-22222"),
        ("Order #1001", "#1001"),
        ("ORDER1001", "ORDER1001"),  # a prefix of the seller's own
        ("订单号", "订单号"),
        ("王小明 13800138000", "王小明13800138000"),
    ],
)
def test_what_a_page_writes_before_the_number_is_no_part_of_it(pasted, number):
    assert clean_number(pasted) == number


def test_what_may_be_a_name_is_not_told_to_the_trail(shop, bo, world):
    for text in ("Anna Schmidt", "anna@lotus.example", "王小明"):
        look_for(bo, text)
    assert [each["number"] for each in sought(world.lotus)] == ["", "", ""]


# --- how often, how long


def test_platforms_are_asked_thirty_times_an_hour_and_our_rows_always(shop, market, bo, world):
    in_time_again(shop)
    asked = {"number": "1", "reason": "not_at_platform", "asked": True}
    record_events(
        tenant=world.lotus, verb="order.sought", actor=world.bo, now=timezone.now(),
        about=[(None, asked)] * ASKED_AN_HOUR,
    )  # fmt: skip
    calls = len(market.wire.calls)
    answer = look_for(bo, "99-99999-99999")
    assert (reason_of(answer), fix_of(answer)) == ("platform_silent", "")
    assert "you have asked often" in answer.content.decode()
    assert len(market.wire.calls) == calls
    assert reason_of(look_for(bo, Order.objects.filter(store=shop).first().number)) == "here"
    anna = world.client(world.anna)
    assert reason_of(look_for(anna, "99-99999-99999")) == "not_at_platform"
    with all_tenants("an hour later"):
        Event.objects.filter(verb="order.sought").update(at=timezone.now() - timedelta(hours=1))
    assert reason_of(look_for(bo, "99-99999-99999")) == "not_at_platform"


def test_nobody_tries_out_numbers_with_the_button(shop, market, bo, world):
    press(bo, "99-99999-99999", shop, "get")
    with all_tenants("the trail of a test"):
        failed = Event.objects.get(verb="order.pulled")
    assert (failed.outcome, failed.detail) == ("failed", {"number": "99-99999-99999"})
    record_events(
        tenant=world.lotus, verb="order.pulled", actor=world.bo, now=timezone.now(),
        about=[(shop, {})] * ASKED_AN_HOUR, outcome=Outcome.FAILED,
    )  # fmt: skip
    number = add_order(market)
    calls = len(market.wire.calls)
    press(bo, number, shop, "get")
    assert "in vain very often" in bo.get(reverse("find_order")).content.decode()
    assert len(market.wire.calls) == calls
    press(world.client(world.anna), number, shop, "get")
    assert Order.objects.filter(number=number).exists()


class Hanging:
    """Takes its time with everything."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def send(self, method, url, headers, body) -> Answer:
        time.sleep(self.seconds)
        return Answer(status=503, headers={}, body=b"")


@pytest.mark.django_db(transaction=True)
def test_an_answer_comes_within_the_deadline_though_platforms_hang(world):
    now = timezone.now()
    authorization = make_authorization(world.lotus, access_expires_at=now + timedelta(days=1))
    with tenant_scope(world.lotus):
        world.tea.authorization = authorization
        world.tea.save()
    make_stream(authorization, world.tea, watermark=now)
    started = time.monotonic()
    with transport.use_wire(Hanging(1.5)), tenant_scope(world.lotus):
        found = find_order(
            tenant=world.lotus, seeker=Seeker(user=world.anna, manages=True),
            number="99-99999-99999", now=now, deadline_s=0.3,
        )  # fmt: skip
        took = time.monotonic() - started
        time.sleep(1.7)  # what still hangs ends before the wire is swapped back
    assert took < 1.4
    assert found.reason == "platform_silent"
    assert [store.pk for each in found.silent for store in each.stores] == [world.tea.pk]
    assert found.silent[0].fault is None


@pytest.mark.django_db(transaction=True)
def test_stores_are_asked_side_by_side_and_the_first_that_has_it_answers(world):
    with emulated() as market, tenant_scope(world.lotus):
        link_store(market, world.lotus, "ebay-willow", name="willow")
        second = link_store(market, world.lotus, "ebay-magnolia", name="magnolia").stores[0]
        number = add_order(market, "ebay-magnolia")
        found = find_order(
            tenant=world.lotus, seeker=Seeker(user=world.anna, manages=True), number=number,
            now=timezone.now(),
        )  # fmt: skip
    assert (found.reason, found.store, found.fix) == ("not_yet_due", second, "get")


# --- the command


def test_the_command(shop, market, world):
    number = add_order(market)
    ran = run("find_order", "--tenant", "lotus", "--number", number, "--json")
    assert ran.code == 0
    told = ran.json
    assert told["seconds"] < 5
    assert {name: told[name] for name in ("number", "reason", "store", "fixable")} == {
        "number": number, "reason": "not_yet_due", "store": shop.path, "fixable": True,
    }  # fmt: skip
    assert told["asked_platform"] is True
    here = Order.objects.filter(store=shop).first().number
    told = run(
        "find_order", "--tenant", "lotus", "--number", here, "--store", shop.path, "--json"
    ).json
    assert (told["reason"], told["fixable"], told["asked_platform"]) == ("here", False, False)
    assert run("find_order", "--tenant", "lotus", "--number", here).out.startswith("number:")


@pytest.mark.parametrize(
    "more",
    [
        ("--tenant", "nobody", "--number", "1"),
        ("--tenant", "lotus", "--number", " "),
        ("--tenant", "lotus", "--number", "1" * 500),
        ("--tenant", "lotus", "--number", "1", "--store", "maple/ebay/syrup"),
        ("--tenant", "lotus", "--number", "1", "--store", "tea"),
        ("--tenant", "lotus", "--number", "1", "--store", "lotus/ebay/nothing"),
    ],
)
def test_the_command_says_what_is_wrong_with_its_input(world, more):
    ran = run("find_order", *more, "--json")
    assert ran.code == 2
    assert ran.err


class HangsFor:
    """The emulator, but one account's calls take their time."""

    def __init__(self, market, token: str, seconds: float) -> None:
        self.market, self.token, self.seconds = market, token, seconds

    def send(self, method, url, headers, body) -> Answer:
        if self.token in str(headers):
            time.sleep(self.seconds)
        return self.market.wire.send(method, url, headers, body)


@pytest.mark.django_db(transaction=True)
def test_another_store_is_asked_while_the_named_one_hangs(world):
    with emulated() as market, tenant_scope(world.lotus):
        named = link_store(market, world.lotus, "ebay-willow", name="willow").stores[0]
        other = link_store(market, world.lotus, "ebay-magnolia", name="magnolia").stores[0]
        number = add_order(market, "ebay-magnolia")
        token = open_secrets(named.authorization)["access_token"]
        with transport.use_wire(HangsFor(market, token, 2.0)):
            found = find_order(
                tenant=world.lotus, seeker=Seeker(user=world.anna, manages=True), number=number,
                store=named, now=timezone.now(), deadline_s=1.6,
            )  # fmt: skip
            time.sleep(2.2 - found.seconds)  # it ends before the wire is swapped back
    assert (found.reason, found.store, found.named) == ("wrong_store", other, named)


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_the_same_moment_get_one_order_once(world):
    with emulated() as market, tenant_scope(world.lotus):
        store = linked(market, world, "ebay-willow", name="willow")
        number = add_order(market, "ebay-willow")
        tabs = iter([world.client(world.bo), world.client(world.bo)])
        together(lambda: press(next(tabs), number, store, "get"), times=2)
        order = Order.objects.get(store=store, number=number)
        pulled = Event.objects.filter(verb="order.pulled").values_list("outcome", flat=True)
        assert list(pulled) == ["done"]
        assert order.lines.exists()
