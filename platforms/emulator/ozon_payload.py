"""Ozon's postings. Shapes: seller-api contract; buyer data only for rFBS (fact sheet ozon §3)."""

from __future__ import annotations

import random
import re
from decimal import Decimal
from typing import Any

from platforms.emulator.book import DAY_MS, Record, scramble, unscramble
from platforms.emulator.cast.ozon import OzonAccount
from platforms.emulator.data import Facts, facts
from platforms.emulator.wire import iso

FBS_STATUS = {
    "pending": "awaiting_approve",
    "new": "awaiting_packaging",
    "partial": "awaiting_deliver",
    "shipped": "delivering",
    "delivered": "delivered",
    "part_refunded": "client_arbitration",
    "refunded": "cancelled",
    "cancelled": "cancelled",
}
FBO_STATUS = {
    **FBS_STATUS,
    "pending": "awaiting_packaging",
    "part_refunded": "delivered",
}
SUBSTATUS = {
    "awaiting_approve": "posting_created",
    "awaiting_packaging": "posting_created",
    "awaiting_deliver": "posting_in_carriage",
    "delivering": "posting_on_way_to_city",
    "delivered": "posting_received",
    "client_arbitration": "posting_in_client_arbitration",
    "cancelled": "posting_canceled",
}
NUMBER = re.compile(r"(\d{10})-(\d{4})-([12])")
LATIN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        [
            "a",
            "b",
            "v",
            "g",
            "d",
            "e",
            "e",
            "zh",
            "z",
            "i",
            "y",
            "k",
            "l",
            "m",
            "n",
            "o",
            "p",
            "r",
            "s",
            "t",
            "u",
            "f",
            "kh",
            "ts",
            "ch",
            "sh",
            "shch",
            "",
            "y",
            "",
            "e",
            "yu",
            "ya",
        ],
        strict=True,
    )
)
WAREHOUSE = 23_463_726_191_000


def numbers_of(account: OzonAccount, serial: int) -> tuple[str, str]:
    """(order number, posting number). Every eighth order is two postings."""
    second = serial % 8 == 0
    digits = scramble(account.key, serial - 1 if second else serial)
    order = f"{digits}-{int(digits[-4:]) % 900 + 1:04d}"
    return order, f"{order}-{2 if second else 1}"


def serial_of(account: OzonAccount, number: str) -> int | None:
    match = NUMBER.fullmatch(number)
    if match is None:
        return None
    serial = unscramble(account.key, match[1]) + (1 if match[3] == "2" else 0)
    return serial if numbers_of(account, serial)[1] == number else None


def _chance(account: OzonAccount, serial: int) -> float:
    # Both postings of one order go the same way.
    base = serial - 1 if serial % 8 == 0 else serial
    return random.Random(f"scheme/{account.key}/{base}").random()


def is_fbo(account: OzonAccount, serial: int) -> bool:
    return _chance(account, serial) < account.fbo


def is_rfbs(account: OzonAccount, serial: int) -> bool:
    return account.fbo <= _chance(account, serial) < account.fbo + account.rfbs


def cutoff_of(record: Record) -> int:
    """The moment the seller has to ship by."""
    return record.placed + 2 * DAY_MS


def latin(text: str) -> str:
    out = []
    for c in text:
        letter = LATIN.get(c.lower(), c)
        out.append(letter.capitalize() if c != c.lower() else letter)
    return "".join(out)


def _facts(record: Record, account: OzonAccount, seed: int) -> Facts:
    return facts(
        owner=account.key,
        record=record,
        number=scramble(account.key, record.serial),
        country="RU",
        currency=account.currency,
        seed=seed,
    )


def _products(order: Facts, *, fbo: bool) -> list[dict[str, Any]]:
    products = []
    for line in order.lines:
        product: dict[str, Any] = {
            "sku": 1_400_000_000 + int(line.item[-6:]),
            "offer_id": line.sku,
            "name": line.title,
            "quantity": line.quantity,
            "price": {
                "amount": str(line.unit.quantize(Decimal("0.0001"))),
                "currency": order.currency,
            },
            "is_marketplace_buyout": False,
        }
        if fbo:
            product |= {"digital_codes": []}
        else:
            product |= {"weight": 0.42, "product_color": "", "imei": [], "is_blr_traceable": False}
        products.append(product)
    return products


