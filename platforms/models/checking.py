"""Diagnoses of stores, and the checks of their data."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from platforms.models.linking import FAULTS, LinkAttempt
from tenants.models import Store
from tenants.scope import TenantOwned


class Diagnosis(TenantOwned):
    """One run of the checks: of a linked store, or of a linking under way.

    `checks` is a list of {"name", "result", "code", "facts", "took_ms"}: the words are made
    when it is shown, in the reader's language. No secrets, no buyer data.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    store = models.ForeignKey(Store, null=True, on_delete=models.CASCADE, related_name="diagnoses")
    attempt = models.ForeignKey(
        LinkAttempt, null=True, on_delete=models.CASCADE, related_name="diagnoses"
    )
    verdict = models.CharField(max_length=30)  # a Fault or "ok"
    checks = models.JSONField(default=list)
    at = models.DateTimeField()
    took_ms = models.PositiveIntegerField(default=0)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = _("diagnosis")
        verbose_name_plural = _("diagnoses")
        indexes = [models.Index(fields=["tenant", "store", "-at"], name="diagnosis_by_time")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.verdict}"


class DataCheck(TenantOwned):
    """A stress test or a count reconciliation of one store, worked on by the pumps.

    `asked` holds the parameters, `progress` what is known so far, `report` the result; all
    plain JSON without buyer data. Setting `stop_asked` ends it at the next step.
    """

    class Kind(models.TextChoices):
        STRESS = "stress", _("Sync stress test")
        COUNTS = "counts", _("Count reconciliation")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")
        FAILED = "failed", _("Failed")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="data_checks")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    asked = models.JSONField(default=dict)
    progress = models.JSONField(default=dict)
    report = models.JSONField(null=True)
    stop_asked = models.BooleanField(default=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    fence = models.PositiveBigIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    fault = models.CharField(max_length=30, blank=True, choices=FAULTS)

    class Meta:
        verbose_name = _("data check")
        verbose_name_plural = _("data checks")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "store"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="one_data_check_at_once",
            )
        ]
        indexes = [models.Index(fields=["tenant", "store", "-created_at"], name="check_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.created_at:%Y-%m-%d %H:%M}"
