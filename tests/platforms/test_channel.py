"""Calls for one account: declared hosts only, limits shared by all workers, everything counted."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit

import pytest
from django.test import override_settings
from django.utils import timezone

from platforms import registry, traffic, transport
from platforms.adapter import Adapter
from platforms.errors import Fault, NeedsSeller, PlatformError, TryLater, platform_error
from platforms.models.traffic import CallStat, ClockOffset
from platforms.spec import Account, Answer, Limit, Mode, ModeKind, Request
from platforms.traffic import CallCounter
from platforms.transport import Channel, base_address, read_retry_after
from tenants.scope import tenant_scope
from tests.support.factories import make_authorization
from tests.support.wire import Script, Unplugged

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FAULTS = {401: Fault.TOKEN_EXPIRED, 403: Fault.INSUFFICIENT_SCOPE, 429: Fault.RATE_LIMITED}


class Bazaar(Adapter):
    """A marketplace of three calls a minute; the token endpoint has no limit."""

    code = "bazaar"
    name = "Bazaar"
    modes = (Mode(code="key", name="Key", kind=ModeKind.KEYS),)
    endpoints = {
        "api": "https://api.bazaar.test",
        "api.eu": "https://eu.bazaar.test",
        "auth": "https://auth.bazaar.test",
    }
    limits = {
        "default": Limit(rate=0.05, burst=3),
        "quick": Limit(rate=50, burst=1),
        "shared": Limit(rate=0.05, burst=1, per_app=True),
    }

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        token = account.secrets.get("access_token")
        if not token:
            raise platform_error(Fault.TOKEN_EXPIRED, "no token yet")
        return replace(request, headers={**request.headers, "authorization": f"Bearer {token}"})

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        fault = FAULTS.get(answer.status)
        return platform_error(fault, "refused") if fault else None


BAZAAR = Bazaar()
ACCOUNT = Account(mode="key", account_id="s-1", secrets={"access_token": "at-s3cret"})
GET = Request(method="GET", path="/orders")
FREE = replace(GET, operation="unlimited")


@pytest.fixture(autouse=True)
def _nothing_measured_yet(db, monkeypatch):
    monkeypatch.setattr(traffic, "_last_offset", {})


def refused(call: Channel, request: Request = GET) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        call(request)
    return caught.value


# --- where calls may go


@pytest.mark.parametrize(
    "path",
    ["@evil.test/x", ".evil.test/x", ":81/x", "\\@evil.test/x", "evil.test", ":pw@evil.test"],
)
def test_a_path_cannot_leave_the_declared_host(path):
    wire = Script()
    with transport.use_wire(wire):
        error = refused(Channel(BAZAAR, ACCOUNT), replace(FREE, path=path))
    assert (error.fault, wire.sent) == (Fault.INVALID_REQUEST, [])


@pytest.mark.parametrize("path", ["//evil.test/x", "/\\evil.test", "/https://evil.test/", "/../.."])
def test_a_path_that_looks_like_an_address_stays_at_the_host(path):
    wire = Script((200, {}))
    with transport.use_wire(wire):
        Channel(BAZAAR, ACCOUNT)(replace(FREE, path=path))
    assert urlsplit(wire.sent[0][1]).netloc == "api.bazaar.test"


@pytest.mark.parametrize("adapter", registry.all_adapters(), ids=lambda a: a.code)
def test_every_declared_endpoint_is_https(adapter):
    assert {urlsplit(base).scheme for base in adapter.endpoints.values()} == {"https"}


@override_settings(
    ALLOW_ENDPOINT_OVERRIDES=False, PLATFORM_ENDPOINTS={"bazaar": {"api": "http://evil.test"}}
)
def test_production_does_not_listen_to_overrides():
    wire = Script((200, {}))
    with transport.use_wire(wire):
        Channel(BAZAAR, ACCOUNT)(FREE)
    assert wire.sent[0][1] == "https://api.bazaar.test/orders"


@pytest.mark.parametrize(
    ("overrides", "key", "region", "base"),
    [
        ({"api": "http://x/"}, "api", "", "http://x"),
        ({"api": "http://x"}, "auth", "", "http://x"),
        ({"api": "http://x"}, "consent", "", "http://x"),
        ({"api": "http://x", "auth": "http://y"}, "auth", "", "http://y"),
        ({"auth": "http://y"}, "api", "", "http://y"),
        ({"api": "http://x", "API.EU": "http://eu"}, "api", "EU", "http://eu"),
        ({"api": "http://x", "api.eu": "http://eu"}, "api", "NA", "http://x"),
        ({}, "api", "EU", "https://eu.bazaar.test"),
        ({}, "auth", "EU", "https://auth.bazaar.test"),
    ],
)
def test_where_an_endpoint_is(overrides, key, region, base):
    with override_settings(ALLOW_ENDPOINT_OVERRIDES=True, PLATFORM_ENDPOINTS={"bazaar": overrides}):
        assert base_address(BAZAAR, key, region=region) == base


@pytest.mark.parametrize("adapter", registry.all_adapters(), ids=lambda a: a.code)
@pytest.mark.parametrize("status", [301, 302, 307])
def test_no_adapter_takes_a_redirect_for_an_answer(adapter, status):
    answer = Answer(status=status, headers={"location": "https://evil.test/"}, body=b"{}")
    assert adapter.read_fault(GET, answer) is not None


# --- limits


def test_our_own_limit_stops_the_call_before_it_is_made():
    wire = Script(*[(200, {})] * 3)
    with transport.use_wire(wire), Channel(BAZAAR, ACCOUNT) as call:
        for _ in range(3):
            call(GET)
        error = refused(call)
    assert isinstance(error, TryLater)
    assert error.fault == Fault.RATE_LIMITED
    assert timedelta(seconds=18) < error.retry_after <= timedelta(seconds=20)
    assert (len(wire.sent), call.calls) == (3, 3)


def test_a_short_wait_is_waited_for():
    wire = Script(*[(200, {})] * 4)
    with transport.use_wire(wire):
        for _ in range(4):
            Channel(BAZAAR, ACCOUNT)(replace(GET, operation="quick"))
    assert len(wire.sent) == 4


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [({"retry-after": "300"}, 299, 300), ({}, 19, 20), ({"retry-after": "0"}, 19, 20)],
)
def test_one_429_holds_every_worker_but_no_other_store(headers, least, most):
    wire = Script((429, {}, headers), (200, {}))
    with transport.use_wire(wire):
        told = refused(Channel(BAZAAR, ACCOUNT)).retry_after
        another_worker = refused(Channel(BAZAAR, ACCOUNT))
        Channel(BAZAAR, replace(ACCOUNT, account_id="s-2"))(GET)
    assert least <= told.total_seconds() <= most
    assert least - 2 <= another_worker.retry_after.total_seconds() <= most
    assert another_worker.detail == "our own limit for this call"
    assert len(wire.sent) == 2


def test_stores_that_are_being_linked_do_not_share_a_limit():
    unnamed = [Account(mode="key", secrets={"access_token": f"at-{n}"}) for n in range(5)]
    wire = Script(*[(200, {})] * 15)
    with transport.use_wire(wire):
        for account in unnamed * 3:
            Channel(BAZAAR, account)(GET)
        assert refused(Channel(BAZAAR, unnamed[0])).fault == Fault.RATE_LIMITED


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e3", None),
        ("٣", None),
        ("0", 0),
        ("90", 90),
        (" 90 ", 90),
        ("9" * 400, 86_400),
        (format_datetime(NOW + timedelta(seconds=45), usegmt=True), 45),
        (format_datetime(NOW - timedelta(hours=2), usegmt=True), 0),
        ("Sat, 21 Nov 2026 12:01:00", 60),
        ("Sat, 21 Nov 9999 12:01:00 GMT", 86_400),
        ("Sat, 99 Nov 2026 12:01:00 GMT", None),
        ("Sat, 21 Nov 2026 12:01:00 +9999", None),
    ],
)
def test_retry_after_in_all_its_forms(value, seconds):
    found = read_retry_after(Answer(status=429, headers={"retry-after": value}), now=NOW)
    assert (None if found is None else found.total_seconds()) == seconds


# --- an expired token


def test_an_expired_token_is_renewed_once_and_the_call_repeated():
    wire = Script((401, {}), (200, {"ok": 1}))
    fresh = replace(ACCOUNT, secrets={"access_token": "at-2"})
    with transport.use_wire(wire):
        answer = Channel(BAZAAR, ACCOUNT, renew=lambda: fresh)(FREE)
    assert answer.status == 200
    assert [sent[2]["authorization"] for sent in wire.sent] == ["Bearer at-s3cret", "Bearer at-2"]


def test_a_brand_new_token_that_is_refused_means_the_grant_is_gone():
    wire = Script((401, {}), (401, {}))
    with transport.use_wire(wire):
        error = refused(Channel(BAZAAR, ACCOUNT, renew=lambda: ACCOUNT), FREE)
    assert isinstance(error, NeedsSeller)
    assert (error.fault, len(wire.sent)) == (Fault.TOKEN_REVOKED, 2)


@pytest.mark.parametrize(("status", "signed"), [(403, True), (401, False)])
def test_other_refusals_are_not_cured_by_a_new_token(status, signed):
    wire = Script((status, {}))
    with transport.use_wire(wire):
        refused(Channel(BAZAAR, ACCOUNT, renew=lambda: ACCOUNT), replace(FREE, signed=signed))
    assert len(wire.sent) == 1


# --- counting


@pytest.fixture
def counted(world):
    row = make_authorization(world.lotus)
    with tenant_scope(world.lotus):
        yield lambda: CallCounter(tenant_id=world.lotus.pk, authorization_id=row.pk)


def test_calls_are_counted_by_how_they_ended(counted):
    wire = Script((200, {}), (200, {}), (403, {}))
    with transport.use_wire(wire), Channel(BAZAAR, ACCOUNT, counter=counted()) as call:
        call(FREE)
        call(FREE)
        refused(call, FREE)
    with transport.use_wire(Unplugged()), Channel(BAZAAR, ACCOUNT, counter=counted()) as call:
        refused(call, FREE)
    with transport.use_wire(Script((200, {}))), Channel(BAZAAR, ACCOUNT, counter=counted()) as call:
        call(FREE)
    found = dict(CallStat.objects.values_list("fault", "calls"))
    assert found == {"": 3, "insufficient_scope": 1, "network_unreachable": 1}
    assert all(row.slowest_ms <= row.milliseconds for row in CallStat.objects.all())


def test_calls_are_counted_also_when_the_pull_fails(counted):
    def pull() -> None:
        with Channel(BAZAAR, ACCOUNT, counter=counted()) as call:
            call(FREE)
            raise ZeroDivisionError

    with transport.use_wire(Script((200, {}))), pytest.raises(ZeroDivisionError):
        pull()
    assert CallStat.objects.get().calls == 1


def test_what_never_left_is_not_counted(counted):
    with (
        transport.use_wire(Script()),
        Channel(BAZAAR, replace(ACCOUNT, secrets={}), counter=counted()) as call,
    ):
        assert refused(call, FREE).fault == Fault.TOKEN_EXPIRED
    assert (call.calls, CallStat.objects.count()) == (0, 0)


def test_saving_twice_does_not_count_twice(counted):
    counter = counted()
    counter.add("", 70, now=NOW + timedelta(minutes=59))
    counter.add("", 30, now=NOW)
    counter.add("", 5, now=NOW + timedelta(minutes=60))
    counter.save()
    counter.save()
    rows = CallStat.objects.order_by("hour").values_list("calls", "milliseconds", "slowest_ms")
    assert list(rows) == [(2, 100, 70), (1, 5, 5)]


# --- the clocks


def test_the_platforms_clock_is_compared_with_ours():
    ahead = format_datetime(timezone.now() - timedelta(minutes=7), usegmt=True)
    with transport.use_wire(Script((200, {}, {"date": ahead}))):
        Channel(BAZAAR, ACCOUNT)(FREE)
    assert ClockOffset.objects.get(pk="bazaar").seconds == pytest.approx(420, abs=3)


def test_a_clock_that_stays_costs_no_more_writes(django_assert_num_queries):
    now = timezone.now()

    def say(skew_s: float, *, later: timedelta = timedelta(0)) -> None:
        date = format_datetime(now + later + timedelta(seconds=skew_s), usegmt=True)
        answer = Answer(status=200, headers={"date": date})
        traffic.note_clock("bazaar", answer, now=now + later)

    say(0)
    with django_assert_num_queries(0):
        say(1)
    say(-90)
    assert ClockOffset.objects.get().seconds == pytest.approx(90, abs=2)
    say(-90, later=timedelta(hours=2))
    assert ClockOffset.objects.get().measured_at == now + timedelta(hours=2)


@pytest.mark.parametrize(
    "date",
    ["", "now", "Sat, 99 Nov 2026 12:01:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359", "1 1 1 1 1"],
)
def test_a_senseless_date_is_passed_over(date):
    with transport.use_wire(Script((200, {}, {"date": date}))):
        assert Channel(BAZAAR, ACCOUNT)(FREE).status == 200


# --- what may not leak


def test_a_call_is_logged_without_token_query_or_body(caplog):
    caplog.set_level(logging.DEBUG)
    request = replace(FREE, params={"buyer": "s3cret"}, form={"refresh_token": "s3cret"})
    with transport.use_wire(Script((200, {}), (403, {"message": "s3cret"}))):
        Channel(BAZAAR, ACCOUNT)(request)
        error = refused(Channel(BAZAAR, ACCOUNT), request)
    told = "".join(str(vars(record)) for record in caplog.records) + repr(error) + str(error)
    assert "platform.called" in told
    assert "s3cret" not in told + repr(ACCOUNT) + repr(replace(request, params={}))
