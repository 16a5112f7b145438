"""Shopee's own descriptions of its calls, in its own format, against what the adapter sends."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from platforms.adapters.shopee import Shopee
from platforms.errors import NeedsSupport
from platforms.spec import OrderStatus, Request
from tests.platforms.adapters.shopee.test_calls import (
    FRESH,
    GET,
    LINKED,
    NOON,
    TOKEN,
    WINDOW,
    listed,
)
from tests.platforms.adapters.shopee.test_calls import info as info_answer
from tests.support.calls import ScriptedCall, answer

shopee = Shopee()
WORDS = ("order.get_order_list", "order.get_order_detail", "shop.get_shop_info",
         "public.get_access_token", "public.refresh_access_token",
         "public.get_shops_by_partner")  # fmt: skip
OURS = ("error_param", "error_shop", "error_not", "invalid_", "order_list", "api_", "error_auth",
        "supplier_")  # fmt: skip


def description(contracts: Path, name: str) -> dict:
    found: dict = json.loads((contracts / "shopee" / f"v2.{name}.json").read_text("utf-8"))
    return found


def check(request: Request, spec: dict) -> None:
    """Every parameter is declared, nothing required is missing, numbers are numbers."""
    common = {each["name"]: each for each in spec["common_params"]}
    own = {each["name"]: each for each in spec["params"]["request_params"]}
    assert request.path == spec["path"]
    body = request.json or {}
    assert isinstance(body, dict)
    assert set(request.params) | set(body) <= set(common) | set(own)
    assert set(common) <= set(request.params)
    wanted = {name for name, each in own.items() if each["required"] in (True, "True")}
    assert wanted <= set(request.params) | set(body)
    for name, value in body.items():
        assert isinstance(value, int) == own[name]["type"].startswith("int")
    for name, value in request.params.items():
        kind = (own.get(name) or common[name])["type"]
        assert value.isdigit() or not kind.startswith(("int", "timestamp"))


def test_the_requests_are_those_described(contracts):
    orders = ScriptedCall(shopee, LINKED, listed("A"), listed("A"))
    shopee.fetch_orders(orders, window=WINDOW, cursor=None, now=NOON)
    who = ScriptedCall(shopee, LINKED, info_answer())
    shopee.who_am_i(who, now=NOON)
    tokens = ScriptedCall(shopee, FRESH, (200, TOKEN))
    shopee.exchange(tokens, code="c", verifier="", params={"shop_id": "5"}, now=NOON)
    fresh = ScriptedCall(shopee, LINKED, (200, TOKEN))
    shopee.refresh(fresh, now=NOON)
    tried = ScriptedCall(shopee, replace(LINKED, secrets={}), (200, {"error": ""}))
    shopee.check_app(tried, now=NOON)

    sent = [*orders.sent, *who.sent, *tokens.sent, *fresh.sent, *tried.sent]
    for name, request in zip(WORDS, sent, strict=True):
        check(request, description(contracts, name))


def test_the_optional_fields_that_are_asked_for_exist(contracts):
    call = ScriptedCall(shopee, LINKED, listed("A"), listed("A"))
    shopee.fetch_orders(call, window=WINDOW, cursor=None, now=NOON)
    own = description(contracts, "order.get_order_detail")["params"]["request_params"]
    text = next(p["description"] for p in own if p["name"] == "response_optional_fields")
    available = {each.strip(" <>/p") for each in text.partition("values:")[2].split(",")}

    asked = set(call.sent[1].params["response_optional_fields"].split(","))

    assert {each.strip(" <>/p") for each in asked} <= available


def test_one_order_is_asked_for_as_described_and_its_absence_understood(contracts):
    spec = description(contracts, "order.get_order_detail")
    missing = spec["error_example"][0]["value"]
    call = ScriptedCall(shopee, LINKED, (200, missing))

    assert shopee.fetch_order(call, number="201214JAJXU6G7", now=NOON) is None
    check(call.sent[0], spec)


def test_the_sample_order_is_read(contracts):
    spec = description(contracts, "order.get_order_detail")
    text = spec["response_sample"][0]["value"]
    # Published with a brace too many and a comma too few.
    mended = text.replace("{\n{", "{", 1).replace(
        '"logistics_channel_id": 18080', '"logistics_channel_id": 18080,'
    )
    raw = json.loads(mended)["response"]["order_list"][0]

    order = shopee.parse_order(msgspec.Raw(json.dumps(raw).encode()))

    assert order.status is OrderStatus.DELIVERED
    assert (order.currency, order.total) == ("VND", Decimal(32119))
    assert [line.quantity for line in order.lines] == [1]


def test_the_sample_shop_is_read(contracts):
    sample = description(contracts, "shop.get_shop_info")["response_sample"][0]["value"]

    identity = shopee.who_am_i(ScriptedCall(shopee, LINKED, (200, sample)), now=NOON)

    assert identity.shops[0].site == "MY"
    assert identity.consent_expires_at is not None


@pytest.mark.parametrize("name", WORDS)
def test_every_described_error_has_a_meaning(contracts, name):
    spec = description(contracts, name)
    for each in [*spec["error_list"], *spec["common_error_list"]]:
        body = {"error": each["name"], "message": each["description"]}
        error = shopee.read_fault(GET, answer(403, body))
        assert error is not None
        if isinstance(error, NeedsSupport):  # what only we could have done wrong
            assert each["name"].rpartition(".")[2].startswith(OURS), each


def test_the_push_address_is_entered_as_described(contracts):
    call = ScriptedCall(shopee, LINKED, (200, {"error": ""}))
    shopee.webhooks.register(call, address="https://erp.example.com/webhooks/shopee/", now=NOON)

    spec = description(contracts, "push.set_app_push_config")
    own = {each["name"] for each in spec["params"]["request_params"]}
    assert call.sent[0].path == spec["path"]
    assert set(call.sent[0].json) <= own
    assert {each["name"] for each in spec["common_params"]} == set(call.sent[0].params)
