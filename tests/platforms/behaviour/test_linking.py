"""Linking, and what stands in its way, is the same at every marketplace."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms.errors import Fault, NeedsSeller
from platforms.flows.confirm_link import confirm
from platforms.flows.consent import StateMismatch
from platforms.flows.manage_store import unlink_store
from platforms.models import Authorization, LinkAttempt, Order, Stream
from tests.platforms.behaviour.seller import numbers, states

ACTIVE = {("active", "active")}


def with_another_end(value: str) -> str:
    """The value with its last letter or digit replaced by one of the same kind."""
    at = max(place for place, each in enumerate(value) if each.isalnum())
    return value[:at] + ("1" if value[at] == "0" else "0") + value[at + 1 :]


def assert_nothing_was_kept(attempt):
    row = LinkAttempt.objects.get(pk=attempt.pk)
    assert row.is_open
    assert row.sealed_pending is None
    assert row.found is None
    assert not Authorization.objects.exists()
    assert not Stream.objects.exists()


def test_a_linked_store_gets_the_orders_of_its_window(seller):
    linked = seller.link()
    windows = list(Stream.objects.values_list("starts_at", flat=True))

    pull = seller.pull()

    assert (pull.faults, pull.quarantined) == ([], 0)
    assert states(linked) == ACTIVE
    reached = min(Stream.objects.values_list("watermark", flat=True))
    # Shops in different places begin their previous day at different hours.
    wanted = seller.changed(since=max(windows), until=reached)
    assert len(wanted) > 5
    assert wanted <= numbers()
    # A marketplace that reports late is asked for older orders as well; nothing else may come.
    assert numbers() <= seller.changed(until=reached)
    assert len(numbers()) == Order.objects.count()


def test_keys_with_one_wrong_character_are_refused_and_not_kept(seller, way):
    if not way.is_by_keys:
        pytest.skip("no keys are pasted")
    secret = [each.name for each in way.declared.fields if each.secret]
    assert secret
    for name in secret:
        attempt = seller.attempt(name=f"wrong_{name}")
        values = seller.typed()
        with pytest.raises(NeedsSeller):
            seller.paste(attempt, values | {name: with_another_end(values[name])})
        assert_nothing_was_kept(attempt)
        assert LinkAttempt.objects.get(pk=attempt.pk).fault


def test_a_consent_through_an_application_with_a_wrong_secret_links_nothing(seller, way):
    if way.is_by_keys:
        pytest.skip("there is no consent")

    attempt = seller.agree_with_another_secret(seller.attempt())

    assert attempt.fault
    assert attempt.fault != Fault.UNKNOWN
    assert_nothing_was_kept(attempt)


def test_missing_permissions_are_told(seller):
    seller.turn(drop_scopes=list(seller.scopes))

    attempt = seller.authorize(seller.attempt())

    if attempt.fault:
        assert attempt.fault == Fault.INSUFFICIENT_SCOPE
        assert_nothing_was_kept(attempt)
    elif not attempt.found["missing"]:
        linked = confirm(attempt=attempt, user=None, now=timezone.now())
        assert set(seller.pull().faults) == {Fault.INSUFFICIENT_SCOPE}
        assert states(linked) == {("needs_relink", "needs_relink")}


def test_linking_the_same_shop_again_keeps_store_and_orders(seller):
    linked = seller.link()
    seller.pull()
    before = set(Order.objects.values_list("pk", "store_id"))

    again = seller.link(relinks=linked.authorization)

    assert again.relinked
    assert again.authorization.pk == linked.authorization.pk
    of_grant = {s.pk for s in linked.stores if s.authorization_id == linked.authorization.pk}
    assert {store.pk for store in again.stores} == of_grant
    seller.sell(2, over_hours=0)
    assert seller.pull(later=timedelta(minutes=10)).faults == []
    assert len(numbers()) >= len(before) + 2
    assert before <= set(Order.objects.values_list("pk", "store_id"))
    assert len(numbers()) == Order.objects.count()
    assert states(linked) == ACTIVE


def test_another_shop_does_not_take_the_place_of_the_first(seller, way):
    if not way.other:
        pytest.skip("there is one seller of this kind")
    linked = seller.link()

    attempt = seller.attempt_of_other(linked)
    try:
        attempt = seller.authorize(attempt, way.other)
    except StateMismatch:
        assert way.declared.own_app  # the marketplace itself does not let the other one agree
    else:
        assert (attempt.fault, attempt.fault_reason) == (Fault.SHOP_MISMATCH, "other_shop")
    assert seller.pull().faults == []
    assert Order.objects.exists()
    assert states(linked) == ACTIVE


def test_an_unlinked_store_is_not_asked_for_again(seller):
    linked = seller.link()
    seller.pull()
    kept = numbers()

    for store in linked.stores:
        unlink_store(store=store, user=None, now=timezone.now())
    seller.world.wire.calls.clear()

    assert seller.pull().streams == 0
    assert seller.world.wire.calls == []
    assert numbers() == kept
    assert states(linked) == {("unlinked", "ended")}
    assert not any(bytes(row.sealed_credential) for row in Authorization.objects.all())