def _financial(order: Facts, account: OzonAccount, *, fbo: bool) -> dict[str, Any]:
    """FBO says less of each product than FBS."""
    products = []
    for line in order.lines:
        old = (line.unit * Decimal("1.25")).quantize(Decimal("0.01"))
        commission = (line.goods * Decimal("0.2")).quantize(Decimal("0.01"))
        product: dict[str, Any] = {
            "product_id": 1_400_000_000 + int(line.item[-6:]),
            "price": float(line.unit),
            "old_price": float(old),
            "payout": float(line.goods - commission),
            "total_discount_value": float(old - line.unit),
            "total_discount_percent": 20.0,
            "actions": ["seller discount"],
            "commission": {
                "amount": float(commission),
                "percent": 20,
                "currency": order.currency,
            },
        }
        if not fbo:
            product["quantity"] = line.quantity
        if not fbo and account.currency != "RUB":
            paid = (line.unit * Decimal("12.5")).quantize(Decimal("0.01"))
            product["customer_price"] = {"amount": str(paid), "currency": "RUB"}
        products.append(product)
    return {"cluster_from": "", "cluster_to": order.buyer.city, "products": products}


def _cancellation(record: Record) -> dict[str, Any]:
    off = record.stage in ("cancelled", "refunded")
    return {
        "cancel_reason_id": 402 if off else 0,
        "cancel_reason": "Покупатель передумал" if off else "",
        "cancellation_type": "client" if off else "",
        "cancelled_after_ship": record.stage == "refunded",
        "affect_cancellation_rating": False,
        "cancellation_initiator": "Клиент" if off else "",
    }


def _customer(order: Facts, record: Record, *, translit: bool) -> dict[str, Any]:
    who = order.buyer
    write = latin if translit else str
    return {
        "customer_id": 70_000_000 + record.serial,
        "name": write(who.name),
        "phone": who.phone,
        "customer_email": "",
        "address": {
            "address_tail": write(f"{who.line1}, {who.line2}".rstrip(", ")),
            "city": write(who.city),
            "comment": order.note,
            "country": "Россия" if not translit else "Rossiya",
            "district": "",
            "latitude": 55.75,
            "longitude": 37.61,
            "provider_pvz_code": "",
            "pvz_code": 0,
            "region": write(who.region),
            "zip_code": who.postcode,
        },
    }


def _analytics(order: Facts, record: Record) -> dict[str, Any]:
    return {
        "region": "",
        "city": "",
        "delivery_type": "PVZ",
        "is_premium": order.chance < 0.3,
        "is_legal": False,
        "payment_type_group_name": "by card online",
        "warehouse_id": WAREHOUSE,
        "warehouse": "Emulated Shenzhen Nanshan",
        "tpl_provider_id": 24,
        "tpl_provider": "Ozon Delivery",
        "delivery_date_begin": iso(record.placed + 12 * DAY_MS, digits=0),
        "delivery_date_end": iso(record.placed + 12 * DAY_MS, digits=0),
        "client_delivery_date_begin": None,
        "client_delivery_date_end": None,
    }


def _method(*, own: bool) -> dict[str, Any]:
    return {
        "id": WAREHOUSE,
        "name": "Own delivery" if own else "Ozon Logistics, courier",
        "warehouse_id": WAREHOUSE,
        "warehouse": "Emulated Shenzhen Nanshan",
        "tpl_provider_id": 0 if own else 24,
        "tpl_provider": "Own delivery" if own else "Ozon Delivery",
    }


def _barcodes(record: Record) -> dict[str, str]:
    serial = record.serial
    return {"upper_barcode": f"%101%{serial:09d}", "lower_barcode": f"230249{serial:08d}"}


