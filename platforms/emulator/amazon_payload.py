"""Amazon's order document, version 2026-01-01. Fact sheet amazon §3."""

from __future__ import annotations

import random
import re
from decimal import Decimal
from typing import Any

from platforms.emulator.book import DAY_MS, Record, scramble, unscramble
from platforms.emulator.cast.amazon import MARKETPLACES, ROLE_SHIPPING, AmazonAccount
from platforms.emulator.data import Facts, Line, facts, quantum
from platforms.emulator.wire import iso

STATUS = {
    "pending": "PENDING",
    "new": "UNSHIPPED",
    "partial": "PARTIALLY_SHIPPED",
    "shipped": "SHIPPED",
    "delivered": "SHIPPED",
    "part_refunded": "SHIPPED",
    "refunded": "SHIPPED",
    "cancelled": "CANCELLED",
}
PREFIX = {"eu": "302", "na": "114", "fe": "249"}
CARRIER = {"DE": "DHL", "GB": "Royal Mail", "US": "USPS", "JP": "Yamato Transport"}
NUMBER = re.compile(r"(\d{3})-(\d{7})-(\d{7})")


def number_of(account: AmazonAccount, serial: int) -> str:
    digits = "4200" + scramble(account.key, serial)
    return f"{PREFIX[account.region]}-{digits[:7]}-{digits[7:]}"


def serial_of(account: AmazonAccount, number: str) -> int | None:
    match = NUMBER.fullmatch(number)
    if match is None or match[1] != PREFIX[account.region] or match[2][:4] != "4200":
        return None
    return unscramble(account.key, match[2][4:] + match[3])


def marketplace_of(account: AmazonAccount, serial: int) -> str:
    order = (0, 1, 0, 2, 0, 1, 3, 0)
    return account.sites[order[serial % 8] % len(account.sites)]


def fulfilled_by(account: AmazonAccount, serial: int) -> str:
    chance = random.Random(f"fba/{account.key}/{serial}").random()
    return "AMAZON" if chance < account.amazon_fulfilled else "MERCHANT"


def money(value: Decimal, currency: str) -> dict[str, str]:
    return {"amount": str(value.quantize(quantum(currency))), "currencyCode": currency}


def _parts(rows: list[tuple[str, Decimal]], currency: str) -> list[dict[str, Any]]:
    return [
        {"type": kind, "subtotal": money(value, currency)}
        for kind, value in rows
        if value or kind == "ITEM"
    ]


def _line_parts(line: Line) -> list[tuple[str, Decimal]]:
    return [
        ("ITEM", line.goods),
        ("SHIPPING", line.shipping),
        ("TAX", line.tax),
        ("DISCOUNT", -line.discount),
    ]


def _fulfilled(record: Record, index: int, line: Line) -> int:
    if record.stage in ("pending", "new", "cancelled"):
        return 0
    return line.quantity if record.stage != "partial" or index == 0 else 0


def _item(
    line: Line, index: int, record: Record, currency: str, included: frozenset[str]
) -> dict[str, Any]:
    priced = record.stage != "pending"
    product: dict[str, Any] = {
        "asin": f"B0EMU{line.item[-5:]}",
        "sellerSku": line.sku,
        "title": line.title,
        "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"},
    }
    if priced:
        product["price"] = {"unitPrice": money(line.unit, currency)}
    item: dict[str, Any] = {
        "orderItemId": f"4000{line.number}",
        "quantityOrdered": line.quantity,
        "product": product,
    }
    if "PROCEEDS" in included and priced:
        item["proceeds"] = {
            "proceedsTotal": money(line.total, currency),
            "breakdowns": _parts(_line_parts(line), currency),
        }
    if "FULFILLMENT" in included:
        done = _fulfilled(record, index, line)
        left = 0 if record.stage == "cancelled" else line.quantity - done
        item["fulfillment"] = {"quantityFulfilled": done, "quantityUnfulfilled": left}
    if "CANCELLATION" in included and record.stage == "cancelled":
        item["cancellation"] = {
            "cancellationExecution": {"cancelledBy": "BUYER", "cancelReason": "Ordered by mistake"}
        }
    if "PROMOTION" in included and line.discount:
        item["promotion"] = {"breakdowns": [{"promotionId": "EMU-10-PERCENT"}]}
    return item


