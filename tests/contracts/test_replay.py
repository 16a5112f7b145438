"""The replaying server itself: what a marketplace's contract does not allow, it refuses."""

from __future__ import annotations

import pytest
import requests

from tests.support.replay import replayed

BEARER = {"authorization": "Bearer x", "user-agent": "t", "accept": "*/*"}
ORDERS = "/sell/fulfillment/v1/order"
RANGE = "lastmodifieddate:[2026-11-20T00:00:00.000Z..2026-11-21T00:00:00.000Z]"
GOOD = {"filter": RANGE, "limit": "200", "offset": "0"}


@pytest.fixture
def ebay(contracts):
    with replayed(contracts, "ebay") as market:
        yield market


def get(market, path=ORDERS, headers=BEARER, **params) -> int:
    return requests.get(market.url + path, params=params, headers=headers, timeout=5).status_code


def test_what_the_contract_allows_is_answered(ebay):
    assert get(ebay, **GOOD) == 200
    assert ebay.complaints == []
    assert ebay.paths() == [ORDERS]


@pytest.mark.parametrize(
    "changes",
    [
        {"page": "2"},
        {"offset": "7"},
        {"limit": "201"},
        {"limit": "many"},
        {"filter": "creationdate:[2026-11-20T00:00:00.000Z..]"},
        {"filter": "lastmodifieddate:[2026-11-21T00:00:00.000Z..2026-11-20T00:00:00.000Z]"},
        {"filter": "lastmodifieddate:[2026-11-20..2026-11-21]"},
    ],
)
def test_parameters_that_it_does_not_allow_are_refused_and_remembered(ebay, changes):
    assert get(ebay, **{**GOOD, **changes}) == 400
    assert len(ebay.complaints) == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/sell/fulfillment/v2/order", BEARER),
        ("/auth" + ORDERS, BEARER),
        (ORDERS, {**BEARER, "authorization": "Basic x"}),
        (ORDERS, {"user-agent": "t", "accept": "*/*"}),
    ],
)
def test_paths_bases_and_credentials_that_are_wrong_are_refused(ebay, path, headers):
    assert get(ebay, path, headers, **GOOD) == 400
    assert ebay.complaints


def test_a_body_that_it_does_not_allow_is_refused(contracts):
    keys = {"Client-Id": "1", "Api-Key": "k", "user-agent": "t", "accept": "*/*"}
    good = {
        "filter": {"since": "2026-11-20T00:00:00.000Z", "to": "2026-11-21T00:00:00.000Z"},
        "limit": 100,
    }
    bad = ({"limit": 101}, {"limit": "100"}, {"cursors": "x"}, {"filter": {"since": "2026"}})
    with replayed(contracts, "ozon") as market:
        url = f"{market.url}/v3/posting/fbo/list"
        answers = [
            requests.post(url, json={**good, **changes}, headers=keys, timeout=5).status_code
            for changes in ({}, *bad)
        ]
    assert answers == [200, 400, 400, 400, 400]
