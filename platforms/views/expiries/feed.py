"""The expiry calendar as a file that calendar programs subscribe to (RFC 5545)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from icalendar import Alarm, Calendar, Event

from platforms.expiries import Expiry
from platforms.expiry_words import title, to_do
from platforms.flows.calendar_feed import find_feed
from platforms.models import CalendarFeed
from platforms.views.expiries.pages import AHEAD, all_expiries
from tenants.access import public
from tenants.middleware import Workspace
from tenants.scope import tenant_scope

REMIND = timedelta(days=7)
REFRESH = timedelta(hours=6)


@public
@require_safe
def calendar_file(request: HttpRequest, token: str) -> HttpResponse:
    """Whoever has the address may read; it names stores and days, no secrets and no buyers."""
    now = timezone.now()
    feed = find_feed(token=token, now=now)
    if feed is None:
        raise Http404
    member = feed.membership
    with tenant_scope(member.tenant), translation.override(member.user.language):
        work = Workspace(tenant=member.tenant, membership=member)
        body = _calendar(feed, all_expiries(work, now=now, until=now + AHEAD), now)
    answer = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'inline; filename="storelink.ics"'
    answer["Cache-Control"] = "private, max-age=3600"
    return answer


def _calendar(feed: CalendarFeed, found: list[Expiry], now: datetime) -> bytes:
    tenant = feed.membership.tenant
    file = Calendar()
    file.add("prodid", "-//Storelink//Expiry calendar//EN")
    file.add("version", "2.0")
    file.add("method", "PUBLISH")
    file.add("x-wr-calname", _("Storelink: what ends when, %(company)s") % {"company": tenant.name})
    file.add("x-published-ttl", "PT6H")
    file.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for each in found:
        file.add_component(_event(each, now, tenant.zone))
    return bytes(file.to_ical())


def _event(expiry: Expiry, now: datetime, zone: object) -> Event:
    event = Event()
    event.add("uid", _uid(expiry))
    event.add("dtstamp", now)
    day = timezone.localtime(expiry.at, zone).date()  # type: ignore[arg-type]
    event.add("dtstart", day)
    event.add("dtend", day + timedelta(days=1))
    event.add("summary", title(expiry))
    event.add("description", to_do(expiry))
    event.add("transp", "TRANSPARENT")
    if expiry.stores:
        path = reverse("store", args=[expiry.stores[0].public_id])
        event.add("url", f"{settings.BASE_URL}{path}")
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title(expiry))
    alarm.add("trigger", -REMIND)
    event.add_component(alarm)
    return event


def _uid(expiry: Expiry) -> str:
    """The same for the same thing, so that a date that moves on moves the entry."""
    row = expiry.authorization or expiry.app
    return f"{expiry.what}-{row.public_id if row else expiry.name}@storelink"