def _fulfillment(record: Record, merchant: bool) -> dict[str, Any]:
    return {
        "fulfillmentStatus": STATUS[record.stage],
        "fulfilledBy": "MERCHANT" if merchant else "AMAZON",
        "fulfillmentServiceLevel": "STANDARD",
        "shipByWindow": {
            "earliestDateTime": iso(record.placed),
            "latestDateTime": iso(record.placed + 2 * DAY_MS),
        },
        "deliverByWindow": {
            "earliestDateTime": iso(record.placed + 4 * DAY_MS),
            "latestDateTime": iso(record.placed + 9 * DAY_MS),
        },
    }


def _buyer(order: Facts, record: Record, domain: str, merchant: bool) -> dict[str, str]:
    """The relay address only for merchant fulfilment that is past PENDING."""
    buyer = {"buyerName": order.buyer.name}
    if merchant and STATUS[record.stage] in ("UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED"):
        host = domain.removeprefix("www.")
        buyer["buyerEmail"] = f"emulated{record.serial:06d}@marketplace.{host}"
    return buyer


def _address(order: Facts, record: Record, now: int, merchant: bool) -> dict[str, str]:
    """Phone is withheld for Amazon's fulfilment and after the latest delivery date."""
    who = order.buyer
    address = {
        "name": who.name,
        "addressLine1": who.line1,
        "city": who.city,
        "postalCode": who.postcode,
        "countryCode": who.country,
        "addressType": "RESIDENTIAL",
    }
    if who.line2:
        address["addressLine2"] = who.line2
    if who.region:
        address["stateOrRegion"] = who.region
    if merchant and now <= record.placed + 9 * DAY_MS:
        address["phone"] = who.phone
    return address


def _package(
    items: list[tuple[str, int]], record: Record, country: str, digits: str
) -> dict[str, Any]:
    return {
        "packageReferenceId": "1",
        "createdTime": iso(record.changed),
        "carrier": CARRIER.get(country, "UPS"),
        "shippingService": "Standard",
        "trackingNumber": f"EM{digits}{country}",
        "shipTime": iso(record.changed),
        "packageStatus": {"status": "DELIVERED" if record.stage == "delivered" else "SHIPPED"},
        "packageItems": [{"orderItemId": item, "quantity": n} for item, n in items if n],
    }


def _proceeds(order: Facts) -> dict[str, Any]:
    names = (("ITEM", "goods"), ("SHIPPING", "shipping"), ("TAX", "tax"))
    rows = [(kind, order.sum(name)) for kind, name in names]
    rows.append(("DISCOUNT", -order.sum("discount")))
    return {
        "grandTotal": money(order.sum("total"), order.currency),
        "breakdowns": _parts(rows, order.currency),
    }


def render(
    record: Record,
    account: AmazonAccount,
    *,
    now: int,
    seed: int,
    included: frozenset[str],
    without: frozenset[str],
) -> dict[str, Any]:
    """One order at `now` (Unix ms). What is not in `included`, or needs a role in `without`,
    is left out without a word, as the live service does."""
    marketplace = marketplace_of(account, record.serial)
    country, name, currency, _, domain, _ = MARKETPLACES[marketplace]
    digits = scramble(account.key, record.serial)
    merchant = fulfilled_by(account, record.serial) == "MERCHANT"
    priced = record.stage != "pending"
    order = facts(
        owner=account.key,
        record=record,
        number=digits,
        country=country,
        currency=currency,
        seed=seed,
    )
    body: dict[str, Any] = {
        "orderId": number_of(account, record.serial),
        "createdTime": iso(record.placed),
        # With and without milliseconds: both occur.
        "lastUpdatedTime": iso(record.changed, digits=3 if record.changed % 1000 else 0),
        "programs": ["PRIME"] if not merchant else [],
        "salesChannel": {
            "channelName": "AMAZON",
            "marketplaceId": marketplace,
            "marketplaceName": name,
        },
        "orderItems": [
            _item(line, index, record, currency, included) for index, line in enumerate(order.lines)
        ],
    }
    personal = priced and ROLE_SHIPPING not in without
    if "FULFILLMENT" in included:
        body["fulfillment"] = _fulfillment(record, merchant)
    if "BUYER" in included and personal:
        body["buyer"] = _buyer(order, record, domain, merchant)
    if "RECIPIENT" in included and personal and record.stage != "cancelled":
        body["recipient"] = {"deliveryAddress": _address(order, record, now, merchant)}
    if "PROCEEDS" in included and priced:
        body["proceeds"] = _proceeds(order)
    shipped = [
        (f"4000{line.number}", _fulfilled(record, index, line))
        for index, line in enumerate(order.lines)
    ]
    if "PACKAGES" in included and merchant and any(n for _, n in shipped):
        body["packages"] = [_package(shipped, record, country, digits)]
    return body
