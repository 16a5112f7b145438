"""The command and the support desk."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from platforms.models import Order, Replay
from tenants.models import Event
from tests.platforms.commands.run import run
from tests.platforms.replays.conftest import ask, spoil


def moment(days):
    return (timezone.now() - timedelta(days=days)).isoformat()


def replay(store, kind, *, since=28.0, until=0.0):
    return run(
        "replay", "--store", store.path, "--kind", kind, "--since", moment(since),
        "--until", moment(until), "--json",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["read", "pull"])
def test_the_command_works_it_off_and_prints_the_counts(shop, kind):
    spoil(Order.objects.filter(store=shop).order_by("-placed_at").first())
    ran = replay(shop, kind)
    assert ran.code == 0, ran.err
    assert ran.json["state"] == "done"
    assert (ran.json["updated"], ran.json["created"], ran.json["fault"]) == (1, 0, None)
    assert ran.json["seen"] == ran.json["unchanged"] + 1
    assert Event.objects.get(verb="replay.finished").actor is None
    assert replay(shop, kind).json["updated"] == 0


def test_the_command_works_on_pushes(shop):
    assert replay(shop, "pushes").json["state"] == "done"


def test_a_refusal_of_the_platform_is_exit_three_and_ends_it(market, shop):
    market.control("knobs", where="ozon", set={"down": True})
    ran = replay(shop, "pull")
    assert (ran.code, ran.json["fault"], ran.json["state"]) == (3, "platform_down", "failed")
    assert Replay.objects.get().stream.finished_at is not None


@pytest.mark.parametrize(
    ("kind", "since", "until", "says"),
    [("read", 1, 3, "Swap them"), ("pull", 3000, 2990, "that old"), ("read", 500, 1, "A year")],
)
def test_bad_windows_are_exit_two(shop, kind, since, until, says):
    ran = replay(shop, kind, since=since, until=until)
    assert (ran.code, ran.json["fault"]) == (2, "invalid_request")
    assert says in ran.err


def test_what_is_under_way_is_said(shop):
    ask(shop, "read")
    assert replay(shop, "read").code == 2
    assert run("replay", "--store", "lotus/ozon/nobody", "--kind", "read", "--since", "x").code == 2


# --- support


@pytest.fixture
def support(world):
    world.sam.groups.add(Group.objects.get(name="support"))
    return world.client(world.sam)


def address(store):
    return reverse("admin:tenants_store_replay", args=[store.pk])


def form(store):
    today = timezone.localtime(timezone=store.zone).date()
    return {"kind": "read", "since": today - timedelta(days=3), "until": today}


def test_support_asks_on_the_tenants_behalf_and_stops(world, support, shop):
    assert "Reads what we received" in support.get(address(shop)).content.decode()
    answer = support.post(address(shop), form(shop))
    row = Replay.objects.get()
    assert answer.url == reverse("admin:platforms_replay_change", args=[row.pk])
    assert (row.asked_by, row.on_behalf) == (world.sam, True)
    started = Event.objects.get(verb="replay.started")
    assert (started.actor, started.on_behalf) == (world.sam, True)

    told = support.get(answer.url).content.decode()
    stop = reverse("admin:platforms_replay_stop", args=[row.pk])
    assert stop in told
    support.post(stop)
    assert Replay.objects.get().state == "stopped"
    assert Event.objects.get(verb="replay.stopped").on_behalf
    assert support.get(reverse("admin:platforms_replay_changelist")).status_code == 200
    world_page = world.client(world.anna).get(reverse("store_replays", args=[shop.public_id]))
    assert "Support" in world_page.content.decode()


def test_support_is_told_of_bad_input(support, shop):
    answer = support.post(address(shop), form(shop) | {"kind": "x", "since": "2018-01-01"})
    assert answer.status_code == 200
    assert not Replay.objects.exists()


def test_staff_without_the_right_may_not(world, shop):
    client = world.client(world.sam)
    assert client.post(address(shop), form(shop)).status_code in (302, 403, 404)
    assert not Replay.objects.exists()
