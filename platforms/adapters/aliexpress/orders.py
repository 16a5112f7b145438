"""AliExpress's orders in our words. Fact sheet: docs/platforms/aliexpress.md, "Orders".

A record is an order of the list as received or, for what is still to be shipped, that order
together with its detail, which alone has the address: `{"listed": ..., "detail": ...}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import msgspec

from platforms import reading
from platforms.adapters.aliexpress import times
from platforms.adapters.iop import NOTHING, is_stated
from platforms.spec import Address, Buyer, LineData, OrderData, OrderStatus

STATUSES = {
    "PLACE_ORDER_SUCCESS": OrderStatus.UNPAID,
    "RISK_CONTROL": OrderStatus.PENDING,
    "WAIT_SELLER_EXAMINE_MONEY": OrderStatus.PENDING,
    "WAIT_SELLER_SEND_GOODS": OrderStatus.AWAITING_SHIPMENT,
    "SELLER_PART_SEND_GOODS": OrderStatus.PARTIALLY_SHIPPED,
    "WAIT_BUYER_ACCEPT_GOODS": OrderStatus.SHIPPED,
    "FUND_PROCESSING": OrderStatus.SHIPPED,
    "IN_CANCEL": OrderStatus.ON_HOLD,
    "IN_ISSUE": OrderStatus.ON_HOLD,
    "IN_FROZEN": OrderStatus.ON_HOLD,
}
FINISHED = "FINISH"
TO_SHIP = ("WAIT_SELLER_SEND_GOODS", "SELLER_PART_SEND_GOODS")
# What stands in `end_reason` is documented nowhere: these words decide, in this order.
END_REASONS = (
    ("accept", OrderStatus.DELIVERED),
    ("cancel", OrderStatus.CANCELLED),
    ("timeout", OrderStatus.CANCELLED),
    ("close", OrderStatus.CANCELLED),
)
NUMBER = re.compile(r"[1-9][0-9]{0,18}")  # 64 bits
BY_PLATFORM = "WAREHOUSE_SEND_GOODS"


class _Money(msgspec.Struct):
    amount: Decimal | None = None
    amount_str: str | None = None
    cent: int | None = None
    cent_factor: int | None = None
    currency_code: str | None = None


class _Product(msgspec.Struct):
    child_id: int | str
    product_count: int | str
    sku_code: str | None = None
    product_name: str | None = None
    product_unit_price: _Money | None = None
    total_product_amount: _Money | None = None
    logistics_amount: _Money | None = None
    son_order_status: str | None = None
    send_goods_operator: str | None = None


class _Listed(msgspec.Struct):
    order_id: int | str
    order_status: str
    gmt_create: str
    gmt_update: str | None = None
    gmt_modified: str | None = None
    gmt_pay_time: str | None = None
    pay_amount: _Money | None = None
    buyer_login_id: str | None = None
    buyer_signer_fullname: str | None = None
    end_reason: str | None = None
    product_list: msgspec.Raw = NOTHING


class _Place(msgspec.Struct):
    contact_person: str | None = None
    phone_country: str | None = None
    phone_area: str | None = None
    phone_number: str | None = None
    mobile_no: str | None = None
    detail_address: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    zip: str | None = None
    country: str | None = None


class _Detail(msgspec.Struct):
    receipt_address: _Place | None = None
    order_amount: _Money | None = None


class _Record(msgspec.Struct):
    listed: msgspec.Raw = NOTHING
    detail: msgspec.Raw = NOTHING


class _Number(msgspec.Struct):
    order_id: int | str


class _Outline(msgspec.Struct):
    """What of a detail leads to the order's row in the list."""

    gmt_create: str
    order_status: str | None = None


class Short(msgspec.Struct):
    """What decides whether the detail of a listed order is worth a call."""

    order_id: int | str | None = None
    order_status: str | None = None
    product_list: msgspec.Raw = NOTHING


def parse_order(raw: msgspec.Raw) -> OrderData:
    listed, detail = _parts(raw)
    order = reading.read(listed, _Listed)
    known = reading.read(detail, _Detail) if detail is not None else _Detail()
    products = [reading.read(each, _Product) for each in items(order.product_list)]
    lines = reading.distinct_lines(_line(product) for product in products)
    total = order.pay_amount or known.order_amount or _Money()
    currency = reading.text(total.currency_code) or _currency(lines)
    same = all(line.currency in (None, currency) for line in lines)
    return OrderData(
        number=reading.number(str(order.order_id)),
        status=_status(order),
        platform_status=_platform_status(order),
        placed_at=times.read(order.gmt_create),
        changed_at=times.read_change(order.gmt_update or order.gmt_modified or order.gmt_create),
        paid_at=times.read(order.gmt_pay_time) if order.gmt_pay_time else None,
        currency=currency,
        total=money(total),
        items_total=reading.total(line.total for line in lines) if same else None,
        shipping=_shipping(products, currency),
        buyer=Buyer(
            name=unmasked(order.buyer_signer_fullname), id=reading.text(order.buyer_login_id)
        ),
        ship_to=_address(known.receipt_address or _Place()),
        fulfilment=_fulfilment(products),
        lines=lines,
    )


