"""Orders as we keep them: normalized columns, lines, and the raw payload apart."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from platforms.models.amount import AmountField
from platforms.spec import OrderStatus
from tenants.models import Store
from tenants.scope import TenantOwned

STATUS_LABELS = {
    OrderStatus.PENDING: _("Pending"),
    OrderStatus.UNPAID: _("Unpaid"),
    OrderStatus.AWAITING_SHIPMENT: _("Awaiting shipment"),
    OrderStatus.PARTIALLY_SHIPPED: _("Partially shipped"),
    OrderStatus.SHIPPED: _("Shipped"),
    OrderStatus.DELIVERED: _("Delivered"),
    OrderStatus.CANCELLED: _("Cancelled"),
    OrderStatus.REFUNDED: _("Refunded"),
    OrderStatus.PARTIALLY_REFUNDED: _("Partially refunded"),
    OrderStatus.ON_HOLD: _("On hold"),
    OrderStatus.UNKNOWN: _("Unknown"),
}


class _InBulk(TenantOwned):
    """A table of millions of rows: every index of it that serves a tenant begins with one, so
    that the foreign keys need none of their own. Nor does the database look up for each row what
    it hangs on, which cost a third of its time: landing holds the stores while it writes
    (landing.postgresql), and whoever deletes a company waits for it (flows.support)."""

    tenant = models.ForeignKey(
        "tenants.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False,
        db_constraint=False,
    )  # fmt: skip

    class Meta:
        abstract = True


class Order(_InBulk):
    """`content_hash` is of the normalized order: an unchanged one costs no write. `raw_sha256`
    is of what was received: the same again need not even be read.

    `scrubbed_at`: buyer data was removed by retention, and never comes back with a later pull.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    store = models.ForeignKey(
        Store, on_delete=models.CASCADE, related_name="orders", db_index=False, db_constraint=False
    )
    platform = models.CharField(max_length=30)
    number = models.CharField(_("order number"), max_length=80)
    group_number = models.CharField(max_length=80, blank=True)
    status = models.CharField(
        _("status"), max_length=20, choices=[(s.value, label) for s, label in STATUS_LABELS.items()]
    )
    platform_status = models.CharField(max_length=120)
    placed_at = models.DateTimeField(_("placed"))
    changed_at = models.DateTimeField(_("changed"))
    paid_at = models.DateTimeField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    total = AmountField()
    items_total = AmountField()
    shipping = AmountField()
    tax = AmountField()
    discount = AmountField()
    buyer_name = models.CharField(max_length=300, null=True)
    buyer_email = models.CharField(max_length=254, null=True)
    buyer_id = models.CharField(max_length=120, null=True)
    ship_name = models.CharField(max_length=300, null=True)
    ship_phone = models.CharField(max_length=60, null=True)
    ship_line1 = models.CharField(max_length=300, null=True)
    ship_line2 = models.CharField(max_length=300, null=True)
    ship_city = models.CharField(max_length=120, null=True)
    ship_region = models.CharField(max_length=120, null=True)
    ship_postcode = models.CharField(max_length=40, null=True)
    ship_country = models.CharField(max_length=60, null=True)
    fulfilment = models.CharField(max_length=20, blank=True)
    content_hash = models.BinaryField(max_length=16)
    raw_sha256 = models.CharField(max_length=64)
    first_seen_at = models.DateTimeField(auto_now_add=True)
    landed_at = models.DateTimeField()
    scrubbed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            # Also finds orders by what their number begins with, or is: hence the order of the
            # columns, and the operator class, which does that whatever the database's collation.
            models.UniqueConstraint(
                fields=["tenant", "number", "store"],
                opclasses=["int8_ops", "varchar_pattern_ops", "int8_ops"],
                name="order_once",
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "store", "-placed_at", "-id"], name="order_by_store"),
            models.Index(fields=["tenant", "-placed_at", "-id"], name="order_by_time"),
            models.Index(
                fields=["tenant", "store", "status", "-placed_at", "-id"], name="order_by_status"
            ),
            models.Index(
                fields=["tenant", "store", "changed_at"],
                condition=models.Q(scrubbed_at=None),
                name="order_to_scrub",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLine(_InBulk):
    """Written together with its order, under the lock of the order's row. Its place in the order
    is its key: a number of its own would be an index more for each line."""

    pk = models.CompositePrimaryKey("tenant_id", "order_id", "position")
    order = models.ForeignKey(
        Order, on_delete=models.CASCADE, related_name="lines", db_index=False, db_constraint=False
    )
    position = models.PositiveSmallIntegerField()
    number = models.CharField(max_length=80)
    sku = models.CharField(max_length=200, null=True)
    title = models.CharField(max_length=500)
    quantity = models.PositiveIntegerField()
    unit_price = AmountField()
    total = AmountField()
    currency = models.CharField(max_length=3, blank=True)
    platform_status = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["position"]
        indexes = [models.Index(fields=["tenant", "sku"], name="line_by_sku")]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.title}"


class OrderRaw(_InBulk):
    """As received, compressed (landing.compress); a table of its own, because it costs as much
    as all else."""

    order = models.OneToOneField(
        Order, on_delete=models.CASCADE, related_name="raw", primary_key=True, db_constraint=False
    )
    record_kind = models.CharField(max_length=20, blank=True)
    body = models.BinaryField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "expires_at"], name="raw_by_expiry")]

    def __str__(self) -> str:
        return f"raw of {self.order_id}"
