"""What ends when, as a list and by months."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from platforms import registry
from platforms.expiries import DAYS, Expiry, expiries
from platforms.flows.calendar_feed import end_feed, make_feed
from platforms.models import App, CalendarFeed
from platforms.views.headers import not_stored
from tenants.access import WorkspaceRequest, manager_required, member_required, visible_stores
from tenants.flows.record_event import record_event
from tenants.middleware import Workspace

AHEAD = timedelta(days=550)  # longer than the longest permission any platform gives
ON_A_PAGE = 100
IN_A_DAY = 3
FEED = "calendar_feed"  # session key of an address that is shown once


@dataclass(frozen=True, kw_only=True)
class Day:
    """A square of the month. `more` is how many do not fit in."""

    day: date
    in_month: bool
    is_today: bool
    ends: tuple[Expiry, ...]
    more: int


class SecretForm(forms.Form):
    until = forms.DateField(
        label=gettext_lazy("The secret works until"),
        required=False,
        validators=DAYS,
        widget=forms.DateInput(attrs={"type": "date"}),
    )


@require_safe
@member_required
@not_stored
def expiry_calendar(request: WorkspaceRequest) -> HttpResponse:
    """The nearest first, or one month; only of one platform if asked."""
    work, now = request.workspace, timezone.now()
    zone = request.tenant.zone
    platform = request.GET.get("platform", "")
    if platform not in registry.codes():
        platform = ""
    month = _month(request.GET.get("month", ""), now.astimezone(zone).date())
    by_month = request.GET.get("view") == "month"
    since = _start(month, zone) - timedelta(days=7) if by_month else now
    found = all_expiries(
        work, now=now, since=since, until=since + timedelta(days=50) if by_month else now + AHEAD
    )
    found = [each for each in found if not platform or each.platform in (platform, "")]
    feed = CalendarFeed.objects.filter(membership=work.membership).first()
    context: dict[str, object] = {
        "platforms": registry.all_adapters(),
        "chosen": {"platform": platform, "view": "month" if by_month else "list"},
        "feed": feed,
        "feed_address": request.session.pop(FEED, ""),
        "own_apps": _own_apps(work),
    }
    if by_month:
        context |= {
            "month": month,
            "weeks": _weeks(month, found, zone, today=now.astimezone(zone).date()),
            "weekdays": next(iter(calendar.Calendar().monthdatescalendar(month.year, month.month))),
            "earlier": (month - timedelta(days=1)).strftime("%Y-%m"),
            "later": (month + timedelta(days=32)).strftime("%Y-%m"),
            "anything": bool(found),
        }
    else:
        page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
        context |= {"page": page, "anything": bool(found)}
    return render(request, "platforms/expiries/page.html", context)


def all_expiries(
    work: Workspace, *, now: datetime, until: datetime, since: datetime | None = None
) -> list[Expiry]:
    """Of the stores this person may know of; managers also see applications and our own."""
    stores = visible_stores(work).linked().select_related("authorization__app")
    return expiries(
        stores=stores, apps=_own_apps(work), now=now, since=since, until=until,
        with_certificate=work.can_manage,
    )  # fmt: skip


def _own_apps(work: Workspace) -> list[App]:
    if not work.can_manage:
        return []
    return list(App.objects.filter(Q(tenant=work.tenant), active=True).order_by("platform", "name"))


def _month(text: str, today: date) -> date:
    try:
        wanted = datetime.strptime(text, "%Y-%m").date()
    except ValueError:
        wanted = today
    # Nothing ends ten years from now, and dates have an end of their own.
    nearest = min(max(wanted.year, today.year - 1), today.year + 10)
    return wanted.replace(year=nearest, day=1)


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _weeks(month: date, found: Iterable[Expiry], zone: ZoneInfo, *, today: date) -> list[list[Day]]:
    by_day: dict[date, list[Expiry]] = defaultdict(list)
    for each in found:
        by_day[each.at.astimezone(zone).date()].append(each)
    return [
        [
            Day(
                day=day, in_month=day.month == month.month, is_today=day == today,
                ends=tuple(by_day[day][:IN_A_DAY]), more=max(0, len(by_day[day]) - IN_A_DAY),
            )
            for day in week
        ]
        for week in calendar.Calendar().monthdatescalendar(month.year, month.month)
    ]  # fmt: skip


@require_POST
@member_required
def make_calendar_feed(request: WorkspaceRequest) -> HttpResponse:
    """A private address to subscribe to; shown once."""
    token = make_feed(membership=request.membership, now=timezone.now())
    path = reverse("calendar_file", args=[token])
    request.session[FEED] = request.build_absolute_uri(path)
    return redirect(reverse("expiries") + "#feed")


@require_POST
@member_required
def end_calendar_feed(request: WorkspaceRequest) -> HttpResponse:
    end_feed(membership=request.membership)
    messages.success(request, _("The calendar address does not work any more."))
    return redirect("expiries")


@require_POST
@manager_required
def secret_until(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Write down until when the secret of the company's own application works."""
    app = App.objects.filter(public_id=public_id, tenant=request.tenant, active=True).first()
    if app is None:
        raise Http404
    form = SecretForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Write the day like 2027-01-31, or leave it empty."))
        return redirect("expiries")
    day = form.cleaned_data["until"]
    app.secret_expires_at = _start(day, request.tenant.zone) if day else None
    app.save(update_fields=["secret_expires_at"])
    record_event(
        tenant=request.tenant, verb="app.secret_dated", actor=request.user, now=timezone.now(),
        detail={"app": app.name, "until": day.isoformat() if day else ""},
    )  # fmt: skip
    messages.success(request, _("The day is saved; you are reminded before it."))
    return redirect("expiries")
