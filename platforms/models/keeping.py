"""How long buyers' data is kept, what stops its removal, and what was removed."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from tenants.models import Store
from tenants.scope import TenantOwned


class RetentionRule(TenantOwned):
    """What a tenant chose for one platform; null where the default holds
    (`Adapter.buyer_data_days`, `Tenant.retention_days`)."""

    platform = models.CharField(_("platform"), max_length=30)
    buyer_days = models.PositiveSmallIntegerField(
        _("days buyer data is kept after delivery"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
    )
    raw_days = models.PositiveSmallIntegerField(
        _("days raw order data is kept"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(730)],
    )
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("retention rule")
        verbose_name_plural = _("retention rules")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "platform"], name="one_rule_per_platform")
        ]

    def __str__(self) -> str:
        return self.platform


class LegalHold(TenantOwned):
    """Nothing it covers is removed while it lasts: an order, a store (`number` ""), or
    everything of the company (`store` null)."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    store = models.ForeignKey(
        Store, null=True, blank=True, on_delete=models.CASCADE, related_name="legal_holds"
    )
    number = models.CharField(_("order number"), max_length=80, blank=True)
    reason = models.CharField(_("reason"), max_length=300)
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    placed_at = models.DateTimeField()
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        indexes = [models.Index(fields=["tenant", "released_at"], name="hold_by_release")]

    def __str__(self) -> str:
        return self.number or str(self.store or self.tenant)


class Scrub(TenantOwned):
    """What one run of retention removed of one store; no row where nothing was due."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    store = models.ForeignKey(Store, null=True, on_delete=models.SET_NULL, related_name="scrubs")
    platform = models.CharField(_("platform"), max_length=30)
    buyer_days = models.PositiveSmallIntegerField(null=True)  # the rule it followed
    raw_days = models.PositiveSmallIntegerField(null=True)
    orders = models.PositiveIntegerField(default=0)
    raws = models.PositiveIntegerField(default=0)
    records = models.PositiveIntegerField(default=0)  # of the quarantine
    held = models.PositiveIntegerField(default=0)  # due, but kept by a legal hold
    oldest = models.DateTimeField(null=True)  # of the orders' changed times
    newest = models.DateTimeField(null=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("removal of buyer data")
        verbose_name_plural = _("removals of buyer data")
        indexes = [models.Index(fields=["tenant", "-at"], name="scrub_by_time")]

    def __str__(self) -> str:
        return f"{self.platform} {self.at:%Y-%m-%d %H:%M}"
