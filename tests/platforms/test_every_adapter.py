"""What all adapters promise; a new one is tried by being in the registry."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
import pytest
from django.utils import timezone

from platforms import registry
from platforms.adapter import Adapter, clean_value
from platforms.emulator.accounts import ACCOUNTS
from platforms.errors import Fault, TryLater
from platforms.flows.refresh import open_channel
from platforms.models.traffic import RateBucket
from platforms.spec import Account, ModeKind, OrderData, Request, Window
from platforms.transport import Channel
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.calls import NOON, ScriptedCall, answer
from tests.support.linking import link_store
from tests.support.wire import World, emulated

every_adapter = pytest.mark.parametrize(
    "adapter", registry.all_adapters(), ids=lambda adapter: adapter.code
)
every_mode = pytest.mark.parametrize(
    ("adapter", "mode"),
    [(adapter, mode) for adapter in registry.all_adapters() for mode in adapter.modes],
    ids=lambda value: value.code,
)
HOSTILE = [
    b"",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"{}",
    b'{"orderId":',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"orderId": {"orderId": []}, "posting_number": {}}',
]


NO_NUMBERS = [
    "",
    " ",
    "../../sellers/v1/account",
    "..%2f..",
    "1/../2",
    "1?x=y",
    "1#2",
    "1&2",
    "1 OR 2",
    "123-4567890-1234567\n",
    "62aa0d1f2c3b4d5e6f708192\n",
    "0145123456-0007-1\x00",
    "12-34567-89012\r\nhost: x",
    "１２-３４５６７-８９０１２",
    "1' OR name:'*",
    '1"}{"a":"b',
    "a:*",
    "<script>",
    "https://evil.example/1",
    "9" * 1000,
]


def opened(market: World, tenant: Tenant, adapter: Adapter) -> Channel:
    """A channel of the first account that the emulator has for the marketplace."""
    key = next(key for key, owner in ACCOUNTS.items() if owner.platform == adapter.code)
    linked = link_store(market, tenant, key)
    shops = tuple(store.external_id for store in linked.stores)
    return open_channel(linked.authorization, now=timezone.now(), shop_ids=shops)


def pulled(call: Channel) -> list[OrderData]:
    """What a pull of the last three days would land, each order once, as told last."""
    now = timezone.now()
    window = Window(since=now - timedelta(days=3), until=now - call.adapter.lag)
    orders, cursor = {}, None
    while True:
        RateBucket.objects.all().delete()
        page = call.adapter.fetch_orders(call, window=window, cursor=cursor, now=now)
        for raw in page.records:
            order = call.adapter.parse_order(raw, kind=page.kind)
            orders[order.number] = order
        cursor = page.cursor
        if cursor is None:
            assert orders
            return list(orders.values())


def test_codes_are_unique_and_fit_for_addresses():
    codes = [adapter.code for adapter in registry.all_adapters()]

    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", code) for code in codes)


def test_an_unknown_platform_is_a_key_error():
    with pytest.raises(KeyError):
        registry.get("bazaar")


@every_adapter
def test_every_address_is_https_without_a_path(adapter: Adapter):
    for address in adapter.endpoints.values():
        url = urlsplit(address)
        assert (url.scheme, url.path, url.query) == ("https", "", "")


@every_adapter
def test_there_is_a_way_in_and_exactly_one_is_recommended(adapter: Adapter):
    open_modes = [mode for mode in adapter.modes if mode.kind != ModeKind.REFUSED]

    assert len({mode.code for mode in adapter.modes}) == len(adapter.modes)
    assert [mode.recommended for mode in open_modes].count(True) == 1
    assert open_modes[0].recommended


@every_mode
def test_every_mode_explains_itself(adapter: Adapter, mode):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", mode.code)
    assert str(mode.name)
    assert str(mode.summary).endswith(".")
    if mode.kind == ModeKind.REFUSED:
        assert mode.refused_why
        assert mode.instead
        assert {adapter.mode(code).kind for code in mode.instead} <= {
            ModeKind.CONSENT,
            ModeKind.KEYS,
        }
    else:
        assert mode.prepare
        assert mode.reads
        assert mode.steps
        assert str(mode.costs).endswith(".")
        others = [each for each in adapter.modes if each.kind != ModeKind.REFUSED]
        assert mode.compared or len(others) == 1
        assert set(mode.scopes) <= set(adapter.scopes)


@every_mode
def test_the_fields_of_a_mode_can_be_filled_in(adapter: Adapter, mode):
    names = [field.name for field in mode.fields]

    assert len(set(names)) == len(names)
    if mode.kind != ModeKind.CONSENT:
        assert bool(names) == (mode.kind == ModeKind.KEYS)
    assert {"client_id", "client_secret"} <= {f.app for f in mode.fields} or not mode.own_app
    for field in mode.fields:
        assert re.fullmatch(r"[a-z_]+", field.name)
        assert str(field.label)
        re.compile(field.pattern)
        re.compile(field.usual)
        assert field.choices or field.pattern


@every_adapter
def test_every_site_can_be_pulled_in_its_own_day(adapter: Adapter):
    regions = {code for code, _name in adapter.regions}

    assert len({site.code for site in adapter.sites}) == len(adapter.sites)
    for site in adapter.sites:
        ZoneInfo(site.time_zone)
        assert site.region in regions | {""}
        assert adapter.site(site.code) is site


@every_adapter
def test_times_leave_no_gap(adapter: Adapter):
    assert adapter.overlap > adapter.lag
    assert adapter.max_window <= adapter.back_fill
    assert adapter.poll_every < adapter.max_window


@every_adapter
def test_what_messages_lack_is_said(adapter: Adapter):
    assert "orders" in adapter.capabilities


@every_adapter
@pytest.mark.parametrize("status", [100, 204, 301, 400, 401, 403, 404, 409, 418, 429, 500, 599])
@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_no_answer_is_unreadable(adapter: Adapter, status: int, body: bytes):
    error = adapter.read_fault(Request(method="GET", path="/x"), answer(status, body))

    assert error is not None or status == 204
    if status >= 500:
        assert isinstance(error, TryLater)


@every_adapter
@pytest.mark.parametrize("body", [b"", b"<!doctype html>", b'{"a": ', b"\xff"])
def test_success_that_is_none_is_tried_again(adapter: Adapter, body: bytes):
    error = adapter.read_fault(Request(method="GET", path="/x"), answer(200, body))

    assert error is not None
    assert error.fault is Fault.BAD_RESPONSE


@every_adapter
@pytest.mark.parametrize("record", HOSTILE, ids=range(len(HOSTILE)))
def test_no_record_does_more_harm_than_its_own(adapter: Adapter, record: bytes):
    with pytest.raises((msgspec.ValidationError, ValueError)):
        adapter.parse_order(msgspec.Raw(record))

    assert adapter.order_number(msgspec.Raw(record)) == ""


@every_adapter
def test_what_a_pull_gave_can_be_fetched_by_its_number(world, adapter: Adapter):
    with emulated() as market, tenant_scope(world.lotus):
        call = opened(market, world.lotus, adapter)
        for order in pulled(call):
            RateBucket.objects.all().delete()  # our own limits would make this a long test
            found = adapter.fetch_order(call, number=order.number, now=timezone.now())

            assert found is not None
            # Landing it writes nothing.
            assert order in [adapter.parse_order(raw, kind=found.kind) for raw in found.records]


@every_adapter
def test_a_number_that_nobody_has_is_no_fault(world, adapter: Adapter):
    with emulated() as market, tenant_scope(world.lotus):
        call = opened(market, world.lotus, adapter)
        number = pulled(call)[0].number
        # Of the same form, and almost certainly of nobody: digits turned round.
        unknown = number.translate(str.maketrans("0123456789", "9876543210"))
        RateBucket.objects.all().delete()

        assert adapter.fetch_order(call, number=unknown, now=timezone.now()) is None


@every_adapter
@pytest.mark.parametrize("number", NO_NUMBERS)
def test_what_cannot_be_a_number_is_never_sent(adapter: Adapter, number: str):
    call = ScriptedCall(adapter, Account(mode=adapter.modes[0].code))

    assert adapter.fetch_order(call, number=number, now=NOON) is None


@every_adapter
def test_nothing_is_refreshed_without_a_refresh_token(adapter: Adapter):
    assert not adapter.can_refresh(Account(mode=adapter.modes[0].code))


@pytest.mark.parametrize(
    ("pasted", "clean"),
    [
        ("abc", "abc"),
        ("  abc\r\n", "abc"),
        ("a\u200bb\u00a0c\ufeff", "abc"),
        ("ＡＢＣ－１", "ABC-1"),
        ("“abc”", "abc"),
        ("", ""),
        ("\u3000", ""),
    ],
)
def test_pasted_values_are_cleaned_and_the_seller_is_told(pasted: str, clean: str):
    assert clean_value(pasted) == (clean, pasted != clean)
