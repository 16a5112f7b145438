"""What happened to a store's permission, what is wrong now, and whose fault it looks like."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from platforms.models.linking import FAULTS, Authorization
from tenants.models import Store
from tenants.scope import TenantOwned


class Moment(models.TextChoices):
    """What a line of the timeline tells."""

    LINKED = "linked", _("Linked")
    RELINKED = "relinked", _("Linked again")
    REFRESHED = "refreshed", _("Token refreshed")
    NOT_REFRESHED = "not_refreshed", _("Token could not be refreshed")
    REFUSED = "refused", _("Pull refused")
    THROTTLED = "throttled", _("Slowed down")
    BROKE = "broke", _("Stopped working")
    HEALED = "healed", _("Works again")
    PAUSED = "paused", _("Paused")
    RESUMED = "resumed", _("Resumed")
    UNLINKED = "unlinked", _("Unlinked")


class TimelineEntry(TenantOwned):
    """One thing that happened to an authorization, or the same thing many times in one day.

    `store` is null where it concerns all stores of the authorization. `detail` is safe to show.
    """

    authorization = models.ForeignKey(
        Authorization, on_delete=models.CASCADE, related_name="timeline"
    )
    store = models.ForeignKey(Store, null=True, on_delete=models.CASCADE, related_name="+")
    moment = models.CharField(max_length=15, choices=Moment.choices)
    fault = models.CharField(max_length=30, blank=True, choices=FAULTS)
    detail = models.CharField(max_length=300, blank=True)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("timeline entry")
        verbose_name_plural = _("timeline entries")
        indexes = [
            models.Index(fields=["tenant", "authorization", "-last_at"], name="timeline_by_time"),
            models.Index(fields=["last_at"], name="timeline_age"),
        ]

    def __str__(self) -> str:
        return f"{self.first_at:%Y-%m-%d %H:%M} {self.moment} {self.fault}"


class Trouble(TenantOwned):
    """A store that cannot be pulled, from when it began until it works again.

    A row is written once the trouble is worth telling somebody (platforms/flows/watch.py);
    `began_at` is when it really began. At most one is open for a store.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="troubles")
    authorization = models.ForeignKey(
        Authorization, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    fault = models.CharField(max_length=30, choices=FAULTS)
    detail = models.CharField(max_length=300, blank=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("trouble")
        verbose_name_plural = _("troubles")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "store"], condition=Q(ended_at=None), name="one_open_trouble"
            )
        ]
        indexes = [models.Index(fields=["tenant", "-began_at"], name="trouble_by_time")]

    def __str__(self) -> str:
        return f"{self.store_id} {self.fault} {self.began_at:%Y-%m-%d %H:%M}"


class Outage(models.Model):
    """Many stores of one platform, of several tenants, fail the same way: it is not the seller.

    No tenant: it is counted over all of them, and tells none about another. At most one is
    open for a platform and fault.
    """

    platform = models.CharField(_("platform"), max_length=30)
    fault = models.CharField(_("fault"), max_length=30, choices=FAULTS)
    since = models.DateTimeField(_("since"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    stores = models.PositiveIntegerField(_("stores that fail"), default=0)
    of_stores = models.PositiveIntegerField(_("of all stores"), default=0)
    tenants = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("platform outage")
        verbose_name_plural = _("platform outages")
        constraints = [
            models.UniqueConstraint(
                fields=["platform", "fault"], condition=Q(ended_at=None), name="one_open_outage"
            )
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.fault} {self.since:%Y-%m-%d %H:%M}"
