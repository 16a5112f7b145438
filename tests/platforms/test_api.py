from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openapi_core import OpenAPI
from openapi_core.contrib.django import DjangoOpenAPIRequest, DjangoOpenAPIResponse

from accounts.models import User
from tenants.flows.api_token import issue_api_token
from tenants.models import Duty, Event
from tenants.scope import tenant_scope
from tests.conftest import World, bind
from tests.support.factories import NOON, make_authorization, make_order, make_stream

Get = Callable[..., Any]


def program(world: World, user: User) -> Get:
    """A program of `user`: GETs a path below /api/v1/."""
    member = world.member(user)
    with tenant_scope(member.tenant):
        _row, secret = issue_api_token(membership=member, name="tests", now=timezone.now())
    client = Client(headers={"Authorization": f"Bearer {secret}"})

    def get(path: str, **query: str) -> Any:
        return client.get(path if path.startswith("/") else f"/api/v1/{path}", query)

    return get


@pytest.fixture
def bo(world) -> Get:
    return program(world, world.bo)


def numbers(answer: Any) -> list[str]:
    return [order["number"] for order in answer.json()["results"]]


def events(world: World, verb: str) -> list[Event]:
    with tenant_scope(world.lotus):
        return list(Event.objects.filter(verb=verb))


# --- who sees what


@pytest.mark.parametrize("path", ["stores/", "health/", "orders/"])
def test_without_a_token_there_is_nothing(world, path):
    answer = Client().get(f"/api/v1/{path}")
    assert answer.status_code == 401
    assert answer.json()["fault"] == "bad_credentials"


def test_a_session_is_no_token(world):
    assert world.client(world.bo).get("/api/v1/orders/").status_code == 401


def test_an_operators_program_sees_their_stores_orders_only(world, bo):
    make_order(world.tea, number="TEA-1")
    make_order(world.silk, number="SILK-1")
    make_order(world.syrup, number="SYRUP-1")
    assert numbers(bo("orders/")) == ["TEA-1"]


@pytest.mark.parametrize("name", ["anna", "ada", "cai", "dan"])
def test_without_the_duty_there_are_no_orders(world, name):
    order = make_order(world.tea)
    get = program(world, getattr(world, name))
    assert numbers(get("orders/")) == []
    answer = get(f"orders/{order.public_id}/")
    assert answer.status_code == 404
    assert set(answer.json()) == {"detail", "fault"}


def test_managers_see_all_stores_and_others_those_they_are_bound_to(world):
    def stores(user: User) -> set[str]:
        return {store["account_name"] for store in program(world, user)("stores/").json()}

    assert stores(world.ada) == {"tea", "silk", "rice"}
    assert stores(world.cai) == {"tea"}
    assert stores(world.dan) == {"syrup"}


@pytest.mark.parametrize(
    ("name", "status"), [("ada", 200), ("bo", 200), ("cai", 200), ("dan", 404)]
)
def test_a_store_is_for_those_who_may_know_of_it(world, name, status):
    answer = program(world, getattr(world, name))(f"stores/{world.tea.public_id}/")
    assert answer.status_code == status


def test_a_store_tells_whether_its_orders_may_be_read(world, bo):
    assert bo("stores/").json()[0]["reads_orders"] is True
    assert program(world, world.cai)("stores/").json()[0]["reads_orders"] is False


def test_health_is_of_the_stores_one_may_know_of(world, bo):
    assert [each["store"] for each in bo("health/").json()] == ["lotus/ebay/tea/US"]


# --- orders


def test_an_order_is_normalized(world, bo):
    order = make_order(
        world.tea, number="TEA-1", total=Decimal("10.5000"), buyer_email=None, ship_name="",
        paid_at=NOON, fulfilment="",
    )  # fmt: skip
    found = bo(f"orders/{order.public_id}/").json()
    assert found["store"] == "lotus/ebay/tea/US"
    assert found["total"] == "10.5000"
    assert found["paid_at"] == "2026-11-21T12:00:00Z"
    assert found["tax"] is found["fulfilment"] is found["buyer"]["email"] is None
    assert found["ship_to"]["name"] is None
    assert found["lines"][0]["unit_price"] == "10.50"
    assert bo("orders/").json()["results"] == [found]


