"""When a platform comes back, all its grants get tokens at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms.flows import refresh as flow
from platforms.flows.refresh import BACK_OFF, LONGEST_WITHOUT_TOKEN, Outcome, refresh
from platforms.models import Authorization
from tenants.scope import all_tenants
from tests.support.factories import make_authorization
from tests.support.linking import link_store


@pytest.fixture(autouse=True)
def _nobody_was_woken_yet():
    flow._woken.clear()


@pytest.fixture
def grant(market, world):
    return link_store(market, world.lotus, "ebay-lantern").authorization


def ago(**how_long):
    return timezone.now() - timedelta(**how_long)


def due(grant, **more):
    past = ago(seconds=1)
    changes = {"access_expires_at": past, "refresh_due_at": past, "leased_until": None} | more
    with all_tenants("set up"):
        Authorization.objects.filter(pk=grant.pk).update(**changes)


def waiting(tenant, **more):
    """Another grant of the platform, an hour away from its next try."""
    given = {
        "refresh_due_at": timezone.now() + timedelta(hours=1), "refresh_failures": 7,
        "fault": "platform_down", "fault_at": ago(minutes=20), "access_expires_at": ago(hours=1),
    }  # fmt: skip
    return make_authorization(tenant, **(given | more))


def comes_back(market, grant):
    market.control("knobs", where="ebay", set={"token_down": True})
    due(grant)
    assert refresh(authorization=grant, now=timezone.now()).outcome == Outcome.FAILED
    market.control("knobs/clear", where="ebay")
    due(grant)
    assert refresh(authorization=grant, now=timezone.now()).outcome == Outcome.REFRESHED


def is_due(grant):
    with all_tenants("looking"):
        return Authorization.objects.get(pk=grant.pk).refresh_due_at <= timezone.now()


def test_the_first_success_wakes_grants_of_all_tenants_that_wait(market, world, grant):
    ours, theirs = waiting(world.lotus), waiting(world.maple)
    comes_back(market, grant)
    assert is_due(ours)
    assert is_due(theirs)


@pytest.mark.parametrize(
    "other",
    [
        {"platform": "ozon"},
        {"fault": "rate_limited"},  # it was told when to come again
        {"state": "needs_relink"},  # second looks have a rhythm of their own
        {"refresh_failures": 0, "fault": ""},  # not due yet, and well
        {"fault_at": timezone.now() + timedelta(days=1)},  # tried a moment ago
    ],
)
def test_who_does_not_wait_for_an_outage_is_left_alone(market, world, grant, other):
    row = waiting(world.maple, **other)
    comes_back(market, grant)
    assert not is_due(row)


def test_a_success_without_a_failure_before_wakes_nobody(market, world, grant):
    row = waiting(world.maple)
    due(grant)
    assert refresh(authorization=grant, now=timezone.now()).outcome == Outcome.REFRESHED
    assert not is_due(row)


@pytest.mark.parametrize(
    ("ended", "longest"),
    [(timedelta(hours=-1), BACK_OFF[1]), (timedelta(hours=1), LONGEST_WITHOUT_TOKEN)],
)
def test_without_a_usable_token_the_waits_stay_short(market, grant, ended, longest):
    market.control("knobs", where="ebay", set={"token_down": True})
    due(grant, refresh_failures=12, access_expires_at=timezone.now() - ended)
    assert refresh(authorization=grant, now=timezone.now()).outcome == Outcome.FAILED
    wait = Authorization.objects.get(pk=grant.pk).refresh_due_at - timezone.now()
    assert longest * 0.7 < wait < longest * 1.3
