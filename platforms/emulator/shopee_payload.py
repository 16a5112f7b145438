"""Shopee's order detail. Shapes: v2.order.get_order_detail, fact sheet shopee §3."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from platforms.emulator.book import Record, scramble
from platforms.emulator.cast.shopee import COUNTRIES, ShopeeAccount, shop_of
from platforms.emulator.data import facts

STATUS = {
    "pending": "UNPAID",
    "new": "READY_TO_SHIP",
    "partial": "PROCESSED",
    "shipped": "SHIPPED",
    "delivered": "COMPLETED",
    "part_refunded": "COMPLETED",
    "refunded": "TO_RETURN",
    "cancelled": "CANCELLED",
}
ALWAYS = ("order_sn", "order_status", "region", "currency", "cod", "create_time", "update_time",
          "days_to_ship", "ship_by_date", "message_to_seller")  # fmt: skip


def _masked(text: str) -> str:
    return text[:1] + "******" + text[-1:]


def render(
    record: Record, account: ShopeeAccount, *, seed: int, wanted: set[str]
) -> dict[str, Any]:
    """What is always told and the `wanted` optional fields."""
    _shop_id, region = shop_of(account, record.serial)
    currency, rate = COUNTRIES[region]
    digits = scramble(account.key, record.serial)
    # The pool of people has no South-East Asia; names are masked to a letter anyway.
    order = facts(
        owner=account.key, record=record, number=digits, country="US", currency="USD", seed=seed
    )

    def local(value: Decimal) -> float:
        return float((value * Decimal(rate)).quantize(Decimal("0.01")))

    placed = record.placed // 1000
    paid = record.stage != "pending"
    body = {
        "order_sn": account.number(record.serial),
        "order_status": STATUS[record.stage],
        "region": region,
        "currency": currency,
        "cod": False,
        "create_time": placed,
        "update_time": record.changed // 1000,
        "days_to_ship": 2,
        "ship_by_date": placed + 2 * 86_400,
        "message_to_seller": order.note,
        "buyer_user_id": int(digits),
        "buyer_username": order.buyer.handle,
        "pay_time": placed + 60 if paid else None,
        "total_amount": local(order.sum("goods") + order.sum("shipping")),
        "estimated_shipping_fee": local(order.sum("shipping")),
        "actual_shipping_fee": 0,
        "fulfillment_flag": "fulfilled_by_local_seller",
        "recipient_address": {
            "name": _masked(order.buyer.name),
            "phone": "******12",
            "town": "",
            "district": "",
            "city": order.buyer.city,
            "state": order.buyer.region,
            "region": region,
            "zipcode": order.buyer.postcode,
            "full_address": _masked(order.buyer.line1),
        },
        "item_list": [
            {
                "item_id": int(line.item),
                "item_name": line.title,
                "item_sku": line.sku,
                "model_id": 0,
                "model_name": "",
                "model_sku": "",
                "model_quantity_purchased": line.quantity,
                "model_original_price": local(line.unit),
                "model_discounted_price": local(line.unit),
            }
            for line in order.lines
        ],
    }
    return {name: value for name, value in body.items() if name in ALWAYS or name in wanted}
