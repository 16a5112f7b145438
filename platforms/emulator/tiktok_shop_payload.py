"""TikTok Shop's order document. Shapes: order/202309 search; masking: fact sheet §3."""

from __future__ import annotations

import re
import zlib
from decimal import ROUND_DOWN
from typing import Any

from platforms.emulator.book import Record, scramble, unscramble
from platforms.emulator.cast.tiktok_shop import TiktokShopAccount
from platforms.emulator.data import Facts, Line, Person, facts, quantum

CURRENCY = {"US": "USD", "GB": "GBP", "DE": "EUR", "FR": "EUR"}
COUNTRY = {"US": "United States", "GB": "United Kingdom", "DE": "Germany", "FR": "France"}
STATUS = {
    "pending": "UNPAID",
    "new": "AWAITING_SHIPMENT",
    "partial": "PARTIALLY_SHIPPING",
    "shipped": "IN_TRANSIT",
    "delivered": "DELIVERED",
    "part_refunded": "COMPLETED",
    "refunded": "COMPLETED",
    "cancelled": "CANCELLED",
}
NUMBER = re.compile(r"576(\d{10})(\d{5})")
_CHOSEN_BY_ORDER = (0, 1, 0, 0, 1)


def _tail(account: TiktokShopAccount) -> str:
    return f"{zlib.crc32(account.open_id.encode()) % 100_000:05d}"


def number_of(account: TiktokShopAccount, serial: int) -> str:
    return f"576{scramble(account.key, serial)}{_tail(account)}"


def serial_of(account: TiktokShopAccount, number: str) -> int | None:
    match = NUMBER.fullmatch(number)
    if match is None or match[2] != _tail(account):
        return None
    return unscramble(account.key, match[1])


def shop_of(account: TiktokShopAccount, serial: int) -> tuple[str, str, str]:
    """Number, name, region of the shop that sold it; without a number if there is no shop."""
    if not account.shops:
        return "", "", "US"
    return account.shops[_CHOSEN_BY_ORDER[serial % 5] % len(account.shops)]


def status_of(record: Record, order: Facts) -> str:
    if record.stage == "new" and order.chance < 0.1:
        return "ON_HOLD"
    if record.stage == "shipped" and order.chance < 0.3:
        return "AWAITING_COLLECTION"
    return STATUS[record.stage]


def facts_of(record: Record, account: TiktokShopAccount, *, seed: int) -> Facts:
    region = shop_of(account, record.serial)[2]
    return facts(
        owner=account.key,
        record=record,
        number=scramble(account.key, record.serial),
        country=region,
        currency=CURRENCY[region],
        seed=seed,
    )


def masked(text: str) -> str:
    return text[:1] + "*" * max(3, len(text) - 1)


def _units(line: Line, status: str, currency: str, *, first: bool) -> list[dict[str, Any]]:
    """One item is one piece; what a discount does not divide by stays with the last."""
    each = (line.discount / line.quantity).quantize(quantum(currency), rounding=ROUND_DOWN)
    shown = "IN_TRANSIT" if status == "PARTIALLY_SHIPPING" and first else status
    shown = "AWAITING_SHIPMENT" if shown == "PARTIALLY_SHIPPING" else shown
    units = []
    for index in range(line.quantity):
        last = index == line.quantity - 1
        discount = line.discount - each * (line.quantity - 1) if last else each
        units.append(
            {
                "id": f"5770{line.number}{index:04d}",
                "product_id": f"17295{line.item}",
                "product_name": line.title,
                "sku_id": f"27293{line.item}",
                "sku_name": "Default",
                "seller_sku": line.sku,
                "original_price": str(line.unit),
                "sale_price": str(line.unit - discount),
                "seller_discount": str(discount),
                "platform_discount": "0",
                "currency": currency,
                "display_status": shown,
                "is_gift": False,
            }
        )
    return units


def _payment(order: Facts) -> dict[str, str]:
    goods, discount = order.sum("goods"), order.sum("discount")
    shipping, tax = order.sum("shipping"), order.sum("tax")
    return {
        "currency": order.currency,
        "original_total_product_price": str(goods),
        "seller_discount": str(discount),
        "platform_discount": "0",
        "sub_total": str(goods - discount),
        "original_shipping_fee": str(shipping),
        "shipping_fee": str(shipping),
        "tax": str(tax),
        "total_amount": str(goods - discount + shipping + tax),
    }


def _recipient(buyer: Person, *, hidden: bool, early: bool) -> dict[str, Any]:
    first, _, last = buyer.name.partition(" ")
    show = masked if hidden else str
    address: dict[str, Any] = {
        "name": show(buyer.name),
        "first_name": show(first),
        "last_name": show(last),
        "phone_number": f"(+00){buyer.phone[:3]}*****{buyer.phone[-2:]}" if hidden else buyer.phone,
        "full_address": show(f"{buyer.line1}, {buyer.postcode} {buyer.city}"),
        "address_detail": show(buyer.line1),
        "address_line1": show(buyer.line1),
        "address_line2": show(buyer.line2) if buyer.line2 else "",
        "address_line3": " ",
        "address_line4": '""',
        "postal_code": show(buyer.postcode),
        "region_code": buyer.country,
    }
    if not early:
        levels = [("L0", "Country", COUNTRY[buyer.country])]
        levels += [("L1", "State", buyer.region)] if buyer.region else []
        levels += [("L3", "City", buyer.city)]
        address["district_info"] = [
            {"address_level": level, "address_level_name": name, "address_name": value}
            for level, name, value in levels
        ]
    return address


def render(record: Record, account: TiktokShopAccount, *, seed: int) -> dict[str, Any]:
    order = facts_of(record, account, seed=seed)
    status = status_of(record, order)
    by_tiktok = order.chance > 0.6
    early = status in ("UNPAID", "ON_HOLD")
    placed, changed = record.placed // 1000, record.changed // 1000
    body: dict[str, Any] = {
        "id": number_of(account, record.serial),
        "status": status,
        "create_time": placed,
        "update_time": changed,
        "user_id": f"70214{scramble(account.key, record.serial)}",
        "buyer_email": f"emu{record.serial:05d}@chat.seller.tiktok.example\n",
        "buyer_message": order.note,
        "fulfillment_type": "FULFILLMENT_BY_TIKTOK" if by_tiktok else "FULFILLMENT_BY_SELLER",
        "shipping_type": "TIKTOK" if order.chance > 0.4 else "SELLER",
        "is_cod": False,
        "is_sample_order": False,
        "is_on_hold_order": status == "ON_HOLD",
        "is_buyer_request_cancel": False,
        "recipient_address": _recipient(order.buyer, hidden=order.chance > 0.4, early=early),
        "payment": None if early and order.chance < 0.05 else _payment(order),
        "line_items": [
            unit
            for index, line in enumerate(order.lines)
            for unit in _units(line, status, order.currency, first=index == 0)
        ],
    }
    if status != "UNPAID":
        body["paid_time"] = placed + 2
    return body
