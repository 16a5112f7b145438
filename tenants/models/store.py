"""Stores: one seller account on one marketplace, as the tenant names it."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from tenants.models.binding import Binding, Duty
from tenants.scope import TenantManager, TenantOwned, TenantQuerySet

if TYPE_CHECKING:
    from accounts.models import User

ACCOUNT_NAME = r"[A-Za-z0-9_]{1,64}"
account_name_rule = RegexValidator(
    rf"\A{ACCOUNT_NAME}\Z", _("Use only letters, digits and underscores, 64 at most.")
)


def clean_account_name(text: str) -> str:
    """The nearest allowed account name, "" if nothing of `text` can be kept."""
    folded = unicodedata.normalize("NFKD", text)
    return re.sub(r"[^A-Za-z0-9_]+", "_", folded).strip("_")[:64]


class StoreState(models.TextChoices):
    LINKING = "linking", _("Being linked")
    ACTIVE = "active", _("Active")
    NEEDS_RELINK = "needs_relink", _("Needs relinking")
    PAUSED = "paused", _("Paused")
    UNLINKED = "unlinked", _("Unlinked")


class StoreQuerySet(TenantQuerySet["Store"]):
    def bound_to(self, user: User, *duties: Duty) -> StoreQuerySet:
        """Stores on which `user` holds one of `duties` now."""
        return self.filter(
            pk__in=Binding.objects.current()
            .filter(membership__user=user, membership__left_at=None, duty__in=duties)
            .values("store_id")
        )

    def linked(self) -> StoreQuerySet:
        return self.exclude(state__in=[StoreState.LINKING, StoreState.UNLINKED])

    def search(self, text: str) -> StoreQuerySet:
        """Stores with `text` in one of their names or their id at the platform."""
        text = text.replace("\0", "")  # PostgreSQL takes none
        return self.filter(
            Q(account_name__icontains=text)
            | Q(display_name__icontains=text)
            | Q(external_name__icontains=text)
            | Q(external_id__icontains=text)
        )

    def nobody_bound(self) -> StoreQuerySet:
        """Linked stores whose orders nobody can see."""
        operators = (
            Binding.objects.current()
            .filter(duty=Duty.OPERATOR, membership__left_at=None)
            .values("store_id")
        )
        return self.linked().exclude(pk__in=operators)


class Store(TenantOwned):
    """`site` is "" where the platform has none. `platform` has no choices: a new
    marketplace brings no migration."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    platform = models.CharField(_("platform"), max_length=30)
    site = models.CharField(_("site"), max_length=20, blank=True)
    account_name = models.CharField(
        _("account name"), max_length=64, validators=[account_name_rule]
    )
    display_name = models.CharField(_("display name"), max_length=100, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=50, blank=True)
    environment = models.CharField(max_length=12, default="production")
    external_id = models.CharField(_("shop id at the platform"), max_length=120, blank=True)
    external_name = models.CharField(_("shop name at the platform"), max_length=200, blank=True)
    state = models.CharField(
        _("state"), max_length=15, choices=StoreState.choices, default=StoreState.LINKING
    )
    # Named by string: which authorization opens the store is a fact of the store, but what an
    # authorization is, is the business of `platforms`, which this app does not import.
    authorization = models.ForeignKey(
        "platforms.Authorization",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="stores",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    linked_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = TenantManager.of(StoreQuerySet)

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "platform", "site", "account_name"], name="store_name_once"
            ),
            # Across tenants on purpose: one shop is pulled by one tenant only.
            models.UniqueConstraint(
                fields=["platform", "environment", "external_id"],
                condition=~Q(external_id="") & ~Q(state="unlinked"),
                name="shop_linked_once",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "state"], name="store_by_state")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.display_name or self.account_name

    @property
    def is_linked(self) -> bool:
        return self.state not in (StoreState.LINKING, StoreState.UNLINKED)

    @property
    def path(self) -> str:
        """As the command line writes it: tenant/platform/account_name[/site]."""
        parts = [self.tenant.slug, self.platform, self.account_name, self.site]
        return "/".join(part for part in parts if part)

    @property
    def zone(self) -> ZoneInfo:
        """The store's own time zone, else the tenant's."""
        return ZoneInfo(self.time_zone) if self.time_zone else self.tenant.zone