def read_order_number(raw: msgspec.Raw) -> str:
    try:
        listed, _detail = _parts(raw)
        return reading.number(str(reading.read(listed, _Number).order_id))
    except (msgspec.ValidationError, ValueError):
        return ""


def with_detail(listed: msgspec.Raw, detail: msgspec.Raw) -> msgspec.Raw:
    return msgspec.Raw(b'{"listed":' + bytes(listed) + b',"detail":' + bytes(detail) + b"}")


def needs_detail(listed: msgspec.Raw) -> str:
    """The number of an order that the seller has to ship, "" of any other."""
    try:
        short = reading.read(listed, Short)
        products = [reading.read(each, _Product) for each in items(short.product_list)]
    except (msgspec.ValidationError, ValueError):
        return ""
    if short.order_status not in TO_SHIP or _fulfilment(products) == "platform":
        return ""
    number = str(short.order_id or "")
    return number if number.isascii() and number.isdecimal() else ""


def read_outline(detail: msgspec.Raw) -> tuple[datetime, str]:
    """When an order was created, and its status. Raises ValidationError or ValueError."""
    outline = reading.read(detail, _Outline)
    return times.read(outline.gmt_create), outline.order_status or ""


def items(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """The members of a list. AliExpress puts lists into an object with one key, gives a single
    object for a list of one, and leaves empty ones out. Raises ValueError."""
    body = bytes(raw).strip()
    if body in (b"", b"null", b"{}", b'""'):
        return []
    if body.startswith(b"["):
        return list(reading.read(msgspec.Raw(body), list[msgspec.Raw]))
    fields = reading.read(msgspec.Raw(body), dict[str, msgspec.Raw])
    if len(fields) == 1:
        inner = next(iter(fields.values()))
        if bytes(inner).strip()[:1] in (b"[", b"{", b"n"):
            return items(inner)
    return [msgspec.Raw(body)]


def money(value: _Money | None) -> Decimal | None:
    """The amount exactly as stated: text first, then whole cents (fact sheet §3)."""
    if value is None:
        return None
    if value.amount_str:
        try:
            return reading.amount(Decimal(value.amount_str))
        except ArithmeticError:
            raise ValueError("an amount is not a number") from None
    if value.cent is not None and value.cent_factor in (1, 10, 100, 1000):
        return reading.amount(Decimal(value.cent).scaleb(1 - len(str(value.cent_factor))))
    return reading.amount(value.amount)


def unmasked(value: str | None) -> str | None:
    """The text, None where AliExpress shows nothing but asterisks."""
    cleaned = reading.text(value)
    return cleaned if cleaned and cleaned.strip("* ") else None


def _parts(raw: msgspec.Raw) -> tuple[msgspec.Raw, msgspec.Raw | None]:
    record = reading.read(raw, _Record)
    if not is_stated(record.listed):
        return raw, None
    return record.listed, record.detail if is_stated(record.detail) else None


def _status(order: _Listed) -> OrderStatus:
    if order.order_status != FINISHED:
        return STATUSES.get(order.order_status, OrderStatus.UNKNOWN)
    reason = (order.end_reason or "").lower()
    for word, status in END_REASONS:
        if word in reason:
            return status
    return OrderStatus.DELIVERED


def _platform_status(order: _Listed) -> str:
    reason = reading.text(order.end_reason, limit=60)
    finished = order.order_status == FINISHED and reason
    return f"{FINISHED} ({reason})" if finished else order.order_status


def _line(product: _Product) -> LineData:
    price, total = product.product_unit_price, product.total_product_amount
    stated = price or total or _Money()
    return LineData(
        number=reading.number(str(product.child_id)),
        quantity=reading.quantity(int(product.product_count)),
        sku=reading.text(product.sku_code),
        title=reading.text(product.product_name) or "",
        unit_price=money(price),
        total=money(total),
        currency=reading.text(stated.currency_code),
        platform_status=reading.text(product.son_order_status, limit=120),
    )


def _currency(lines: Iterable[LineData]) -> str | None:
    currencies = {line.currency for line in lines}
    return currencies.pop() if len(currencies) == 1 else None


def _shipping(products: Iterable[_Product], currency: str | None) -> Decimal | None:
    stated = [product.logistics_amount for product in products if product.logistics_amount]
    if any(each.currency_code not in (None, currency) for each in stated):
        return None
    return reading.total(money(each) for each in stated)


def _fulfilment(products: Iterable[_Product]) -> str | None:
    """Of an order that is shipped from both places, something is left to the seller."""
    operators = {product.send_goods_operator for product in products} - {None, ""}
    if not operators:
        return None
    return "platform" if operators == {BY_PLATFORM} else "merchant"


def _address(place: _Place) -> Address:
    number = unmasked(place.mobile_no) or unmasked(place.phone_number)
    area = place.phone_area if number and not unmasked(place.mobile_no) else None
    parts = (place.phone_country, area, number)
    phone = " ".join(filter(None, map(unmasked, parts))) if number else None
    return Address(
        name=unmasked(place.contact_person),
        phone=phone,
        line1=unmasked(place.detail_address),
        line2=unmasked(place.address2),
        city=unmasked(place.city),
        region=unmasked(place.province),
        postcode=unmasked(place.zip),
        country=reading.text(place.country),
    )
