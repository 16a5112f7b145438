"""What the Amazon adapter sends, and what it makes of the answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms.adapters.amazon import Amazon
from platforms.errors import Fault, NeedsSeller, NeedsSupport, PlatformError, TryLater
from platforms.spec import Asked, Request, Window
from tests.platforms.adapters.accounts import AMAZON, AMAZON_APP, AMAZON_SELF
from tests.platforms.adapters.payloads import payload
from tests.support.calls import NOON, ScriptedCall, answer

amazon = Amazon()
SELF = amazon.mode("self_authorization")
WEBSITE = amazon.mode("website_authorization")
WINDOW = Window(since=datetime(2026, 11, 20, tzinfo=UTC), until=datetime(2026, 11, 21, tzinfo=UTC))
TOKENS = {"access_token": "Atza|NEW", "refresh_token": "Atzr|SAME", "expires_in": 3600}
GET = Request(method="GET", path="/orders/2026-01-01/orders")


def consent(**changes):
    given = {"app": AMAZON_APP, "mode": WEBSITE, "site": "DE", "region": "EU"}
    given |= {"state": "st_1", "now": NOON} | changes
    url = urlsplit(amazon.consent_url(Asked(**given)))
    return url, {name: values[0] for name, values in parse_qs(url.query).items()}


def orders(call, cursor=None, window=WINDOW, now=NOON):
    return amazon.fetch_orders(call, window=window, cursor=cursor, now=now)


def test_there_are_23_marketplaces_in_three_regions():
    assert len({site.external_id for site in amazon.sites}) == 23
    assert {site.region for site in amazon.sites} == {"NA", "EU", "FE"}
    assert all(site.consent_base.startswith("https://sellercentral") for site in amazon.sites)


@pytest.mark.parametrize("region", ["NA", "EU", "FE"])
def test_every_region_has_its_own_host(region):
    host = urlsplit(amazon.endpoint("api", region=region)).netloc

    assert host == f"sellingpartnerapi-{region.lower()}.amazon.com"
    assert amazon.endpoint("api", region=region, environment="sandbox") == f"https://sandbox.{host}"


def test_consent_is_asked_at_the_seller_central_of_the_site():
    url, query = consent(site="JP", region="FE")

    assert (url.netloc, url.path) == ("sellercentral.amazon.co.jp", "/apps/authorize/consent")
    assert query == {
        "application_id": AMAZON_APP.extra["application_id"],
        "state": "st_1",
        "redirect_uri": "https://erp.example.com/oauth/amazon/callback",
    }


def test_a_draft_application_says_so():
    extra = {**AMAZON_APP.extra, "draft": "1"}

    assert consent(app=replace(AMAZON_APP, extra=extra))[1]["version"] == "beta"


def test_without_a_site_the_region_decides_and_a_base_beats_both():
    assert consent(site="")[0].netloc == "sellercentral-europe.amazon.com"
    assert consent(base="http://127.0.0.1:9")[0].netloc == "127.0.0.1:9"


def test_an_application_without_id_cannot_ask():
    with pytest.raises(NeedsSupport, match="application id"):
        consent(app=replace(AMAZON_APP, extra={}))


BACK = "https://sellercentral-europe.amazon.com/apps/authorize/confirm/amzn1.sp.solution.0"
STARTED = {
    "amazon_callback_uri": BACK,
    "amazon_state": "amz+State/1==",
    "selling_partner_id": "A3EXAMPLE00001",
}


def start(**changes):
    return amazon.read_start(STARTED | changes, app=AMAZON_APP, now=NOON)


def test_a_linking_may_begin_at_amazon():
    begun = start(version="beta", mws_auth_token="x")

    assert amazon.starts_there
    assert (begun.mode, begun.region, begun.account_id) == (WEBSITE.code, "EU", "A3EXAMPLE00001")
    assert amazon.site(begun.site).region == "EU"
    assert begun.given == {
        "amazon_callback_uri": BACK,
        "amazon_state": "amz+State/1==",
        "begun_at": NOON.isoformat(),
        "version": "beta",
    }


@pytest.mark.parametrize("site", amazon.sites, ids=lambda site: site.code)
def test_every_seller_central_may_begin(site):
    assert start(amazon_callback_uri=f"{site.consent_base}/apps").region == site.region


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://sellercentral.amazon.com/apps",
        "https://amazon.com.evil.example/apps",
        "https://sellercentral.amazon.com.evil.example/apps",
        "https://evil.example/sellercentral.amazon.com",
        "https://sellercentral.amazon.com@evil.example/",
        "https://user@sellercentral.amazon.com/",
        "https://sellercentral.amazon.com:8443/",
        "https://sellercentral.amazon.com:443/",
        "https://sellercentral.amazon.com\\@evil.example/",
        "https://sellercentral.amazon.com/\\evil",
        "https://sellercentral.amazon.com/apps#x",
        "https://sellercentral.amazon.com/a b",
        "https://sellercentral.amazon.com/\r\nX: y",
        "https://sellercentral.amazon.com/apps\n",
        "https://sellercentral.amazon.com?x",
        "https://sellercentral.amazon.com./",
        "https://SELLERCENTRAL.amazon.com/",
        "https://sellercentral.amazon.com/" + "a" * 2001,
        "//sellercentral.amazon.com/",
        "javascript:alert(1)",
        "https://ｓellercentral.amazon.com/",
        "https://sellercentralxamazon.com/",
    ],
)
def test_nobody_is_sent_on_to_a_stranger(address):
    with pytest.raises(NeedsSupport) as caught:
        start(amazon_callback_uri=address)
    assert caught.value.fault is Fault.INVALID_REQUEST
    assert "evil" not in caught.value.detail
    if address:
        given = {**start().given, "amazon_callback_uri": address}
        with pytest.raises(NeedsSupport):
            consent(given=given)


@pytest.mark.parametrize(
    "changes",
    [
        {"amazon_state": ""},
        {"amazon_state": "a b"},
        {"amazon_state": "x" * 1025},
        {"selling_partner_id": ""},
        {"selling_partner_id": "../x"},
    ],
)
def test_what_amazon_begins_must_be_whole(changes):
    with pytest.raises(NeedsSupport):
        start(**changes)


@pytest.mark.parametrize(("more", "version"), [({}, None), ({"version": "beta"}, "beta")])
def test_what_began_at_amazon_goes_on_where_it_says(more, version):
    url, query = consent(given=dict(start(**more).given), base="http://127.0.0.1:9")

    assert f"{url.scheme}://{url.netloc}{url.path}" == BACK
    assert query.pop("version", None) == version
    assert query == {
        "redirect_uri": AMAZON_APP.redirect_uri,
        "amazon_state": "amz+State/1==",
        "state": "st_1",
    }


@pytest.mark.parametrize("begun_at", ["2026-11-21T11:49:59+00:00", "2026-11-21T12:00:00", "", "x"])
def test_who_tries_again_later_consents_from_our_side(begun_at):
    url, query = consent(given={**start().given, "begun_at": begun_at})

    assert url.path == "/apps/authorize/consent"
    assert "amazon_state" not in query


def test_an_address_of_amazon_keeps_its_own_parameters():
    given = {**start().given, "amazon_callback_uri": f"{BACK}?a=1"}

    assert consent(given=given)[1]["a"] == "1"


def test_coming_back_without_a_code_is_a_refusal():
    with pytest.raises(PlatformError) as caught:
        amazon.read_callback(
            {"selling_partner_id": "A3EXAMPLE00001", "mws_auth_token": "x"}, AMAZON, now=NOON
        )

    assert caught.value.fault is Fault.CONSENT_DENIED


def test_the_callback_names_the_seller():
    call = ScriptedCall(amazon, AMAZON, (200, TOKENS))
    params = {"selling_partner_id": "A3EXAMPLE00001", "spapi_oauth_code": "ANcode"}

    grant = amazon.exchange(call, code="ANcode", verifier="", params=params, now=NOON)

    assert (grant.account_id, grant.refresh_token) == ("A3EXAMPLE00001", "Atzr|SAME")
    assert grant.access_expires_at == NOON + timedelta(hours=1)
    assert call.sent[0].form["redirect_uri"] == AMAZON_APP.redirect_uri


@pytest.mark.parametrize("seller_id", ["", "a b", "../x"])
def test_a_callback_without_a_seller_does_not_use_up_the_code(seller_id):
    call = ScriptedCall(amazon, AMAZON)
    params = {"selling_partner_id": seller_id}

    with pytest.raises(TryLater):
        amazon.exchange(call, code="ANcode", verifier="", params=params, now=NOON)

    assert call.sent == []


def test_a_private_application_refreshes_with_its_own_keys():
    call = ScriptedCall(amazon, AMAZON_SELF, (200, {"access_token": "Atza|N", "expires_in": 3600}))

    assert amazon.refresh(call, now=NOON).refresh_token is None
    assert call.sent[0].form["client_id"] == AMAZON_SELF.secrets["client_id"]


@pytest.mark.parametrize(("account", "kind"), [(AMAZON, NeedsSupport), (AMAZON_SELF, NeedsSeller)])
def test_wrong_client_keys_are_for_those_whose_keys_they_are(account, kind):
    call = ScriptedCall(amazon, account, (401, {"error": "invalid_client"}))

    with pytest.raises(kind) as caught:
        amazon.refresh(call, now=NOON)

    assert caught.value.fault is Fault.BAD_CREDENTIALS


def test_each_marketplace_taken_part_in_is_a_shop():
    call = ScriptedCall(amazon, AMAZON, (200, bytes(payload("amazon", "participations"))))

    identity = amazon.who_am_i(call, now=NOON)

    assert identity.account_id == "A3EXAMPLE00001"
    assert [(s.external_id, s.site, s.name, s.currency) for s in identity.shops] == [
        ("A3EXAMPLE00001:A1PA6795UKMFR9", "DE", "Tea House", "EUR"),
        ("A3EXAMPLE00001:A1F83G8C2ARO7P", "GB", "Amazon.co.uk", "GBP"),
    ]
    assert [bool(shop.warning) for shop in identity.shops] == [True, False]


@pytest.mark.parametrize(
    ("seller_id", "account_id"),
    [("A9SELLER00001", "A9SELLER00001"), ("", "app:amzn1.application-oa2-client.abc")],
)
def test_a_private_application_stands_for_a_seller_without_id(seller_id, account_id):
    account = replace(AMAZON_SELF, secrets={**AMAZON_SELF.secrets, "seller_id": seller_id})
    call = ScriptedCall(amazon, account, (200, {"payload": []}))

    assert amazon.who_am_i(call, now=NOON).account_id == account_id


def test_our_application_never_stands_for_a_seller():
    call = ScriptedCall(amazon, replace(AMAZON, account_id=""), (200, {"payload": []}))

    with pytest.raises(NeedsSupport):
        amazon.who_am_i(call, now=NOON)


def test_paging_repeats_the_very_same_question():
    account = replace(
        AMAZON, shop_ids=("A3X:A1PA6795UKMFR9", "A3X:A1F83G8C2ARO7P", "A3X:A1PA6795UKMFR9")
    )
    call = ScriptedCall(
        amazon,
        account,
        (200, {"orders": [{"a": 1}], "pagination": {"nextToken": "t2"}}),
        (200, {"orders": [], "pagination": None}),
    )

    first = orders(call)
    call.account = replace(account, shop_ids=("A3X:A13V1IB3VIYZZH",))  # linked in between
    second = orders(call, first.cursor)

    asked = [dict(request.params) for request in call.sent]
    assert asked[1].pop("paginationToken") == "t2"
    assert (
        asked[0]
        == asked[1]
        == {
            "lastUpdatedAfter": "2026-11-20T00:00:00Z",
            "lastUpdatedBefore": "2026-11-21T00:00:00Z",
            "marketplaceIds": "A1PA6795UKMFR9,A1F83G8C2ARO7P",
            "includedData": "BUYER,RECIPIENT,PROCEEDS,FULFILLMENT,CANCELLATION,PACKAGES",
            "maxResultsPerPage": "100",
        }
    )
    assert (second.records, second.cursor) == ((), None)


def test_all_marketplaces_are_asked_for_where_none_is_chosen():
    call = ScriptedCall(amazon, AMAZON, (200, {"orders": []}))

    orders(call)

    assert "marketplaceIds" not in call.sent[0].params


def test_a_token_older_than_a_day_is_not_used_again():
    call = ScriptedCall(
        amazon,
        AMAZON,
        (200, {"orders": [], "pagination": {"nextToken": "t2"}}),
        (200, {"orders": []}),
    )

    orders(call, orders(call).cursor, now=NOON + timedelta(hours=24))

    assert "paginationToken" not in call.sent[1].params


def test_a_token_that_repeats_is_no_endless_loop():
    same = (200, {"orders": [{}], "pagination": {"nextToken": "t2"}})
    call = ScriptedCall(amazon, AMAZON, same, same)

    with pytest.raises(TryLater, match="move on"):
        orders(call, orders(call).cursor)


def test_the_last_two_minutes_are_never_asked_for():
    call = ScriptedCall(amazon, AMAZON, (200, {"orders": []}))

    orders(call, window=Window(since=WINDOW.since, until=NOON))
    young = Window(since=NOON - timedelta(minutes=1), until=NOON)

    assert call.sent[0].params["lastUpdatedBefore"] == "2026-11-21T11:58:00Z"
    assert orders(call, window=young).records == ()


@pytest.mark.parametrize(
    ("minutes", "since"),
    [
        (0, "2026-11-21T03:25:00Z"),  # ends at 03:30: not past it
        (5, "2026-11-18T03:35:00Z"),  # the first window to reach past 03:30
        (10, "2026-11-21T03:35:00Z"),  # the next one does not sweep again
    ],
)
def test_once_a_day_orders_that_showed_up_late_are_looked_for(minutes, since):
    until = datetime(2026, 11, 21, 3, 30, tzinfo=UTC) + timedelta(minutes=minutes)
    window = Window(since=until - timedelta(minutes=5) - amazon.overlap, until=until)
    call = ScriptedCall(amazon, AMAZON, (200, {"orders": []}))

    orders(call, window=window)

    expected = since if minutes == 5 else window.since.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert call.sent[0].params["lastUpdatedAfter"] == expected


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"orders": [', b'{"orders": {}}', b'"x"'])
def test_nonsense_instead_of_orders_is_tried_again_later(body):
    with pytest.raises(TryLater):
        orders(ScriptedCall(amazon, AMAZON, (200, body)))


def test_calls_carry_the_access_token_and_no_signature():
    signed = amazon.sign(GET, AMAZON, now=NOON)

    assert signed.headers["x-amz-access-token"] == "Atza|ACCESS"
    assert signed.headers["x-amz-date"] == "20261121T120000Z"
    assert "authorization" not in signed.headers


def api_error(code, details=None, message="Access to requested resource is denied."):
    return {"errors": [{"code": code, "message": message, "details": details}]}


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (
            403,
            api_error("Unauthorized", "The access token you provided has expired."),
            Fault.TOKEN_EXPIRED,
        ),
        (
            403,
            api_error("Unauthorized", "… is revoked, malformed or invalid."),
            Fault.TOKEN_EXPIRED,
        ),
        (
            403,
            api_error("Unauthorized", "Access token is missing in the request header."),
            Fault.INVALID_REQUEST,
        ),
        (
            403,
            api_error("Unauthorized", "The LWA secret token you provided has expired."),
            Fault.BAD_CREDENTIALS,
        ),
        (
            403,
            api_error("Unauthorized", "The marketplaces you provided are not valid for region."),
            Fault.INVALID_REQUEST,
        ),
        (403, api_error("Unauthorized", ""), Fault.INSUFFICIENT_SCOPE),
        (403, api_error("Unauthorized"), Fault.INSUFFICIENT_SCOPE),
        (
            400,
            api_error(
                "InvalidInput",
                "",
                "Application does not have access to one or more requested data elements: [x]",
            ),
            Fault.INSUFFICIENT_SCOPE,
        ),
        (400, api_error("InvalidInput", None, "Invalid Input"), Fault.INVALID_REQUEST),
        (404, api_error("NotFound"), Fault.INVALID_REQUEST),
        (429, api_error("QuotaExceeded"), Fault.RATE_LIMITED),
        (200, api_error("QuotaExceeded"), Fault.RATE_LIMITED),
        (500, api_error("InternalFailure"), Fault.PLATFORM_DOWN),
        (503, b"<html>", Fault.PLATFORM_DOWN),
        (403, b"<html>", Fault.PLATFORM_DOWN),
        (401, b"", Fault.TOKEN_EXPIRED),
        (301, b"", Fault.BAD_RESPONSE),
        (200, b"<html>", Fault.BAD_RESPONSE),
        (400, {"error": "unauthorized_client"}, Fault.INVALID_REQUEST),
        (400, {"error": "brand_new"}, Fault.INVALID_REQUEST),
        (503, {"error": "server_error"}, Fault.PLATFORM_DOWN),
    ],
)
def test_refusals_have_a_name(status, body, fault):
    assert amazon.read_fault(GET, answer(status, body)).fault is fault


@pytest.mark.parametrize(
    ("grant_type", "fault"),
    [("refresh_token", Fault.TOKEN_REVOKED), ("authorization_code", Fault.INVALID_REQUEST)],
)
def test_invalid_grant_means_another_thing_for_a_code(grant_type, fault):
    request = Request(method="POST", path="/t", form={"grant_type": grant_type}, signed=False)

    assert amazon.read_fault(request, answer(400, {"error": "invalid_grant"})).fault is fault


@pytest.mark.parametrize(
    ("field", "value", "hint"),
    [
        ("client_id", "amzn1.sp.solution.0000", "application id"),
        ("client_id", "AKIAIOSFODNN7EXAMPLE", "MWS or AWS key"),
        ("client_id", "amzn1.oa2-cs.v1.abc", "client secret"),
        ("client_secret", "amzn1.application-oa2-client.abc", "client id"),
        ("client_secret", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYab", "MWS Secret Key"),
        ("client_secret", "Atzr|abc", "refresh token"),
        ("refresh_token", "Atza|abc", "access token"),
        ("refresh_token", "Atc|abc", "without a seller"),
        ("refresh_token", "amzn.mws.4ea38b7b-f563-7709-4bae", "MWS token"),
        ("seller_id", "3037-7073-1962", "developer number"),
        ("seller_id", "ATVPDKIKX0DER", "marketplace"),
        ("seller_id", "me@example.com", "e-mail"),
    ],
)
def test_what_was_pasted_wrongly_is_recognized(field, value, hint):
    chosen = next(f for f in SELF.fields if f.name == field)

    assert hint in str(amazon.explain_value(SELF, chosen, value))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("region", "EU"),
        ("client_id", "amzn1.application-oa2-client." + "0" * 32),
        ("client_secret", "amzn1.oa2-cs.v1." + "0" * 64),
        ("client_secret", "0" * 64),
        ("refresh_token", "Atzr|IwEBI"),
        ("seller_id", "A3EXAMPLE00001"),
    ],
)
def test_what_may_be_right_is_let_through(field, value):
    chosen = next(f for f in SELF.fields if f.name == field)

    assert amazon.explain_value(SELF, chosen, value) is None


def test_a_cursor_holds_no_secret():
    call = ScriptedCall(amazon, AMAZON, (200, {"orders": [], "pagination": {"nextToken": "t"}}))

    assert set(json.loads(orders(call).cursor)) == {"since", "until", "shops", "token", "given_at"}
