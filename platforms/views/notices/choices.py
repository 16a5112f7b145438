"""What a member wants to be sent by e-mail."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from platforms.models import NoticeChoice, Wanted
from platforms.views.notices.company import of_company
from tenants.access import WorkspaceRequest, get_stores, member_required, visible_stores
from tenants.models import Duty, Membership, Role, Store

SHOWN = 50
PREFIX = "store-"


class GeneralForm(forms.Form):
    wanted = forms.ChoiceField(
        label=gettext_lazy("Send me by e-mail"), choices=Wanted.choices, widget=forms.RadioSelect
    )


@of_company
@member_required
@require_http_methods(["GET", "POST"])
def notice_settings(request: WorkspaceRequest) -> HttpResponse:
    """One choice for all stores, and others for single stores. Two forms, one for each."""
    member = request.membership
    if request.method == "POST" and "wanted" not in request.POST:
        _save_for_stores(request, member)
        messages.success(request, _("Your choice is saved."))
        return redirect(request.get_full_path())
    general = NoticeChoice.objects.filter(membership=member, store=None).first()
    form = GeneralForm(
        request.POST or None, initial={"wanted": general.wanted if general else Wanted.ALL}
    )
    if request.method == "POST" and form.is_valid():
        _choose(member, None, form.cleaned_data["wanted"])
        messages.success(request, _("Your choice is saved."))
        return redirect("notice_settings")
    text = request.GET.get("q", "").strip()
    page = _page(request, text)
    return render(
        request,
        "platforms/notices/settings.html",
        {
            "form": form,
            "page": page,
            "rows": _rows(member, page.object_list),
            "q": text,
            "wanted": Wanted.choices,
            "is_owner": member.role == Role.OWNER,
            "previous": _address(text, page.previous_page_number()) if page.has_previous() else "",
            "next": _address(text, page.next_page_number()) if page.has_next() else "",
        },
    )


def _address(text: str, page: int) -> str:
    return f"?{urlencode({'q': text, 'page': page})}"


def _told_of(request: WorkspaceRequest) -> QuerySet[Store]:
    """The stores of which this member gets mail."""
    stores: QuerySet[Store] = visible_stores(request.workspace).linked()
    if request.membership.role == Role.OWNER:
        return stores
    return stores.filter(pk__in=request.workspace.store_ids(Duty.OPERATOR))


def _page(request: WorkspaceRequest, text: str) -> Page[Store]:
    stores = _told_of(request)
    if text:
        stores = stores.search(text)  # type: ignore[attr-defined]
    found = stores.order_by("platform", "display_name", "account_name", "site", "pk")
    return Paginator(found, SHOWN).get_page(request.GET.get("page"))


def _rows(member: Membership, stores: object) -> list[tuple[Store, str]]:
    rows: list[Store] = list(stores)  # type: ignore[call-overload]
    chosen: Mapping[int, str] = dict(
        NoticeChoice.objects.filter(membership=member, store__in=rows).values_list(
            "store", "wanted"
        )
    )
    return [(row, chosen.get(row.pk, "")) for row in rows]


@transaction.atomic
def _save_for_stores(request: WorkspaceRequest, member: Membership) -> None:
    """Raises Http404 for a store that this person may not know."""
    asked = {
        name.removeprefix(PREFIX): value
        for name, value in request.POST.items()
        if name.startswith(PREFIX) and value in ("", *Wanted.values)
    }
    for store in get_stores(request.workspace, list(asked)[:SHOWN]):
        _choose(member, store, asked[_key(store.public_id)])


def _key(public_id: UUID) -> str:
    return str(public_id)


def _choose(member: Membership, store: Store | None, wanted: str) -> None:
    """ "" goes back to the choice for all stores."""
    if not wanted:
        NoticeChoice.objects.filter(membership=member, store=store).delete()
        return
    NoticeChoice.objects.update_or_create(
        tenant_id=member.tenant_id, membership=member, store=store, defaults={"wanted": wanted}
    )
