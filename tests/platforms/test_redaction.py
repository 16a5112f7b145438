"""The net under the logs: secrets and people are masked, and it is never slow."""

from __future__ import annotations

import logging
import sys
import time

import pytest

from platforms.redaction import LineFormatter, mask, safe_url

UUID_KEY = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


@pytest.mark.parametrize(
    "secret",
    [
        "v^1.1#i^1#f^0#p^3#I^3#r^0#t^H4sIAExample",
        "v%5E1.1%23i%5E1%23f%5E0%23Example",
        "Atza|IwEBIExampleAccessToken",
        "Atzr|IwEBIExampleRefreshToken",
        "amzn1.oa2-cs.v1.0123456789abcdef",
        "PRD-0123456789ab-cdef-4567-89ab-cdef",
        UUID_KEY,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "slk_0123456789abcdefghij",
    ],
)
@pytest.mark.parametrize("around", ["{}", "token={}&x=1", 'said "{}" twice', "({})", "Bearer {}"])
def test_secrets_are_known_by_their_shape(secret, around):
    assert secret not in mask(around.format(secret))


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer hunter2",
        "Authorization: Basic aHVudGVyMg==hunter2",
        "GET /link/callback/amazon/?spapi_oauth_code=hunter2&state=hunter2&selling_partner_id=A1",
        "refresh_token=hunter2",
        '{"access_token": "hunter2", "expires_in": 3600}',
        "{'client_secret': 'hunter2'}",
        "Api-Key: hunter2",
        "api_key=hunter2&client_id=1",
        "password=hunter2",
    ],
)
def test_secrets_are_known_by_their_name(line):
    assert "hunter2" not in mask(line)


@pytest.mark.parametrize(
    "person", ["jane.o'neill+x@members.ebay.co.uk", "x1y2z3@marketplace.amazon.de",
               "+49 30 1234567", "+7 (999) 123-45-67"]
)  # fmt: skip
def test_people_are_masked(person):
    told = mask(f"buyer {person} wrote")
    assert person not in told
    assert told.endswith("wrote")


@pytest.mark.parametrize(
    "harmless",
    [
        "orders.pulled stream_id=7 seen=12 fault=token_expired",
        "302-1000001-0000001",
        "token_revoked: refused",
        "2026-11-21 12:00:00+00:00",
        "Erwarte 12 + 3 Aufträge",
        "eyJ is how JSON begins",
    ],
)
def test_what_is_harmless_stays_readable(harmless):
    assert mask(harmless) == harmless


def test_an_address_is_shown_without_its_query():
    url = f"https://api.ozon.test/v1/{UUID_KEY}/x?token=hunter2&mail=a@b.de#code"
    assert safe_url(url) == "https://api.ozon.test/v1/[masked]/x"


@pytest.mark.parametrize(
    "part", ["a", "-eyJ", "eyJa.", "PRD-", "+1(", "a@", "a@a.", "access_token", "v^1.1", "Bearer ",
             "_token=  ", "00000000-0000-", "code="]
)  # fmt: skip
def test_a_hostile_message_does_not_stop_the_logs(part):
    """Every expression is linear: a megabyte takes no longer than five times 200 kB, and a bit."""
    started = time.process_time()
    mask(part * (1_000_000 // len(part)))
    assert time.process_time() - started < 8


# --- lines


def line(message: str, exc_info=None, **extra: object) -> str:
    record = logging.makeLogRecord(
        {"name": "platforms", "levelname": "INFO", "msg": message, "exc_info": exc_info, **extra}
    )
    return LineFormatter().format(record)


def test_a_line_holds_event_and_values_and_stays_one_line():
    told = line("orders.pulled\nforged", seen=12, fault="ok")
    assert told.endswith("INFO orders.pulled\\nforged fault=ok seen=12")


def test_values_and_tracebacks_are_masked_too():
    try:
        raise ValueError(f"Api-Key {UUID_KEY} of jane@example.com")
    except ValueError:
        told = line("failed", sys.exc_info(), token="Atza|secret", refresh_token="rt")
    for secret in (UUID_KEY, "jane@example.com", "Atza|secret", "refresh_token=rt"):
        assert secret not in told
    assert "ValueError" in told
