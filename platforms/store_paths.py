"""Stores as the command line writes them: tenant/platform/account_name[/site]."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from platforms import registry
from platforms.flows.link_forms import BadInput
from tenants.models import Store, Tenant
from tenants.scope import tenant_scope

MOST_LISTED = 30


def find_tenant(slug: str) -> Tenant:
    """Raises BadInput listing the tenants there are."""
    tenant = Tenant.objects.filter(slug=slug.strip().lower()).first()
    if tenant is None:
        known = Tenant.objects.order_by("slug").values_list("slug", flat=True)[: MOST_LISTED + 1]
        raise BadInput(
            {"tenant": _("There is no tenant %(slug)s. There are: %(known)s.")
             % {"slug": slug, "known": _listed(known)}}
        )  # fmt: skip
    return tenant


def find_stores(path: str) -> list[Store]:
    """The stores `path` names, with tenant and authorization selected; without a site all
    stores of that account name. Raises BadInput listing what exists."""
    parts = [part.strip() for part in path.strip().strip("/").split("/")]
    if len(parts) not in (3, 4) or not all(parts):
        raise BadInput(
            {"store": _(
                "%(path)s is not a store. Write tenant/platform/account_name or "
                "tenant/platform/account_name/site. There are: %(known)s."
            ) % {"path": path or '""', "known": _known_paths(parts[0])}}
        )  # fmt: skip
    tenant = find_tenant(parts[0])
    platform, account_name = parts[1].lower(), parts[2]
    if platform not in registry.codes():
        raise BadInput(
            {"platform": _("There is no platform %(code)s. There are: %(known)s.")
             % {"code": parts[1], "known": ", ".join(registry.codes())}}
        )  # fmt: skip
    with tenant_scope(tenant):
        stores = Store.objects.select_related("tenant", "authorization__app").filter(
            platform=platform, account_name=account_name
        )
        if len(parts) == 4:
            stores = stores.filter(site__iexact=parts[3])
        found = list(stores.order_by("site"))
    if not found:
        raise BadInput(
            {"store": _("There is no store %(path)s. There are: %(known)s.")
             % {"path": path, "known": _known_paths(tenant.slug)}}
        )  # fmt: skip
    return found


def _known_paths(slug: str) -> str:
    """The stores of that tenant; without one, the tenants."""
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        slugs = Tenant.objects.order_by("slug").values_list("slug", flat=True)
        return _listed(f"{each}/…" for each in slugs[: MOST_LISTED + 1])
    with tenant_scope(tenant):
        stores = Store.objects.select_related("tenant").order_by("platform", "account_name", "site")
        return _listed(store.path for store in stores[: MOST_LISTED + 1])


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    if not listed:
        return _("none")
    more = ", …" if len(listed) > MOST_LISTED else ""
    return ", ".join(listed[:MOST_LISTED]) + more
