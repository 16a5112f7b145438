"""Adapters for the two kinds of marketplace that the local server plays, written like any other."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import msgspec

from platforms import reading
from platforms.adapter import Adapter, Call
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import (
    Account,
    Address,
    Answer,
    Buyer,
    Limit,
    LineData,
    Mode,
    ModeKind,
    OrderData,
    OrderStatus,
    Page,
    Request,
    Window,
)

PAGE = 250
AMAZON_PAGE = 100


class _Shop(Adapter):
    """What both have in common. The account's id is the number of its store at the server."""

    modes = (Mode(code="key", name="Key", kind=ModeKind.KEYS),)
    endpoints = {"api": "http://bench.test", "auth": "http://bench.test"}
    limits = {"orders": Limit(rate=2_000, burst=4_000), "items": Limit(rate=20_000, burst=40_000)}
    lag = timedelta(0)
    overlap = timedelta(0)
    max_window = timedelta(days=3650)

    def sign(self, request: Request, account: Account, *, now: datetime) -> Request:
        return replace(request, headers={**request.headers, "accept-encoding": "identity"})

    def read_fault(self, request: Request, answer: Answer) -> PlatformError | None:
        if answer.status == 200:
            return None
        if answer.status == 429:
            return platform_error(Fault.RATE_LIMITED)
        return platform_error(Fault.PLATFORM_DOWN if answer.status >= 500 else Fault.BAD_RESPONSE)


# --- like Shopify's REST interface


class _Orders(msgspec.Struct):
    orders: list[msgspec.Raw]


class _Place(msgspec.Struct):
    name: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    zip: str | None = None
    country_code: str | None = None
    phone: str | None = None


class _Line(msgspec.Struct):
    id: int
    quantity: int
    sku: str | None = None
    title: str | None = None
    price: Decimal | None = None
    fulfillment_status: str | None = None


class _Customer(msgspec.Struct):
    id: int | None = None


class _Order(msgspec.Struct):
    id: int
    created_at: datetime
    updated_at: datetime
    line_items: list[_Line]
    name: str | None = None
    currency: str | None = None
    email: str | None = None
    cancelled_at: datetime | None = None
    financial_status: str | None = None
    fulfillment_status: str | None = None
    processed_at: datetime | None = None
    total_price: Decimal | None = None
    subtotal_price: Decimal | None = None
    total_tax: Decimal | None = None
    total_discounts: Decimal | None = None
    customer: _Customer | None = None
    billing_address: _Place | None = None
    shipping_address: _Place | None = None


class _Number(msgspec.Struct):
    id: int


_read_order = msgspec.json.Decoder(_Order).decode
_read_number = msgspec.json.Decoder(_Number).decode
_STATUS = {
    None: OrderStatus.AWAITING_SHIPMENT, "partial": OrderStatus.PARTIALLY_SHIPPED,
    "fulfilled": OrderStatus.SHIPPED,
}  # fmt: skip


class ShopifyLike(_Shop):
    code = "bench_shopify"
    name = "Shopify-like"

    def fetch_orders(
        self, call: Call, *, window: Window, cursor: str | None, now: datetime
    ) -> Page:
        params = {"limit": str(PAGE)}
        if cursor:
            params["page_info"] = cursor
        else:
            params |= {
                "status": "any",
                "updated_at_min": window.since.isoformat(),
                "updated_at_max": window.until.isoformat(),
            }
        path = f"/shopify/{call.account.account_id}/admin/api/2025-07/orders.json"
        answer = call(Request(method="GET", path=path, params=params, operation="orders"))
        following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("link", ""))
        return Page(
            records=tuple(reading.decode(answer, _Orders).orders),
            cursor=parse_qs(urlsplit(following[1]).query)["page_info"][0] if following else None,
        )

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        order = _read_order(raw)
        place, buyer = order.shipping_address or _Place(), order.billing_address or _Place()
        return OrderData(
            number=str(order.id),
            group_number=order.name,
            status=OrderStatus.CANCELLED
            if order.cancelled_at
            else _STATUS.get(order.fulfillment_status, OrderStatus.UNKNOWN),
            platform_status=order.fulfillment_status or order.financial_status or "",
            placed_at=reading.moment(order.created_at),
            changed_at=reading.moment(order.updated_at),
            paid_at=order.processed_at and reading.moment(order.processed_at),
            currency=order.currency,
            total=reading.amount(order.total_price),
            items_total=reading.amount(order.subtotal_price),
            tax=reading.amount(order.total_tax),
            discount=reading.amount(order.total_discounts),
            buyer=Buyer(
                name=reading.text(buyer.name),
                email=reading.text(order.email),
                id=str(order.customer.id) if order.customer and order.customer.id else None,
            ),
            ship_to=Address(
                name=reading.text(place.name),
                phone=reading.text(place.phone),
                line1=reading.text(place.address1),
                line2=reading.text(place.address2),
                city=reading.text(place.city),
                region=reading.text(place.province),
                postcode=reading.text(place.zip),
                country=reading.text(place.country_code),
            ),
            lines=tuple(
                LineData(
                    number=str(line.id), quantity=reading.quantity(line.quantity), sku=line.sku,
                    title=reading.text(line.title) or "", unit_price=reading.amount(line.price),
                    currency=order.currency, platform_status=line.fulfillment_status,
                )
                for line in order.line_items
            ),
        )  # fmt: skip

    def order_number(self, raw: msgspec.Raw) -> str:
        return str(_read_number(raw).id)


