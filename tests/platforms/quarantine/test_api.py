"""The quarantine for programs: the same rights, no payloads."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openapi_core import OpenAPI
from openapi_core.contrib.django import DjangoOpenAPIRequest, DjangoOpenAPIResponse

from tenants.scope import tenant_scope
from tests.platforms.quarantine.scenes import aside, many_aside
from tests.platforms.test_api import program


@pytest.fixture
def filled(world):
    with tenant_scope(world.lotus):
        aside(world.tea, b'{"name": "Li Wei"}', number="T-1")
        aside(world.rice, number="R-1", reason="time data 'Li Wei' is not a time")
        aside(world.tea, number="S-1", state="dismissed", settled_at=timezone.now(),
              settled_note="a test")  # fmt: skip
    return world


def numbers(answer):
    return [each["number"] for each in answer.json()["results"]]


def test_managers_see_all_operators_their_stores_others_nothing(filled):
    seen = {
        who: sorted(numbers(program(filled, getattr(filled, who))("quarantine/")))
        for who in ("anna", "bo", "cai", "dan")
    }
    assert seen == {"anna": ["R-1", "T-1"], "bo": ["T-1"], "cai": [], "dan": []}


def test_counts_and_records_tell_the_reason_and_no_value(filled):
    answer = program(filled, filled.anna)("quarantine/")
    assert b"Li Wei" not in answer.content
    assert b'"raw"' not in answer.content
    counts = {each["text"]: each for each in answer.json()["counts"]}
    mine = counts["Expected `str`, got `int`"]
    assert (mine["path"], mine["count"]) == ("$.orderId", 1)
    assert mine["store_id"] == str(filled.tea.public_id)
    one = program(filled, filled.anna)("quarantine/", reason=mine["reason"])
    assert numbers(one) == ["T-1"]


def test_settled_ones_come_with_their_note(filled):
    answer = program(filled, filled.bo)("quarantine/", state="settled").json()
    assert [(each["number"], each["settled_note"]) for each in answer["results"]] == [
        ("S-1", "a test")
    ]


@pytest.mark.parametrize(
    "query",
    [{"platform": "taobao"}, {"state": "x"}, {"limit": "0"}, {"limit": "²"}, {"cursor": "x"}],
)
def test_filters_that_make_no_sense_are_refused(filled, query):
    answer = program(filled, filled.bo)("quarantine/", **query)
    assert answer.status_code == 400
    assert next(iter(query)) in answer.json()["fields"]


def test_pages_follow_each_other_in_a_fixed_number_of_queries(world):
    with tenant_scope(world.lotus):
        many_aside(world.tea, 130)
    get, path, seen = program(world, world.bo), "quarantine/?limit=50", []
    while path:
        with CaptureQueriesContext(connection) as made:
            answer = get(path if path.startswith("/") else f"/api/v1/{path}").json()
        assert len(made) <= 15
        seen += [each["number"] for each in answer["results"]]
        path = (answer["next"] or "").removeprefix("http://testserver")
    assert len(seen) == len(set(seen)) == 130


@pytest.mark.parametrize("query", [{}, {"state": "settled"}, {"limit": "x"}])
def test_answers_are_what_the_description_promises(filled, query):
    schema = Client().get("/api/v1/schema/?format=json").json()
    description = OpenAPI.from_dict(schema | {"servers": [{"url": "http://testserver"}]})
    answer = program(filled, filled.anna)("quarantine/", **query)
    result = description.unmarshal_response(
        DjangoOpenAPIRequest(answer.wsgi_request), DjangoOpenAPIResponse(answer)
    )
    assert result.errors == []
