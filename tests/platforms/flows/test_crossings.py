"""What happens to one authorization while something else is under way with it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from platforms import tasks
from platforms.flows import manage_store
from platforms.flows.break_authorization import break_authorization
from platforms.flows.heal_authorization import heal_authorization
from platforms.flows.refresh import recover_answers, refresh
from platforms.models import Authorization, Stream
from tenants.models import Store
from tenants.scope import tenant_scope
from tests.support.linking import link_store
from tests.support.watching import fail, linked, look, minutes, told, troubles
from tests.support.wire import emulated


@pytest.fixture(autouse=True)
def _an_empty_disk(settings, tmp_path):
    settings.ANSWERS_DIR = tmp_path


@pytest.fixture
def shop(world):
    """A linked eBay store, with its marketplace."""
    with emulated() as market, tenant_scope(world.lotus):
        (store,) = link_store(market, world.lotus, "ebay-lantern").stores
        yield Store.objects.select_related("authorization", "tenant").get(pk=store.pk)


def due(store: Store) -> Authorization:
    past = timezone.now() - timedelta(seconds=1)
    Authorization.objects.filter(pk=store.authorization_id).update(
        access_expires_at=past, refresh_due_at=past
    )
    return Authorization.objects.get(pk=store.authorization_id)


@contextmanager
def before_the_answer_is_written(act):
    """Run `act` once, when the platform has answered and nothing is committed yet."""
    left = [act]

    def wrapper(execute, sql, params, many, context):
        if left and sql.lstrip().startswith("UPDATE platforms_authorization SET"):
            left.pop()()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield
    assert not left


@pytest.mark.parametrize("repeats", [True, False])
def test_unlinking_during_a_refresh_leaves_no_credential(shop, repeats, monkeypatch):
    monkeypatch.setattr("platforms.adapters.ebay.Ebay.refresh_repeats", repeats)
    row = due(shop)

    def unlink():
        manage_store.unlink_store(store=shop, user=None, now=timezone.now())

    with before_the_answer_is_written(unlink):
        refresh(authorization=row, now=timezone.now())

    recover_answers()
    row = Authorization.objects.get(pk=row.pk)
    assert (row.state, bytes(row.sealed_credential), row.hint) == ("ended", b"", "")
    assert (row.access_expires_at, row.refresh_due_at, row.leased_until) == (None, None, None)
    assert list(settings.ANSWERS_DIR.iterdir()) == []


def test_resuming_a_store_whose_grant_died_a_moment_ago_asks_to_relink(shop):
    manage_store.pause_store(store=shop, user=None, now=timezone.now())
    seen = Store.objects.select_related("authorization", "tenant").get(pk=shop.pk)
    assert break_authorization(
        authorization=seen.authorization, fault="token_revoked", detail="", now=timezone.now()
    )

    manage_store.resume_store(store=seen, user=None, now=timezone.now())

    assert Store.objects.get(pk=shop.pk).state == "needs_relink"


def test_resuming_a_store_whose_grant_has_just_healed_makes_it_active(shop):
    manage_store.pause_store(store=shop, user=None, now=timezone.now())
    row = Authorization.objects.get(pk=shop.authorization_id)
    break_authorization(authorization=row, fault="token_revoked", detail="", now=timezone.now())
    seen = Store.objects.select_related("authorization", "tenant").get(pk=shop.pk)
    assert heal_authorization(authorization=row, now=timezone.now())

    manage_store.resume_store(store=seen, user=None, now=timezone.now())

    assert Store.objects.get(pk=shop.pk).state == "active"


@pytest.mark.parametrize(
    ("fault", "left"), [("platform_down", []), ("app_rejected", ["app_rejected"])]
)
def test_a_pull_that_works_proves_the_token_and_not_its_renewal(shop, fault, left):
    now = timezone.now()
    Authorization.objects.filter(pk=shop.authorization_id).update(
        fault=fault, fault_at=now, failing_since=now, refresh_failures=3,
        refresh_due_at=now + timedelta(minutes=30),
    )  # fmt: skip
    Stream.objects.filter(authorization=shop.authorization).update(due_at=now, leased_until=None)

    tasks.pump_orders()
    look(timezone.now())

    assert Stream.objects.filter(store=shop, failures=0).exclude(last_success_at=None).exists()
    assert Authorization.objects.get(pk=shop.authorization_id).fault == "".join(left)
    assert [trouble.fault for trouble in troubles()] == left
    assert [notice.fault for notice in told()] == left


def test_a_healed_grant_is_no_other_trouble_until_its_first_pull(world):
    shop = linked(world.lotus)
    fail(shop, "token_revoked", tries=2)
    with tenant_scope(world.lotus):
        row = Authorization.objects.get(pk=shop.authorization_id)
        break_authorization(
            authorization=row, fault="token_revoked", detail="", now=minutes(0)
        )  # fmt: skip
        look(minutes(1))
        heal_authorization(authorization=row, now=minutes(2))
    look(minutes(3))
    (trouble,) = troubles()
    assert (trouble.fault, trouble.ended_at) == ("token_revoked", None)
    assert len(told()) == 1
