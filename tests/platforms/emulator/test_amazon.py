from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from werkzeug.test import TestResponse

from platforms.emulator.accounts import ACCOUNTS, APPS
from tests.platforms.emulator.acts import (
    AGENT,
    AMAZON_CONSENT,
    AMAZON_ORDERS,
    AMAZON_TOKEN,
    Acts,
    in_query,
)
from tests.platforms.emulator.conftest import Clock

SELLERS = "/amazon/eu/sellers/v1/marketplaceParticipations"
DETAILS = {
    "missing": "Access token is missing in the request header.",
    "invalid": "The access token you provided is revoked, malformed or invalid.",
    "expired": "The access token you provided has expired.",
    "region": "The marketplaces you provided are not valid for region.",
}


@pytest.fixture
def token(acts: Acts) -> str:
    return acts.amazon_self()


def details(response: TestResponse) -> str:
    assert response.status_code == 403
    assert response.json["errors"][0]["code"] == "Unauthorized"
    return str(response.json["errors"][0]["details"])


# --- consent and tokens


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"application_id": "amzn1.sp.solution.00000000-0000-4000-8000-000000000000"}, "SPSA0404"),
        ({"application_id": APPS["amazon-draft"].application_id}, "MD1000"),
        ({"state": ""}, "MD1000"),
        ({"redirect_uri": "http://127.0.0.1:8000/link/callback/amazon"}, "MD5101"),
        ({"redirect_uri": "http://127.0.0.1:8000/link/callback/amazon/#x"}, "MD5110"),
    ],
)
def test_consent_page_refuses_what_amazon_refuses(
    acts: Acts, changes: dict[str, Any], code: str
) -> None:
    response = acts.client.get(AMAZON_CONSENT, query_string=acts.amazon_asked(**changes))

    assert response.status_code == 400
    assert code in response.text


def test_a_draft_opens_with_version_beta(acts: Acts) -> None:
    asked = acts.amazon_asked(APPS["amazon-draft"], version="beta")

    assert acts.client.get(AMAZON_CONSENT, query_string=asked).status_code == 200


def test_agreeing_brings_seller_id_and_a_code_for_one_exchange(acts: Acts) -> None:
    back = acts.amazon_agree()
    code = in_query(back, "spapi_oauth_code")

    first = acts.amazon_token(grant_type="authorization_code", code=code)
    second = acts.amazon_token(grant_type="authorization_code", code=code)

    assert in_query(back, "selling_partner_id") == "A2EMULAURORAEU"
    assert first.json["access_token"].startswith("Atza|")
    assert first.json["refresh_token"].startswith("Atzr|")
    assert first.json["expires_in"] == 3600
    assert second.json == {
        "error_description": "The request has an invalid grant parameter : code",
        "error": "invalid_grant",
    }


def test_declining_stays_at_the_platform(acts: Acts) -> None:
    response = acts.client.post(
        AMAZON_CONSENT, query_string=acts.amazon_asked(), data={"decision": "decline"}
    )

    assert response.status_code == 200
    assert "Location" not in response.headers


def test_the_code_dies_after_five_minutes_or_with_another_redirect_uri(
    acts: Acts, clock: Clock
) -> None:
    code = in_query(acts.amazon_agree(), "spapi_oauth_code")
    form = {"grant_type": "authorization_code", "code": code}

    assert acts.amazon_token(**form, redirect_uri="http://x/").json["error"] == "invalid_grant"
    clock.move(301)
    assert acts.amazon_token(**form).json["error"] == "invalid_grant"


def test_refresh_repeats_the_same_refresh_token(acts: Acts) -> None:
    grant = acts.amazon_grant()

    again = acts.amazon_token(grant_type="refresh_token", refresh_token=grant["refresh_token"])

    assert again.json["refresh_token"] == grant["refresh_token"]
    assert again.json["access_token"] != grant["access_token"]


