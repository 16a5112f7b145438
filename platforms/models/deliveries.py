"""What marketplaces pushed to us."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from platforms.models.linking import App, Authorization


class DeliveryState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DONE = "done", _("Done")
    IGNORED = "ignored", _("Nothing to do")
    FAILED = "failed", _("Failed")
    REFUSED = "refused", _("Not genuine")


class Delivery(models.Model):
    """One push. Answered as soon as the row stands; the work is done afterwards.

    It belongs to an authorization, or to an application and so to several tenants. `key` is the
    platform's own mark of the news: the same news sent again makes no second row. The body of
    a push that is not genuine is not kept.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    platform = models.CharField(_("platform"), max_length=30)
    app = models.ForeignKey(App, null=True, on_delete=models.CASCADE, related_name="+")
    authorization = models.ForeignKey(
        Authorization, null=True, on_delete=models.CASCADE, related_name="deliveries"
    )
    topic = models.CharField(_("topic"), max_length=80, blank=True)
    key = models.CharField(max_length=64)  # SHA-256 of the platform's marks
    state = models.CharField(
        _("state"), max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING
    )
    outcome = models.CharField(_("outcome"), max_length=200, blank=True)
    tries = models.PositiveIntegerField(default=0)
    received_at = models.DateTimeField(_("received"))
    worked_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    address = models.CharField(max_length=300)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(null=True, editable=False)  # compressed as OrderRaw's

    class Meta:
        verbose_name = _("push")
        verbose_name_plural = _("pushes")
        constraints = [
            models.UniqueConstraint(fields=["platform", "key"], name="delivery_once"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="delivery_due"),
            models.Index(fields=["received_at"], name="delivery_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.topic}"
