"""Every reason, through the page that people use."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from platforms import landing, registry, tasks
from platforms.models import Authorization, Order, Quarantined, Stream
from tenants.models import Duty, Store
from tenants.scope import tenant_scope
from tests.conftest import bind
from tests.platforms.order_finder.conftest import (
    ACCOUNT,
    add_old_order,
    add_order,
    fix_of,
    in_time_again,
    linked,
    look_for,
    press,
    reason_of,
    sought,
)
from tests.support.factories import make_order
from tests.support.wire import Unplugged


@pytest.fixture
def bo(world):
    return world.client(world.bo)


def test_an_order_that_is_here_is_linked_to(shop, bo, market, world):
    order = Order.objects.filter(store=shop).first()
    calls = len(market.wire.calls)
    answer = look_for(bo, f" #{order.number}​ ")
    assert (reason_of(answer), fix_of(answer)) == ("here", "show")
    assert reverse("order", args=[order.public_id]) in answer.content.decode()
    assert len(market.wire.calls) == calls
    assert sought(world.lotus) == [
        {"number": f"#{order.number}", "reason": "here", "store": shop.path, "asked": False}
    ]


def test_one_whose_buyer_was_forgotten_is_here_and_it_is_said(shop, bo):
    order = Order.objects.filter(store=shop).first()
    Order.objects.filter(pk=order.pk).update(scrubbed_at=timezone.now())
    answer = look_for(bo, order.number)
    assert reason_of(answer) == "here"
    assert "data was removed" in answer.content.decode()


def test_a_package_is_found_by_the_number_of_the_whole_order(world, bo):
    make_order(world.tea, number="12345678-0001-1")
    assert reason_of(look_for(bo, "12345678-0001")) == "here"


def test_a_number_that_only_the_platform_knows_it_by_leads_to_it(market, world, bo):
    store = linked(market, world, "shopify-lantern", name="lantern")
    tasks.pump_orders()
    order = Order.objects.filter(store=store).exclude(group_number="").first()
    assert order.group_number != order.number
    answer = look_for(bo, order.group_number)
    assert (reason_of(answer), fix_of(answer)) == ("here", "show")
    assert reverse("order", args=[order.public_id]) in answer.content.decode()


def test_filters_of_the_list_may_hide_it(shop, bo):
    order = Order.objects.filter(store=shop).first()
    other = "refunded" if order.status != "refunded" else "shipped"
    answer = look_for(bo, order.number, status=other)
    assert (reason_of(answer), fix_of(answer)) == ("hidden_by_filter", "show")
    placed = timezone.localtime(order.placed_at).date()
    day = (placed + timedelta(days=2)).isoformat()
    assert reason_of(look_for(bo, order.number, **{"from": day})) == "hidden_by_filter"
    assert reason_of(look_for(bo, order.number, status="no such status")) == "here"


def test_another_store_than_the_one_that_was_looked_in(shop, bo, world):
    order = Order.objects.filter(store=shop).first()
    answer = look_for(bo, order.number, store=world.tea)
    assert (reason_of(answer), fix_of(answer)) == ("wrong_store", "show")
    assert "Tea House" in answer.content.decode()


def test_who_is_not_bound_is_told_where_it_is_only_if_they_may_change_that(shop, anna, bo, world):
    hidden = make_order(world.silk)
    answer = look_for(anna, hidden.number)
    assert (reason_of(answer), fix_of(answer)) == ("not_bound", "bind")
    assert "silk" in answer.content.decode()
    answer = look_for(bo, hidden.number)
    assert (reason_of(answer), fix_of(answer)) == ("not_bound", "")
    assert "silk" not in answer.content.decode()
    assert "Ask an owner or admin of Lotus" in answer.content.decode()


def test_a_record_in_quarantine_is_read_again(shop, bo):
    number, record = quarantined(shop)
    answer = look_for(bo, number)
    assert (reason_of(answer), fix_of(answer)) == ("in_quarantine", "read_again")
    assert "Something that every order has is missing" in answer.content.decode()
    for _tab in range(2):
        press(bo, number, shop, "read_again")
    record.refresh_from_db()
    assert record.state == "released"
    assert reason_of(look_for(bo, number)) == "here"


def quarantined(shop):
    """An order of the store taken back into quarantine, as if it had not been readable."""
    order = Order.objects.select_related("raw").filter(store=shop).first()
    stream = Stream.objects.filter(authorization=shop.authorization).first()
    record = Quarantined.objects.create(
        tenant=shop.tenant, stream=stream, store=shop, platform=shop.platform,
        number=order.number, reason="Object missing required field `orderId`",
        raw=landing.compress(landing.decompress(order.raw.body)), raw_sha256="0" * 64,
        record_kind=order.raw.record_kind,
    )  # fmt: skip
    order.delete()
    return order.number, record


@pytest.mark.parametrize(
    ("state", "reason", "fix"),
    [
        ("linking", "store_not_linked", "link"),
        ("unlinked", "store_not_linked", "link"),
        ("needs_relink", "needs_relink", "relink"),
        ("paused", "paused", "resume"),
    ],
)
def test_the_state_of_the_store_that_was_named(shop, anna, bo, state, reason, fix):
    Store.objects.filter(pk=shop.pk).update(state=state)
    answer = look_for(anna, "99-99999-99999", store=shop)
    assert (reason_of(answer), fix_of(answer)) == (reason, fix)
    answer = look_for(bo, "99-99999-99999", store=shop)
    assert (reason_of(answer), fix_of(answer)) == (reason, "")
    assert "Ask an owner or admin" in answer.content.decode()


def test_a_paused_store_is_resumed_once_by_two_tabs(shop, anna, bo):
    Store.objects.filter(pk=shop.pk).update(state="paused", paused_at=timezone.now())
    press(bo, "99-99999-99999", shop, "resume")
    shop.refresh_from_db()
    assert shop.state == "paused"
    for _tab in range(2):
        assert press(anna, "99-99999-99999", shop, "resume").status_code == 302
    shop.refresh_from_db()
    assert shop.state == "active"


def test_the_order_of_a_paused_store_is_found_without_its_name(shop, market, anna):
    number = add_order(market)
    Store.objects.filter(pk=shop.pk).update(state="paused", paused_at=timezone.now())
    answer = look_for(anna, number)
    assert (reason_of(answer), fix_of(answer)) == ("paused", "resume")


def test_nothing_is_linked(world, anna):
    with tenant_scope(world.lotus):
        Store.objects.all().delete()
    answer = look_for(anna, "123")
    assert (reason_of(answer), fix_of(answer)) == ("store_not_linked", "link")


def test_a_store_that_cannot_be_asked_may_have_it(shop, anna):
    Authorization.objects.filter(pk=shop.authorization_id).update(state="needs_relink")
    Store.objects.filter(pk=shop.pk).update(state="needs_relink")
    answer = look_for(anna, "99-99999-99999")
    assert (reason_of(answer), fix_of(answer)) == ("needs_relink", "relink")


def test_a_new_order_is_on_its_way_and_one_press_brings_it(shop, market, bo, world):
    number = add_order(market)
    answer = look_for(bo, number)
    assert (reason_of(answer), fix_of(answer)) == ("not_yet_due", "get")
    assert not Order.objects.filter(number=number).exists()
    answers = [press(bo, number, shop, "get") for _tab in range(2)]
    order = Order.objects.get(store=shop, number=number)
    assert {each.url for each in answers} == {reverse("order", args=[order.public_id])}
    assert bo.get(answers[0].url).status_code == 200
    assert reason_of(look_for(bo, number)) == "here"


def test_a_pull_that_fails_says_when_the_next_is_due(shop, market, bo):
    market.control("knobs", where="ebay", set={"down": True})
    Stream.objects.filter(authorization=shop.authorization).update(due_at=timezone.now())
    Stream.objects.update(watermark=timezone.now() - timedelta(hours=1))
    tasks.pump_orders()
    answer = look_for(bo, "99-99999-99999", store=shop)
    assert (reason_of(answer), fix_of(answer)) == ("not_yet_due", "pull")
    assert "Platform disturbed" in answer.content.decode()
    press(bo, "99-99999-99999", shop, "pull")
    assert Stream.objects.get(authorization=shop.authorization).due_at <= timezone.now()


def test_an_order_from_before_the_pulls_comes_with_its_day(shop, market, anna, world):
    bind(world.member(world.anna), shop, Duty.OPERATOR)
    number = add_old_order(market)
    answer = look_for(anna, number)
    assert (reason_of(answer), fix_of(answer)) == ("outside_back_fill", "back_fill")
    for _tab in range(2):
        answer = press(anna, number, shop, "back_fill")
    order = Order.objects.get(store=shop, number=number)
    assert answer.url == reverse("order", args=[order.public_id])
    fill = Stream.objects.get(authorization=shop.authorization, ends_at__isnull=False)
    assert fill.starts_at <= order.changed_at < fill.ends_at
    assert fill.ends_at - fill.starts_at <= timedelta(days=1)


def test_an_operator_gets_an_old_order_alone(shop, market, bo):
    number = add_old_order(market)
    answer = look_for(bo, number)
    assert (reason_of(answer), fix_of(answer)) == ("outside_back_fill", "get")
    press(bo, number, shop, "get")
    assert reason_of(look_for(bo, number)) == "here"


def test_one_that_the_pulls_passed_over(shop, market, bo):
    number = Order.objects.filter(store=shop).first().number
    Order.objects.filter(number=number).delete()
    in_time_again(shop)
    answer = look_for(bo, number)
    assert (reason_of(answer), fix_of(answer)) == ("missed", "get")
    press(bo, number, shop, "get")
    assert reason_of(look_for(bo, number)) == "here"


def test_one_that_the_platform_has_for_another_store(shop, market, bo, world):
    other = linked(market, world, "ebay-magnolia", name="magnolia")
    number = add_order(market, "ebay-magnolia")
    answer = look_for(bo, number, store=shop)
    assert (reason_of(answer), fix_of(answer)) == ("wrong_store", "get")
    press(bo, number, other, "get")
    assert Order.objects.get(number=number).store == other


def test_one_that_was_deleted_there(shop, bo):
    order = Order.objects.filter(store=shop).first()
    Order.objects.filter(pk=order.pk).update(platform_status="deleted", status="cancelled")
    answer = look_for(bo, order.number)
    assert (reason_of(answer), fix_of(answer)) == ("deleted_at_platform", "show")


def test_one_that_nobody_has(shop, market, bo, monkeypatch):
    assert reason_of(look_for(bo, "99-99999-99999")) == "not_at_platform"
    monkeypatch.setattr(type(registry.get("ebay")), "withheld", "")
    assert reason_of(look_for(bo, "99-99999-99999", store=shop)) == "not_at_platform"


def test_one_that_the_marketplace_keeps_to_itself(market, world, bo, monkeypatch):
    store = linked(market, world, ACCOUNT, name="willow")
    in_time_again(store)
    monkeypatch.setattr(type(registry.get("ebay")), "withheld", "It keeps gifts to itself.")
    answer = look_for(bo, "99-99999-99999", store=store)
    assert reason_of(answer) == "withheld"
    assert "It keeps gifts to itself." in answer.content.decode()


def test_a_platform_that_does_not_answer(shop, market, bo):
    market.control("knobs", where="ebay", set={"down": True})
    in_time_again(shop)
    answer = look_for(bo, "99-99999-99999", store=shop)
    assert (reason_of(answer), fix_of(answer)) == ("platform_silent", "again")
    assert "Could not be asked: willow" in answer.content.decode()


def test_no_network(shop, bo):
    from platforms import transport

    with transport.use_wire(Unplugged()):
        assert reason_of(look_for(bo, "99-99999-99999")) == "platform_silent"


def test_a_number_of_no_linked_platform(shop, market, anna):
    calls = len(market.wire.calls)
    answer = look_for(anna, "not-an-ebay-number")
    assert (reason_of(answer), fix_of(answer)) == ("other_channel", "link")
    assert len(market.wire.calls) == calls


def test_who_may_not_link_is_told_whom_to_ask(shop, bo):
    page = look_for(bo, "not-an-ebay-number").content.decode()
    assert "link that one. Ask an owner or admin of Lotus." in page


def test_chinese_sentences_follow_each_other_without_a_blank(shop, bo, world):
    world.bo.language = "zh-hans"
    world.bo.save(update_fields=["language"])
    page = look_for(bo, "not-an-ebay-number").content.decode()
    assert "请先关联。请联系" in page


def test_the_fixes_of_two_people_are_in_the_trail(shop, market, bo, anna, world):
    from tenants.models import Event

    number = add_order(market)
    look_for(bo, number)
    press(bo, number, shop, "get")
    press(anna, number, shop, "get")
    verbs = Event.objects.filter(verb__startswith="order.").values_list("verb", "actor_name")
    assert sorted(verbs) == [("order.pulled", world.bo.email), ("order.sought", world.bo.email)]
    page = anna.get(reverse("events")).content.decode()
    assert f"Looked for the order {number}" in page
    assert f"Got the order {number} of" in page
