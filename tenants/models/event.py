"""The audit trail: what was done, by whom, to what, and how it ended."""

from __future__ import annotations

import hashlib
import json

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from tenants.scope import TenantOwned


class Outcome(models.TextChoices):
    DONE = "done", _("Done")
    DENIED = "denied", _("Denied")
    FAILED = "failed", _("Failed")


class Event(TenantOwned):
    """Append only. `hash` covers this row and the hash before it in the same tenant, so that a
    row changed or removed later is noticed (`verify_chain` in tenants/flows/record_event.py)."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    sequence = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_name = models.CharField(max_length=254)  # survives the user's deletion
    on_behalf = models.BooleanField(default=False)  # support acted for the tenant
    verb = models.CharField(max_length=50)
    target_type = models.CharField(max_length=30, blank=True)
    target_id = models.CharField(max_length=60, blank=True)
    target_name = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.DONE)
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=40, blank=True)
    detail = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "sequence"], name="event_in_sequence")
        ]
        indexes = [models.Index(fields=["tenant", "-at"], name="event_by_time")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.verb} {self.target_name}"

    def digest(self) -> str:
        # The actor is covered by name: the id becomes null when the user is deleted.
        facts = [
            str(self.public_id), self.sequence, self.at.isoformat(), self.actor_name,
            self.on_behalf, self.verb, self.target_type, self.target_id, self.target_name,
            self.outcome, self.ip, self.request_id, self.detail, self.previous_hash,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
