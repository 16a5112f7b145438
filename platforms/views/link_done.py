"""After linking: the first pull as it goes, and who may see the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from platforms import registry
from platforms.access import get_attempt, posted
from platforms.advice import Advice, advice_for
from platforms.flows.confirm_link import stores_of
from platforms.models import Lane, LinkAttempt, Order, Step, Stream
from platforms.views.headers import not_stored
from platforms.views.link import steps
from tenants.access import ManagerRequest, manager_or_support_required
from tenants.flows.bind_store import Grant, give_duties, take_duties
from tenants.models import Binding, Duty, Membership, Store

MEMBERS_SHOWN = 30
USUAL_WAIT = timedelta(seconds=45)  # after this a person should be told they need not wait


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The first pull of an attempt's stores. `state`: waiting, running, failed or done."""

    state: str
    orders: int
    advice: Advice | None = None
    retry_at: datetime | None = None
    slow: bool = False

    @property
    def finished(self) -> bool:
        return self.state == "done"

    @property
    def poll_s(self) -> int:
        """Seconds until a page should ask again."""
        return 10 if self.state == "failed" or self.slow else 1


def first_pull(attempt: LinkAttempt, stores: list[Store], *, now: datetime) -> Progress:
    began = attempt.finished_at or now
    streams = [
        stream
        for stream in Stream.objects.filter(authorization=attempt.authorization)
        if stream.lane != Lane.BACK_FILL and stream.store_id in {None, *(s.pk for s in stores)}
    ]
    orders = Order.objects.filter(store__in=stores, landed_at__gte=began).count()
    waiting = [s for s in streams if s.last_success_at is None or s.last_success_at < began]
    if not waiting:
        return Progress(state="done", orders=orders)
    failed = next((stream for stream in waiting if stream.fault), None)
    if failed is not None:
        return Progress(
            state="failed",
            orders=orders,
            advice=advice_for(failed.fault, platform=attempt.platform),
            retry_at=failed.due_at,
        )
    under_way = any(s.leased_until or s.window_until or s.finished_at for s in waiting)
    return Progress(
        state="running" if under_way or orders else "waiting",
        orders=orders,
        slow=now - began > USUAL_WAIT,
    )


@dataclass(frozen=True, kw_only=True)
class MemberRow:
    """A person, and which duties they hold on all stores of the attempt."""

    membership: Membership
    held: frozenset[str]


@require_safe
@manager_or_support_required
@not_stored
def done(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    attempt = get_attempt(public_id)
    if attempt.step != Step.DONE:
        return redirect("link_attempt", public_id)
    stores = stores_of(attempt)
    adapter = registry.get(attempt.platform)
    count = len(steps(attempt))
    context = {
        "attempt": attempt,
        "adapter": adapter,
        "stores": stores,
        "steps": steps(attempt),
        "current": count + 1,
        **_progress_context(request, attempt, stores),
    }
    if request.membership is not None and not attempt.relinks_id:
        members, more = _members(request.membership, stores)
        context |= {"members": members, "more_members": more}
    return render(request, "platforms/link/done.html", context)


@require_safe
@manager_or_support_required
@not_stored
def progress(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    """The part of the page that htmx asks for again until the first pull is through."""
    attempt = get_attempt(public_id)
    context = _progress_context(request, attempt, stores_of(attempt))
    return render(request, "platforms/link/_progress.html", {"attempt": attempt, **context})


def _progress_context(
    request: ManagerRequest, attempt: LinkAttempt, stores: list[Store]
) -> dict[str, object]:
    mine = set(request.workspace.store_ids(Duty.OPERATOR)) if request.membership else set()
    return {
        "progress": first_pull(attempt, stores, now=timezone.now()),
        "may_read": any(store.pk in mine for store in stores),
        "first_store": stores[0] if stores else None,
        "several": len(stores) > 1,
    }


def _members(me: Membership, stores: list[Store]) -> tuple[list[MemberRow], int]:
    """People with what they hold on every one of `stores`, oneself first, and how many more
    there are than fit on the page."""
    current = Membership.objects.current().select_related("user").exclude(pk=me.pk)
    total = current.count()
    people = [me, *current.order_by("user__name", "user__email")[: MEMBERS_SHOWN - 1]]
    bound: dict[tuple[int, str], set[int]] = {}
    for member_id, duty, store_id in (
        Binding.objects.current()
        .filter(store__in=stores, membership__in=people)
        .values_list("membership_id", "duty", "store_id")
    ):
        bound.setdefault((member_id, duty), set()).add(store_id)
    everywhere = {store.pk for store in stores}
    rows = [
        MemberRow(
            membership=person,
            held=frozenset(d for d in Duty.values if bound.get((person.pk, d)) == everywhere),
        )
        for person in people
    ]
    return rows, max(0, total + 1 - len(people))


@manager_or_support_required
@posted
def access(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    """Give and take the duties on the new stores as ticked. Only what was shown as held and is
    no longer ticked is taken: somebody else may have given more in the meantime."""
    attempt = get_attempt(public_id)
    stores = stores_of(attempt)
    if request.membership is None or not stores:
        return redirect("link_attempt", public_id)
    now, ticked = timezone.now(), set(request.POST.getlist("duty"))
    shown = set(request.POST.getlist("held"))
    given = give_duties(
        tenant=request.tenant, actor=request.user, now=now, grants=_grants(ticked, stores)
    )
    taken = take_duties(
        tenant=request.tenant, actor=request.user, now=now, grants=_grants(shown - ticked, stores)
    )
    if given or taken:
        changed = given + taken
        text = ngettext("%(count)s access changed.", "%(count)s accesses changed.", changed)
        messages.success(request, text % {"count": changed})
    else:
        messages.info(request, _("Nothing was changed."))
    return redirect("link_done", public_id)


def _grants(chosen: set[str], stores: list[Store]) -> list[Grant]:
    """`chosen` holds "duty:membership public id"; whoever is not of this tenant is passed over."""
    wanted = [each.partition(":") for each in chosen]
    people = {
        str(member.public_id): member for member in Membership.objects.current().select_related()
    }
    return [
        Grant(membership=people[public_id], store=store, duty=Duty(duty))
        for duty, _colon, public_id in wanted
        if public_id in people and duty in Duty.values
        for store in stores
    ]