def test_a_token_of_another_application_is_unauthorized_client(acts: Acts) -> None:
    pasted = ACCOUNTS["amazon-aurora-eu"].refresh_token

    response = acts.amazon_token(grant_type="refresh_token", refresh_token=pasted)

    assert (response.status_code, response.json["error"]) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"client_secret": ""}, 400, "invalid_request"),
        ({"client_secret": "amzn1.oa2-cs.v1." + "0" * 64}, 401, "invalid_client"),
        ({"client_id": "amzn1.application-oa2-client." + "0" * 32}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"refresh_token": "Atzr|nobody"}, 400, "invalid_grant"),
        ({"grant_type": "client_credentials", "scope": "profile"}, 400, "invalid_scope"),
    ],
)
def test_token_endpoint_refuses(acts: Acts, form: dict[str, str], status: int, error: str) -> None:
    base = {"grant_type": "refresh_token", "refresh_token": "Atzr|x"}

    response = acts.amazon_token(**{**base, **form})

    assert (response.status_code, response.json["error"]) == (status, error)


def test_token_endpoint_takes_forms_only(acts: Acts) -> None:
    response = acts.client.post(AMAZON_TOKEN, json={"grant_type": "refresh_token"})

    assert response.json["error"] == "invalid_request"


# --- calls


def test_participations_list_all_kinds_of_marketplaces(acts: Acts, token: str) -> None:
    rows = acts.amazon_get(SELLERS, token).json["payload"]

    codes = {r["marketplace"]["name"]: r["participation"]["isParticipating"] for r in rows}
    assert codes == {
        "Amazon.de": True,
        "Amazon.co.uk": True,
        "Amazon.fr": True,
        "Amazon.it": True,
        "Amazon.pl": False,
        "SI UK Prod Marketplace": True,
    }


def test_who_is_refused_and_how(acts: Acts, token: str, clock: Clock) -> None:
    anonymous = acts.client.get(SELLERS, headers=AGENT)
    grantless = acts.amazon_token(
        grant_type="client_credentials", scope="sellingpartnerapi::notifications"
    ).json["access_token"]

    assert details(anonymous) == DETAILS["missing"]
    assert details(acts.amazon_get(SELLERS, "Atza|nobody")) == DETAILS["invalid"]
    assert details(acts.amazon_get(SELLERS, grantless)) == DETAILS["invalid"]
    assert details(acts.amazon_get(SELLERS.replace("/eu/", "/na/"), token)) == ""
    assert details(acts.amazon_get("/amazon/eu/orders/v0/orders", token)) == ""
    clock.move(3_600)
    assert details(acts.amazon_get(SELLERS, token)) == DETAILS["expired"]


def test_a_user_agent_is_required(acts: Acts, token: str) -> None:
    headers = {"x-amz-access-token": token}

    assert acts.client.get(SELLERS, headers=headers).status_code == 400
    headers["User-Agent"] = "x" * 501
    assert acts.client.get(SELLERS, headers=headers).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"createdAfter": "2026-11-20T00:00:00Z", "lastUpdatedAfter": "2026-11-20T00:00:00Z"},
        {"createdAfter": "2026-11-20T00:00:00Z", "lastUpdatedBefore": "2026-11-21T00:00:00Z"},
        {"createdAfter": "2026-11-20"},
        {"createdAfter": "2026-11-20T00:00:00"},
        {"lastUpdatedAfter": "2026-11-20T00:00:00Z", "lastUpdatedBefore": "2026-11-21T11:58:01Z"},
        {"lastUpdatedAfter": "2026-11-20T00:00:00Z", "lastUpdatedBefore": "2026-11-19T00:00:00Z"},
        {"lastUpdatedAfter": "2026-11-20T00:00:00Z", "includedData": "BUYER,EVERYTHING"},
        {"lastUpdatedAfter": "2026-11-20T00:00:00Z", "fulfillmentStatuses": "Shipped"},
        {"lastUpdatedAfter": "2026-11-20T00:00:00Z", "fulfilledBy": "ME"},
        {"lastUpdatedAfter": "2026-11-20T00:00:00Z", "maxResultsPerPage": "101"},
        {"lastUpdatedAfter": "2026-11-20T00:00:00Z", "paginationToken": "eyJwYWdlIjoyfQ=="},
        {"lastUpdatedAfter": "2026-11-20T00:00:00Z", "marketplaceIds": ",".join(["A"] * 51)},
    ],
)
def test_bad_search_parameters_are_a_bare_invalid_input(
    acts: Acts, token: str, query: dict[str, str]
) -> None:
    response = acts.amazon_get(AMAZON_ORDERS, token, **query)

    assert response.status_code == 400
    assert response.json == {"errors": [{"code": "InvalidInput", "message": "Invalid Input"}]}
    assert response.headers["x-amzn-RequestId"]


