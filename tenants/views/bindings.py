"""People x stores: who operates which store, who answers its buyers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from tenants.access import WorkspaceRequest, get_member, get_stores, manager_required
from tenants.flows.bind_store import Grant, copy_duties, give_duties, take_duties
from tenants.forms import StoreFilterForm
from tenants.models import Binding, Duty, Membership, Store, StoreState
from tenants.models.store import StoreQuerySet
from tenants.views.paging import neighbours

STORES_A_PAGE = 50


@dataclass
class Row:
    """A store and who is bound to it; `held` are the duties of the one person looked at."""

    store: Store
    operators: list[Membership] = field(default_factory=list)
    customer_service: list[Membership] = field(default_factory=list)
    held: set[str] = field(default_factory=set)

    @property
    def nobody_sees(self) -> bool:
        return self.store.is_linked and not self.operators


@manager_required
@require_http_methods(["GET", "POST"])
def bindings(request: WorkspaceRequest) -> HttpResponse:
    """By store, or with `view=person` the stores of one `member`; POST changes what is ticked
    and comes back to the same place."""
    if request.method == "POST" and _change(request):
        return redirect(request.get_full_path())
    people = list(Membership.objects.current().select_related("user").order_by("user__email"))
    by_person = request.GET.get("view") == "person"
    member = _chosen(request, people)
    platforms = list(
        Store.objects.order_by("platform").values_list("platform", flat=True).distinct()
    )
    filters = StoreFilterForm(request.GET, platforms=[(code, code) for code in platforms])
    stores = _found(filters)
    if member and not by_person:
        stores = stores.bound_to(member.user, *Duty)
    page = Paginator(stores, STORES_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "people": people,
        "member": member,
        "by_person": by_person,
        "platforms": platforms,
        "filters": filters,
        "is_filtered": any(filters.data.get(name) for name in filters.fields) or bool(member),
        "rows": _rows(page, people, member if by_person else None),
        "page": page,
        "nobody_count": Store.objects.nobody_bound().count(),
        "duties": Duty,
        # What was ticked stays ticked when something else was missing.
        "ticked": set(request.POST.getlist("store")),
        "chosen_duties": set(request.POST.getlist("duty")),
        "chosen_member": request.POST.get("member", ""),
        **_paging(request, page),
    }
    return render(request, "tenants/bindings.html", context)


def _chosen(request: WorkspaceRequest, people: list[Membership]) -> Membership | None:
    wanted = request.GET.get("member")
    if not wanted:
        return None
    for each in people:
        if str(each.public_id) == wanted:
            return each
    raise Http404


def _found(filters: StoreFilterForm) -> StoreQuerySet:
    stores = Store.objects.order_by("platform", "account_name", "site", "pk")
    filters.is_valid()
    chosen = filters.cleaned_data
    if chosen.get("q"):
        stores = stores.search(chosen["q"].strip())
    if chosen.get("platform"):
        stores = stores.filter(platform=chosen["platform"])
    if chosen.get("nobody"):
        stores = stores.nobody_bound()
    if chosen.get("state"):
        return stores.filter(state=chosen["state"])
    return stores.exclude(state=StoreState.UNLINKED)


def _rows(page: Page[Store], people: list[Membership], person: Membership | None) -> list[Row]:
    rows = {store.pk: Row(store=store) for store in page}
    by_id = {each.pk: each for each in people}
    held = Binding.objects.current().filter(store_id__in=rows)
    for store_id, member_id, duty in held.values_list("store_id", "membership_id", "duty"):
        member, row = by_id.get(member_id), rows[store_id]
        if member is None:
            continue
        (row.operators if duty == Duty.OPERATOR else row.customer_service).append(member)
        if person and member_id == person.pk:
            row.held.add(duty)
    return list(rows.values())


def _paging(request: WorkspaceRequest, page: Page[Store]) -> dict[str, str]:
    rest = {k: v for k, v in request.GET.items() if k not in ("view", "page", "member")}
    total = page.paginator.count
    summary = _("Stores %(first)s–%(last)s of %(total)s") % {
        "first": page.start_index(),
        "last": page.end_index(),
        "total": total,
    }
    return {
        **neighbours(request, page),
        "summary": summary if total else "",
        "by_store_url": "?" + urlencode(rest),
        "by_person_url": "?" + urlencode({**rest, "view": "person"}),
    }


# --- changes


def _change(request: WorkspaceRequest) -> bool:
    """Whether something was done; else a message says what is missing."""
    do = request.POST.get("do", "")
    if do in ("give", "take"):
        return _bulk(request, give=do == "give")
    if do == "save":
        return _save_person(request)
    if do == "copy":
        return _copy(request)
    if do.startswith("take:"):
        _take_one(request, do)
        return True
    raise Http404


def _bulk(request: WorkspaceRequest, *, give: bool) -> bool:
    duties = [Duty(each) for each in request.POST.getlist("duty") if each in Duty.values]
    member_id = request.POST.get("member")
    if not member_id:
        messages.error(request, _("Choose the person first."))
        return False
    member = get_member(request.workspace, member_id)
    if request.POST.get("all_found"):
        platforms = Store.objects.values_list("platform", flat=True).distinct()
        filters = StoreFilterForm(request.GET, platforms=[(code, code) for code in platforms])
        found = _found(filters)
        if request.GET.get("member"):
            bound = get_member(request.workspace, request.GET["member"])
            found = found.bound_to(bound.user, *Duty)
        stores = list(found)
    else:
        stores = get_stores(request.workspace, request.POST.getlist("store"))
    if not stores:
        messages.error(request, _("Tick the stores first."))
        return False
    if not duties:
        messages.error(request, _("Tick at least one of the two duties."))
        return False
    grants = [Grant(membership=member, store=s, duty=d) for s in stores for d in duties]
    _apply(request, give=grants if give else [], take=[] if give else grants)
    return True


def _save_person(request: WorkspaceRequest) -> bool:
    """The difference to what the page showed, so that what others changed meanwhile stays."""
    member = get_member(request.workspace, request.POST.get("member", ""))
    ticked, held = set(request.POST.getlist("tick")), set(request.POST.getlist("held"))
    stores = {
        str(store.public_id): store
        for store in get_stores(
            request.workspace, {each.partition(":")[0] for each in ticked | held}
        )
    }
    _apply(
        request,
        give=_grants(member, stores, ticked - held),
        take=_grants(member, stores, held - ticked),
    )
    return True


def _copy(request: WorkspaceRequest) -> bool:
    member = get_member(request.workspace, request.POST.get("member", ""))
    if not request.POST.get("source"):
        messages.error(request, _("Choose whose access to copy."))
        return False
    source = get_member(request.workspace, request.POST["source"])
    given = copy_duties(
        tenant=request.tenant,
        actor=request.user,
        source=source,
        target=member,
        now=timezone.now(),
    )
    _say(request, given=given, taken=0)
    return True


def _take_one(request: WorkspaceRequest, do: str) -> None:
    _take, store_id, member_id, duty = [*do.split(":"), "", "", ""][:4]
    member = get_member(request.workspace, member_id)
    stores = {str(each.public_id): each for each in get_stores(request.workspace, [store_id])}
    _apply(request, give=[], take=_grants(member, stores, [f"{store_id}:{duty}"]))


def _grants(member: Membership, stores: dict[str, Store], cells: Iterable[str]) -> list[Grant]:
    grants = []
    for cell in sorted(cells):
        store_id, _colon, duty = cell.partition(":")
        if duty not in Duty.values or store_id not in stores:
            raise Http404
        grants.append(Grant(membership=member, store=stores[store_id], duty=Duty(duty)))
    return grants


def _apply(request: WorkspaceRequest, *, give: list[Grant], take: list[Grant]) -> None:
    now = timezone.now()
    given = give_duties(tenant=request.tenant, actor=request.user, grants=give, now=now)
    taken = take_duties(tenant=request.tenant, actor=request.user, grants=take, now=now)
    _say(request, given=given, taken=taken)


def _say(request: WorkspaceRequest, *, given: int, taken: int) -> None:
    if given:
        text = ngettext("%(count)s duty given.", "%(count)s duties given.", given)
        messages.success(request, text % {"count": given})
    if taken:
        text = ngettext("%(count)s duty taken.", "%(count)s duties taken.", taken)
        messages.success(request, text % {"count": taken})
    if not given and not taken:
        messages.info(request, _("Nothing to change: it was so already."))
