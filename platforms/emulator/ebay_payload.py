"""eBay's order document. Shapes: sell_fulfillment_v1; personal data rules: fact sheet ebay §3."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from platforms.emulator.book import DAY_MS, Record, scramble, unscramble
from platforms.emulator.cast.ebay import EbayAccount
from platforms.emulator.data import RATES, Facts, Line, facts
from platforms.emulator.wire import iso

SITES = {
    "EBAY_GB": ("GB", "GBP", "RoyalMail", "UK_RoyalMailTracked48"),
    "EBAY_DE": ("DE", "EUR", "DHL", "DE_DHLPaket"),
    "EBAY_US": ("US", "USD", "USPS", "USPSPriority"),
    "EBAY_FR": ("FR", "EUR", "Colissimo", "FR_Colissimo"),
    "EBAY_IT": ("IT", "EUR", "PosteItaliane", "IT_ExpressCourier"),
    "EBAY_AU": ("AU", "AUD", "AustraliaPost", "AU_Regular"),
}
REFUNDS = ("cancelled", "refunded", "part_refunded")
NUMBER = re.compile(r"(\d\d)-(\d{5})-(\d{5})")
PAYMENT = {
    "pending": "PENDING",
    "cancelled": "FULLY_REFUNDED",
    "refunded": "FULLY_REFUNDED",
    "part_refunded": "PARTIALLY_REFUNDED",
}
STATUS = {
    "pending": "NOT_STARTED",
    "new": "NOT_STARTED",
    "cancelled": "NOT_STARTED",
    "partial": "IN_PROGRESS",
}


def _prefix(account: EbayAccount) -> str:
    return f"{10 + sum(account.user_id.encode()) % 17:02d}"


def number_of(account: EbayAccount, serial: int) -> str:
    digits = scramble(account.key, serial)
    return f"{_prefix(account)}-{digits[:5]}-{digits[5:]}"


def serial_of(account: EbayAccount, number: str) -> int | None:
    match = NUMBER.fullmatch(number)
    if match is None or match[1] != _prefix(account):
        return None
    return unscramble(account.key, match[2] + match[3])


def site_of(account: EbayAccount, serial: int) -> str:
    # The first site sells most.
    order = (0, 1, 0, 2, 0, 0, 1)
    return account.sites[order[serial % 7] % len(account.sites)]


def amount(value: Decimal, currency: str) -> dict[str, str]:
    """eBay's way: no padding, but at least one decimal ("70.3", "25.0")."""
    text = f"{value.normalize():f}"
    return {"value": text if "." in text else f"{text}.0", "currency": currency}


def _address(buyer: Any) -> dict[str, str]:
    address = {
        "addressLine1": buyer.line1,
        "city": buyer.city,
        "postalCode": buyer.postcode,
        "countryCode": buyer.country,
    }
    if buyer.line2:
        address["addressLine2"] = buyer.line2
    if buyer.region:
        address["stateOrProvince"] = buyer.region
    return address


def _contact(order: Facts, *, age: int, record: Record) -> dict[str, Any]:
    """E-mail goes after 14 days; name, address and phone after 90."""
    buyer = order.buyer
    if age > 90 * DAY_MS:
        return {"contactAddress": {"countryCode": buyer.country}}
    contact: dict[str, Any] = {
        "fullName": buyer.name,
        "contactAddress": _address(buyer),
        "primaryPhone": {"phoneNumber": buyer.phone} if order.chance < 0.9 else {},
    }
    if age <= 14 * DAY_MS:
        contact["email"] = f"{buyer.handle}{record.serial:03d}@members.ebay.com"
    return contact


def _line(line: Line, index: int, record: Record, site: str, currency: str) -> dict[str, Any]:
    done = record.stage not in STATUS or (record.stage == "partial" and index == 0)
    item: dict[str, Any] = {
        "lineItemId": f"10{line.number}",
        "legacyItemId": line.item,
        "title": line.title,
        "sku": line.sku,
        "quantity": line.quantity,
        "soldFormat": "FIXED_PRICE",
        "listingMarketplaceId": site,
        "purchaseMarketplaceId": site,
        "lineItemFulfillmentStatus": "FULFILLED" if done else "NOT_STARTED",
        "lineItemCost": amount(line.goods, currency),
        "deliveryCost": {"shippingCost": amount(line.shipping, currency)},
        "total": amount(line.total, currency),
        "lineItemFulfillmentInstructions": {
            "minEstimatedDeliveryDate": iso(record.placed + 4 * DAY_MS),
            "maxEstimatedDeliveryDate": iso(record.placed + 9 * DAY_MS),
            "shipByDate": iso(record.placed + 2 * DAY_MS),
            "guaranteedDelivery": False,
        },
        "properties": {"buyerProtection": True},
        "taxes": [{"amount": amount(line.tax, currency), "taxType": "VAT"}] if line.tax else [],
        "appliedPromotions": [],
    }
    if line.discount:
        item["discountedLineItemCost"] = amount(line.goods - line.discount, currency)
        item["appliedPromotions"] = [
            {
                "description": "10 % off",
                "promotionId": "5001",
                "discountAmount": amount(line.discount, currency),
            }
        ]
    if record.stage in REFUNDS and (index == 0 or record.stage != "part_refunded"):
        item["refunds"] = [
            {
                "refundDate": iso(record.changed),
                "refundId": f"50{line.number}",
                "amount": amount(line.total, currency),
            }
        ]
    return item


def _refunded(order: Facts, record: Record) -> Decimal:
    if record.stage in ("cancelled", "refunded"):
        return order.sum("total")
    return order.lines[0].total if record.stage == "part_refunded" else Decimal(0)


