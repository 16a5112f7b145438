"""Against the platforms' own specifications, which are not part of this repository."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.conf import settings
from django.core.cache import cache
from jsonschema.exceptions import ValidationError

from platforms import registry
from platforms.adapter import Webhooks
from platforms.errors import PlatformError
from platforms.news import Push
from platforms.spec import Account, Asked, OrderData, Request, Window
from tests.platforms.adapters import accounts, contract
from tests.support.calls import NOON, ScriptedCall, answer

pytestmark = pytest.mark.contracts

WINDOW = Window(since=NOON.replace(day=20, hour=0), until=NOON.replace(hour=0))
REFRESH = Request(method="POST", path="/token", form={"grant_type": "refresh_token"}, signed=False)
EXCHANGE = Request(
    method="POST", path="/t", form={"grant_type": "authorization_code"}, signed=False
)
GET = Request(method="GET", path="/orders")


@pytest.fixture(autouse=True)
def contracts() -> Path:
    directory = Path(settings.CONTRACTS_DIR)
    if not directory.is_dir():
        if os.environ.get("REQUIRE_ALL_TESTS") == "1":
            pytest.fail(f"CONTRACTS_DIR {directory} is missing and REQUIRE_ALL_TESTS=1")
        pytest.skip(f"CONTRACTS_DIR {directory} is missing")
    return directory


def example(contracts: Path, platform: str, name: str) -> bytes:
    return (contracts / platform / "examples" / f"{name}.json").read_bytes()


def vectors(contracts: Path, platform: str, name: str) -> dict:
    found: dict = json.loads(example(contracts, platform, name))
    return found


def pulled(call: ScriptedCall) -> list[OrderData]:
    """What a pull of the window would land."""

    def pages() -> Iterator[OrderData]:
        cursor = None
        while True:
            page = call.adapter.fetch_orders(call, window=WINDOW, cursor=cursor, now=NOON)
            for raw in page.records:
                yield call.adapter.parse_order(raw, kind=page.kind)
            cursor = page.cursor
            if cursor is None:
                return

    return list(pages())


def conversation(contracts: Path, platform: str, account: Account, *names: str) -> ScriptedCall:
    script = [(200, example(contracts, platform, name)) for name in names]
    return ScriptedCall(registry.get(platform), account, *script)


# --- requests


def ebay_calls(contracts: Path) -> ScriptedCall:
    call = conversation(
        contracts,
        "ebay",
        accounts.EBAY,
        "token_authorization_code_200",
        "token_refresh_200",
        "identity_user_200",
        "orders_page1",
        "orders_page2_last",
    )
    call.adapter.exchange(call, code="v^1.1#i^1#example", verifier="", params={}, now=NOON)
    call.adapter.refresh(call, now=NOON)
    call.adapter.who_am_i(call, now=NOON)
    pulled(call)
    return call


def amazon_calls(contracts: Path, account: Account = accounts.AMAZON) -> ScriptedCall:
    call = conversation(
        contracts,
        "amazon",
        account,
        "lwa_authorization_code_200",
        "lwa_refresh_200",
        "sellers_participations_eu_200",
        "orders_2026_search_page1",
        "orders_2026_search_page2_last",
    )
    params = {"selling_partner_id": "A3EXAMPLE00001"}
    call.adapter.exchange(call, code="ANcode", verifier="", params=params, now=NOON)
    call.adapter.refresh(call, now=NOON)
    call.adapter.who_am_i(call, now=NOON)
    pulled(call)
    return call


def ozon_calls(contracts: Path) -> ScriptedCall:
    call = conversation(
        contracts,
        "ozon",
        accounts.OZON,
        "roles",
        "seller_info",
        "fbs_list_page1",
        "fbs_list_page2_last",
        "fbo_list",
    )
    call.adapter.who_am_i(call, now=NOON)
    pulled(call)
    return call


def test_every_request_to_ebay_is_in_its_contract(contracts: Path) -> None:
    specs = [
        "ebay_oauth_token_openapi",
        "ebay_oauth_token_openapi",
        "specs/commerce_identity_v1_oas3",
        "specs/sell_fulfillment_v1_oas3",
        "specs/sell_fulfillment_v1_oas3",
    ]

    for request, spec in zip(ebay_calls(contracts).sent, specs, strict=True):
        contract.check(request, contract.load(contracts / "ebay" / f"{spec}.json"))


def test_every_request_to_amazon_is_in_its_contract(contracts: Path) -> None:
    orders = "models/orders_2026-01-01"
    specs = ["lwa_token_openapi", "lwa_token_openapi", "models/sellers", orders, orders]
    sent = amazon_calls(contracts).sent

    for request, spec in zip(sent, specs, strict=True):
        contract.check(request, contract.load(contracts / "amazon" / f"{spec}.json"))
    # No model declares the header, so the check above cannot miss it (contracts' README).
    assert all(r.headers["x-amz-access-token"] == "Atza|ACCESS" for r in sent[2:])


def test_every_request_to_ozon_is_in_its_contract(contracts: Path) -> None:
    spec = contract.load(contracts / "ozon" / "seller-api.trimmed.openapi.json")

    for request in ozon_calls(contracts).sent:
        contract.check(request, spec)


def test_what_ozon_is_asked_on_other_occasions_is_in_its_contracts(contracts: Path) -> None:
    api = contract.load(contracts / "ozon" / "seller-api.trimmed.openapi.json")
    tokens = contract.load(contracts / "ozon" / "oauth-applications.openapi.json")
    grants = [case["body"] for case in json.loads(example(contracts, "ozon", "token_responses"))]
    address = {"id": 7, "url": "https://erp.example.com/hook/1", "enable": False, "types": []}
    ozon, day = registry.get("ozon"), Window(since=NOON.replace(day=20, hour=0), until=NOON)
    empty, listed = (200, {"postings": []}), (200, {"urls": [address]})

    first = ScriptedCall(ozon, accounts.OZON, *[empty] * 3)
    page = ozon.fetch_orders(first, window=day, cursor=None, now=NOON)
    ozon.fetch_orders(first, window=day, cursor=page.cursor, now=NOON)
    push = ScriptedCall(
        ozon, accounts.OZON, (200, {"urls": []}), (200, b""), listed, listed, *[(200, b"")] * 3
    )
    for _again in range(2):
        ids = ozon.webhooks.register(push, address=address["url"], now=NOON)
    ozon.webhooks.unregister(push, ids)
    consented = ScriptedCall(ozon, accounts.OZON_CONSENT, *[(200, grant) for grant in grants])
    ozon.exchange(consented, code="c", verifier="", params={}, now=NOON)
    ozon.exchange(consented, code="c", verifier="", params={}, now=NOON)
    ozon.refresh(consented, now=NOON)

    assert first.sent[1].path == "/v4/posting/fbs/unfulfilled/list"
    for request in (*first.sent, *push.sent):
        contract.check(request, api)
    for request in consented.sent:
        contract.check(request, tokens)


@pytest.mark.parametrize(
    "changes", [{"limit": 101}, {"pagee": 1}, {"filter": {"since": "2026-11-20T00:00:00Z"}}]
)
def test_the_checker_itself_is_strict(contracts: Path, changes: dict) -> None:
    spec = contract.load(contracts / "ozon" / "seller-api.trimmed.openapi.json")
    call = ozon_calls(contracts)
    good = next(request for request in call.sent if request.path == "/v4/posting/fbs/list")

    with pytest.raises((AssertionError, ValidationError)):
        contract.check(replace(good, json={**good.json, **changes}), spec)


# --- vectors


def test_ebays_vectors(contracts: Path) -> None:
    given = vectors(contracts, "ebay", "signature_vectors")
    exchange, refresh, _who, orders, _more = ebay_calls(contracts).sent
    bodies = given["requests"]

    assert exchange.headers["authorization"] == given["basic_header"]["authorization"]
    assert dict(exchange.form or {}) == dict(parse_qsl(bodies["code_exchange_body"]))
    assert urlencode(refresh.form or {}) == bodies["refresh_body"]
    assert dict(orders.params) == dict(parse_qsl(urlsplit(bodies["orders_incremental"]).query))
    assert orders.path == urlsplit(bodies["orders_incremental"]).path


def test_ebays_consent_page(contracts: Path) -> None:
    given = vectors(contracts, "ebay", "signature_vectors")["consent_url"]
    ebay = registry.get("ebay")
    asked = Asked(
        app=accounts.EBAY_APP, mode=ebay.mode("authorization_code"), state="st_7f3c9b", now=NOON
    )
    url = ebay.consent_url(asked)
    ours, theirs = urlsplit(url), urlsplit(given["url"])
    query, wanted = dict(parse_qsl(ours.query)), dict(parse_qsl(theirs.query))

    assert (ours.netloc, ours.path) == (theirs.netloc, theirs.path)
    assert set(wanted.pop("scope").split()) <= set(query.pop("scope").split())
    assert query == wanted


def ebay_with_token(given: dict) -> Account:
    app = replace(
        accounts.EBAY_APP,
        extra={"verification_token": given["challenge"]["verification_token"]},
    )
    return replace(accounts.EBAY, app=app)


def ebay_hooks() -> Webhooks:
    hooks = registry.get("ebay").webhooks
    assert hooks is not None
    return hooks


def test_ebays_challenge(contracts: Path) -> None:
    given = vectors(contracts, "ebay", "signature_vectors")
    challenge = given["challenge"]
    asked = Push(
        method="GET",
        address=challenge["endpoint"],
        query={"challenge_code": challenge["challenge_code"]},
    )

    reply = ebay_hooks().challenge(asked, ebay_with_token(given).app)

    assert reply is not None
    assert json.loads(reply.body) == challenge["expected_response"]


@pytest.mark.parametrize("name", ["VALID", "SIGNATURE_MISMATCH", "INVALID"])
def test_ebays_signed_notifications(contracts: Path, name: str) -> None:
    given = vectors(contracts, "ebay", "signature_vectors")
    cases = {case["name"]: case for case in given["notification_signature"]["cases"]}
    case, account = cases[name], ebay_with_token(given)
    token = example(contracts, "ebay", "token_client_credentials_200")
    script = ((200, token), (200, case["public_key_response"]))
    for body in (json.dumps(case["message"], separators=(",", ":")), json.dumps(case["message"])):
        cache.clear()
        push = Push(
            method="POST",
            address="https://erp.example.com/webhooks/ebay/",
            headers={"x-ebay-signature": case["header"]},
            body=body.encode(),
        )
        call = ScriptedCall(registry.get("ebay"), account, *script)

        assert ebay_hooks().is_genuine(push, account, call) is case["expected_valid"]


def test_ebays_notifications(contracts: Path) -> None:
    read = {}
    for name in ("notification_account_deletion", "notification_authorization_revocation"):
        body = example(contracts, "ebay", name)
        (read[name],) = ebay_hooks().read(Push(method="POST", address="", body=body))
    erase, revoked = read.values()

    assert (erase.news, len(erase.buyers)) == ("erase_buyer", 3)
    assert (revoked.news, revoked.account_id) == ("revoked", "hL7kQ2TestA")
    assert revoked.reason == "REVOKED_BY_USER"


def test_every_subscription_at_ebay_is_in_its_contract(contracts: Path) -> None:
    given = vectors(contracts, "ebay", "signature_vectors")
    account = ebay_with_token(given)
    made = (201, b"{}", {"location": "https://api.ebay.com/commerce/notification/v1/x/1"})
    none: tuple[int, object] = (200, {})
    script = (
        (200, example(contracts, "ebay", "token_client_credentials_200")),
        *(none, made),
        *(none, made, made) * 2,
    )
    call = ScriptedCall(registry.get("ebay"), account, *script)
    ebay_hooks().register(call, address=given["challenge"]["endpoint"], now=NOON)
    oauth = contract.load(contracts / "ebay" / "ebay_oauth_token_openapi.json")
    spec = contract.load(contracts / "ebay" / "specs" / "commerce_notification_v1_oas3.json")

    contract.check(call.sent[0], oauth)
    assert urlencode(call.sent[0].form or {}) == given["requests"]["client_credentials_body"]
    for request in call.sent[1:]:
        contract.check(request, spec)


def test_amazons_vectors(contracts: Path) -> None:
    given = vectors(contracts, "amazon", "request_vectors")
    exchange, refresh, who, orders, _more = amazon_calls(contracts, accounts.AMAZON).sent
    wanted = dict(parse_qsl(urlsplit(given["search_orders"]["url"]).query))

    assert urlencode(refresh.form or {}) == given["refresh"]["body"]
    assert (
        dict(parse_qsl(given["code_exchange"]["body"])).items() <= dict(exchange.form or {}).items()
    )
    assert who.path == urlsplit(given["participations"]["url"]).path
    assert orders.path == urlsplit(given["search_orders"]["url"]).path
    assert orders.params["lastUpdatedAfter"] == wanted["lastUpdatedAfter"]
    assert set(wanted["includedData"].split(",")) <= set(orders.params["includedData"].split(","))
    assert orders.params["maxResultsPerPage"] == wanted["maxResultsPerPage"]


def test_amazons_consent_page_and_callback(contracts: Path) -> None:
    given = vectors(contracts, "amazon", "request_vectors")
    amazon = registry.get("amazon")
    app = accounts.AMAZON_APP
    asked = Asked(
        app=replace(app, extra={**app.extra, "draft": "1"}),
        mode=amazon.mode("website_authorization"),
        site="DE",
        region="EU",
        state="st_7f3c9b",
        now=NOON,
    )
    url = amazon.consent_url(asked)
    callback = dict(parse_qsl(urlsplit(given["callback"]["url"]).query))

    assert url == given["consent_url"]["url"]
    assert amazon.read_callback(callback, accounts.AMAZON, now=NOON) == "ANexampleCode"


# --- answers


def test_ebays_orders(contracts: Path) -> None:
    names = ("orders_page1", "orders_page2_last")
    orders = pulled(conversation(contracts, "ebay", accounts.EBAY, *names))

    assert [(o.number, o.status, o.total, o.currency) for o in orders] == [
        ("11-00000-00001", "awaiting_shipment", Decimal("29.99"), "USD"),
        ("11-00000-00002", "shipped", Decimal("40.8"), "GBP"),
        ("11-00000-00003", "awaiting_shipment", Decimal("23.0"), "USD"),
    ]
    assert [(li.sku, li.quantity, li.unit_price) for li in orders[2].lines] == [
        ("HL-TEA-100", 1, Decimal("9.5")),
        ("HL-STRAIN", 3, Decimal("4.0")),
    ]
    assert (orders[1].ship_to.city, orders[1].buyer.email) == (
        "London",
        "jmuster00@members.ebay.co.uk",
    )


def test_amazons_orders(contracts: Path) -> None:
    names = ("orders_2026_search_page1", "orders_2026_search_page2_last")
    orders = pulled(conversation(contracts, "amazon", accounts.AMAZON, *names))

    assert [(o.number, o.status, o.total, o.shop_id) for o in orders] == [
        ("302-1000001-0000001", "awaiting_shipment", Decimal("28.99"), "A1PA6795UKMFR9"),
        ("302-1000002-0000002", "pending", None, "A1PA6795UKMFR9"),
        ("206-1000003-0000003", "shipped", Decimal("40.80"), "A1F83G8C2ARO7P"),
    ]
    assert (orders[0].items_total, orders[0].shipping) == (Decimal("25.00"), Decimal("3.99"))
    assert (orders[2].items_total, orders[2].tax) == (Decimal("34.00"), Decimal("6.80"))


def test_ozons_orders(contracts: Path) -> None:
    names = ("fbs_list_page1", "fbs_list_page2_last", "fbo_list")
    orders = pulled(conversation(contracts, "ozon", accounts.OZON, *names))

    assert [(o.number, o.status, o.total, o.fulfilment) for o in orders] == [
        ("0145123456-0007-1", "awaiting_shipment", Decimal("179.0000"), "merchant"),
        ("0145123457-0001-1", "shipped", Decimal("179.0000"), "merchant"),
        ("0145123458-0003-1", "delivered", Decimal("179.0000"), "merchant"),
        ("55501111-0042-1", "shipped", Decimal("1299.00"), "platform"),
    ]
    assert orders[0].group_number == "0145123456-0007"


def test_who_the_examples_say_we_are(contracts: Path) -> None:
    found = {}
    for platform, account, names in (
        ("ebay", accounts.EBAY, ("identity_user_200",)),
        ("amazon", accounts.AMAZON, ("sellers_participations_eu_200",)),
        ("ozon", accounts.OZON, ("roles_missing_chat_and_fbo", "seller_info")),
    ):
        call = conversation(contracts, platform, account, *names)
        found[platform] = call.adapter.who_am_i(call, now=NOON)

    assert found["ebay"].account_id == "hL7kQ2TestA"
    assert [shop.site for shop in found["amazon"].shops] == ["GB", "DE", "FR"]
    assert found["ozon"].missing == ("Posting FBO",)


@pytest.mark.parametrize(
    ("platform", "name", "status", "request_", "fault"),
    [
        ("ebay", "err_400_30700_filter", 400, GET, "invalid_request"),
        ("ebay", "err_400_30850_future", 400, GET, "clock_skew"),
        ("ebay", "err_400_32100_order", 400, GET, "invalid_request"),
        ("ebay", "err_401_1001_invalid_token", 401, GET, "token_expired"),
        ("ebay", "err_401_1002_missing_token", 401, GET, "invalid_request"),
        ("ebay", "err_403_1100_insufficient_permissions", 403, GET, "insufficient_scope"),
        ("ebay", "err_429_2001_limit", 429, GET, "rate_limited"),
        ("ebay", "err_500_30500_system", 500, GET, "platform_down"),
        ("ebay", "oauth_invalid_client_401", 401, REFRESH, "bad_credentials"),
        ("ebay", "oauth_invalid_grant_code_400", 400, EXCHANGE, "invalid_request"),
        ("ebay", "oauth_invalid_grant_refresh_400", 400, REFRESH, "token_revoked"),
        ("ebay", "oauth_invalid_request_400", 400, REFRESH, "invalid_request"),
        ("ebay", "oauth_invalid_scope_400", 400, REFRESH, "insufficient_scope"),
        ("amazon", "err_400_invalid_input", 400, GET, "invalid_request"),
        ("amazon", "err_400_rdt_role_missing", 400, GET, "insufficient_scope"),
        ("amazon", "err_403_lwa_secret_expired", 403, GET, "bad_credentials"),
        ("amazon", "err_403_marketplace_not_in_region", 403, GET, "invalid_request"),
        ("amazon", "err_403_role_or_path_no_details", 403, GET, "insufficient_scope"),
        ("amazon", "err_403_token_expired", 403, GET, "token_expired"),
        ("amazon", "err_403_token_invalid", 403, GET, "token_expired"),
        ("amazon", "err_403_token_missing", 403, GET, "invalid_request"),
        ("amazon", "err_429_quota", 429, GET, "rate_limited"),
        ("amazon", "err_500_internal", 500, GET, "platform_down"),
        ("amazon", "lwa_invalid_client_401", 401, REFRESH, "bad_credentials"),
        ("amazon", "lwa_invalid_grant_code_400", 400, EXCHANGE, "invalid_request"),
        ("amazon", "lwa_invalid_grant_refresh_400", 400, REFRESH, "token_revoked"),
        ("amazon", "lwa_unsupported_grant_400", 400, REFRESH, "invalid_request"),
    ],
)
def test_the_examples_of_refusals(
    contracts: Path, platform: str, name: str, status: int, request_: Request, fault: str
) -> None:
    body = example(contracts, platform, name)

    error = registry.get(platform).read_fault(request_, answer(status, body))

    assert isinstance(error, PlatformError)
    assert error.fault == fault


def test_ozons_examples_of_refusals(contracts: Path) -> None:
    ozon = registry.get("ozon")
    cases = json.loads(example(contracts, "ozon", "errors"))

    faults = [ozon.read_fault(GET, answer(case["status"], case["body"])) for case in cases]

    assert [error.fault for error in faults if error] == [case["kind"] for case in cases]
