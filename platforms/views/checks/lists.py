"""A list of stores as it is asked for: the filters of its address, and one page of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.core.paginator import Page, Paginator

from platforms import registry
from tenants.access import WorkspaceRequest
from tenants.models import Store
from tenants.scope import TenantQuerySet

A_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Filters:
    """As the address states them; "" means all. What `which` may be each list knows."""

    platform: str
    which: str
    q: str

    @classmethod
    def read(cls, params: Mapping[str, str]) -> Filters:
        return cls(
            platform=params.get("platform", ""),
            which=params.get("which", ""),
            q=params.get("q", "").strip()[:100],
        )

    @property
    def is_narrow(self) -> bool:
        return bool(self.platform or self.which or self.q)

    def narrowed(self, stores: TenantQuerySet[Store]) -> TenantQuerySet[Store]:
        """`stores` by all filters but `which`; a platform that is none leaves all."""
        if self.platform in registry.codes():
            stores = stores.filter(platform=self.platform)
        if self.q:
            stores = stores.search(self.q)  # type: ignore[attr-defined]
        return stores


def page_of(request: WorkspaceRequest, stores: TenantQuerySet[Store]) -> Page[Store]:
    return Paginator(stores, A_PAGE).get_page(request.GET.get("page"))
