"""Calls counted, rate buckets shared by all workers, and the tenants' data keys."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from platforms.models.linking import Authorization
from tenants.scope import TenantOwned


class CallStat(TenantOwned):
    """Calls of one authorization in one hour that ended the same way ("" is success)."""

    authorization = models.ForeignKey(Authorization, on_delete=models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    fault = models.CharField(max_length=30, blank=True)
    calls = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveBigIntegerField(default=0)
    slowest_ms = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("call statistics")
        verbose_name_plural = _("call statistics")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "authorization", "hour", "fault"], name="call_stat_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} {self.fault or 'ok'} {self.calls}"


class RateBucket(models.Model):
    """A token bucket as one number: the moment at which the bucket would be full again.

    No tenant: an application's bucket is shared by all of them, and the key of a store's
    bucket carries its authorization.
    """

    key = models.CharField(max_length=150, primary_key=True)
    full_at = models.DateTimeField()
    # What the platform says of its limit, where it does; null: as the adapter declares.
    rate = models.FloatField(null=True)
    burst = models.FloatField(null=True)

    def __str__(self) -> str:
        return self.key


class TenantKey(TenantOwned):
    """A tenant's data key, wrapped by the key ring; destroying it destroys the credentials."""

    wrapped = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_key_per_tenant")]

    def __str__(self) -> str:
        return f"key of tenant {self.tenant_id}"


class ClockOffset(models.Model):
    """How far our clock is ahead of a platform's, by the Date header of its last answer."""

    platform = models.CharField(max_length=30, primary_key=True)
    seconds = models.FloatField()
    measured_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.platform} {self.seconds:+.1f} s"
