"""What each kind of replay does again, and that doing it twice changes nothing."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from platforms import landing, tasks
from platforms.emulator.accounts import of_platform
from platforms.flows import replay_pushes, replay_read
from platforms.flows.manage_store import unlink_store
from platforms.models import (
    Consent,
    Delivery,
    Order,
    OrderRaw,
    PullRun,
    Quarantined,
    Replay,
    Stream,
)
from tenants.models import Event, Store
from tests.platforms.quarantine.scenes import aside, many_aside, raw_order
from tests.platforms.replays.conftest import ask, linked, spoil, worked
from tests.platforms.views.test_push import deliver
from tests.support.linking import link_store


def snapshot(store):
    return {
        order.number: (order.status, order.total, bytes(order.content_hash), order.landed_at)
        for order in Order.objects.filter(store=store)
    }


def counts(replay):
    return {name: getattr(replay, name) for name in ("seen", "created", "updated", "quarantined")}


# --- pull


def test_a_pull_restores_what_was_spoiled_and_brings_what_was_missing(shop):
    changed = Order.objects.filter(store=shop).order_by("-changed_at")
    spoiled, gone = changed[0], changed[1]
    before = (spoiled.status, spoiled.total)
    spoil(spoiled)
    Order.objects.filter(pk=gone.pk).delete()

    replay = worked(ask(shop, "pull"))

    assert (replay.state, replay.created, replay.updated) == ("done", 1, 1)
    assert replay.seen == replay.created + replay.updated + replay.unchanged
    again = Order.objects.get(pk=spoiled.pk)
    assert (again.status, again.total) == before
    assert Order.objects.filter(store=shop, number=gone.number).exists()
    runs = PullRun.objects.filter(stream=replay.stream)
    assert sum(run.seen for run in runs) == replay.seen
    assert replay.stream.reread


def test_a_second_pull_of_the_same_window_writes_nothing(shop):
    worked(ask(shop, "pull"))
    before = snapshot(shop)
    replay = worked(ask(shop, "pull"))
    assert (replay.created, replay.updated) == (0, 0)
    assert replay.unchanged == replay.seen > 0
    assert snapshot(shop) == before


def test_a_pull_says_why_the_platform_refuses_and_goes_on(market, shop):
    replay = ask(shop, "pull")
    market.control("knobs", where="ozon", set={"down": True})
    tasks.pump_replays()
    tasks.pump_orders()
    Replay.objects.update(leased_until=timezone.now())
    tasks.pump_replays()
    waiting = Replay.objects.get(pk=replay.pk)
    assert (waiting.state, waiting.fault) == ("running", "platform_down")

    market.control("knobs", where="ozon", set={"down": False})
    Stream.objects.filter(pk=waiting.stream_id).update(due_at=timezone.now())
    done = worked(replay)
    assert (done.state, done.fault) == ("done", "")


def test_a_pull_ends_when_the_permission_does(market, shop):
    replay = ask(shop, "pull")
    tasks.pump_replays()
    Store.objects.filter(pk=shop.pk).update(state="needs_relink")
    shop.authorization.__class__.objects.filter(pk=shop.authorization_id).update(
        fault="token_revoked"
    )
    done = worked(replay)
    assert (done.state, done.fault) == ("failed", "token_revoked")
    assert done.stream.finished_at is not None
    assert Event.objects.get(verb="replay.finished").outcome == "failed"


def test_a_store_unlinked_meanwhile_ends_its_pull(shop):
    replay = ask(shop, "pull")
    tasks.pump_replays()
    unlink_store(store=shop, user=None, now=timezone.now())
    assert worked(replay).state == "failed"


def test_a_window_under_way_for_another_reason_begins_anew(shop):
    now = timezone.now()
    replay = ask(shop, "pull")
    other = Stream.objects.create(
        tenant=shop.tenant, authorization=shop.authorization, store=shop, lane=2,
        starts_at=replay.since, ends_at=replay.until, watermark=now - timedelta(days=1),
    )  # fmt: skip
    other.fence, other.leased_until = 4, now + timedelta(minutes=2)
    other.save()
    done = worked(replay)
    assert done.stream_id == other.pk
    assert done.seen >= Order.objects.filter(changed_at__gte=replay.since).count() > 5


def test_of_stores_that_share_a_permission_only_the_one_asked_for_is_pulled(market, world):
    account = of_platform("amazon")[0].key
    link_store(market, world.lotus, account, name="many")
    month_ago = timezone.now() - timedelta(days=30)
    Stream.objects.update(starts_at=month_ago, watermark=month_ago)
    tasks.pump_orders()
    one, other = Store.objects.filter(account_name="many", authorization__isnull=False)[:2]
    for store in (one, other):
        spoil(Order.objects.filter(store=store).order_by("-changed_at").first())
    done = worked(ask(one, "pull"))
    assert (done.state, done.updated) == ("done", 1)
    assert not Order.objects.filter(store=one, status="unknown").exists()
    assert Order.objects.filter(store=other, status="unknown").exists()


# --- read


def test_reading_again_restores_and_the_second_time_changes_nothing(shop, monkeypatch):
    monkeypatch.setattr(replay_read, "BATCH", 4)
    spoiled = Order.objects.filter(store=shop).order_by("-placed_at")[2]
    before = (spoiled.status, spoiled.total)
    spoil(spoiled)

    first = worked(ask(shop, "read"))

    again = Order.objects.get(pk=spoiled.pk)
    assert (again.status, again.total) == before
    in_window = Order.objects.filter(placed_at__gte=first.since, placed_at__lt=first.until)
    assert (first.state, first.updated, first.seen) == ("done", 1, in_window.count())

    left = snapshot(shop)
    second = worked(ask(shop, "read"))
    assert (second.state, second.updated, second.seen) == ("done", 0, first.seen)
    assert second.unchanged == second.seen
    assert snapshot(shop) == left


def test_reading_again_asks_nobody(market, shop):
    market.wire.calls.clear()
    ask(shop, "read")
    tasks.pump_replays()
    assert Replay.objects.get().seen > 5
    assert market.wire.calls == []


def test_orders_of_one_moment_are_read_once_each(shop, monkeypatch):
    monkeypatch.setattr(replay_read, "BATCH", 3)
    moment = timezone.now() - timedelta(days=1)
    Order.objects.filter(store=shop).update(placed_at=moment)
    replay = worked(ask(shop, "read"))
    assert replay.seen == Order.objects.filter(store=shop).count()


def test_reading_again_keeps_a_newer_version(shop):
    order = Order.objects.filter(store=shop).order_by("-placed_at").first()
    spoil(order)
    Order.objects.filter(pk=order.pk).update(changed_at=timezone.now())
    replay = worked(ask(shop, "read"))
    assert replay.updated == 0
    assert Order.objects.get(pk=order.pk).status == "unknown"


def test_reading_again_does_not_prolong_how_long_data_is_kept(shop):
    order = Order.objects.filter(store=shop).order_by("-placed_at").first()
    spoil(order)
    ends = timezone.now() + timedelta(hours=5)
    OrderRaw.objects.filter(order=order).update(expires_at=ends)
    assert worked(ask(shop, "read")).updated == 1
    assert OrderRaw.objects.get(order=order).expires_at == ends


def test_what_is_not_kept_any_more_is_not_read(shop):
    OrderRaw.objects.update(expires_at=timezone.now())
    replay = worked(ask(shop, "read"))
    assert (replay.state, replay.seen) == ("done", 0)


def test_an_order_the_platform_deleted_does_not_come_back(shop):
    order = Order.objects.filter(store=shop).order_by("-placed_at").first()
    Order.objects.filter(pk=order.pk).update(
        status="cancelled", platform_status="deleted", content_hash=b"x" * 16
    )
    worked(ask(shop, "read"))
    assert Order.objects.get(pk=order.pk).status == "cancelled"


def test_what_cannot_be_read_goes_to_quarantine_once(shop):
    orders = list(Order.objects.filter(store=shop).order_by("-placed_at")[:2])
    garbled = landing.compress(b'{"posting_number": 7}')
    OrderRaw.objects.filter(order=orders[0]).update(body=garbled)
    OrderRaw.objects.filter(order=orders[1]).update(body=b"nothing that opens")

    first = worked(ask(shop, "read"))

    assert (first.state, first.quarantined) == ("done", 2)
    assert Quarantined.objects.filter(state="waiting").count() == 1
    assert first.seen == Order.objects.filter(placed_at__gte=first.since).count()
    worked(ask(shop, "read"))
    assert Quarantined.objects.filter(state="waiting").count() == 1


def test_what_waits_in_quarantine_is_released(world, shop):
    order = Order.objects.filter(store=shop).order_by("-placed_at").first()
    raw = landing.decompress(OrderRaw.objects.get(order=order).body)
    kind = OrderRaw.objects.get(order=order).record_kind
    number = order.number
    Order.objects.filter(pk=order.pk).delete()
    record = quarantine(shop, raw, kind)
    replay = ask(shop, "read", user=world.anna)
    Replay.objects.update(until=timezone.now())

    done = worked(replay)

    record.refresh_from_db()
    assert (record.state, done.created) == ("released", 1)
    assert Order.objects.filter(store=shop, number=number).exists()
    assert Event.objects.get(verb="quarantine.many_released").actor == world.anna


def test_what_still_cannot_be_read_stays_in_quarantine(shop):
    record = quarantine(shop, b'{"posting_number": 7}', "")
    replay = ask(shop, "read")
    Replay.objects.update(until=timezone.now())
    done = worked(replay)
    record.refresh_from_db()
    assert (done.state, done.quarantined, record.state) == ("done", 1, "waiting")


def test_what_belongs_to_a_store_and_what_to_none_yet_lands_in_one_turn(market, world):
    store = linked(market, world.lotus, "ebay-lantern")
    mine, shared = aside(store, raw_order()), aside(None, raw_order(), stream=Stream.objects.get())
    broken = aside(store)

    done = worked(asked_for_now(store))

    for record, state in ((mine, "released"), (shared, "released"), (broken, "waiting")):
        record.refresh_from_db()
        assert record.state == state
    assert (done.state, done.created, done.quarantined) == ("done", 2, 1)
    assert done.seen == done.created + done.updated + done.unchanged + done.quarantined


def test_a_hundred_records_cost_hardly_more_statements_than_two(market, world):
    store = linked(market, world.lotus, "ebay-lantern")
    costs = []
    for count in (2, 100):
        Quarantined.objects.all().delete()
        many_aside(store, count, raws=lambda n: raw_order())
        asked_for_now(store)
        with CaptureQueriesContext(connection) as captured:
            assert tasks.pump_replays() == 1
        assert Quarantined.objects.filter(state="released").count() == count
        costs.append(len(captured))
    assert costs[1] <= costs[0] + 4, costs


def asked_for_now(store):
    """A replay of nothing but what is in quarantine."""
    replay = ask(store, "read")
    Replay.objects.filter(pk=replay.pk).update(until=timezone.now(), position="quarantine 0")
    return replay


def quarantine(store, raw, kind):
    return Quarantined.objects.create(
        tenant=store.tenant, store=store, platform=store.platform, record_kind=kind, reason="?",
        stream=Stream.objects.get(store=store), raw=landing.compress(raw),
        raw_sha256=hashlib.sha256(raw).hexdigest(),
    )  # fmt: skip


def test_an_unlinked_store_is_read_again_too(shop):
    spoil(Order.objects.filter(store=shop).order_by("-placed_at").first())
    unlink_store(store=shop, user=None, now=timezone.now())
    shop = Store.objects.get(pk=shop.pk)
    assert worked(ask(shop, "read")).updated == 1


def test_buyer_data_that_was_removed_does_not_come_back(shop):
    """Retention removes it; neither reading again nor pulling again brings it back."""
    order = (
        Order.objects.filter(store=shop).exclude(buyer_name=None).order_by("-changed_at").first()
    )
    personal = dict.fromkeys(landing.PERSONAL_COLUMNS)
    Order.objects.filter(pk=order.pk).update(**personal, scrubbed_at=timezone.now())
    spoil(order)
    worked(ask(shop, "read"))
    worked(ask(shop, "pull"))
    again = Order.objects.get(pk=order.pk)
    assert {again.buyer_name, again.buyer_email, again.ship_name, again.ship_phone} == {None}
    assert again.status == order.status


# --- pushes


@pytest.fixture
def pushed(market, world, client):
    """A shop that reported three orders, all worked on."""
    account = of_platform("shopify")[0].key
    store = link_store(market, world.lotus, account, mode="client_credentials").stores[0]
    tasks.pump_orders()
    tasks.pump_deliveries()
    market.control("orders/add", account=account, n=3, ago_seconds=120)
    assert set(deliver(market, client)) == {200}
    tasks.pump_deliveries()
    tasks.pump_orders()
    assert Delivery.objects.count() >= 3
    assert not Delivery.objects.filter(state="waiting").exists()
    return store


def ask_pushes(store):
    replay = ask(store, "pushes", days=2)
    Replay.objects.filter(pk=replay.pk).update(until=timezone.now())
    return replay


def test_the_pushes_of_the_window_make_the_store_due_again(pushed, monkeypatch):
    monkeypatch.setattr(replay_pushes, "BATCH", 2)
    hour = timedelta(hours=1)
    Stream.objects.filter(store=pushed).update(due_at=timezone.now() + hour)
    before = set(Delivery.objects.values_list("worked_at", flat=True))

    done = worked(ask_pushes(pushed))

    assert (done.state, done.seen) == ("done", Delivery.objects.count())
    assert (done.updated + done.unchanged, done.quarantined) == (done.seen, 0)
    assert done.updated >= 1
    assert not before & set(Delivery.objects.values_list("worked_at", flat=True))
    assert Stream.objects.get(store=pushed).due_at < timezone.now() + hour / 2


def test_pushes_from_before_the_last_consent_or_without_a_body_rest(pushed):
    rows = list(Delivery.objects.order_by("pk"))
    Delivery.objects.filter(pk=rows[0].pk).update(body=None)
    consent = Consent.objects.filter(authorization=pushed.authorization).latest("at").at
    early = consent - timedelta(seconds=1)
    Delivery.objects.filter(pk=rows[1].pk).update(received_at=early)
    done = worked(ask_pushes(pushed))
    assert (done.state, done.seen) == ("done", len(rows) - 2)
    for row in rows[:2]:
        assert Delivery.objects.get(pk=row.pk).worked_at == row.worked_at


def test_pushes_of_another_store_rest(world, market, pushed):
    other = linked(market, world.lotus)
    done = worked(ask_pushes(other))
    assert (done.state, done.seen) == ("done", 0)
