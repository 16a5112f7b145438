"""Tenants, the people in them, and how people get in."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from tenants.scope import TenantManager, TenantOwned, TenantQuerySet

slug_rule = RegexValidator(
    r"\A[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?\Z",
    _("Use lower-case letters, digits and hyphens."),
)


def token_hash(token: str) -> str:
    """What is stored of a secret link or API token: it is random, so one hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    return secrets.token_urlsafe(32)


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    MEMBER = "member", _("Member")


class Tenant(models.Model):
    """A customer company."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    name = models.CharField(_("company"), max_length=100)
    slug = models.CharField(_("short name"), max_length=50, unique=True, validators=[slug_rule])
    time_zone = models.CharField(_("time zone"), max_length=50, default="Asia/Shanghai")
    require_mfa = models.BooleanField(_("two-step sign-in required"), default=False)
    retention_days = models.PositiveSmallIntegerField(
        _("days raw order data is kept"),
        default=90,
        validators=[MinValueValidator(7), MaxValueValidator(730)],
    )
    freshness_minutes = models.PositiveSmallIntegerField(
        _("orders are never older than, in minutes"),
        default=15,
        validators=[MinValueValidator(5), MaxValueValidator(120)],
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def lock(self) -> None:
        """Wait for other changes to this tenant's people, bindings and trail; inside a
        transaction, until its end."""
        # NO KEY: each insert of a tenant's row holds KEY SHARE on its tenant and must not wait.
        Tenant.objects.select_for_update(no_key=True).get(pk=self.pk)


class MembershipQuerySet(TenantQuerySet["Membership"]):
    def current(self) -> MembershipQuerySet:
        return self.filter(left_at=None)


class Membership(TenantOwned):
    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MEMBER)
    joined_at = models.DateTimeField(auto_now_add=True)
    left_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = TenantManager.of(MembershipQuerySet)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user"], condition=Q(left_at=None), name="member_once_per_tenant"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} @ {self.tenant}"

    @property
    def can_manage(self) -> bool:
        return self.left_at is None and self.role in (Role.OWNER, Role.ADMIN)

    @property
    def grantable_roles(self) -> list[Role]:
        """The roles this member may give to others: nobody lifts anyone above themselves."""
        if not self.can_manage:
            return []
        roles = [Role.MEMBER, Role.ADMIN]
        return [*roles, Role.OWNER] if self.role == Role.OWNER else roles

    def may_manage(self, other: Membership) -> bool:
        """Owners manage everybody, admins everybody but owners."""
        return other.role in self.grantable_roles


class InvitationQuerySet(TenantQuerySet["Invitation"]):
    def open(self, now: datetime) -> InvitationQuerySet:
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=now)


class Invitation(TenantOwned):
    """Single use. `bindings` are prepared: [[store public id, duty], ...], given on acceptance."""

    VALID_FOR = timedelta(days=7)

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    email = models.EmailField(_("e-mail"))
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MEMBER)
    bindings = models.JSONField(default=list, blank=True)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = TenantManager.of(InvitationQuerySet)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        indexes = [models.Index(fields=["tenant", "email"], name="invitation_by_email")]

    def __str__(self) -> str:
        return self.email

    def is_open(self, now: datetime) -> bool:
        return self.accepted_at is None and self.revoked_at is None and self.expires_at > now


class ApiToken(TenantOwned):
    """A personal token of one member for programs; stored hashed, shown once."""

    PREFIX = "slk_"

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=60)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    last_four = models.CharField(max_length=4)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        indexes = [models.Index(fields=["tenant", "membership"], name="api_token_by_member")]

    def __str__(self) -> str:
        return self.name