def test_a_marketplace_of_another_region_is_refused(acts: Acts, token: str) -> None:
    query = {"lastUpdatedAfter": "2026-11-20T00:00:00Z", "marketplaceIds": "ATVPDKIKX0DER"}

    assert details(acts.amazon_get(AMAZON_ORDERS, token, **query)) == DETAILS["region"]


def test_pages_give_every_order_once_under_one_upper_bound(acts: Acts, token: str) -> None:
    seen, bounds, extra = [], set(), {}
    while True:
        page = acts.amazon_page(token, maxResultsPerPage="10", **extra)
        seen += [order["orderId"] for order in page["orders"]]
        bounds.add(page["lastUpdatedBefore"])
        if "pagination" not in page:
            break
        extra = {"paginationToken": page["pagination"]["nextToken"]}

    assert len(seen) == len(set(seen)) == 72
    assert bounds == {"2026-11-21T11:58:00.000Z"}


def test_a_pagination_token_needs_the_same_parameters_and_lives_a_day(
    acts: Acts, token: str, clock: Clock
) -> None:
    page = acts.amazon_page(token, maxResultsPerPage="10")
    query = {
        "lastUpdatedAfter": "2026-10-01T00:00:00Z",
        "maxResultsPerPage": "10",
        "paginationToken": page["pagination"]["nextToken"],
    }
    other = {**query, "includedData": "BUYER"}

    assert acts.amazon_get(AMAZON_ORDERS, token, **other).status_code == 400
    assert acts.amazon_get(AMAZON_ORDERS, token, **query).status_code == 200
    clock.move(86_401)
    assert acts.amazon_get(AMAZON_ORDERS, acts.amazon_self(), **query).status_code == 400


def test_what_is_not_included_is_left_out(acts: Acts, token: str) -> None:
    bare = acts.amazon_page(token)["orders"]
    some = acts.amazon_page(token, includedData="PROCEEDS,FULFILLMENT")["orders"]

    assert not any({"buyer", "recipient", "proceeds", "fulfillment"} & set(o) for o in bare)
    assert all("fulfillment" in o and "recipient" not in o for o in some)


def test_personal_data_follows_fulfilment_status_and_role(acts: Acts, token: str) -> None:
    asked = {"includedData": "BUYER,RECIPIENT,PROCEEDS,FULFILLMENT"}
    orders = acts.amazon_page(token, **asked)["orders"]
    acts.knobs("amazon", drop_scopes=["Direct-to-Consumer Shipping"])
    without = acts.amazon_page(token, **asked)["orders"]

    pending = [o for o in orders if o["fulfillment"]["fulfillmentStatus"] == "PENDING"]
    amazons = [o for o in orders if o["fulfillment"]["fulfilledBy"] == "AMAZON"]
    assert pending
    assert amazons
    assert not any({"buyer", "recipient", "proceeds"} & set(o) for o in pending)
    assert not any("buyerEmail" in o.get("buyer", {}) for o in amazons)
    assert not any(
        "phone" in o["recipient"]["deliveryAddress"] for o in amazons if "recipient" in o
    )
    assert not any({"buyer", "recipient"} & set(o) for o in without)


