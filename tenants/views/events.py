"""The audit trail."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tenants.access import WorkspaceRequest, manager_required
from tenants.forms import EventFilterForm
from tenants.models import Event, Membership
from tenants.verbs import sentence

EVENTS_A_PAGE = 50


@manager_required
@require_safe
def events(request: WorkspaceRequest) -> HttpResponse:
    """Newest first; `before` is the sequence number that the last page ended at."""
    everybody = Membership.objects.order_by("user__email").values_list("user__email", flat=True)
    filters = EventFilterForm(request.GET, people=[*everybody.distinct(), "system"])
    found = _found(filters)
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        found = found.filter(sequence__lt=int(before))
    page = list(found[: EVENTS_A_PAGE + 1])
    more, page = len(page) > EVENTS_A_PAGE, page[:EVENTS_A_PAGE]
    query = request.GET.copy()
    query.pop("before", None)
    first_url = "?" + query.urlencode()
    query["before"] = str(page[-1].sequence) if page else ""
    context = {
        "events": [(event, sentence(event)) for event in page],
        "filters": filters,
        "is_filtered": any(request.GET.get(name) for name in filters.fields),
        "first_url": first_url if before else "",
        "next_url": "?" + query.urlencode() if more else "",
    }
    return render(request, "tenants/events.html", context)


def _found(filters: EventFilterForm) -> QuerySet[Event]:
    filters.is_valid()
    chosen = filters.cleaned_data
    found = Event.objects.order_by("-sequence")
    if chosen.get("person"):
        found = found.filter(actor_name=chosen["person"])
    if chosen.get("about"):
        found = found.filter(verb__startswith=chosen["about"] + ".")
    if chosen.get("outcome"):
        found = found.filter(outcome=chosen["outcome"])
    if chosen.get("since"):
        found = found.filter(at__gte=_midnight(chosen["since"]))
    if chosen.get("until"):
        found = found.filter(at__lt=_midnight(chosen["until"] + timedelta(days=1)))
    return found


def _midnight(day: date) -> datetime:
    """When the day begins where the reader is."""
    return timezone.make_aware(datetime.combine(day, time.min))
