"""Shopify: our documents against its schema, and all ways in against the schema's own mock."""

from __future__ import annotations

import gzip
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.utils import timezone

from platforms import credentials
from platforms.adapters.shopify import queries, signed
from platforms.flows import consent, prepare_link
from platforms.flows import link as linking
from platforms.flows.confirm_link import confirm
from platforms.models import App
from platforms.signing import hmac_hex
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.contracts.conftest import create_tenant, export, run_json

graphql = pytest.importorskip("graphql")

SCHEMA = "shopify/admin-2026-07.introspection.json.gz"
SHOP = "demo-shop.myshopify.com"
STORE = "harbor/shopify/lane"
KEYS = {
    "client_credentials": {
        "shop_domain": SHOP,
        "client_id": "0123456789abcdef0123456789abcdef",
        "client_secret": "shpss_0123456789abcdef0123456789abcdef",
    },
    "custom_app_token": {
        "shop_domain": SHOP,
        "access_token": "shpat_0123456789abcdef0123456789abcdef",
    },
}
WANTED = [
    ("6001", "awaiting_shipment", "UNFULFILLED", "2026-11-20", "T10:00:05Z"),
    ("6002", "shipped", "FULFILLED", "2026-11-21", "T08:30:00Z"),
    ("6003", "unpaid", "PENDING", "2026-11-21", "T09:00:00Z"),
]


@pytest.fixture(scope="module")
def described(contracts) -> dict:
    with gzip.open(contracts / SCHEMA) as file:
        found: dict = json.load(file)
    return found


@pytest.fixture(scope="module")
def schema(described):
    # Newer graphql-core refuses some deprecations of Shopify's own schema.
    return graphql.build_client_schema(described["data"], assume_valid=True)


@pytest.mark.parametrize("document", queries.ALL, ids=lambda text: text.split()[1])
def test_our_documents_are_valid_and_use_nothing_deprecated(schema, document):
    parsed = graphql.parse(document)
    rules = [*graphql.specified_rules, graphql.NoDeprecatedCustomRule]

    assert graphql.validate(schema, parsed, rules) == []


def test_the_order_query_needs_no_scope_that_sellers_are_not_asked_for(schema, described):
    info = graphql.TypeInfo(schema)
    used: set[tuple[str, str]] = set()

    class Fields(graphql.Visitor):
        def enter_field(self, node, *_args):
            used.add((info.get_parent_type().name, node.name.value))

    graphql.visit(graphql.parse(queries.ORDERS), graphql.TypeInfoVisitor(info, Fields()))
    needed = {
        scope
        for item in described["offline_scopes"]["items"]
        if (item["typeName"], item.get("fieldName")) in used
        for scope in item["offlineScopes"]
    }

    assert ("Order", "legacyResourceId") in used
    assert needed <= {"read_orders"}


TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAYS = {
    f"2026-11-{20 + n}": f"{TODAY - timedelta(days=2 - n):%Y-%m-%d}" for n in range(2)
}  # the recorded days, as yesterday and the day before: no shop reaches back for ever


@pytest.fixture(scope="module")
def recorded(contracts, tmp_path_factory) -> Path:
    """The contract's own orders, with the line totals that it leaves out."""
    text = (contracts / "shopify/examples/orders_fixture.json").read_text("utf-8")
    found = json.loads(re.sub(r"2026-11-2[01]", lambda day: DAYS[day[0]], text))
    for order in found["orders"]:
        for line in order["lineItems"]:
            line["discountedTotalSet"] = order["subtotalPriceSet"]
    path: Path = tmp_path_factory.mktemp("shopify") / "orders.json"
    path.write_text(json.dumps(found), "utf-8")
    return path