def render_fbs(
    record: Record,
    account: OzonAccount,
    *,
    seed: int,
    extras: dict[str, bool],
    translit: bool,
) -> dict[str, Any]:
    """A posting of the FBS lists. `extras` is the request's `with`."""
    order = _facts(record, account, seed)
    number, posting = numbers_of(account, record.serial)
    status = FBS_STATUS[record.stage]
    own = is_rfbs(account, record.serial)
    shipped = record.stage in ("shipped", "delivered", "part_refunded", "refunded")
    customer = _customer(order, record, translit=translit) if own else None
    return {
        "posting_number": posting,
        "order_id": 30_000_000_000 + int(number[:10]),
        "order_number": number,
        "parent_posting_number": "",
        "status": status,
        "substatus": SUBSTATUS[status],
        "delivery_schema": "FBS",
        "tpl_integration_type": "non_integrated" if own else "ozon",
        "tracking_number": f"EM{number[:9]}CN" if shipped else "",
        "in_process_at": iso(record.placed, digits=3 if record.serial % 3 else 0),
        "shipment_date": iso(cutoff_of(record), digits=0),
        "shipment_date_without_delay": iso(cutoff_of(record), digits=0),
        "delivering_date": iso(record.changed, digits=0) if shipped else None,
        "delivery_method": _method(own=own),
        "cancellation": _cancellation(record),
        "customer": customer,
        "addressee": {"name": customer["name"]} if customer else None,
        "is_express": False,
        "is_multibox": False,
        "multi_box_qty": 0,
        "available_actions": ["cancel", "ship"] if status == "awaiting_packaging" else [],
        "products": _products(order, fbo=False),
        "analytics_data": _analytics(order, record) if extras.get("analytics_data") else None,
        "financial_data": _financial(order, account, fbo=False)
        if extras.get("financial_data")
        else None,
        "legal_info": None,
        "barcodes": _barcodes(record) if extras.get("barcodes") else None,
        "external_order": {"is_external": False, "platform_name": ""},
    }


def render_fbo(
    record: Record,
    account: OzonAccount,
    *,
    seed: int,
    extras: dict[str, bool],
    translit: bool,
) -> dict[str, Any]:
    """A posting of the FBO list."""
    order = _facts(record, account, seed)
    number, posting = numbers_of(account, record.serial)
    status = FBO_STATUS[record.stage]
    cancellation = _cancellation(record)
    return {
        "order_id": 30_000_000_000 + int(number[:10]),
        "order_number": number,
        "posting_number": posting,
        "status": status,
        "substatus": SUBSTATUS[status],
        "created_at": iso(record.placed),
        "in_process_at": iso(record.placed + 60_000),
        "cancel_reason_id": cancellation["cancel_reason_id"],
        "cancellation": {
            name: cancellation[name]
            for name in ("cancel_reason", "cancellation_type", "cancellation_initiator")
        },
        "products": _products(order, fbo=True),
        "analytics_data": {
            "city": "",
            "delivery_type": "PVZ",
            "is_premium": order.chance < 0.3,
            "is_legal": False,
            "payment_type_group_name": "SberPay",
            "warehouse_id": 18_044_249_781_000,
            "warehouse_name": "EMULATED_RFC",
        }
        if extras.get("analytics_data")
        else None,
        "financial_data": _financial(order, account, fbo=True)
        if extras.get("financial_data")
        else None,
        "legal_info": None,
        "external_order": {"is_external": False, "platform_name": ""},
        "additional_data": [],
    }


# What the methods for one posting leave out of what the lists tell.
_LISTS_ONLY = {"delivery_schema", "external_order"}
_PRODUCT_LISTS_ONLY = {"weight", "product_color", "imei"}


def as_single(posting: dict[str, Any]) -> dict[str, Any]:
    """The posting as the methods for one of them state it: prices the old way, and fewer or other
    fields than in the lists."""
    fbo = "created_at" in posting
    single = {name: value for name, value in posting.items() if name not in _LISTS_ONLY}
    if fbo:
        del single["cancellation"]
    elif single["customer"]:
        single["customer"] = {k: v for k, v in single["customer"].items() if k != "customer_email"}
    single["products"] = [
        {
            **{k: v for k, v in product.items() if k not in _PRODUCT_LISTS_ONLY},
            "price": product["price"]["amount"],
            "currency_code": product["price"]["currency"],
        }
        for product in posting["products"]
    ]
    if finance := posting["financial_data"]:
        single["financial_data"] = {
            **finance,
            "products": [_old_finance(each) for each in finance["products"]],
        }
    return single


def _old_finance(product: dict[str, Any]) -> dict[str, Any]:
    commission = product["commission"]
    paid = product.get("customer_price")
    stated = {k: v for k, v in product.items() if k not in ("commission", "customer_price")}
    stated |= {
        "commission_amount": commission["amount"],
        "commission_percent": commission["percent"],
        "commissions_currency_code": commission["currency"],
    }
    if paid:
        stated |= {
            "customer_price": float(paid["amount"]),
            "customer_currency_code": paid["currency"],
        }
    return stated
