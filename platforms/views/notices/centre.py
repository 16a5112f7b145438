"""The notice centre and the bell that leads to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from platforms.access import get_notice
from platforms.models import Notice, Occasion
from platforms.notices import board as notice_board
from platforms.notices.about_orders import is_about_orders
from platforms.notices.recipients import stores_about
from platforms.notices.texts import NoticeText, text_of
from platforms.views.notices.company import of_company
from tenants.access import WorkspaceRequest, member_required
from tenants.middleware import Workspace
from tenants.models import Duty

SHOWN = 30


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A notice as the page shows it. `is_over`: what broke works again, see `over_words`."""

    notice: Notice
    text: NoticeText
    is_unread: bool
    is_over: bool

    @property
    def over_words(self) -> str:
        if is_about_orders(self.notice):
            return pgettext("a day's orders", "put right")
        return _("Works again")

    @property
    def is_hint(self) -> bool:
        """A title says it all: many stores linked at once must not bury what is urgent."""
        return self.notice.occasion == Occasion.CHECK_SUGGESTED


@of_company
@member_required
@require_safe
def notices(request: WorkspaceRequest) -> HttpResponse:
    """Newest first; unread ones only, or of one occasion only, if asked."""
    work, now = request.workspace, timezone.now()
    visible = notice_board.visible_notices(work)
    unread = notice_board.unread(visible, request.membership, now=now)
    occasion = request.GET.get("occasion", "")
    only_unread = request.GET.get("unread") == "1"
    found = unread if only_unread else visible
    if occasion in Occasion.values:
        found = found.filter(occasion=occasion)
    rows = list(_after(found, request.GET.get("after", ""))[: SHOWN + 1])
    shown = rows[:SHOWN]
    unread_ids = set(unread.filter(pk__in=[row.pk for row in shown]).values_list("pk", flat=True))
    return render(
        request,
        "platforms/notices/list.html",
        {
            "entries": _entries(shown, work, unread_ids, timezone.get_current_timezone()),
            "everything": bool(shown) or visible.exists(),
            "any_unread": unread.exists(),
            "occasions": Occasion.choices,
            "chosen": {"occasion": occasion, "unread": only_unread},
            "older": _address(request, after=str(shown[-1].public_id)) if len(rows) > SHOWN else "",
            "newest": _address(request) if request.GET.get("after") else "",
            "robots_in_trouble": notice_board.robots_in_trouble(work),
        },
    )


@member_required
@never_cache
@require_safe
def bell(request: WorkspaceRequest) -> HttpResponse:
    """The bell alone, for static/js/bell.js."""
    return render(request, "platforms/notices/_bell.html", bell_facts(request.workspace))


def bell_facts(work: Workspace) -> dict[str, object]:
    count = notice_board.unread_count(work, now=timezone.now())
    more = count > notice_board.COUNT_TO
    return {
        "count": count,
        "shown": f"{notice_board.COUNT_TO}+" if more else str(count),
        "trouble": bool(notice_board.robots_in_trouble(work)),
    }


@of_company
@member_required
@never_cache
@require_safe
def go(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Where a notice is acted on, as far as the reader may; it counts as read from then on."""
    notice = get_notice(request.workspace, public_id)
    notice_board.mark_read([notice], request.membership, now=timezone.now())
    text = _text(notice, request.workspace, timezone.get_current_timezone())
    return redirect(text.path)


@member_required
@require_POST
def read(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    notice = get_notice(request.workspace, public_id)
    notice_board.mark_read([notice], request.membership, now=timezone.now())
    return _back(request)


@member_required
@require_POST
def read_all(request: WorkspaceRequest) -> HttpResponse:
    now = timezone.now()
    visible = notice_board.visible_notices(request.workspace)
    unread = notice_board.unread(visible, request.membership, now=now)
    notice_board.mark_read(
        unread.only("pk")[: notice_board.MARK_AT_ONCE], request.membership, now=now
    )
    return _back(request)


def _back(request: WorkspaceRequest) -> HttpResponse:
    """To the page of the list from which the form came."""
    address = request.POST.get("next", "")
    if address and url_has_allowed_host_and_scheme(address, allowed_hosts=None):
        return redirect(address)
    return redirect("notices")


def _after(found: QuerySet[Notice], public_id: str) -> QuerySet[Notice]:
    """Older ones than the notice of this id, which stays valid when newer ones come."""
    found = (
        found.select_related("store", "authorization", "app")
        .prefetch_related("authorization__stores")
        .order_by("-created_at", "-pk")
    )
    try:
        last = Notice.objects.filter(public_id=UUID(public_id)).first()
    except ValueError:
        last = None
    if last is None:
        return found
    older = Q(created_at__lt=last.created_at)
    return found.filter(older | Q(created_at=last.created_at, pk__lt=last.pk))


def _entries(
    rows: Iterable[Notice], work: Workspace, unread_ids: set[int], zone: tzinfo
) -> list[Entry]:
    rows = list(rows)
    over = notice_board.healed(rows)
    return [
        Entry(
            notice=row, text=_text(row, work, zone), is_unread=row.pk in unread_ids,
            is_over=row.pk in over,
        )
        for row in rows
    ]  # fmt: skip


def _text(notice: Notice, work: Workspace, zone: tzinfo) -> NoticeText:
    known = None if work.can_manage else {pk for duty in Duty for pk in work.store_ids(duty)}
    stores = [row for row in stores_about(notice) if known is None or row.pk in known]
    return text_of(notice, stores=stores, zone=zone, can_manage=work.can_manage)


def _address(request: WorkspaceRequest, **changes: str) -> str:
    query = request.GET.copy()
    query.pop("after", None)
    for key, value in changes.items():
        query[key] = value
    return f"{request.path}?{query.urlencode()}"
