"""One order by its number, against the platforms' own specifications and recorded answers."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from platforms import registry
from platforms.errors import Fault, PlatformError
from platforms.spec import OrderData
from tests.platforms.adapters import accounts, contract
from tests.platforms.adapters.test_contracts import contracts, conversation, example, pulled
from tests.support.calls import NOON, ScriptedCall

pytestmark = pytest.mark.contracts
__all__ = ["contracts"]

OZON = "seller-api.trimmed.openapi"


def one(call: ScriptedCall, number: str) -> OrderData:
    page = call.adapter.fetch_order(call, number=number, now=NOON)
    assert page is not None
    (raw,) = page.records
    return call.adapter.parse_order(raw, kind=page.kind)


def check(contracts: Path, call: ScriptedCall, *, spec: str) -> None:
    for request in call.sent:
        contract.check(request, contract.load(contracts / call.adapter.code / f"{spec}.json"))


def test_ebays_recorded_order_is_that_of_the_list(contracts: Path) -> None:
    call = conversation(contracts, "ebay", accounts.EBAY, "order_get")
    listed = conversation(contracts, "ebay", accounts.EBAY, "orders_page1", "orders_page2_last")

    order = one(call, "11-00000-00001")

    assert order == pulled(listed)[0]
    check(contracts, call, spec="specs/sell_fulfillment_v1_oas3")


def test_ebays_recorded_refusal_means_that_there_is_no_such_order(contracts: Path) -> None:
    body = example(contracts, "ebay", "err_400_32100_order")
    call = ScriptedCall(registry.get("ebay"), accounts.EBAY, (400, body))

    assert call.adapter.fetch_order(call, number="11-00000-99999", now=NOON) is None


def test_amazons_recorded_order_is_that_of_the_search(contracts: Path) -> None:
    names = ("orders_2026_search_page1", "orders_2026_search_page2_last")
    call = conversation(contracts, "amazon", accounts.AMAZON, "orders_2026_get_order")
    listed = conversation(contracts, "amazon", accounts.AMAZON, *names)

    order = one(call, "302-1000001-0000001")

    assert order == pulled(listed)[0]
    check(contracts, call, spec="models/orders_2026-01-01")


@pytest.mark.parametrize(
    ("path", "misses", "number", "total", "fulfilment"),
    [
        ("/v3/posting/fbs/get", 0, "0132112277-0101-1", "1530.0000", "merchant"),
        ("/v2/posting/fbo/get", 1, "50520644-0012-7", "137.00", "platform"),
    ],
)
def test_ozons_own_examples_are_read(
    contracts: Path, path: str, misses: int, number: str, total: str, fulfilment: str
) -> None:
    spec = contract.load(contracts / "ozon" / f"{OZON}.json")
    content = spec["paths"][path]["post"]["responses"]["200"]["content"]
    missing = (404, {"code": 5, "message": "", "details": []})
    script = [*[missing] * misses, (200, content["application/json"]["example"])]
    call = ScriptedCall(registry.get("ozon"), accounts.OZON, *script)

    order = one(call, number)

    assert (order.number, order.total, order.currency) == (number, Decimal(total), "RUB")
    assert (order.fulfilment, order.group_number) == (fulfilment, number.rpartition("-")[0])
    assert call.sent[-1].path == path
    check(contracts, call, spec=OZON)


def test_ozon_is_asked_for_an_order_as_its_contract_says(contracts: Path) -> None:
    empty = (200, {"postings": [], "cursor": "", "has_next": False})
    call = ScriptedCall(registry.get("ozon"), accounts.OZON, empty, empty)

    assert call.adapter.fetch_order(call, number="0145123456-0007", now=NOON) is None

    assert len(call.sent) == 2
    check(contracts, call, spec=OZON)


def test_wishs_own_example_is_the_recorded_order(contracts: Path) -> None:
    spec = contract.load(contracts / "wish" / "wish-v3.openapi.json")
    answers = spec["paths"]["/api/v3/orders/{id}"]["get"]["responses"]
    good = answers["200"]["content"]["application/json"]["example"]
    listed = conversation(contracts, "wish", accounts.WISH, "orders_page")
    call = ScriptedCall(registry.get("wish"), accounts.WISH, (200, good))

    order = one(call, "62aa0d1f2c3b4d5e6f708192")

    assert order == pulled(listed)[0]
    check(contracts, call, spec="wish-v3.openapi")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("tokenExpired", Fault.TOKEN_EXPIRED),
        ("tokenRevoked", Fault.TOKEN_REVOKED),
        ("unauthorizedAccess", Fault.INSUFFICIENT_SCOPE),
        ("accountDisabled", Fault.ACCOUNT_SUSPENDED),
    ],
)
def test_wishs_other_refusals_are_no_missing_order(
    contracts: Path, name: str, fault: Fault
) -> None:
    spec = contract.load(contracts / "wish" / "wish-v3.openapi.json")
    bad = spec["paths"]["/api/v3/orders/{id}"]["get"]["responses"]["400"]["content"]
    body = bad["application/json"]["examples"][name]["value"]
    call = ScriptedCall(registry.get("wish"), accounts.WISH, (400, body))

    with pytest.raises(PlatformError) as caught:
        call.adapter.fetch_order(call, number="62aa0d1f2c3b4d5e6f708192", now=NOON)

    assert caught.value.fault is fault
