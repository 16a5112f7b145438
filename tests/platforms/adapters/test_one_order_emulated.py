"""One order by its number, asked of the emulator through a linked store's own channel."""

from __future__ import annotations

import msgspec
import pytest
from django.utils import timezone

from platforms.adapter import Adapter
from platforms.errors import Fault, PlatformError
from platforms.models.traffic import CallStat
from platforms.spec import OrderData
from tenants.models import Store
from tests.platforms.adapters.one_order import asked, calling, one_of_each, pulled
from tests.support.linking import link_store

MINE_AND_ANOTHERS = (
    ("ebay-lantern", "ebay-willow"),
    ("amazon-aurora-eu", "amazon-pinecone-eu"),
    ("ozon-zarya", "ozon-bereza"),
    ("shopify-lantern", "shopify-harbour"),
    ("wish-coral", "wish-pebble"),
)
ACCOUNTS = tuple(mine for mine, _anothers in MINE_AND_ANOTHERS)
SCOPES = {
    "ebay": ["https://api.ebay.com/oauth/api_scope/sell.fulfillment.readonly"],
    "amazon": ["Inventory and Order Tracking"],
    "ozon": ["Posting FBS", "Posting FBO"],
    "shopify": ["read_orders"],
    "wish": ["orders:read"],
}
every_account = pytest.mark.parametrize("account", ACCOUNTS)


@pytest.fixture
def link(market, world):
    def made(account: str) -> Store:
        return link_store(market, world.lotus, account, name=account.replace("-", "_")).stores[0]

    return made


def read(adapter: Adapter, records: list[tuple[str, bytes]] | None) -> list[OrderData]:
    return [adapter.parse_order(msgspec.Raw(raw), kind=kind) for kind, raw in records or ()]


@every_account
def test_an_order_of_every_status_reads_as_in_a_pull(link, account):
    with calling(link(account)) as (adapter, call):
        found = pulled(adapter, call)
        chosen = one_of_each(adapter, found)

        assert len(chosen) > 2
        for number in chosen.values():
            assert read(adapter, asked(adapter, call, number)) == read(adapter, [found[number]])


@pytest.mark.parametrize(("account", "other"), MINE_AND_ANOTHERS)
def test_an_order_of_another_seller_is_none(link, account, other):
    with calling(link(other)) as (adapter, call):
        theirs = list(pulled(adapter, call))[:3]
    with calling(link(account)) as (adapter, call):
        assert [asked(adapter, call, number) for number in theirs] == [None] * len(theirs)


@every_account
@pytest.mark.parametrize(
    ("knob", "fault"),
    [
        ("down", Fault.PLATFORM_DOWN),
        ("drop_scopes", Fault.INSUFFICIENT_SCOPE),
        ("throttle", Fault.RATE_LIMITED),
    ],
)
def test_a_refusal_is_no_missing_order(market, link, account, knob, fault):
    with calling(link(account)) as (adapter, call):
        number = next(iter(pulled(adapter, call)))
        value = SCOPES[adapter.code] if knob == "drop_scopes" else True
        market.control("knobs", where=account, set={knob: value})

        with pytest.raises(PlatformError) as refused:
            asked(adapter, call, number)

        assert refused.value.fault is fault


@pytest.mark.parametrize("account", [each for each in ACCOUNTS if not each.startswith("ozon")])
def test_a_token_that_expired_is_renewed_on_the_way(market, link, account):
    with calling(link(account)) as (adapter, call):
        number = next(iter(pulled(adapter, call)))
        market.control("expire", account=account)

        assert asked(adapter, call, number)


@every_account
def test_an_order_changed_meanwhile_comes_in_its_new_state(market, link, account):
    with calling(link(account)) as (adapter, call):
        found = pulled(adapter, call)
        number = next(iter(found))
        market.control("orders/change", account=account, n=200, stage="cancelled")

        (order,) = read(adapter, asked(adapter, call, number))

        assert order.number == number
        assert order.status == "cancelled"


def test_a_shopify_order_is_found_by_the_name_sellers_know(link):
    with calling(link("shopify-lantern")) as (adapter, call):
        found = pulled(adapter, call)
        number, record = next(iter(found.items()))
        (order,) = read(adapter, [record])
        assert order.group_number is not None

        for name in (order.group_number, order.group_number.removeprefix("#")):
            assert [each.number for each in read(adapter, asked(adapter, call, name))] == [number]


def test_an_ozon_orders_number_finds_all_its_packages(link):
    with calling(link("ozon-zarya")) as (adapter, call):
        found = pulled(adapter, call)
        orders = [number.rpartition("-")[0] for number in found]
        several = next(each for each in orders if orders.count(each) > 1)
        packages = {number: record for number, record in found.items() if several in number}

        records = asked(adapter, call, several)

    assert records is not None
    assert {adapter.order_number(msgspec.Raw(raw)) for _kind, raw in records} == set(packages)
    assert sorted(raw for _kind, raw in records) == sorted(raw for _k, raw in packages.values())


def test_what_is_not_there_counts_as_a_call_that_went_well(link):
    store = link("ebay-lantern")
    CallStat.objects.all().delete()

    with calling(store) as (adapter, call):
        assert adapter.fetch_order(call, number="12-00000-00000", now=timezone.now()) is None

    assert list(CallStat.objects.values_list("fault", "calls")) == [("", 1)]