# --- like Amazon's: the lines of each order are a call of their own


class _AmazonOrders(msgspec.Struct):
    Orders: list[msgspec.Raw]
    NextToken: str | None = None


class _AmazonPayload(msgspec.Struct):
    payload: _AmazonOrders


class _AmazonNumber(msgspec.Struct):
    AmazonOrderId: str


class _Money(msgspec.Struct):
    Amount: Decimal | None = None
    CurrencyCode: str | None = None


class _AmazonOrder(msgspec.Struct):
    AmazonOrderId: str
    PurchaseDate: datetime
    LastUpdateDate: datetime
    OrderStatus: str
    OrderTotal: _Money | None = None


class _AmazonLine(msgspec.Struct):
    OrderItemId: str
    QuantityOrdered: int
    SellerSKU: str | None = None
    Title: str | None = None
    ItemPrice: _Money | None = None


class _Both(msgspec.Struct):
    order: msgspec.Raw
    items: list[_AmazonLine]


class _OnlyOrder(msgspec.Struct):
    order: _AmazonNumber


_AMAZON_STATUS = {
    "Pending": OrderStatus.PENDING, "Unshipped": OrderStatus.AWAITING_SHIPMENT,
    "PartiallyShipped": OrderStatus.PARTIALLY_SHIPPED, "Shipped": OrderStatus.SHIPPED,
    "Canceled": OrderStatus.CANCELLED,
}  # fmt: skip


class _AmazonItems(msgspec.Struct):
    OrderItems: msgspec.Raw


class _AmazonItemsPayload(msgspec.Struct):
    payload: _AmazonItems


class AmazonLike(_Shop):
    code = "bench_amazon"
    name = "Amazon-like"

    def fetch_orders(
        self, call: Call, *, window: Window, cursor: str | None, now: datetime
    ) -> Page:
        base = f"/amazon/{call.account.account_id}/orders/v0/orders"
        params = {"MarketplaceIds": "X"}
        if cursor:
            params["NextToken"] = cursor
        else:
            params["LastUpdatedAfter"] = window.since.isoformat()
        answer = call(Request(method="GET", path=base, params=params, operation="orders"))
        page = reading.decode(answer, _AmazonPayload).payload
        records = []
        for raw in page.Orders:
            number = msgspec.json.decode(raw, type=_AmazonNumber).AmazonOrderId
            lines = call(
                Request(method="GET", path=f"{base}/{number}/orderItems", operation="items")
            )
            items = reading.decode(lines, _AmazonItemsPayload).payload.OrderItems
            records.append(
                msgspec.Raw(b'{"order":' + bytes(raw) + b',"items":' + bytes(items) + b"}")
            )
        return Page(records=tuple(records), cursor=page.NextToken)

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        both = msgspec.json.decode(raw, type=_Both)
        order = msgspec.json.decode(both.order, type=_AmazonOrder)
        total = order.OrderTotal or _Money()
        return OrderData(
            number=order.AmazonOrderId,
            status=_AMAZON_STATUS.get(order.OrderStatus, OrderStatus.UNKNOWN),
            platform_status=order.OrderStatus,
            placed_at=reading.moment(order.PurchaseDate),
            changed_at=reading.moment(order.LastUpdateDate),
            currency=total.CurrencyCode,
            total=reading.amount(total.Amount),
            lines=tuple(
                LineData(
                    number=line.OrderItemId, quantity=line.QuantityOrdered, sku=line.SellerSKU,
                    title=reading.text(line.Title) or "",
                    total=reading.amount((line.ItemPrice or _Money()).Amount),
                    currency=(line.ItemPrice or _Money()).CurrencyCode,
                )
                for line in both.items
            ),
        )  # fmt: skip

    def order_number(self, raw: msgspec.Raw) -> str:
        return msgspec.json.decode(raw, type=_OnlyOrder).order.AmazonOrderId
