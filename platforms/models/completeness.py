"""Showing that no order is missing: counts per store and day, and replays."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from platforms.models.checking import DataCheck
from platforms.models.linking import FAULTS
from platforms.models.pulling import Stream
from tenants.models import Store
from tenants.scope import TenantOwned


class DayCount(TenantOwned):
    """One store and one day (of the orders' changed time, by the store's clock): what the
    platform has, what we have, and what was pulled afterwards. The newest comparison counts."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="day_counts")
    day = models.DateField()
    platform_count = models.PositiveIntegerField(default=0)
    our_count = models.PositiveIntegerField(default=0)  # before anything was pulled afterwards
    missing = models.PositiveIntegerField(default=0)
    different = models.PositiveIntegerField(default=0)
    extra = models.PositiveIntegerField(default=0)  # ours that the platform does not give
    unreadable = models.PositiveIntegerField(default=0)
    healed = models.PositiveIntegerField(default=0)  # of missing and different
    data_check = models.ForeignKey(
        DataCheck, null=True, on_delete=models.SET_NULL, related_name="day_counts"
    )
    counted_at = models.DateTimeField()

    class Meta:
        verbose_name = _("count of a day")
        verbose_name_plural = _("counts of days")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "store", "day"], name="one_count_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.our_count}/{self.platform_count}"


class Replay(TenantOwned):
    """Doing again what was done with a store's orders of a window. Safe to repeat.

    `position` is where it goes on after its worker let go of it or died.
    """

    class Kind(models.TextChoices):
        PULL = "pull", _("Pull again from the platform")
        READ = "read", _("Read again what was received")
        PUSHES = "pushes", _("Work on the pushes again")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")
        FAILED = "failed", _("Failed")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="replays")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("to"))
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    on_behalf = models.BooleanField(default=False)  # asked for by support
    stop_asked = models.BooleanField(default=False)
    # What pulls it, where the platform is asked.
    stream = models.ForeignKey(Stream, null=True, on_delete=models.SET_NULL, related_name="+")
    position = models.CharField(max_length=200, blank=True)
    seen = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    fault = models.CharField(max_length=30, blank=True, choices=FAULTS)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    fence = models.PositiveBigIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("replay")
        verbose_name_plural = _("replays")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "store", "kind"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="one_replay_at_once",
            )
        ]
        indexes = [models.Index(fields=["tenant", "store", "-asked_at"], name="replay_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.since:%Y-%m-%d} - {self.until:%Y-%m-%d}"
