"""What the fleet page counts and the lists filter by: one condition for both, so that a number
leads to as many rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy

from platforms import registry
from platforms.admin.filters import PlatformFilter
from platforms.advice import fault_words
from platforms.errors import Fault
from platforms.models import (
    AuthorizationState,
    DataCheck,
    DeliveryState,
    SendingState,
    Trouble,
)
from platforms.spec import Text

LATE = timedelta(minutes=10)
RECENT = timedelta(hours=1)
IN_A_ROW = 2  # one failure alone passes mostly
GIVEN_UP_SINCE = timedelta(days=7)
PUSHES_SINCE = timedelta(hours=24)
ENDS_SOON = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """`rows` says which rows are in it at a moment (aware UTC)."""

    label: Text
    rows: Callable[[datetime], Q]


Conditions = Mapping[str, Condition]


def _free(now: datetime) -> Q:
    return Q(leased_until=None) | Q(leased_until__lte=now)


def _tended(now: datetime) -> Q:
    """Authorizations that the refresh engine looks at."""
    return Q(state__in=[AuthorizationState.ACTIVE, AuthorizationState.NEEDS_RELINK])


def _ends(now: datetime) -> Q:
    """As Authorization.seller_must_act_by."""
    fixed = registry.codes_that_count_down()
    until = now + ENDS_SOON
    return Q(state=AuthorizationState.ACTIVE) & (
        Q(consent_expires_at__lte=until)
        | Q(platform__in=fixed, refresh_expires_at__lte=until)
    )  # fmt: skip


REFRESHES: Conditions = {
    "due": Condition(
        label=gettext_lazy("Due now"),
        rows=lambda now: _tended(now) & Q(refresh_due_at__lte=now) & _free(now),
    ),
    "late": Condition(
        label=gettext_lazy("Overdue by more than 10 minutes"),
        rows=lambda now: _tended(now) & Q(refresh_due_at__lte=now - LATE) & _free(now),
    ),
    "in_flight": Condition(
        label=gettext_lazy("Under way"),
        rows=lambda now: Q(in_flight_since__isnull=False, leased_until__gt=now),
    ),
    "cut_off": Condition(
        label=gettext_lazy("Cut off during the call"),
        rows=lambda now: Q(in_flight_since__isnull=False) & _free(now),
    ),
    "failing": Condition(
        label=gettext_lazy("Failing in a row"),
        rows=lambda now: Q(state=AuthorizationState.ACTIVE, refresh_failures__gte=IN_A_ROW),
    ),
    "recent": Condition(
        label=gettext_lazy("Refreshed in the last hour"),
        rows=lambda now: Q(refreshed_at__gte=now - RECENT),
    ),
    "ends": Condition(
        label=gettext_lazy("Permission ends within 30 days"),
        rows=_ends,
    ),
}
STREAMS: Conditions = {
    "due": Condition(
        label=gettext_lazy("Due now"),
        rows=lambda now: Q(finished_at=None, due_at__lte=now) & _free(now),
    ),
    "late": Condition(
        label=gettext_lazy("Overdue by more than 10 minutes"),
        rows=lambda now: Q(finished_at=None, due_at__lte=now - LATE) & _free(now),
    ),
    "running": Condition(
        label=gettext_lazy("Under way"),
        rows=lambda now: Q(finished_at=None, leased_until__gt=now),
    ),
    "failing": Condition(
        label=gettext_lazy("Failing in a row"),
        rows=lambda now: Q(finished_at=None, failures__gte=IN_A_ROW),
    ),
}
SENDINGS: Conditions = {
    "waiting": Condition(
        label=gettext_lazy("Waiting"),
        rows=lambda now: Q(state=SendingState.WAITING),
    ),
    "late": Condition(
        label=gettext_lazy("Overdue by more than 10 minutes"),
        rows=lambda now: Q(state=SendingState.WAITING, due_at__lte=now - LATE),
    ),
    "given_up": Condition(
        label=gettext_lazy("Given up, of the last 7 days"),
        rows=lambda now: Q(
            state=SendingState.GIVEN_UP, notice__created_at__gte=now - GIVEN_UP_SINCE
        ),
    ),
}
CHECKS: Conditions = {
    "waiting": Condition(
        label=gettext_lazy("Waiting"), rows=lambda now: Q(state=DataCheck.State.WAITING)
    ),
    "running": Condition(
        label=gettext_lazy("Running"), rows=lambda now: Q(state=DataCheck.State.RUNNING)
    ),
    "orphaned": Condition(
        label=gettext_lazy("Running, but no worker holds it"),
        rows=lambda now: Q(state=DataCheck.State.RUNNING) & _free(now),
    ),
}
PUSHES: Conditions = {
    "failed": Condition(
        label=gettext_lazy("Failed in the last 24 hours"),
        rows=lambda now: Q(state=DeliveryState.FAILED, received_at__gte=now - PUSHES_SINCE),
    ),
    "refused": Condition(
        label=gettext_lazy("Not genuine in the last 24 hours"),
        rows=lambda now: Q(state=DeliveryState.REFUSED, received_at__gte=now - PUSHES_SINCE),
    ),
    "late": Condition(
        label=gettext_lazy("Waiting for more than 10 minutes"),
        rows=lambda now: Q(state=DeliveryState.WAITING, due_at__lte=now - LATE),
    ),
}
ROBOTS: Conditions = {
    "refused": Condition(
        label=gettext_lazy("Refused the last message"),
        rows=lambda now: Q(refused_at__isnull=False),
    ),
}


def trouble_of_store() -> Exists:
    return Exists(Trouble.objects.filter(store=OuterRef("pk"), ended_at=None))


STORES: Conditions = {
    "yes": Condition(label=gettext_lazy("In trouble"), rows=lambda now: Q(trouble_of_store())),
    "no": Condition(label=gettext_lazy("None"), rows=lambda now: ~Q(trouble_of_store())),
}
# Whose application opens a store. A store without an authorization has none.
WHOSE: Conditions = {
    "ours": Condition(
        label=gettext_lazy("Ours"),
        rows=lambda now: Q(
            authorization__app__isnull=False, authorization__app__tenant__isnull=True
        ),
    ),
    "own": Condition(
        label=gettext_lazy("The tenant's own"),
        rows=lambda now: Q(authorization__app__tenant__isnull=False),
    ),
    "none": Condition(
        label=gettext_lazy("None"), rows=lambda now: Q(authorization__app__isnull=True)
    ),
}
APPS: Conditions = {
    "over": Condition(
        label=gettext_lazy("Is over"),
        rows=lambda now: Q(active=True, secret_expires_at__lte=now),
    ),
    "soon": Condition(
        label=gettext_lazy("Within 30 days"),
        rows=lambda now: Q(
            active=True, secret_expires_at__gt=now, secret_expires_at__lte=now + ENDS_SOON
        ),
    ),
}
OPEN: Conditions = {
    "yes": Condition(label=gettext_lazy("Goes on"), rows=lambda now: Q(ended_at=None)),
    "no": Condition(label=gettext_lazy("Over"), rows=lambda now: Q(ended_at__isnull=False)),
}


def by_condition(conditions: Conditions, name: str, called: Text) -> type[admin.SimpleListFilter]:
    """A filter of a list by one of `conditions`; `name` is its parameter in the address."""

    class ByCondition(admin.SimpleListFilter):
        title = called
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(code, str(each.label)) for code, each in conditions.items()]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            each = conditions.get(self.value() or "")
            return queryset.filter(each.rows(timezone.now())) if each else queryset

    return ByCondition


def by_platform(*fields: str) -> type[admin.SimpleListFilter]:
    """PlatformFilter for rows that name their platform elsewhere, such as "store__platform"."""

    class ByPlatform(PlatformFilter):
        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            wanted = Q(pk=None)
            for field in fields:
                wanted |= Q(**{field: self.value()})
            return queryset.filter(wanted) if self.value() else queryset

    return ByPlatform


class FaultFilter(admin.SimpleListFilter):
    """In words: support reads the code on the row's page."""

    title = gettext_lazy("fault")
    parameter_name = "fault"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(fault.value, fault_words(fault)) for fault in Fault]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(fault=self.value()) if self.value() else queryset


def path_query(term: str, prefix: str) -> Q | None:
    """Rows of the stores that "tenant/platform/account_name/site" names, or its beginning;
    None where `term` is no path. `prefix` is the way to the store, such as "store__"."""
    parts = [part.strip() for part in term.strip().split("/")]
    if len(parts) < 2:
        return None
    names = ("tenant__slug", "platform", "account_name", "site")
    given = zip(names, parts, strict=False)
    return Q(**{f"{prefix}{name}__iexact": part for name, part in given if part})


class SearchedByPath(admin.ModelAdmin):
    """A list in which a store's path finds its rows, besides what `search_fields` say."""

    path_prefix = "store__"
    path_repeats = False  # a row may belong to several stores
    search_help_text = gettext_lazy(
        "A store's name, a tenant, or a whole path: tenant/platform/account name/site."
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        wanted = path_query(search_term, self.path_prefix)
        if wanted is not None:
            return queryset.filter(wanted), self.path_repeats
        return super().get_search_results(request, queryset, search_term)
