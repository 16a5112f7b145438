from __future__ import annotations

import pytest

from platforms import masking
from tests.platforms.adapters.payloads import payload


def test_digits_and_texts_stay_as_received():
    text = masking.pretty(b'{"total":89.5000,"id":9107199254740993002,"who":"\xe6\x9d\x8e"}')
    assert "89.5000" in text
    assert "9107199254740993002" in text
    assert "李" in text


def test_masking_keeps_the_shape_and_what_says_nothing_of_a_person():
    text = masking.masked(
        b'{"orderId": "A-1", "buyer": {"id": 77, "city": "Paris"}, "phone_number": "+331",'
        b' "shippingAddress": {"status": "ok"}, "total": {"value": "70.3", "currency": "EUR"},'
        b' "freeText": "Li Wei", "paid": true, "lines": [{"sku": "T-1", "quantity": 2}]}'
    )
    for shown in ('"A-1"', "70.3", "EUR", "T-1", '"quantity": 2', "true", "freeText"):
        assert shown in text
    for hidden in ("77", "Paris", "+331", "ok", "Li Wei"):
        assert hidden not in text


@pytest.mark.parametrize("body", [b"", b"<xml/>", b"[" * 100_000, b"\xff\xfe", b"{"])
def test_what_is_not_json_is_masked_whole_and_breaks_nothing(body):
    assert masking.masked(body) == masking.UNREADABLE % len(body)
    masking.pretty(body)


@pytest.mark.parametrize(
    ("platform", "name", "hidden"),
    [
        ("ozon", "rfbs", ["Ivan Primer", "Olga Primer", "Testovaya"]),
        ("ebay", "hub", []),
        ("amazon", "brazil", []),
    ],
)
def test_recorded_orders_show_no_person(platform, name, hidden):
    text = masking.masked(bytes(payload(platform, name)))
    assert not [each for each in hidden if each in text]