def test_an_order_changed_within_two_minutes_is_not_there_yet(
    acts: Acts, token: str, clock: Clock
) -> None:
    number = acts.control("orders/add", account="amazon-aurora-eu", n=1)["numbers"][0]

    now = [o["orderId"] for o in acts.amazon_page(token)["orders"]]
    clock.move(121)
    later = [o["orderId"] for o in acts.amazon_page(token)["orders"]]

    assert number not in now
    assert number in later


def test_search_is_throttled_after_twenty_calls_by_default(
    acts: Acts, token: str, clock: Clock
) -> None:
    for _ in range(20):
        acts.amazon_page(token, maxResultsPerPage="1")

    refused = acts.amazon_get(AMAZON_ORDERS, token, lastUpdatedAfter="2026-11-20T00:00:00Z")

    assert refused.status_code == 429
    assert refused.json["errors"][0]["code"] == "QuotaExceeded"
    clock.move(180)
    assert acts.amazon_page(token)["orders"]


def test_get_order_tells_missing_from_malformed(acts: Acts, token: str) -> None:
    number = acts.amazon_page(token, maxResultsPerPage="1")["orders"][0]["orderId"]

    found = acts.amazon_get(f"{AMAZON_ORDERS}/{number}", token)
    missing = acts.amazon_get(f"{AMAZON_ORDERS}/302-4200000-0000000", token)
    elsewhere = acts.amazon_get(f"{AMAZON_ORDERS}/S01-4200000-0000000", token)
    malformed = acts.amazon_get(f"{AMAZON_ORDERS}/302", token)
    asking_more = acts.amazon_get(f"{AMAZON_ORDERS}/{number}", token, marketplaceIds="x")

    assert found.json["order"]["orderId"] == number
    assert [missing.status_code, elsewhere.status_code] == [404, 404]
    assert [malformed.status_code, asking_more.status_code] == [400, 400]


def test_yen_have_no_decimals(acts: Acts) -> None:
    token = acts.amazon_self("amazon-aurora-fe")
    path = AMAZON_ORDERS.replace("/eu/", "/fe/")

    page = acts.amazon_get(
        path, token, lastUpdatedAfter="2026-10-01T00:00:00Z", includedData="PROCEEDS"
    ).json

    totals = [o["proceeds"]["grandTotal"] for o in page["orders"] if "proceeds" in o]
    assert totals
    assert all(t["currencyCode"] == "JPY" and t["amount"].isdigit() for t in totals)


# --- begun at Amazon

MANAGE = "/amazon/consent/apps/manage"


def begin(acts, account="amazon-aurora-eu"):
    """What the Login URI is told."""
    asked = {"account": account, "application_id": APPS["amazon"].application_id}
    answer = acts.client.get(MANAGE, query_string=asked)
    where = urlsplit(answer.headers["Location"])
    assert where.path == "/link/start/amazon/"
    return dict(parse_qsl(where.query))


def go_on(acts, told, account="amazon-aurora-eu", **changes):
    path = "/amazon/consent" + urlsplit(told["amazon_callback_uri"]).path
    asked = {
        "amazon_state": told["amazon_state"],
        "redirect_uri": "http://127.0.0.1:8000/link/callback/amazon/",
        "state": "state-1",
    }
    return acts.client.post(
        path, query_string=asked | changes, data={"account": account, "decision": "agree"}
    )


def test_a_consent_begun_at_amazon_comes_back_with_the_seller_and_our_state(acts):
    told = begin(acts)
    back = go_on(acts, told)

    assert told["selling_partner_id"] == ACCOUNTS["amazon-aurora-eu"].seller_id
    assert told["amazon_callback_uri"].startswith("https://sellercentral-europe.amazon.com/")
    assert in_query(back, "selling_partner_id") == told["selling_partner_id"]
    assert in_query(back, "state") == "state-1"
    assert go_on(acts, told).status_code == 400  # used up


def test_a_consent_begun_at_amazon_is_that_sellers_alone(acts):
    assert go_on(acts, begin(acts), account="amazon-aurora-na").status_code == 400
    assert go_on(acts, begin(acts), amazon_state="made-up").status_code == 400
    assert go_on(acts, begin(acts), state="").status_code == 400
