"""The order finder: a number in, one reason and one button out."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from platforms.advice import advice_for
from platforms.errors import PlatformError
from platforms.flows.find_order import BadNumber, find_order
from platforms.flows.fix_order import Fixed, NotAllowed, NotNow, fix_order
from platforms.flows.pull_one_order import TooOften
from platforms.order_finder.own_rows import readable_stores
from platforms.order_finder.reasons import DONE_BY_US, Finding, Fix, Seeker
from platforms.order_finder.said import SAID
from platforms.order_finder.sentences import told
from platforms.views.headers import not_stored
from platforms.views.order_finder.forms import FinderForm, carried_filters, read_filters
from tenants.access import WorkspaceRequest, get_store_to_work_on, member_required
from tenants.middleware import Workspace
from tenants.models import Duty, Store


def seeker_of(work: Workspace) -> Seeker:
    assert work.membership is not None
    return Seeker(
        user=work.membership.user,
        operated=frozenset(work.store_ids(Duty.OPERATOR)),
        manages=work.can_manage,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
@not_stored
def find(request: WorkspaceRequest) -> HttpResponse:
    """The form, filled in from the address where something came along; POST searches."""
    seeker = seeker_of(request.workspace)
    if not seeker.operated and not seeker.manages:
        return render(
            request, "platforms/orders/none.html", {"any_store": Store.objects.linked().exists()}
        )
    stores = readable_stores(seeker)
    given = request.POST if request.method == "POST" else request.GET
    carried = carried_filters(given)
    searched = request.method == "POST"
    form = FinderForm(given if searched else None, stores=stores)
    context: dict[str, object] = {
        "form": form,
        "stores": stores,
        "number": given.get("number", "").replace("\0", "")[:200].strip(),
        "chosen_store": given.get("store", "")[:100],
        "carried": carried,
    }
    if searched and form.is_valid():
        try:
            found = find_order(
                tenant=request.tenant,
                seeker=seeker,
                number=form.cleaned_data["number"],
                store=form.cleaned_data["store"],
                filters=read_filters(carried, stores),
                now=timezone.now(),
            )
        except BadNumber:
            form.add_error("number", _("Paste an order number."))
        else:
            context |= _answer(request, found, seeker)
    status = 400 if form.errors else 200
    return render(request, "platforms/order_finder/page.html", context, status=status)


def _answer(request: WorkspaceRequest, found: Finding, seeker: Seeker) -> dict[str, object]:
    return {
        "found": found,
        "told": told(found, seeker=seeker, company=request.tenant.name),
        "done_by_us": found.fix in DONE_BY_US and found.store is not None,
    }


@require_POST
@member_required
def fix(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Press the one button. For managers and for the store's operators, each what they may."""
    store = get_store_to_work_on(request.workspace, public_id)
    seeker = seeker_of(request.workspace)
    form = FinderForm(request.POST, stores=[store])
    wanted = request.POST.get("fix", "")
    if not form.is_valid() or wanted not in DONE_BY_US:
        messages.error(request, _("Nothing was done. Search for the order once more."))
        return redirect("find_order")
    number = form.cleaned_data["number"]
    try:
        done = fix_order(
            fix=Fix(wanted), store=store, number=number, seeker=seeker, now=timezone.now()
        )
    except NotAllowed:
        messages.error(request, _("Only owners and admins may do this."))
    except NotNow:
        messages.error(
            request,
            _("%(store)s is not active any more. Search for the order once more.")
            % {"store": store},
        )
    except TooOften:
        messages.error(
            request, _("You have asked the platform in vain very often. Go on in an hour.")
        )
    except PlatformError as exc:
        messages.error(request, str(advice_for(exc.fault, platform=store.platform)))
    else:
        return _after(request, done, store, number, seeker)
    return _back(number, store)


def _after(
    request: WorkspaceRequest, done: Fixed, store: Store, number: str, seeker: Seeker
) -> HttpResponse:
    """To the order, if they read its store's orders; else back, told what was done."""
    level, sentence = SAID[done.result]
    messages.add_message(request, level, str(sentence) % {"number": number, "store": store.name})
    if done.order is None:
        return _back(number, store)
    if done.order.store_id in seeker.operated:
        return redirect("order", done.order.public_id)
    messages.info(request, _("Only operators of the store can open it."))
    return _back(number, store)


def _back(number: str, store: Store) -> HttpResponse:
    query = urlencode({"number": number, "store": store.public_id})
    return redirect(f"{reverse('find_order')}?{query}")
