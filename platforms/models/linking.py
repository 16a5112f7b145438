"""Applications, authorizations, consents and the attempts that lead to them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from platforms import due, registry
from platforms.errors import Fault
from tenants.scope import TenantOwned

# Longer than the longest call may take (transport.TOTAL_TIMEOUT_S), or two would call at once.
REFRESH_LEASE = timedelta(seconds=150)
FAULTS = [(fault.value, fault.value) for fault in Fault]


class App(models.Model):
    """A developer application at a marketplace: ours (tenant null) or a tenant's own."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(
        "tenants.Tenant", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    platform = models.CharField(_("platform"), max_length=30)
    environment = models.CharField(_("environment"), max_length=12, default="production")
    # Where a marketplace has a portal of its own for a region; "" is for all regions.
    region = models.CharField(_("region"), max_length=10, blank=True)
    name = models.CharField(_("name"), max_length=100)
    client_id = models.CharField(_("client id"), max_length=200)
    sealed_secret = models.BinaryField(editable=False)
    secret_hint = models.CharField(_("secret ends in"), max_length=4, editable=False)
    redirect_uri = models.CharField(_("redirect URI"), max_length=300, blank=True)
    extra = models.JSONField(default=dict, blank=True)  # Adapter.app_fields
    active = models.BooleanField(_("active"), default=True)
    # When the secret stops working, where somebody told us (Amazon: 180 days after it was made).
    secret_expires_at = models.DateTimeField(_("secret works until"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        constraints = [
            models.UniqueConstraint(
                fields=["platform", "environment", "region"],
                condition=Q(tenant=None, active=True),
                name="one_active_app_of_ours",
            )
        ]

    def __str__(self) -> str:
        return self.name


class AuthorizationState(models.TextChoices):
    ACTIVE = "active", _("Active")
    NEEDS_RELINK = "needs_relink", _("Needs relinking")
    PAUSED = "paused", _("Paused")
    ENDED = "ended", _("Ended")


class PushState(models.TextChoices):
    """Whether the marketplace tells us of news by itself, besides being asked."""

    NONE = "none", _("Not offered")
    DUE = "due", _("Being set up")
    ON = "on", _("On")
    FAILED = "failed", _("Could not be set up yet")
    REFUSED = "refused", _("Refused by the platform")


def refresh_margin(lifetime: timedelta) -> timedelta:
    """How long before its expiry an access token is due for a refresh."""
    margin = max(timedelta(minutes=10), lifetime / 5)
    # A token that lives shorter than the margin would be refreshed for ever.
    return min(margin, lifetime / 2)


class Authorization(TenantOwned):
    """What one seller account lets us do. Durable: relinking keeps the row.

    `generation` counts credentials written; `fence` counts leases taken. A refresh may write
    only while `fence` is still the one it took, so a late holder changes nothing.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    platform = models.CharField(_("platform"), max_length=30)
    mode = models.CharField(_("mode"), max_length=40)
    region = models.CharField(_("region"), max_length=10, blank=True)
    environment = models.CharField(_("environment"), max_length=12, default="production")
    account_id = models.CharField(_("account id"), max_length=120)
    account_name = models.CharField(_("account"), max_length=200, blank=True)
    app = models.ForeignKey(App, null=True, blank=True, on_delete=models.PROTECT)
    state = models.CharField(
        _("state"),
        max_length=15,
        choices=AuthorizationState.choices,
        default=AuthorizationState.ACTIVE,
    )
    fault = models.CharField(_("fault"), max_length=30, blank=True, choices=FAULTS)
    fault_detail = models.CharField(max_length=300, blank=True)
    fault_at = models.DateTimeField(null=True, blank=True)

    sealed_credential = models.BinaryField(editable=False)
    generation = models.PositiveIntegerField(default=0)
    hint = models.CharField(max_length=4, blank=True)  # last four characters of the main secret
    fingerprint = models.CharField(max_length=16, blank=True)
    scopes_asked = models.JSONField(default=list)
    scopes_granted = models.JSONField(null=True)  # null: the platform does not tell
    scopes_missing = models.JSONField(default=list)

    # Three clocks, kept apart; null means not told or never.
    access_expires_at = models.DateTimeField(null=True, blank=True)
    refresh_expires_at = models.DateTimeField(null=True, blank=True)
    consent_expires_at = models.DateTimeField(null=True, blank=True)

    # Whether the marketplace calls us, and its ids of the subscriptions by topic.
    pushes = models.CharField(
        _("pushes"), max_length=10, choices=PushState.choices, default=PushState.NONE
    )
    pushes_at = models.DateTimeField(null=True, blank=True)
    webhooks = models.JSONField(default=dict)

    refresh_due_at = models.DateTimeField(null=True, blank=True)
    refreshed_at = models.DateTimeField(null=True, blank=True)
    refresh_failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)  # of refreshes, in a row
    fence = models.PositiveBigIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    in_flight_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("authorization")
        verbose_name_plural = _("authorizations")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "platform", "environment", "region", "account_id"],
                name="authorization_once_per_account",
            )
        ]
        indexes = [models.Index(fields=["state", "refresh_due_at"], name="authorization_due")]

    def __str__(self) -> str:
        return f"{self.platform} {self.account_name or self.account_id}"

    @property
    def is_usable(self) -> bool:
        return self.state == AuthorizationState.ACTIVE

    def needs_refresh(self, now: datetime) -> bool:
        """Little of the access token is left, or the refresh token must be kept alive. Not
        while a refresh that failed waits for its next try and the token still works."""
        due = self.refresh_due_at is not None and self.refresh_due_at <= now
        if self.access_expires_at is None:
            return due
        if self.refresh_failures and not due and now < self.access_expires_at:
            return False
        lifetime = self.access_expires_at - (self.refreshed_at or self.created_at)
        return due or now >= self.access_expires_at - refresh_margin(lifetime)

    @property
    def seller_must_act_by(self) -> datetime | None:
        """The date on which the permission ends whatever we do; None where none is known."""
        dates = [self.consent_expires_at]
        if not registry.get(self.platform).refresh_renews:
            dates.append(self.refresh_expires_at)
        return min((at for at in dates if at is not None), default=None)

    @classmethod
    def claim_due(
        cls, *, limit: int, now: datetime, skip_platforms: Collection[str] = ()
    ) -> list[Authorization]:
        """Lease up to `limit` due rows, taking turns between tenants and platforms.

        A row carries our fence; its `in_flight_since` is still that of the holder before, if
        one died with a call under way. Must run in a scope of all tenants.
        """
        states = [AuthorizationState.ACTIVE, AuthorizationState.NEEDS_RELINK]
        with transaction.atomic():
            asked = due.find_authorizations(states, limit, now=now, skip_platforms=skip_platforms)
            claimed = list(cls.objects.raw(*asked))
            pks = [row.pk for row in claimed]
            due.lease_authorizations(pks, now=now, until=now + REFRESH_LEASE)
        apps = App.objects.in_bulk({row.app_id for row in claimed if row.app_id})
        for row in claimed:
            if row.app_id:
                row.app = apps[row.app_id]
            row.fence += 1
        return claimed

    @classmethod
    def give_back(
        cls, rows: Collection[Authorization], *, not_before: datetime | None = None
    ) -> None:
        """Undo a claim for which nothing was sent; due as before, but not before `not_before`."""
        if not rows:
            return
        changes: dict[str, Any] = {"leased_until": None}
        if not_before:
            changes["refresh_due_at"] = not_before
        # Only a holder that died has left a mark; then the mark stays.
        for marked, more in ((True, {}), (False, {"in_flight_since": None})):
            held = [row for row in rows if (row.in_flight_since is not None) is marked]
            if held:  # and still ours: we may have slept past the end of our lease
                ours = reduce(or_, (Q(pk=row.pk, fence=row.fence) for row in held))
                cls.objects.filter(ours).update(**changes, **more)

    @classmethod
    def wake(
        cls, platform: str, *, faults: Collection[str], failed_before: datetime, now: datetime
    ) -> int:
        """Make due now what waits since its refresh failed with one of `faults` at or before
        `failed_before`; how many. Must run in a scope of all tenants."""
        waiting = cls.objects.filter(
            state=AuthorizationState.ACTIVE, platform=platform, refresh_due_at__gt=now,
            refresh_failures__gt=0, fault__in=faults, fault_at__lte=failed_before,
        )  # fmt: skip
        return waiting.update(refresh_due_at=now)


class Consent(TenantOwned):
    """History, never changed but for its end: who consented to what, when, from where."""

    authorization = models.ForeignKey(
        Authorization, on_delete=models.CASCADE, related_name="consents"
    )
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    by_name = models.CharField(max_length=254, blank=True)
    ip = models.GenericIPAddressField(null=True)
    handed_over = models.BooleanField(default=False)
    mode = models.CharField(max_length=40)
    scopes_asked = models.JSONField(default=list)
    scopes_granted = models.JSONField(null=True)
    app = models.ForeignKey(App, null=True, on_delete=models.PROTECT, related_name="+")
    shops = models.JSONField(default=list)  # [[external id, name, site], ...]
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_why = models.CharField(max_length=30, blank=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        indexes = [models.Index(fields=["tenant", "authorization", "-at"], name="consent_by_time")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d} {self.by_name}"


class Step(models.TextChoices):
    """Where an attempt stands."""

    NAME = "name", _("Name the store")
    AUTHORIZE = "authorize", _("Authorize")
    CONFIRM = "confirm", _("Check the shop")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


class LinkAttempt(TenantOwned):
    """One run through the wizard. Usable until it is done, cancelled or too old."""

    STATE_VALID_FOR = timedelta(minutes=30)
    ABANDONED_AFTER = timedelta(days=7)

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    platform = models.CharField(_("platform"), max_length=30)
    mode = models.CharField(_("mode"), max_length=40)
    environment = models.CharField(max_length=12, default="production")
    region = models.CharField(max_length=10, blank=True)
    site = models.CharField(max_length=20, blank=True)
    account_name = models.CharField(max_length=64, blank=True)
    display_name = models.CharField(max_length=100, blank=True)
    step = models.CharField(_("step"), max_length=10, choices=Step.choices, default=Step.NAME)
    app = models.ForeignKey(App, null=True, blank=True, on_delete=models.PROTECT)
    # Set when relinking: the grant must be for this very account.
    relinks = models.ForeignKey(
        Authorization, null=True, blank=True, on_delete=models.CASCADE, related_name="attempts"
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    on_behalf = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    # What was typed before a consent (never a secret), or what the marketplace began it with.
    given = models.JSONField(default=dict)

    # Consent: the state parameter is stored hashed and used once.
    state_hash = models.CharField(max_length=64, blank=True, db_index=True)
    state_expires_at = models.DateTimeField(null=True, blank=True)
    session_hash = models.CharField(max_length=64, blank=True)  # the browser that asked for it
    sealed_verifier = models.BinaryField(null=True, editable=False)

    # Hand-over to another browser.
    handover_hash = models.CharField(max_length=64, blank=True, db_index=True)
    handover_expires_at = models.DateTimeField(null=True, blank=True)
    handover_used_at = models.DateTimeField(null=True, blank=True)

    # What verification found, waiting for the person to confirm.
    sealed_pending = models.BinaryField(null=True, editable=False)
    found = models.JSONField(null=True)  # flows/link.py: Found
    unconfirmed = models.BooleanField(default=False)  # completed outside the starting session
    completed_ip = models.GenericIPAddressField(null=True)
    handed_over = models.BooleanField(default=False)
    authorization = models.ForeignKey(
        Authorization, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    finished_at = models.DateTimeField(null=True, blank=True)

    fault = models.CharField(_("fault"), max_length=30, blank=True, choices=FAULTS)
    fault_reason = models.CharField(max_length=40, blank=True)  # finer than the fault, for advice
    fault_detail = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("link attempt")
        verbose_name_plural = _("link attempts")
        indexes = [models.Index(fields=["tenant", "-created_at"], name="attempt_by_time")]

    def __str__(self) -> str:
        return f"{self.platform} {self.account_name}"

    @property
    def is_open(self) -> bool:
        return self.step not in (Step.DONE, Step.CANCELLED)
