"""Wish's orders as JSON. Facts: fact sheet wish §3 and the contract's schema `Order`."""

from __future__ import annotations

import random
import re
from decimal import Decimal
from typing import Any

from platforms.emulator.book import Record, scramble, unscramble
from platforms.emulator.cast.wish import WishAccount
from platforms.emulator.data import Facts, Line, Person, facts, quantum
from platforms.emulator.wire import iso

DAY_MS = 86_400_000
HEAD, TAIL = "62aa", "0d1f2c3b4d"
STATES = {
    "pending": "REQUIRE_REVIEW",
    "new": "APPROVED",
    "partial": "APPROVED",  # an order is one product: there is no half way
    "shipped": "SHIPPED",
    "delivered": "SHIPPED",  # Wish has no state for it
    "part_refunded": "SHIPPED",
    "refunded": "REFUNDED",
    "cancelled": "DECLINED",
}
COMMISSION = Decimal("0.85")
CALLING_CODES = {"US": "1", "GB": "44", "DE": "49", "FR": "33"}


def number_of(account: WishAccount, serial: int) -> str:
    return f"{HEAD}{scramble(account.key, serial)}{TAIL}"


def serial_of(account: WishAccount, number: str) -> int | None:
    found = re.fullmatch(rf"{HEAD}([0-9]{{10}}){TAIL}", number)
    return unscramble(account.key, found[1]) if found else None


def leader_of(serial: int) -> int:
    """Whose checkout it was: every fifth order was bought together with the one before."""
    return serial - 1 if serial % 5 == 0 else serial


def content(account: WishAccount, serial: int, seed: int) -> Facts:
    rng = random.Random(f"{seed}/{account.key}/{serial}/country")
    return facts(
        owner=account.key,
        record=Record(serial, 0, 0, "new"),
        number=scramble(account.key, serial),
        country=rng.choice(account.sites),
        currency=account.currency,
        seed=seed,
    )


def render(record: Record, account: WishAccount, *, seed: int) -> dict[str, Any]:
    about = content(account, record.serial, seed)
    line = about.lines[0]
    leader = leader_of(record.serial)
    buyer = content(account, leader, seed).buyer
    state = STATES[record.stage]
    body: dict[str, Any] = {
        "id": number_of(account, record.serial),
        "transaction_id": f"62ab{scramble(account.key, leader)}{TAIL}",
        "state": state,
        "updated_at": iso(record.changed),
        "product_information": _product(line),
        "order_payment": {"general_payment_details": _payment(line, about)},
        "full_address": {"shipping_detail": _place(buyer)},
        "tracking_information": _tracking(record),
        "refunds": _refunds(record, line, about.currency),
        "fulfillment_requirements": {"expected_ship_time": iso(record.placed + 5 * DAY_MS)},
        "fulfillment_order_types": ["FULFILLED_BY_WISH"] if about.chance < 0.15 else [],
    }
    if state == "REQUIRE_REVIEW":
        body["full_address"] = {}
    else:
        body["released_at"] = iso(record.placed)
    return body


def _money(value: Decimal, currency: str) -> dict[str, Any]:
    return {"amount": float(value.quantize(quantum(currency))), "currency_code": currency}


def _product(line: Line) -> dict[str, str]:
    return {
        "id": f"5f3b{line.item}01f376b0",
        "sku": line.sku,
        "name": line.title,
        "color": "blue",
        "size": "M",
        "variation_id": f"5f3b{line.item}02f376b0",
        "variation_image_url": f"https://images.example/{line.sku}.jpg",
    }


def _payment(line: Line, about: Facts) -> dict[str, Any]:
    """Prices are per piece, `payment_total` is what the merchant gets."""
    currency = about.currency
    goods = (line.unit * COMMISSION).quantize(quantum(currency))
    fee = (line.shipping * COMMISSION).quantize(quantum(currency))
    stated: dict[str, Any] = {
        "product_quantity": line.quantity,
        "product_price": _money(line.unit, currency),
        "product_shipping_price": _money(line.shipping, currency),
        "product_merchant_payment": _money(goods, currency),
        "shipping_merchant_payment": _money(fee, currency),
        "payment_total": _money((goods + fee) * line.quantity, currency),
    }
    if about.chance > 0.6:
        paid = (line.unit + line.shipping) * line.quantity
        stated["customer_paid_prices_detail"] = {"total": _money(paid, currency)}
    return stated


def _place(buyer: Person) -> dict[str, Any]:
    return {
        "name": buyer.name,
        "street_address1": buyer.line1,
        "street_address2": buyer.line2,
        "city": buyer.city,
        "state": buyer.region,
        "zipcode": buyer.postcode,
        "country_code": buyer.country,
        "phone_number": {
            "country_code": CALLING_CODES[buyer.country],
            "number": buyer.phone.removeprefix(f"+{CALLING_CODES[buyer.country]}").strip(),
        },
    }


def _tracking(record: Record) -> list[dict[str, Any]]:
    if STATES[record.stage] not in ("SHIPPED", "REFUNDED"):
        return []
    return [{"tracking_number": f"EMU{record.serial:09d}", "shipping_provider": {"name": "Demo"}}]


def _refunds(record: Record, line: Line, currency: str) -> list[dict[str, Any]]:
    if record.stage not in ("refunded", "part_refunded"):
        return []
    amount = line.goods if record.stage == "refunded" else line.unit / 2
    return [
        {
            "refund_source": "CUSTOMER",
            "refund_amount": _money(amount, currency),
            "refund_time": iso(record.changed),
        }
    ]
