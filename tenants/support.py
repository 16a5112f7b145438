"""What the pages of the support desk share: looking only, buttons, links, lists that stay quick.

The desk is stock Django admin below /support/, where staff reads across tenants. Its rows are
changed by flows alone, never by a form, and what staff does or opens is in the tenant's trail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin import LookOnlyAdmin
from tenants.flows.record_event import record_event
from tenants.models import Event, Outcome, Tenant
from tenants.support_labels import name_columns

Text = str | Promise
View = Callable[..., HttpResponse]


@dataclass(frozen=True, kw_only=True)
class Button:
    """One thing to do from a row's page. `name` is the end of its address and, with `do_` in
    front, the method of the ModelAdmin that does it."""

    name: str
    label: Text
    permission: str
    posts: bool = True  # False: it opens a page


class CappedPaginator(Paginator[Any]):
    """Counts and pages through the first rows only: neither walks a big table."""

    MOST = 1_000

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        assert isinstance(rows, QuerySet)
        return rows.order_by()[: self.MOST].count()

    @property
    def capped(self) -> bool:
        return self.count >= self.MOST


class DeskAdmin(LookOnlyAdmin):
    """A list and a page to look at; `buttons` are what can be done."""

    buttons: ClassVar[tuple[Button, ...]] = ()
    # Of columns that have no name in the model and another than in most tables.
    column_names: ClassVar[Mapping[str, Text]] = MappingProxyType({})
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    show_facets = admin.ShowFacets.NEVER  # each facet would count the whole table
    ordering = ("-pk",)
    change_form_template = "admin/support/form.html"

    def __init__(self, model: type[models.Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        name_columns(model, self.column_names)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        opts = self.opts
        own = [
            path(
                f"<path:object_id>/{button.name}/",
                self.admin_site.admin_view(self._view_of(button)),
                name=f"{opts.app_label}_{opts.model_name}_{button.name}",
            )
            for button in self.buttons
        ]
        return own + super().get_urls()

    def _view_of(self, button: Button) -> View:
        def view(request: HttpRequest, object_id: str) -> HttpResponse:
            row = self.get_object(request, unquote(object_id))
            if row is None or not self.has_view_permission(request, row):
                raise Http404
            if not request.user.has_perm(button.permission):
                self.note_refusal(request, row, button.name)
                raise PermissionDenied
            if button.posts and request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            answer: HttpResponse | None = getattr(self, f"do_{button.name}")(request, row)
            return answer or redirect(page_address(row))

        return view

    def offers(self, request: HttpRequest, row: Any, button: Button) -> bool:
        """Whether the button makes sense for this row now; permission is asked besides."""
        return True

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        shown: list[dict[str, object]] = []
        if row is not None:
            shown = [
                {"button": each, "url": button_address(row, each.name)}
                for each in self.buttons
                if request.user.has_perm(each.permission) and self.offers(request, row, each)
            ]
        context = {"desk_buttons": shown, "trail_url": trail_address(row)} | (extra_context or {})
        return super().change_view(request, object_id, form_url, context)

    def page_context(self, request: HttpRequest, row: Any, title: Text) -> dict[str, Any]:
        """For a page of its own below the row's: the frame of the admin and the way back."""
        return self.admin_site.each_context(request) | {
            "opts": self.opts,
            "original": row,
            "title": title,
            "back_url": page_address(row),
        }

    def note_refusal(self, request: HttpRequest, row: Any, name: str) -> None:
        tenant = tenant_of(row)
        if tenant is not None:
            note(
                request, "support.refused", tenant=tenant, target=row, outcome=Outcome.DENIED,
                detail={"wanted": name},
            )  # fmt: skip


def chosen(model: type[models.Model], field: str, label: Text) -> type[admin.SimpleListFilter]:
    """A filter by one row that was chosen on another page: there may be too many to list."""

    class Chosen(admin.SimpleListFilter):
        title = label  # type: ignore[assignment]
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
            value = self.value()
            if value is None:
                return []
            row = model._default_manager.filter(pk=value).first() if value.isdigit() else None
            return [(value, str(row or value))]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            value = self.value()
            if value is None:
                return queryset
            return queryset.filter(**{f"{field}_id": value}) if value.isdigit() else queryset.none()

    return Chosen


ChosenTenant = chosen(Tenant, "tenant", _("tenant"))


def note(
    request: HttpRequest,
    verb: str,
    *,
    tenant: Tenant,
    target: models.Model | None = None,
    outcome: Outcome = Outcome.DONE,
    detail: Mapping[str, object] | None = None,
) -> Event:
    """Write into the tenant's trail what staff did on its behalf, now."""
    return record_event(
        tenant=tenant,
        verb=verb,
        actor=request.user,  # type: ignore[arg-type]
        now=timezone.now(),
        target=target,
        outcome=outcome,
        on_behalf=True,
        detail=detail,
    )


def tenant_of(row: Any) -> Tenant | None:
    if row is None or isinstance(row, Tenant):
        return row
    return getattr(row, "tenant", None)


def page_address(row: models.Model) -> str:
    opts = row._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])


def button_address(row: models.Model, name: str) -> str:
    opts = row._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{name}", args=[row.pk])


def list_address(model: str, **filters: object) -> str:
    """`model` as "platforms_stream"; filters as the list takes them in its address."""
    query = urlencode({name: str(value) for name, value in filters.items()})
    return f"{reverse(f'admin:{model}_changelist')}?{query}"


def trail_address(row: Any) -> str:
    """The events about a row; "" where it has no tenant to have a trail."""
    tenant = tenant_of(row)
    if tenant is None:
        return ""
    if isinstance(row, Tenant):
        return list_address("tenants_event", tenant=tenant.pk)
    target = getattr(row, "public_id", row.pk)
    return list_address("tenants_event", tenant=tenant.pk, target_id__exact=target)


def page_link(row: models.Model | None, text: str = "") -> str | SafeString:
    """A link to a row's page, "-" where there is none."""
    if row is None:
        return "-"
    return format_html('<a href="{}">{}</a>', page_address(row), text or str(row))


def links(pairs: Sequence[tuple[str, Text]]) -> SafeString:
    """(address, text) pairs in one line."""
    return format_html_join(" · ", '<a href="{}">{}</a>', pairs)


def words(values: Sequence[object] | None) -> str | SafeString:
    """A list of words, each on a line; "-" where there is none."""
    if not values:
        return "-"
    return format_html_join("", "<code>{}</code><br>", ((str(value),) for value in values))


def table(heads: Sequence[Text], rows: Sequence[Sequence[object]]) -> str | SafeString:
    """A small table inside a page; "-" without rows."""
    if not rows:
        return "-"
    head = format_html_join("", "<th>{}</th>", ((each,) for each in heads))
    body = format_html_join(
        "",
        "<tr>{}</tr>",
        ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows),
    )
    return format_html(
        '<div class="support-table"><table><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>",
        head,
        body,
    )
