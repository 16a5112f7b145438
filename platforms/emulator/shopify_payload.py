"""Shopify's order as the Admin GraphQL API states it. Shapes: schema 2026-07, fact sheet §3."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from platforms.emulator.book import Record, scramble, unscramble
from platforms.emulator.cast.shopify import ShopifyAccount
from platforms.emulator.data import Facts, Line, Person, facts
from platforms.emulator.wire import iso, pack, unpack

PREFIX = "55"
MONEY = {
    "pending": "PENDING",
    "part_refunded": "PARTIALLY_REFUNDED",
    "refunded": "REFUNDED",
    "cancelled": "REFUNDED",
}
GOODS = {
    "pending": "UNFULFILLED",
    "new": "UNFULFILLED",
    "cancelled": "UNFULFILLED",
    "partial": "PARTIALLY_FULFILLED",
}


def number_of(account: ShopifyAccount, serial: int) -> str:
    return PREFIX + scramble(account.key, serial)


def serial_of(account: ShopifyAccount, gid: str) -> int | None:
    number = gid.removeprefix("gid://shopify/Order/")
    if not number.isdecimal() or len(number) != len(PREFIX) + 10:
        return None
    return unscramble(account.key, number[len(PREFIX) :])


def name_of(record: Record) -> str:
    """What the seller and the buyer call the order."""
    return f"#{1000 + record.serial}"


def money(value: Decimal, currency: str) -> dict[str, Any]:
    """No padding, but one decimal at least; the buyer paid in the shop's own currency."""
    text = f"{value.normalize():f}"
    amount = {"amount": text if "." in text else f"{text}.0", "currencyCode": currency}
    return {"shopMoney": amount, "presentmentMoney": dict(amount)}


def connection(nodes: list[dict[str, Any]], *, seal: str) -> Any:
    """A connection that is paged by position, as that of an order's lines."""

    def page(first: int | None = None, after: str | None = None) -> dict[str, Any]:
        start = unpack(after, seal=seal) + 1 if after else 0
        chosen = nodes[start : start + (first or 0)]
        end = start + len(chosen) - 1
        return {
            "nodes": chosen,
            "pageInfo": {
                "hasNextPage": start + len(chosen) < len(nodes),
                "endCursor": pack(end, seal=seal) if chosen else None,
            },
        }

    return page


def _address(buyer: Person) -> dict[str, Any]:
    first, _, last = buyer.name.rpartition(" ")
    return {
        "name": buyer.name,
        "firstName": first,
        "lastName": last,
        "company": None,
        "address1": buyer.line1,
        "address2": buyer.line2 or None,
        "city": buyer.city,
        "province": buyer.region or None,
        "provinceCode": buyer.region or None,
        "zip": buyer.postcode,
        "country": buyer.country,
        "countryCodeV2": buyer.country,
        "phone": buyer.phone,
    }


def _line(line: Line, index: int, record: Record, currency: str) -> dict[str, Any]:
    gone = record.stage in ("cancelled", "refunded")
    gone = gone or (record.stage == "part_refunded" and index == 0)
    sent = record.stage not in GOODS or (record.stage == "partial" and index == 0)
    return {
        "id": f"gid://shopify/LineItem/1{line.number}",
        "sku": line.sku,
        "name": line.title,
        "title": line.title,
        "variantTitle": None,
        "vendor": "Emulated",
        "quantity": line.quantity,
        "currentQuantity": 0 if gone else line.quantity,
        "unfulfilledQuantity": 0 if sent or gone else line.quantity,
        "refundableQuantity": 0 if gone else line.quantity,
        "originalUnitPriceSet": money(line.unit, currency),
        "discountedUnitPriceSet": money(line.unit - line.discount / line.quantity, currency),
        "discountedTotalSet": money(line.goods - line.discount, currency),
    }


def _refunded(order: Facts, record: Record) -> Decimal:
    if record.stage in ("cancelled", "refunded"):
        return order.sum("total")
    return order.lines[0].total if record.stage == "part_refunded" else Decimal(0)


def _fulfillments(record: Record) -> list[dict[str, Any]]:
    if GOODS.get(record.stage) == "UNFULFILLED":
        return []
    there = record.stage not in ("partial", "shipped")
    return [
        {
            "id": f"gid://shopify/Fulfillment/7{record.serial:09d}",
            "status": "SUCCESS",
            "displayStatus": "DELIVERED" if there else "IN_TRANSIT",
            "createdAt": iso(record.changed, digits=0),
            "updatedAt": iso(record.changed, digits=0),
        }
    ]


def render(
    record: Record, account: ShopifyAccount, *, seed: int, buyer_hidden: bool = False
) -> dict[str, Any]:
    number = number_of(account, record.serial)
    currency = account.currency
    order = facts(
        owner=account.key,
        record=record,
        number=number[len(PREFIX) :],
        country=account.country,
        currency=currency,
        seed=seed,
    )
    total, refunded = order.sum("total"), _refunded(order, record)
    gid = f"gid://shopify/Order/{number}"
    lines = [_line(line, index, record, currency) for index, line in enumerate(order.lines)]
    address = None if buyer_hidden else _address(order.buyer)
    changed = iso(record.changed, digits=0)
    placed = iso(record.placed, digits=0)
    return {
        "id": gid,
        "legacyResourceId": number,
        "name": name_of(record),
        "number": 1000 + record.serial,
        "test": False,
        "createdAt": placed,
        "processedAt": placed,
        "updatedAt": changed,
        "cancelledAt": changed if record.stage == "cancelled" else None,
        "closedAt": None,
        "cancelReason": "CUSTOMER" if record.stage == "cancelled" else None,
        "currencyCode": currency,
        "presentmentCurrencyCode": currency,
        "displayFinancialStatus": MONEY.get(record.stage, "PAID"),
        "displayFulfillmentStatus": GOODS.get(record.stage, "FULFILLED"),
        "returnStatus": "NO_RETURN",
        "email": None if buyer_hidden else f"{order.buyer.handle}@example.test",
        "phone": None,
        "note": order.note or None,
        "tags": [],
        "paymentGatewayNames": ["shopify_payments"],
        "totalPriceSet": money(total, currency),
        "currentTotalPriceSet": money(total - refunded, currency),
        "subtotalPriceSet": money(order.sum("goods") - order.sum("discount"), currency),
        "totalShippingPriceSet": money(order.sum("shipping"), currency),
        "totalTaxSet": money(order.sum("tax"), currency),
        "totalDiscountsSet": money(order.sum("discount"), currency),
        "totalRefundedSet": money(refunded, currency),
        "shippingAddress": address,
        "billingAddress": address,
        "fulfillments": _fulfillments(record),
        "lineItems": connection(lines, seal=gid),
    }