def test_following_next_gives_every_order_once(world, bo):
    expected = {make_order(world.tea).number for _ in range(11)}
    seen, url = [], "orders/?limit=4"
    while url:
        answer = bo(url)
        seen += numbers(answer)
        following = answer.json()["next"]
        url = following and urlsplit(following)._replace(scheme="", netloc="").geturl()
    assert len(seen) == 11
    assert set(seen) == expected


def test_the_filters_are_those_of_the_list(world, bo):
    make_order(world.tea, number="TEA-1", status="shipped", sku="CUP-1")
    make_order(world.tea, number="TEA-2", status="cancelled")
    for query in ({"status": "shipped"}, {"q": "CUP-1"}, {"q": "TEA-1"}):
        assert numbers(bo("orders/", **query)) == ["TEA-1"]
    assert len(numbers(bo("orders/", store="lotus/ebay/tea/US"))) == 2
    assert len(numbers(bo("orders/", **{"from": "2026-11-21", "to": "2026-11-21"}))) == 2
    assert numbers(bo("orders/", to="2026-11-21T12:00:00Z")) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", "lost"), ("platform", "wallmart"), ("store", "x"), ("from", "x"), ("to", "x"),
     ("cursor", "x"), ("limit", "0"), ("limit", "201"), ("limit", "-1"), ("limit", "9" * 5000),
     ("limit", "²"), ("store", "\x00"), ("q", "x" * 201)],
)  # fmt: skip
def test_what_cannot_be_a_filter_is_explained(bo, name, value):
    answer = bo("orders/", **{name: value})
    assert answer.status_code == 400
    assert answer.json()["fault"] == "invalid_request"
    assert name in answer.json()["fields"]


def test_an_unknown_status_names_those_there_are(bo):
    assert "awaiting_shipment" in bo("orders/", status="lost").json()["detail"]


def test_an_id_that_is_none_is_missing(bo):
    assert bo("orders/nonsense/").status_code == 404


def test_a_page_costs_the_same_however_long(world, bo):
    make_order(world.tea)
    bo("orders/")
    with CaptureQueriesContext(connection) as one:
        bo("orders/")
    for _ in range(9):
        make_order(world.tea, lines=3)
    with CaptureQueriesContext(connection) as many:
        bo("orders/")
    assert len(many) == len(one)


def test_reading_is_on_the_trail_once_a_day(world, bo):
    with tenant_scope(world.lotus):
        bind(world.member(world.bo), world.silk, Duty.OPERATOR)
    order = make_order(world.tea)
    make_order(world.silk)
    for _ in range(2):
        bo("orders/")
        bo(f"orders/{order.public_id}/")
    assert sorted(event.detail["store"] for event in events(world, "orders.read")) == [
        "lotus/amazon/silk/DE", "lotus/ebay/tea/US",
    ]  # fmt: skip
    assert len(events(world, "order.viewed")) == 1


# --- the description


@pytest.fixture(scope="module")
def description() -> OpenAPI:
    schema = Client().get("/api/v1/schema/?format=json").json()
    return OpenAPI.from_dict(schema | {"servers": [{"url": "http://testserver"}]})


@pytest.mark.parametrize(
    "path", ["stores/", "health/", "orders/", "orders/?limit=x", "one", "store"]
)
def test_answers_are_what_the_description_promises(world, bo, description, path):
    order = make_order(world.tea, lines=2, ship_city="Berlin", total=None)
    authorization = make_authorization(world.lotus)
    with tenant_scope(world.lotus):
        world.tea.authorization = authorization
        world.tea.save()
    make_stream(authorization, world.tea, last_success_at=NOON, fault="rate_limited")
    path = {"one": f"orders/{order.public_id}/", "store": f"stores/{world.tea.public_id}/"}.get(
        path, path
    )
    answer = bo(path)
    result = description.unmarshal_response(
        DjangoOpenAPIRequest(answer.wsgi_request), DjangoOpenAPIResponse(answer)
    )
    assert result.errors == []


def test_the_description_and_its_page_need_no_token_and_no_other_host(world):
    assert Client().get("/api/v1/schema/").status_code == 200
    page = Client().get("/api/v1/docs/").content.decode()
    assert "//" not in page.replace("<!doctype", "")
    assert "style=" not in page
    assert "<script>" not in page
