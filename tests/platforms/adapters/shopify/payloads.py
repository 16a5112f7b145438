"""Orders as Shopify states them, made up for these tests."""

from __future__ import annotations

from platforms.spec import Account, AppKeys

SHOP = "some-shop.myshopify.com"
APP = AppKeys(
    client_id="0123456789abcdef0123456789abcdef",
    client_secret="hush",
    redirect_uri="https://erp.example.com/link/callback/shopify/",
)
OURS = Account(
    mode="authorization_code",
    account_id="9001",
    secrets={"shop_domain": SHOP, "access_token": "shpat_a", "refresh_token": "shprt_a"},
    app=APP,
)
OWN_KEYS = Account(
    mode="client_credentials",
    secrets={
        "shop_domain": SHOP,
        "client_id": "fedcba98",
        "client_secret": "shpss_b",
        "access_token": "shpat_b",
    },
)
FIXED = Account(mode="custom_app_token", secrets={"shop_domain": SHOP, "access_token": "shpat_c"})


def money(amount: str, currency: str = "USD") -> dict:
    return {"shopMoney": {"amount": amount, "currencyCode": currency}}


def line(number: int = 77, **changes: object) -> dict:
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "sku": "MUG-BLUE",
        "name": "Enamel mug - blue",
        "title": "Enamel mug",
        "quantity": 2,
        "currentQuantity": 2,
        "unfulfilledQuantity": 2,
        "originalUnitPriceSet": money("12.5"),
        "discountedTotalSet": money("22.5"),
        **changes,
    }


def order(number: int = 6001, *, lines: list[dict] | None = None, **changes: object) -> dict:
    return {
        "id": f"gid://shopify/Order/{number}",
        "legacyResourceId": str(number),
        "name": "#1001",
        "test": False,
        "createdAt": "2026-11-20T10:00:00Z",
        "updatedAt": "2026-11-20T10:00:05Z",
        "cancelledAt": None,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "email": "jane@example.test",
        "phone": None,
        "totalPriceSet": money("27.5"),
        "subtotalPriceSet": money("22.5"),
        "totalShippingPriceSet": money("5.0"),
        "totalTaxSet": money("0.0"),
        "totalDiscountsSet": money("2.5"),
        "shippingAddress": {
            "name": "Jane Sample",
            "company": None,
            "address1": "100 Test Ave",
            "address2": None,
            "city": "Springfield",
            "province": "Illinois",
            "provinceCode": "IL",
            "zip": "62701",
            "countryCodeV2": "US",
            "phone": "+1 555-0100",
        },
        "billingAddress": None,
        "fulfillments": [],
        "lineItems": {
            "pageInfo": {"hasNextPage": False, "endCursor": None},
            "nodes": [line()] if lines is None else lines,
        },
        **changes,
    }


def cost(requested: float = 112, left: float = 1888) -> dict:
    return {
        "cost": {
            "requestedQueryCost": requested,
            "throttleStatus": {
                "maximumAvailable": 2000.0,
                "currentlyAvailable": left,
                "restoreRate": 100.0,
            },
        }
    }


def page(*orders: dict, end: str | None = None, requested: float = 500) -> dict:
    info = {"hasNextPage": end is not None, "endCursor": end}
    return {
        "data": {"orders": {"pageInfo": info, "nodes": list(orders)}},
        "extensions": cost(requested),
    }


def problem(code: str, message: str = "", *, data: object = None, requested: float = 112) -> dict:
    error = {"message": message or code, "extensions": {"code": code}}
    return {"data": data, "errors": [error], "extensions": cost(requested, left=12)}
