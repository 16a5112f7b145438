"""AliExpress's order documents. Shapes: contract aliexpress, fact sheet aliexpress §3."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from platforms.emulator.book import Record, scramble, unscramble
from platforms.emulator.cast.aliexpress import AliExpressAccount
from platforms.emulator.data import Facts, Line, facts

PACIFIC = ZoneInfo("America/Los_Angeles")
COUNTRIES = ("US", "DE", "FR", "GB", "US", "IT")
STATUS = {
    "pending": "PLACE_ORDER_SUCCESS",
    "new": "WAIT_SELLER_SEND_GOODS",
    "partial": "SELLER_PART_SEND_GOODS",
    "shipped": "WAIT_BUYER_ACCEPT_GOODS",
}
END_REASON = {
    "delivered": "buyer_accept_goods",
    "part_refunded": "buyer_accept_goods",
    "refunded": "buyer_accept_goods",
    "cancelled": "buyer_cancel_notpay_order",
}
PREFIX = "303"


def number_of(account: AliExpressAccount, serial: int) -> str:
    """Sixteen digits, beyond what a double keeps exactly in some of them."""
    return f"{PREFIX}{scramble(account.key, serial)}{account.seller_id[-3:]}"


def serial_of(account: AliExpressAccount, number: str) -> int | None:
    if len(number) != 16 or not number.startswith(PREFIX) or number[-3:] != account.seller_id[-3:]:
        return None
    return unscramble(account.key, number[3:-3])


def status_of(record: Record) -> str:
    return STATUS.get(record.stage, "FINISH")


def stamp(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).astimezone(PACIFIC).strftime("%Y-%m-%d %H:%M:%S")


def _simple(value: Decimal) -> dict[str, str]:
    return {"amount": f"{value:.2f}", "currency_code": "USD"}


def _full(value: Decimal) -> dict[str, Any]:
    text = f"{value:.2f}"
    return {
        "amount": text,
        "amount_str": text,
        "cent": int(value * 100),
        "cent_factor": 100,
        "currency_code": "USD",
    }


def _facts(record: Record, account: AliExpressAccount, seed: int) -> Facts:
    return facts(
        owner=account.key,
        record=record,
        number=scramble(account.key, record.serial),
        country=COUNTRIES[record.serial % len(COUNTRIES)],
        currency="USD",
        seed=seed,
    )


def _paid(line: Line) -> Decimal:
    return line.goods - line.discount + line.shipping


def _product(
    line: Line, record: Record, order: Facts, account: AliExpressAccount
) -> dict[str, Any]:
    by_platform = order.chance < account.warehouse
    return {
        "order_id": int(number_of(account, record.serial)),
        "child_id": int(f"4{line.number}"),
        "product_id": int(f"1005{line.item[-8:]}"),
        "product_name": line.title,
        "sku_code": line.sku,
        "product_count": line.quantity,
        "product_unit": "piece",
        "product_unit_price": _simple(line.unit),
        "total_product_amount": _simple(line.goods - line.discount),
        "logistics_amount": _simple(line.shipping),
        "son_order_status": status_of(record),
        "show_status": status_of(record),
        "send_goods_operator": "WAREHOUSE_SEND_GOODS" if by_platform else "SELLER_SEND_GOODS",
        "memo": order.note,
        "issue_status": "END_ISSUE" if "refunded" in record.stage else "NO_ISSUE",
    }


def listed(record: Record, account: AliExpressAccount, *, seed: int) -> dict[str, Any]:
    """One order as the lists state it: with amounts, without an address."""
    order = _facts(record, account, seed)
    paid = record.stage != "pending"
    return {
        "order_id": int(number_of(account, record.serial)),
        "order_status": status_of(record),
        "biz_type": "AE_COMMON",
        "gmt_create": stamp(record.placed),
        "gmt_pay_time": stamp(record.placed + 20_000) if paid else None,
        "gmt_update": stamp(record.changed),
        "pay_amount": _simple(sum(map(_paid, order.lines), Decimal(0))),
        "buyer_login_id": order.buyer.handle,
        "buyer_signer_fullname": order.buyer.name,
        "seller_login_id": account.login_id,
        "seller_signer_fullname": account.shop_name,
        "payment_type": "MIXEDCARD",
        "fund_status": "PAY_SUCCESS" if paid else "NOT_PAY",
        "issue_status": "END_ISSUE" if "refunded" in record.stage else "NO_ISSUE",
        "frozen_status": "NO_FROZEN",
        "timeout_left_time": 500_000_000,
        "end_reason": END_REASON.get(record.stage, ""),
        "product_list": {
            "order_product_dto": [_product(line, record, order, account) for line in order.lines]
        },
    }


def detail(record: Record, account: AliExpressAccount, *, seed: int) -> dict[str, Any]:
    """One order as `order.info.get` states it: with the address, its street masked or not."""
    order = _facts(record, account, seed)
    buyer = order.buyer
    return {
        "id": int(number_of(account, record.serial)),
        "order_status": status_of(record),
        "gmt_create": stamp(record.placed),
        "gmt_modified": stamp(record.changed),
        "order_amount": _full(sum(map(_paid, order.lines), Decimal(0))),
        "logistics_amount": _full(order.sum("shipping")),
        "buyer_info": {"login_id": buyer.handle, "country": buyer.country},
        "receipt_address": {
            "country": buyer.country,
            "province": buyer.region,
            "city": buyer.city,
            "zip": buyer.postcode,
            "detail_address": buyer.line1,
            "address2": buyer.line2,
            "contact_person": buyer.name,
            "phone_country": "",
            "mobile_no": "***" if order.chance > 0.8 else buyer.phone,
        },
        "oaid": f"emulator-{record.serial}",
    }
