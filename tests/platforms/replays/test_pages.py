"""Replays as people meet them: who may, what is said, how one is followed and stopped."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from platforms import tasks
from platforms.flows import replay_read
from platforms.flows.replay import (
    AlreadyReplaying,
    BadWindow,
    claim,
    start_replay,
    stop_replay,
    work_on,
)
from platforms.models import Order, Replay, Stream
from tenants.models import Duty, Event, Store
from tenants.scope import all_tenants, tenant_scope
from tests.conftest import bind
from tests.platforms.replays.conftest import ask, spoil, worked
from tests.support.factories import make_store


def page(store):
    return reverse("store_replays", args=[store.public_id])


def days(store, back, until=0):
    today = timezone.localtime(timezone=store.zone).date()
    return {"since": today - timedelta(days=back), "until": today - timedelta(days=until)}


def text_of(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


# --- asking


def test_it_is_asked_for_followed_and_its_result_read(world, anna, shop):
    spoil(Order.objects.filter(store=shop).order_by("-placed_at").first())
    answer = anna.post(page(shop), {"kind": "read", **days(shop, 27)})
    assert answer.url == page(shop)
    replay = Replay.objects.get()
    assert (replay.asked_by, replay.on_behalf) == (world.anna, False)
    assert "It begins within a minute" in text_of(anna, page(shop))

    done = worked(replay)

    told = text_of(anna, page(shop))
    assert f"{done.seen} orders read again: 1 changed, {done.unchanged} as before." in told
    assert "hx-get" not in anna.get(page(shop)).content.decode().split('id="history')[1]


def test_the_trail_says_what_was_done(world, anna, shop):
    anna.post(page(shop), {"kind": "read", **days(shop, 6)})
    done = worked(Replay.objects.get())
    started, finished = (
        Event.objects.get(verb=f"replay.{verb}") for verb in ("started", "finished")
    )
    assert started.actor == finished.actor == world.anna
    assert started.detail["kind"] == "read"
    assert finished.detail["seen"] == done.seen
    assert finished.detail["since"].startswith(done.since.isoformat()[:13])
    assert "read what was received" in text_of(anna, reverse("events"))


def test_the_window_is_whole_days_of_the_store(anna, shop):
    Store.objects.filter(pk=shop.pk).update(time_zone="America/New_York")
    shop.refresh_from_db()
    anna.post(page(shop), {"kind": "read", **days(shop, 3, until=1)})
    replay = Replay.objects.get()
    for moment in (replay.since, replay.until):
        local = moment.astimezone(shop.zone)
        assert (local.hour, local.minute) == (0, 0)
    assert (replay.until - replay.since) == timedelta(days=3)


def test_the_days_are_filled_in_whatever_the_language(world, shop):
    world.anna.language = "zh-hans"
    world.anna.save()
    today = timezone.localtime(timezone=shop.zone).date()
    text = world.client(world.anna).get(page(shop)).content.decode()
    assert f'value="{today.isoformat()}"' in text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "required"),
        ({"kind": "everything"}, "valid choice"),
        ({"kind": "read' or 1=1"}, "valid choice"),
        ({"kind": "read", "since": "nonsense"}, "valid date"),
        ({"kind": "read", "since": "0001-01-01", "until": "0001-01-02"}, "Nothing is that old"),
        ({"kind": "read", "since": "2026-11-01", "until": "9999-12-31"}, "still to come"),
        ({"kind": "read", "since": "2026-02-01", "until": "2026-01-01"}, "Swap them"),
        ({"kind": "read", "since": "2024-01-01", "until": "2025-06-01"}, "366 days at most"),
        ({"kind": "pull", "since": "2018-01-01", "until": "2018-02-01"}, "answers back to"),
        ({"kind": "read", "since": "2026-01-01\x00", "until": "2026-01-02"}, "valid date"),
    ],
)
def test_what_cannot_be_asked_is_said(anna, shop, fields, says):
    answer = anna.post(page(shop), {"until": "2026-11-01", "since": "2026-11-01", **fields})
    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert not Replay.objects.exists()


@pytest.mark.parametrize(
    ("kind", "since", "until", "reason"),
    [
        ("read", 0, 0, "empty"),
        ("read", 1, -1, "future"),
        ("read", 400, 1, "too_long"),
        ("pull", 3000, 2900, "out_of_reach"),
        ("pull", 0.000001, 0, "too_fresh"),
    ],
)
def test_the_flow_refuses_bad_windows_whoever_asks(shop, kind, since, until, reason):
    now = timezone.now()
    with pytest.raises(BadWindow) as caught:
        start_replay(
            store=shop, kind=kind, since=now - timedelta(days=since),
            until=now - timedelta(days=until), user=None, now=now,
        )  # fmt: skip
    assert caught.value.reason == reason


def test_a_second_one_of_a_kind_shows_the_one_under_way(anna, shop):
    running = ask(shop, "read")
    answer = anna.post(page(shop), {"kind": "read", **days(shop, 3)}, follow=True)
    assert "again already" in answer.content.decode()
    assert f"replay-{running.public_id}" in answer.content.decode()
    assert Replay.objects.count() == 1
    with pytest.raises(AlreadyReplaying) as caught:
        ask(shop, "read")
    assert caught.value.running == running
    anna.post(page(shop), {"kind": "pull", **days(shop, 3)})
    assert Replay.objects.count() == 2


def test_a_store_that_is_not_active_is_read_only(anna, shop):
    Store.objects.filter(pk=shop.pk).update(state="unlinked")
    assert "only what was received can be read again" in text_of(anna, page(shop))
    for kind in ("pull", "pushes"):
        assert anna.post(page(shop), {"kind": kind, **days(shop, 3)}).status_code == 400
    assert anna.post(page(shop), {"kind": "read", **days(shop, 3)}).status_code == 302


# --- who may


def test_operators_and_managers_may_and_nobody_else(world, shop):
    bind(world.member(world.bo), shop, Duty.OPERATOR)
    bind(world.member(world.cai), shop, Duty.CUSTOMER_SERVICE)
    for user, status in ((world.bo, 302), (world.ada, 302), (world.cai, 404), (world.dan, 404)):
        Replay.objects.all().delete()
        answer = world.client(user).post(page(shop), {"kind": "read", **days(shop, 3)})
        assert (user, answer.status_code) == (user, status)
        assert Replay.objects.count() == (status == 302)


def test_a_replay_of_others_is_neither_followed_nor_stopped(world, shop):
    replay = ask(shop, "read")
    for user in (world.bo, world.cai, world.dan):  # none of them is bound to this store
        client = world.client(user)
        assert client.get(reverse("replay_progress", args=[replay.public_id])).status_code == 404
        assert client.post(reverse("replay_stop", args=[replay.public_id])).status_code == 404
    assert Replay.objects.get().state == "waiting"


def test_the_store_page_offers_it_to_those_who_may(world, anna, shop):
    bind(world.member(world.cai), shop, Duty.CUSTOMER_SERVICE)
    address = reverse("store", args=[shop.public_id])
    assert page(shop) in anna.get(address).content.decode()
    assert page(shop) not in world.client(world.cai).get(address).content.decode()


# --- following and stopping


def test_progress_is_shown_and_ends_by_reloading_the_page(anna, shop, monkeypatch):
    monkeypatch.setattr(replay_read, "BATCH", 5)
    replay = ask(shop, "read")
    work_on(claim(now=timezone.now()), seconds=0)
    answer = anna.get(reverse("replay_progress", args=[replay.public_id]))
    assert "5 orders read again" in answer.content.decode()
    assert 'max="100" value=' in answer.content.decode()
    worked(replay)
    answer = anna.get(reverse("replay_progress", args=[replay.public_id]))
    assert (answer["HX-Refresh"], answer.content) == ("true", b"")


def test_a_waiting_one_is_stopped_at_once(world, anna, shop):
    replay = ask(shop, "read")
    anna.post(reverse("replay_stop", args=[replay.public_id]))
    assert Replay.objects.get().state == "stopped"
    assert Event.objects.get(verb="replay.stopped").actor == world.anna
    assert tasks.pump_replays() == 0
    anna.post(reverse("replay_stop", args=[replay.public_id]))
    assert Event.objects.filter(verb="replay.stopped").count() == 1


def test_a_running_one_stops_at_its_next_step_and_keeps_what_was_done(shop, monkeypatch):
    monkeypatch.setattr(replay_read, "BATCH", 5)
    replay = ask(shop, "read")
    row = claim(now=timezone.now())
    work_on(row, seconds=0)
    Replay.objects.update(leased_until=timezone.now() + timedelta(minutes=1))
    stop_replay(replay=replay, user=None, now=timezone.now())
    assert Replay.objects.get().state == "running"
    work_on(Replay.objects.get(), seconds=60)
    ended = Replay.objects.get()
    assert (ended.state, ended.seen) == ("stopped", 5)


def test_stopping_a_pull_ends_its_stream(market, shop):
    replay = ask(shop, "pull")
    tasks.pump_replays()
    stream = Stream.objects.get(pk=Replay.objects.get().stream_id)
    assert stop_replay(replay=replay, user=None, now=timezone.now())
    stream.refresh_from_db()
    assert (stream.due_at, Replay.objects.get().state) == (None, "stopped")
    assert stream.finished_at is not None
    market.wire.calls.clear()
    tasks.pump_orders()
    assert not any("posting" in path for _, path in market.wire.calls)
    assert ask(shop, "pull").state == "waiting"  # the next may begin


# --- turns


def test_turns_are_taken_between_tenants_and_one_at_a_time_of_each(
    world, market, shop, monkeypatch
):
    monkeypatch.setattr(replay_read, "BATCH", 5)
    mine = [ask(shop, "read"), ask(make_store(world.lotus, platform="ozon"), "read")]
    now = timezone.now()
    with tenant_scope(world.maple):
        theirs = start_replay(
            store=world.syrup, kind="read", since=now - timedelta(days=1), until=now, user=None,
            now=now,
        )  # fmt: skip
    first, second = claim(now=now), claim(now=now)
    assert [first.pk, second.pk] == [mine[0].pk, theirs.pk]
    assert claim(now=now) is None  # Lotus has one under way
    work_on(first, seconds=0)
    assert claim(now=timezone.now()).pk == mine[1].pk  # who had no turn yet
    with all_tenants("looking"):
        assert Replay.objects.get(pk=mine[0].pk).seen == 5


def test_a_worker_that_lost_its_lease_writes_nothing(shop):
    spoil(Order.objects.filter(store=shop).order_by("-placed_at").first())
    ask(shop, "read")
    slow = claim(now=timezone.now())
    Replay.objects.update(leased_until=timezone.now())
    winner = claim(now=timezone.now())
    assert winner.fence == slow.fence + 1
    work_on(slow)
    assert Order.objects.filter(status="unknown").count() == 1
    assert Replay.objects.get().seen == 0
    work_on(winner)
    assert (Replay.objects.get().state, Replay.objects.get().updated) == ("done", 1)
    work_on(slow)
    assert Event.objects.filter(verb="replay.finished").count() == 1


def test_a_mistake_of_ours_ends_it_and_is_told(anna, shop, caplog):
    replay = ask(shop, "read")
    Replay.objects.filter(pk=replay.pk).update(position="orders of-no-moment 7")
    tasks.pump_replays()
    ended = Replay.objects.get()
    assert (ended.state, ended.fault, ended.seen) == ("failed", "unknown", 0)
    assert "replay.tripped" in caplog.text
    assert Event.objects.get(verb="replay.finished").outcome == "failed"
    assert text_of(anna, page(shop))
    assert ask(shop, "read").state == "waiting"
