"""Refreshing: nobody's grant is destroyed by us, and a dead one is noticed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms import credentials, transport
from platforms.errors import Fault, NeedsSeller
from platforms.flows.refresh import LEASE, Outcome, open_channel, refresh
from platforms.models import Authorization, Consent, Stream
from tenants.models import Event, Store
from tests.support.linking import link_store
from tests.support.wire import Unplugged

LANTERN = "ebay-lantern"


@pytest.fixture
def grant(market, world):
    """A linked eBay authorization."""
    return link_store(market, world.lotus, LANTERN).authorization


def expire(grant):
    past = timezone.now() - timedelta(seconds=1)
    Authorization.objects.filter(pk=grant.pk).update(access_expires_at=past)


def ask(grant, **more):
    return refresh(authorization=grant, now=timezone.now(), **more)


def reread(grant):
    return Authorization.objects.get(pk=grant.pk)


def test_a_fresh_token_is_kept_without_a_call(market, grant):
    market.wire.calls.clear()
    assert ask(grant).outcome == Outcome.KEPT
    assert market.wire.calls == []


def test_an_expiring_token_is_renewed_and_the_refresh_token_kept(market, grant):
    before = credentials.open_secrets(grant)
    expire(grant)

    assert ask(grant).outcome == Outcome.REFRESHED

    after = credentials.open_secrets(reread(grant))
    assert after["access_token"] != before["access_token"]
    assert after["refresh_token"] == before["refresh_token"]  # eBay's answer has none
    assert reread(grant).access_expires_at > timezone.now()


def test_a_rotated_refresh_token_replaces_the_old_one(market, grant):
    market.control("knobs", where="ebay", set={"rotate": "strict"})
    before = credentials.open_secrets(grant)["refresh_token"]
    for _ in range(3):
        expire(grant)
        assert ask(grant).outcome == Outcome.REFRESHED
    assert credentials.open_secrets(reread(grant))["refresh_token"] != before


def test_a_revoked_grant_needs_a_relink_and_stops_its_streams(market, grant, world):
    market.control("revoke", account=LANTERN)
    expire(grant)

    result = ask(grant)

    assert (result.outcome, result.fault) == (Outcome.NEEDS_RELINK, Fault.TOKEN_REVOKED)
    assert reread(grant).state == "needs_relink"
    store = Store.objects.get(authorization=grant)
    assert store.state == "needs_relink"
    assert not Stream.objects.filter(authorization=grant).exclude(due_at=None).exists()
    assert Consent.objects.get(authorization=grant).ended_why == "token_revoked"
    assert Event.objects.filter(verb="store.broke", target_id=str(store.public_id)).count() == 1


@pytest.mark.parametrize("fault", [Fault.NETWORK_UNREACHABLE, Fault.TLS_FAILED])
def test_a_network_that_is_down_never_kills_a_grant(market, grant, fault):
    expire(grant)
    with transport.use_wire(Unplugged(fault)):
        for _ in range(5):
            assert ask(grant).outcome == Outcome.FAILED
    row = reread(grant)
    assert (row.state, row.refresh_failures) == ("active", 5)
    assert row.refresh_due_at > timezone.now() + timedelta(minutes=6)  # backs off
    assert ask(grant).outcome == Outcome.REFRESHED


@pytest.mark.parametrize(
    "knob", [{"token_down": True}, {"token_garble": "html"}, {"throttle": True}]
)
def test_nonsense_and_disturbances_never_kill_a_grant(market, grant, knob):
    market.control("knobs", where="ebay", set=knob)
    expire(grant)
    assert ask(grant).outcome == Outcome.FAILED
    assert reread(grant).state == "active"
    market.control("knobs/clear", where="ebay")
    assert ask(grant).outcome == Outcome.REFRESHED


def test_wrong_keys_of_our_own_application_do_not_end_the_sellers_grant(market, grant):
    market.control("rotate_secret", app="ebay")
    expire(grant)
    result = ask(grant)
    assert (result.outcome, result.fault) == (Outcome.FAILED, Fault.BAD_CREDENTIALS)
    assert reread(grant).state == "active"


def test_a_refusal_of_a_credential_that_was_replaced_meanwhile_changes_nothing(market, grant):
    """A relink lands while a refresh with the old token is under way."""
    market.control("revoke", account=LANTERN)
    expire(grant)

    class RelinkedMeanwhile:
        def send(self, *request):
            answer = market.wire.send(*request)
            row = reread(grant)
            Authorization.objects.filter(pk=grant.pk).update(
                generation=row.generation + 1, fence=row.fence + 1
            )
            return answer

    with transport.use_wire(RelinkedMeanwhile()):
        assert ask(grant).outcome == Outcome.KEPT
    assert reread(grant).state == "active"


def test_a_worker_that_lost_its_lease_writes_nothing(market, grant):
    expire(grant)

    class Overslept:
        """The answer arrives after another worker has taken over and finished."""

        def send(self, *request):
            answer = market.wire.send(*request)
            Authorization.objects.filter(pk=grant.pk).update(
                leased_until=timezone.now() - timedelta(seconds=1)
            )
            with transport.use_wire(market.wire):
                assert ask(grant).outcome == Outcome.REFRESHED
            self.winner = bytes(reread(grant).sealed_credential)
            return answer

    wire = Overslept()
    with transport.use_wire(wire):
        assert ask(grant).outcome == Outcome.KEPT
    assert bytes(reread(grant).sealed_credential) == wire.winner


def test_a_lease_that_was_never_given_back_is_taken_over_when_it_ends(market, grant):
    expire(grant)
    Authorization.objects.filter(pk=grant.pk).update(
        leased_until=timezone.now() - timedelta(seconds=1),
        in_flight_since=timezone.now() - LEASE,
        fence=7,
    )
    assert ask(grant).outcome == Outcome.REFRESHED
    assert reread(grant).in_flight_since is None


def test_an_answer_lost_with_its_holder_asks_for_a_relink_and_says_why(market, grant):
    """Single use: the platform rotated the token, but the holder died before writing it."""
    market.control("knobs", where="ebay", set={"rotate": "strict"})
    expire(grant)

    class Died(BaseException):
        pass

    class DiesAfterTheAnswer:
        def send(self, *request):
            market.wire.send(*request)
            raise Died

    with transport.use_wire(DiesAfterTheAnswer()), pytest.raises(Died):
        ask(grant)
    assert reread(grant).in_flight_since is not None
    Authorization.objects.filter(pk=grant.pk).update(leased_until=timezone.now())

    assert ask(grant).outcome == Outcome.NEEDS_RELINK
    assert "lost" in reread(grant).fault_detail


def test_a_call_told_expired_is_refreshed_once_and_repeated(market, grant, world):
    market.control("expire", platform="ebay")
    with open_channel(grant, now=timezone.now()) as call:
        identity = call.adapter.who_am_i(call, now=timezone.now())
    assert identity.account_id == grant.account_id
    assert call.calls == 2
    assert reread(grant).generation == grant.generation + 1


def test_a_channel_of_a_broken_grant_is_refused_without_a_call(market, grant):
    market.control("revoke", account=LANTERN)
    expire(grant)
    ask(grant)
    market.wire.calls.clear()
    with pytest.raises(NeedsSeller) as refused:
        open_channel(reread(grant), now=timezone.now())
    assert refused.value.fault == Fault.TOKEN_REVOKED
    assert market.wire.calls == []


def test_no_token_is_in_logs_or_events(market, grant, caplog):
    secrets = credentials.open_secrets(grant)
    market.control("revoke", account=LANTERN)
    expire(grant)
    with caplog.at_level("DEBUG"):
        ask(grant)
    told = caplog.text + str(list(Event.objects.values("detail", "target_name")))
    assert not [name for name, value in secrets.items() if value in told]
