"""The shapes of the API's answers, for its schema. The order's values come from normalized.py."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from platforms import registry
from platforms.errors import Fault
from platforms.spec import OrderStatus
from tenants.models import Store, StoreState

AMOUNT = r"^-?\d+(\.\d+)?$"


def _text(help_text: str = "") -> serializers.CharField:
    return serializers.CharField(allow_null=True, help_text=help_text)


def _amount(help_text: str = "") -> serializers.RegexField:
    return serializers.RegexField(
        AMOUNT,
        allow_null=True,
        help_text=help_text or "Decimal, exactly as the platform states it.",
    )


def _moment(help_text: str = "", *, allow_null: bool = True) -> serializers.DateTimeField:
    return serializers.DateTimeField(allow_null=allow_null, help_text=help_text or "UTC.")


class StoreSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    path = serializers.CharField(help_text="tenant/platform/account_name[/site]")
    platform = serializers.ChoiceField(choices=registry.codes())
    site = serializers.SerializerMethodField()
    account_name = serializers.CharField()
    display_name = serializers.CharField(source="name")
    time_zone = serializers.CharField(source="zone.key", help_text="Where a day begins for it.")
    shop_id = serializers.SerializerMethodField(help_text="As the platform states it.")
    shop_name = serializers.SerializerMethodField(help_text="As the platform states it.")
    state = serializers.ChoiceField(choices=StoreState.choices)
    reads_orders = serializers.SerializerMethodField(
        help_text="Whether this token's member is operator of the store."
    )
    linked_at = serializers.DateTimeField(allow_null=True)

    def get_site(self, store: Store) -> str | None:
        return store.site or None

    def get_shop_id(self, store: Store) -> str | None:
        return store.external_id or None

    def get_shop_name(self, store: Store) -> str | None:
        return store.external_name or None

    def get_reads_orders(self, store: Store) -> bool:
        return store.pk in self.context["operated"]


# Written out: a reference that may also be null is not valid for every reader of the schema.
@extend_schema_field(
    {
        "type": "object",
        "nullable": True,
        "required": ["fault", "since"],
        "properties": {
            "fault": {"type": "string", "enum": [fault.value for fault in Fault]},
            "since": {"type": "string", "format": "date-time"},
        },
    }
)
class SinceField(serializers.DictField):
    """What is wrong, and since when; null while nothing is."""


class HealthSerializer(serializers.Serializer[Any]):
    store = serializers.CharField(help_text="tenant/platform/account_name[/site]")
    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=StoreState.choices)
    fault = serializers.ChoiceField(choices=[f.value for f in Fault], allow_null=True)
    access_expires_at = _moment("The access token; refreshed ahead of it.")
    refresh_expires_at = _moment("The refresh token.")
    consent_expires_at = _moment("By when the seller must agree again.")
    last_success_at = _moment("The last pull that landed everything.")
    success_rate_24h = serializers.FloatField(allow_null=True, help_text="0 to 1.")
    calls_24h = serializers.IntegerField()
    headroom = serializers.IntegerField(allow_null=True, help_text="Calls that fit the limit now.")
    lag_seconds = serializers.IntegerField(allow_null=True)
    failures = serializers.IntegerField(help_text="In a row.")
    quarantined = serializers.IntegerField(help_text="Records waiting that could not be read.")
    differing = serializers.IntegerField(
        help_text="Orders of the last fortnight still missing or out of date after a count."
    )
    success_rate_7d = serializers.FloatField(allow_null=True, help_text="0 to 1.")
    latency_ms = serializers.IntegerField(allow_null=True, help_text="Mean of the calls in 24 h.")
    trouble = SinceField(allow_null=True, help_text="What keeps the store from being pulled.")
    outage = SinceField(
        allow_null=True, help_text="Many stores of the platform fail in the same way as this one."
    )


class BuyerSerializer(serializers.Serializer[Any]):
    name = _text()
    email = _text()
    id = _text("The buyer's name or id at the platform.")


class AddressSerializer(serializers.Serializer[Any]):
    name = _text()
    phone = _text()
    line1 = _text()
    line2 = _text()
    city = _text()
    region = _text()
    postcode = _text()
    country = _text()


class LineSerializer(serializers.Serializer[Any]):
    number = _text()
    sku = _text()
    title = _text()
    quantity = serializers.IntegerField()
    unit_price = _amount()
    total = _amount()
    currency = _text("ISO 4217.")
    platform_status = _text("In the platform's own words.")


class OrderSerializer(serializers.Serializer[Any]):
    """A normalized order; `id` and `store_id` are ours, the rest is the same as in the export."""

    id = serializers.UUIDField()
    store_id = serializers.UUIDField()
    platform = serializers.ChoiceField(choices=registry.codes())
    store = serializers.CharField(help_text="tenant/platform/account_name[/site]")
    number = serializers.CharField()
    status = serializers.ChoiceField(choices=[status.value for status in OrderStatus])
    platform_status = _text("In the platform's own words.")
    placed_at = _moment(allow_null=False)
    changed_at = _moment("When it last changed at the platform. UTC.", allow_null=False)
    paid_at = _moment()
    currency = _text("ISO 4217.")
    total = _amount()
    items_total = _amount()
    shipping = _amount()
    tax = _amount()
    discount = _amount()
    buyer = BuyerSerializer()
    ship_to = AddressSerializer()
    lines = LineSerializer(many=True)
    fulfilment = _text("merchant or platform.")
    raw_sha256 = serializers.CharField(help_text="Of the record as received.")


class OrderPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True, help_text="Older orders.")
    previous = serializers.URLField(allow_null=True, help_text="Newer orders.")
    results = OrderSerializer(many=True)
