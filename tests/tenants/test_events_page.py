from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.flows.record_event import record_event, verify_chain
from tenants.models import Event, Outcome
from tenants.scope import tenant_scope

PAGE = "/events/"


def record(world, verb="tenant.created", actor=None, **more):
    given = {"now": timezone.now(), "target": world.lotus, **more}
    return record_event(tenant=world.lotus, verb=verb, actor=actor or world.anna, **given)


def texts(page):
    return [text for _event, text in page.context["events"]]


def test_verbs_are_told_as_sentences(world):
    record(world, "binding.given", target=world.tea, detail={"member": "bo@x", "duty": "operator"})
    page = world.client(world.anna).get(PAGE)
    assert texts(page) == ["Gave bo@x access to Tea House as Operator."]


def test_an_unknown_verb_and_missing_details_do_no_harm(world):
    record(world, "moon.landed")
    record(world, "binding.given", target=world.tea)
    page = world.client(world.anna).get(PAGE)
    assert texts(page) == ["Gave – access to Tea House as –.", "moon.landed Lotus"]


@pytest.mark.parametrize(
    ("query", "verbs"),
    [
        ("person=bo@lotus.example", ["orders.exported"]),
        ("about=store", ["store.paused"]),
        ("outcome=denied", ["tenant.created"]),
        ("since=2026-03-02&until=2026-03-02", ["store.paused"]),
        ("since=9999-12-31", ["tenant.created", "store.paused", "orders.exported"]),
        ("before=1", []),
        ("before=x", ["tenant.created", "store.paused", "orders.exported"]),
        ("before=99999999999999999999", ["tenant.created", "store.paused", "orders.exported"]),
    ],
)
def test_filters_narrow_the_trail(world, query, verbs):
    noon = timezone.now().replace(year=2026, month=3, day=1, hour=12)
    record(world, "orders.exported", world.bo, now=noon)
    # 23:00 UTC is the next day where Anna is.
    record(world, "store.paused", now=noon.replace(hour=23))
    record(world, outcome=Outcome.DENIED, now=noon + timedelta(days=9))
    page = world.client(world.anna).get(f"{PAGE}?{query}")
    assert [event.verb for event, _text in page.context["events"]] == verbs


def test_pages_follow_each_other_without_gap_or_repeat(world):
    for n in range(120):
        record(world, "moon.landed", detail={"n": n})
    client, seen, address = world.client(world.anna), [], PAGE
    while address:
        page = client.get(address)
        seen += [event.sequence for event, _text in page.context["events"]]
        address = page.context["next_url"] and PAGE + page.context["next_url"]
    assert seen == list(range(120, 0, -1))


def test_members_and_strangers_do_not_read_it(world):
    record(world, "moon.landed")
    assert world.client(world.bo).get(PAGE).status_code == 403
    assert texts(world.client(world.dan).get(PAGE)) == []


@pytest.mark.parametrize("change", ["text", "gone", "order"])
def test_a_changed_trail_does_not_verify(world, change):
    for _n in range(3):
        record(world)
    assert verify_chain(world.lotus) is None
    with tenant_scope(world.lotus):
        second = Event.objects.filter(sequence=2)
        if change == "text":
            second.update(actor_name="nobody@x")
        elif change == "gone":
            second.delete()
        else:
            second.update(sequence=9)
    assert verify_chain(world.lotus) == 2