@pytest.fixture(scope="module")
def mock(contracts, recorded) -> Iterator[str]:
    """The contract's own server, which answers only what the schema allows."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = contracts / "shopify" / "graphql_mock.py"
    process = subprocess.Popen(
        [sys.executable, "-B", str(script), "--port", str(port), "--fixture", str(recorded)],
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _try in range(300):
            try:
                requests.get(url, timeout=1)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def market(mock, settings) -> str:
    settings.ALLOW_ENDPOINT_OVERRIDES = True
    settings.PLATFORM_ENDPOINTS = {"shopify": {"api": mock}}
    return mock


def pull() -> dict:
    since, until = TODAY - timedelta(days=3), timezone.now() - timedelta(hours=1)
    return run_json(
        "pull_orders", "--store", STORE, "--since", since.isoformat(), "--until", until.isoformat()
    )


def check_orders() -> None:
    pulled = pull()
    assert (pulled["seen"], pulled["created"], pulled["fault"]) == (3, 3, None)
    assert pull()["unchanged"] == 3
    exported = export(STORE)
    assert [
        (each["number"], each["status"], each["platform_status"], each["changed_at"])
        for each in exported
    ] == [(*what, DAYS[day] + rest) for *what, day, rest in WANTED]
    assert {(each["currency"], each["total"]) for each in exported} == {("USD", "27.5")}
    (line,) = exported[0]["lines"]
    assert (line["sku"], line["title"]) == ("MUG-R", "Mug - Red")
    assert (line["unit_price"], line["total"]) == ("10.0", "20.0")


@pytest.mark.django_db
@pytest.mark.parametrize("mode", list(KEYS))
def test_from_keys_to_exported_orders(market, mode):
    create_tenant()
    linked = run_json(
        "link_store", "--tenant", "harbor", "--platform", "shopify", "--mode", mode,
        "--account-name", "lane", *[f"--set={name}={value}" for name, value in KEYS[mode].items()],
    )  # fmt: skip

    assert (linked["state"], linked["fault"]) == ("active", None)
    assert linked["shop"] == {"id": "9001", "name": "Demo Shop", "site": None, "currency": "USD"}
    check_orders()


@pytest.mark.django_db
def test_from_consent_to_exported_orders(market):
    create_tenant()
    app = App(platform="shopify", name="Shopify", client_id="ours", redirect_uri="https://a/b/")
    credentials.seal_app_secret(app, "hush")
    app.save()
    tenant, now = Tenant.objects.get(slug="harbor"), timezone.now()
    with tenant_scope(tenant):
        attempt = linking.start(
            tenant=tenant, user=None, platform="shopify", mode="authorization_code",
            account_name="lane", now=now,
        )  # fmt: skip
        attempt = prepare_link.prepare(attempt=attempt, values={"shop_domain": SHOP}, now=now)
        page = consent.begin_consent(attempt=attempt, session="browser", now=now).url
        back = {
            "code": "c0de",
            "shop": SHOP,
            "state": parse_qs(urlsplit(page).query)["state"][0],
            "timestamp": str(int(now.timestamp())),
        }
        attempt = consent.finish_consent(
            platform="shopify", params=back | {"hmac": hmac_hex("hush", signed(back))},
            session="browser", ip=None, now=now,
        )  # fmt: skip
        assert attempt.fault == ""
        confirm(attempt=attempt, user=None, now=now)
    check_orders()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("token", "fault"),
    [
        ("mock-401", "token_revoked"),
        ("mock-402", "account_suspended"),
        ("mock-403", "token_revoked"),
        ("mock-423", "account_suspended"),
        ("mock-430", "rate_limited"),
        ("mock-denied", "insufficient_scope"),
        ("mock-throttled", "rate_limited"),
    ],
)
def test_refusals_of_the_mock_are_understood(market, token, fault):
    create_tenant()
    tenant, now = Tenant.objects.get(slug="harbor"), timezone.now()
    values = {"shop_domain": SHOP, "access_token": token}
    with tenant_scope(tenant):
        attempt = linking.start(
            tenant=tenant, user=None, platform="shopify", mode="custom_app_token",
            account_name="lane", now=now,
        )  # fmt: skip
        with pytest.raises(linking.PlatformError):
            linking.submit_keys(attempt=attempt, values=values, ip=None, now=now)
        attempt.refresh_from_db()
    assert attempt.fault == fault