def _payment(order: Facts, record: Record, total: Decimal) -> dict[str, Any]:
    currency, refunded = order.currency, _refunded(order, record)
    paid = record.stage != "pending"
    payment = {
        "paymentMethod": "EBAY",
        "paymentReferenceId": f"{record.serial:010d}",
        "amount": amount(total, currency),
        "paymentStatus": "PAID" if paid else "PENDING",
    }
    if paid:
        payment["paymentDate"] = iso(record.placed + 2_000)
    refund = {
        "refundId": f"50{record.serial:08d}",
        "refundDate": iso(record.changed),
        "amount": amount(refunded, currency),
        "refundStatus": "REFUNDED",
    }
    return {
        "totalDueSeller": amount(total - refunded, currency),
        "refunds": [refund] if refunded else [],
        "payments": [payment],
    }


def _cancel(record: Record, *, whole: bool) -> dict[str, Any]:
    """getOrders never lists the requests; getOrder does (fact sheet ebay §3, traps)."""
    if record.stage != "cancelled":
        return {"cancelState": "NONE_REQUESTED", "cancelRequests": []}
    requests = [
        {
            "cancelCompletedDate": iso(record.changed),
            "cancelInitiator": "BUYER",
            "cancelReason": "BUYER_ASKED_CANCEL",
            "cancelRequestedDate": iso(record.placed + 60_000),
            "cancelRequestId": f"50{record.serial:08d}",
            "cancelRequestState": "COMPLETED",
        }
    ]
    return {
        "cancelState": "CANCELED",
        "cancelledDate": iso(record.changed),
        "cancelRequests": requests if whole else [],
    }


def _delivery(order: Facts, record: Record, contact: dict[str, Any], site: str) -> dict[str, Any]:
    _, _, carrier, service = SITES[site]
    return {
        "fulfillmentInstructionsType": "SHIP_TO",
        "minEstimatedDeliveryDate": iso(record.placed + 4 * DAY_MS),
        "maxEstimatedDeliveryDate": iso(record.placed + 9 * DAY_MS),
        "ebaySupportedFulfillment": False,
        "shippingStep": {
            "shipTo": contact,
            "shippingCarrierCode": carrier,
            "shippingServiceCode": service,
        },
    }


def _prices(order: Facts, site_currency: str) -> dict[str, Any]:
    currency = order.currency
    prices = {
        "priceSubtotal": amount(order.sum("goods"), currency),
        "deliveryCost": amount(order.sum("shipping"), currency),
        "total": amount(order.sum("total"), currency),
    }
    if order.sum("discount"):
        prices["priceDiscount"] = amount(-order.sum("discount"), currency)
    if order.sum("tax"):
        prices["tax"] = amount(order.sum("tax"), currency)
    if currency != site_currency:
        # Booked in the seller's currency, bought in the site's.
        rate = Decimal(RATES[site_currency]) / Decimal(RATES[currency])
        for price in prices.values():
            bought = (Decimal(price["value"]) * rate).quantize(Decimal("0.01"))
            price["convertedFromValue"] = str(bought)
            price["convertedFromCurrency"] = site_currency
    return prices


def render(
    record: Record, account: EbayAccount, *, now: int, seed: int, whole: bool
) -> dict[str, Any]:
    """One order as getOrders (or, `whole`, getOrder) states it at `now` (Unix ms)."""
    site = site_of(account, record.serial)
    country, site_currency, *_ = SITES[site]
    # Sales of a German listing by a British seller are booked in pounds now and then.
    home = SITES[account.site][1]
    currency = home if record.serial % 9 == 0 else site_currency
    digits = scramble(account.key, record.serial)
    order = facts(
        owner=account.key,
        record=record,
        number=digits,
        country=country,
        currency=currency,
        seed=seed,
    )
    number = number_of(account, record.serial)
    contact = _contact(order, age=now - record.placed, record=record)
    total = order.sum("total")
    buyer: dict[str, Any] = {"username": order.buyer.handle, "buyerRegistrationAddress": contact}
    if whole and country == "IT":
        buyer["taxIdentifier"] = {"taxpayerId": "EMU0000000", "taxIdentifierType": "CODICE_FISCALE"}
    shipped = record.stage not in ("pending", "new", "cancelled")
    fee = (total * Decimal("0.12")).quantize(Decimal("0.01"))
    body = {
        "orderId": number,
        "legacyOrderId": number,
        "creationDate": iso(record.placed),
        "lastModifiedDate": iso(record.changed),
        "orderFulfillmentStatus": STATUS.get(record.stage, "FULFILLED"),
        "orderPaymentStatus": PAYMENT.get(record.stage, "PAID"),
        "sellerId": account.username,
        "buyer": buyer,
        "pricingSummary": _prices(order, site_currency),
        "cancelStatus": _cancel(record, whole=whole),
        "paymentSummary": _payment(order, record, total),
        "fulfillmentStartInstructions": [_delivery(order, record, contact, site)],
        "fulfillmentHrefs": [f"https://api.ebay.com/sell/fulfillment/v1/order/{number}/"
                             f"shipping_fulfillment/EM{digits}"] if shipped else [],
        "lineItems": [
            _line(line, index, record, site, currency)
            for index, line in enumerate(order.lines)
        ],
        "ebayCollectAndRemitTax": country == "GB",
        "salesRecordReference": str(100 + record.serial),
        "totalMarketplaceFee": amount(fee, currency),
    }  # fmt: skip
    if order.note:
        body["buyerCheckoutNotes"] = order.note
    return body
