"""Filters of the lists that name marketplaces and stores."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from platforms import registry
from platforms.models import Authorization
from tenants.models import Store
from tenants.support import chosen


class PlatformFilter(admin.SimpleListFilter):
    """From the registry: asking the table which platforms it has would read all of it."""

    title = _("platform")
    parameter_name = "platform"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(adapter.code, str(adapter.name)) for adapter in registry.all_adapters()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(platform=self.value()) if self.value() else queryset


ChosenStore = chosen(Store, "store", _("store"))
ChosenAuthorization = chosen(Authorization, "authorization", _("authorization"))
