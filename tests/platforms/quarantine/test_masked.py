"""No page of the quarantine holds a buyer's data, however oddly a platform sends it."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import reverse

from platforms import landing, masking, tasks
from platforms.emulator.accounts import ACCOUNTS
from platforms.models import Order
from tenants.scope import tenant_scope
from tests.platforms.quarantine.scenes import aside
from tests.support.linking import link_store
from tests.support.wire import emulated

PERSON = {
    "name": "Wei Mustermann", "phone": "13800138000", "spoken": "+49 170 5550199",
    "mail": "wei.mustermann@example.com", "street": "Musterstraße 5", "login": "wei_muster_77",
    "passport": "X4711Y",
}  # fmt: skip


def said_of_buyers(order: Order) -> set[str]:
    """What we know of the buyer that nothing else in the record may say as well."""
    texts = {
        order.buyer_name, order.buyer_email, order.buyer_id, order.ship_name, order.ship_phone,
        order.ship_line1, order.ship_line2,
    }  # fmt: skip
    parts = {word for text in texts if text for word in (text, *text.split())}
    return {part for part in parts if len(part) > 3 and not part.startswith("••")}


def accounts() -> list[str]:
    """One for each form of order."""
    first: dict[str, str] = {}
    for key, account in ACCOUNTS.items():
        first.setdefault(account.platform, key)
    return sorted(first.values())


@pytest.mark.parametrize("account", accounts())
def test_no_order_of_the_emulator_shows_its_buyer(world, account):
    with emulated() as market, tenant_scope(world.lotus):
        link_store(market, world.lotus, account)
        tasks.pump_orders()
        orders = list(Order.objects.select_related("raw")[:30])
        assert orders
        for order in orders:
            text = masking.masked(landing.decompress(order.raw.body))
            words = set(re.findall(r'[^\s",:{}\[\]]+', text))
            assert not [each for each in said_of_buyers(order) if each in words]


def odd_shapes():
    person = dict(PERSON)
    listed = list(person.values())
    yield {"buyer": person}
    yield {"Buyer": listed}
    yield {"BUYER_INFO": {"X": {"Y": [[person]]}}}
    yield {"shipToAddress": {"any": {"id": PERSON["phone"], "status": PERSON["name"]}}}
    yield {"unknown": person, "Unknown2": [listed, [person]]}
    yield {"contacts": {value: {"id": 7} for value in listed}}
    yield dict.fromkeys(listed, 1)
    yield {"rEcIpIeNt": person, "RECEIVERNAME": PERSON["name"], "receivername": PERSON["name"]}
    yield {"remark": "call " + PERSON["spoken"], "extra": json.dumps(person)}
    yield {"id": PERSON["mail"], "status": PERSON["name"], "number": PERSON["spoken"]}
    yield {"buyerTaxId": PERSON["passport"], "tax_number": PERSON["passport"],
           "login_id": PERSON["login"], "nickId": PERSON["login"]}  # fmt: skip
    yield {"customer-phone-number": int(PERSON["phone"]), "TelNumber": PERSON["phone"]}
    yield [person, listed, {"lines": [{"giftMessage": listed, "price": person}]}]


@pytest.mark.parametrize("shape", list(odd_shapes()))
def test_a_buyer_in_an_odd_place_is_masked(world, shape):
    with tenant_scope(world.lotus):
        row = aside(world.tea, json.dumps(shape, ensure_ascii=False).encode())
    page = world.client(world.bo).get(reverse("quarantine_record", args=[row.public_id]))
    text = page.content.decode().partition("record-raw")[2].partition("</pre>")[0]
    assert text
    for value in PERSON.values():
        assert value not in text
    assert "Mustermann" not in text


def test_what_tells_nothing_of_a_person_can_be_worked_with():
    text = masking.masked(
        b'{"orderId": "77-1", "lastModifiedDate": "2026-11-20T19:26:48.924Z", "quantity": 2,'
        b' "created_at": "2026-11-20 19:26:48", "price": {"value": "46.90", "currency": "EUR"},'
        b' "status": "PAID", "taxAmount": 7.5, "empty": [], "none": null, "sku": "T-1/blue"}'
    )
    for shown in ("77-1", "48.924Z", '"quantity": 2', "2026-11-20 19:26:48", "46.90", "EUR",
                  "PAID", "7.5", "[]", "null", "T-1/blue"):  # fmt: skip
        assert shown in text
