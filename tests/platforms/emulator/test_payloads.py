"""What the emulator says is what the contracts say: valid, and no field they do not know."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.conf import settings
from openapi_schema_validator import OAS30Validator
from werkzeug.test import Client

from platforms.emulator.accounts import ACCOUNTS
from platforms.emulator.book import STAGES
from tests.platforms.emulator.acts import AMAZON_ORDERS, EBAY_ORDERS, EBAY_USER, Acts
from tests.platforms.emulator.conftest import MakeEmulator

pytestmark = pytest.mark.contracts
INCLUDED = "BUYER,RECIPIENT,PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,TAX"


def contract(path: str) -> Any:
    file = Path(settings.CONTRACTS_DIR) / path
    if not file.exists() and os.environ.get("REQUIRE_ALL_TESTS") != "1":
        pytest.skip(f"no contracts at {settings.CONTRACTS_DIR}")
    return json.loads(file.read_text("utf-8"))


def closed(schema: Any) -> Any:
    """The schema with every object that lists its properties allowing no others."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    done = {name: closed(part) for name, part in schema.items()}
    if isinstance(done.get("properties"), dict) and "additionalProperties" not in done:
        done["additionalProperties"] = False
    return done


def check_openapi(document: Any, schema: Any, value: Any) -> None:
    whole = closed({**schema, "components": document["components"]})
    errors = list(OAS30Validator(whole).iter_errors(value))
    assert not errors, [f"{list(e.absolute_path)}: {e.message[:200]}" for e in errors[:5]]


@pytest.fixture
def acts(make_emulator: MakeEmulator) -> Acts:
    """Every account also has an order in every stage."""
    acts = Acts(Client(make_emulator()))
    for key in ACCOUNTS:
        for stage in STAGES:
            acts.control("orders/add", account=key, n=3, stage=stage, ago_seconds=600)
    return acts


def component(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


@pytest.mark.parametrize("account", ["ebay-lantern", "ebay-willow", "ebay-hold"])
def test_ebay_orders_and_identity(acts: Acts, account: str) -> None:
    document = contract("ebay/specs/sell_fulfillment_v1_oas3.json")
    # The live service returns it, undocumented (contracts/ebay/README.md).
    document["components"]["schemas"]["Order"]["properties"]["legacyOrderId"] = {"type": "string"}
    token = acts.ebay_grant(account)["access_token"]

    page = acts.ebay_page(token, limit="200")
    one = acts.ebay_get(f"{EBAY_ORDERS}/{page['orders'][0]['orderId']}", token).json

    assert len(page["orders"]) > 30
    check_openapi(document, component("OrderSearchPagedCollection"), page)
    check_openapi(document, component("Order"), one)
    identity = contract("ebay/specs/commerce_identity_v1_oas3.json")
    user = acts.ebay_get(EBAY_USER, token).json
    check_openapi(identity, component("UserResponse"), user)


@pytest.mark.parametrize("region", ["eu", "na", "fe"])
def test_amazon_orders_and_participations(acts: Acts, region: str) -> None:
    model = contract("amazon/models/orders_2026-01-01.json")
    sellers = contract("amazon/models/sellers.json")
    token = acts.amazon_self(f"amazon-aurora-{region}")

    page = acts.amazon_get(
        f"/amazon/{region}/orders/2026-01-01/orders",
        token,
        lastUpdatedAfter="2026-10-01T00:00:00Z",
        includedData=INCLUDED,
    ).json
    rows = acts.amazon_get(f"/amazon/{region}/sellers/v1/marketplaceParticipations", token).json

    assert len(page["orders"]) > 50
    for document, name, value in (
        (model, "SearchOrdersResponse", page),
        (sellers, "GetMarketplaceParticipationsResponse", rows),
    ):
        schema = closed({"definitions": document["definitions"], **document["definitions"][name]})
        jsonschema.Draft4Validator(schema).validate(value)


@pytest.mark.parametrize(
    "path",
    [
        "/v4/posting/fbs/list",
        "/v4/posting/fbs/unfulfilled/list",
        "/v3/posting/fbo/list",
        "/v1/roles",
        "/v1/seller/info",
    ],
)
def test_ozon_answers(acts: Acts, path: str) -> None:
    document = contract("ozon/seller-api.trimmed.openapi.json")
    answer = document["paths"][path]["post"]["responses"]["200"]
    window: dict[str, Any] = {"since": "2026-10-01T00:00:00Z", "to": "2026-11-21T12:00:00Z"}
    if "unfulfilled" in path:
        window = {"cutoff_from": window["since"], "cutoff_to": "2026-12-21T12:00:00Z"}
    extras = {"analytics_data": True, "financial_data": True}
    body = {"filter": window, "limit": 100, "with": extras} if "posting" in path else None

    value = acts.ozon(path, body).json

    check_openapi(document, answer["content"]["application/json"]["schema"], value)


@pytest.mark.parametrize(
    ("listing", "path"),
    [
        ("/v4/posting/fbs/list", "/v3/posting/fbs/get"),
        ("/v3/posting/fbo/list", "/v2/posting/fbo/get"),
    ],
)
def test_ozons_single_postings(acts: Acts, listing: str, path: str) -> None:
    document = contract("ozon/seller-api.trimmed.openapi.json")
    schema = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]
    window = {"since": "2026-10-01T00:00:00Z", "to": "2026-11-21T12:00:00Z"}
    postings = acts.ozon(listing, {"filter": window, "limit": 100}).json["postings"]

    for posting in postings[-20:]:
        body = {
            "posting_number": posting["posting_number"],
            "with": {"analytics_data": True, "financial_data": True},
        }
        check_openapi(document, schema["schema"], acts.ozon(path, body).json)


def test_amazons_single_order(acts: Acts) -> None:
    model = contract("amazon/models/orders_2026-01-01.json")
    token = acts.amazon_self("amazon-aurora-eu")
    number = acts.amazon_page(token)["orders"][0]["orderId"]

    value = acts.amazon_get(f"{AMAZON_ORDERS}/{number}", token, includedData=INCLUDED).json

    schema = {"definitions": model["definitions"], **model["definitions"]["GetOrderResponse"]}
    jsonschema.Draft4Validator(closed(schema)).validate(value)


def test_token_answers(acts: Acts) -> None:
    for path, name, value in (
        ("ebay/ebay_oauth_token_openapi.json", "/identity/v1/oauth2/token", acts.ebay_grant()),
        ("amazon/lwa_token_openapi.json", "/auth/o2/token", acts.amazon_grant()),
    ):
        document = contract(path)
        answer = document["paths"][name]["post"]["responses"]["200"]
        document.setdefault("components", {})
        check_openapi(document, answer["content"]["application/json"]["schema"], value)
