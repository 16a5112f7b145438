"""How long buyer data is kept, what was removed, and what goes next; for owners and admins."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from platforms import keeping, registry
from platforms.flows.manage_retention import TooManyDays, set_rule
from platforms.keeping.forecast import COUNT_CAP, due_soon, rules_of
from platforms.keeping.report import as_csv, by_day
from platforms.keeping.rules import InForce, demanded_days
from platforms.models import LegalHold, RetentionRule
from platforms.templatetags.storelink import platform_name
from platforms.views.headers import as_file
from platforms.views.retention.forms import RuleForm, too_many_days
from tenants.access import WorkspaceRequest, manager_required
from tenants.models import Store

SHOWN_FOR = timedelta(days=30)
SHOWN = 60  # lines of the report; the CSV file has a year
KEPT_FOR = timedelta(days=365)
RELEASED = 20


@dataclass(frozen=True, kw_only=True)
class PlatformRow:
    platform: str
    rule: InForce
    stores: int
    soon: int

    @property
    def soon_capped(self) -> bool:
        return self.soon >= COUNT_CAP


@require_safe
@manager_required
def retention(request: WorkspaceRequest) -> HttpResponse:
    now = timezone.now()
    holds = LegalHold.objects.select_related("store", "tenant", "placed_by", "released_by")
    lines = by_day(request.tenant, since=now - SHOWN_FOR)
    context = {
        "rows": _rows(request, now),
        "emptying": keeping.will_empty(request.tenant, now),
        "holds": holds.filter(released_at=None).order_by("-placed_at"),
        "released": holds.exclude(released_at=None).order_by("-released_at")[:RELEASED],
        "lines": lines[:SHOWN],
        "more_lines": len(lines) > SHOWN,
        "cap": COUNT_CAP,
    }
    return render(request, "platforms/retention/page.html", context)


def _rows(request: WorkspaceRequest, now: datetime) -> list[PlatformRow]:
    stores = Counter(Store.objects.values_list("platform", flat=True))
    return [
        PlatformRow(
            platform=platform, rule=rule, stores=stores[platform],
            soon=due_soon(platform, rule, now),
        )
        for platform, rule in rules_of(request.tenant).items()
    ]  # fmt: skip


@manager_required
@require_http_methods(["GET", "POST"])
def rule(request: WorkspaceRequest, platform: str) -> HttpResponse:
    """Choose for one of the platforms that the company has stores of."""
    if platform not in registry.codes() or not Store.objects.filter(platform=platform).exists():
        raise Http404
    name, most = platform_name(platform), demanded_days(platform)
    form = RuleForm(
        request.POST or None,
        instance=RetentionRule.objects.filter(platform=platform).first(),
        most=most,
        name=name,
        raw_days=request.tenant.retention_days,
    )
    if request.method == "POST" and form.is_valid():
        try:
            set_rule(
                tenant=request.tenant, platform=platform, actor=request.user,
                now=timezone.now(), **form.cleaned_data,
            )  # fmt: skip
        except TooManyDays as exc:
            form.add_error("buyer_days", too_many_days(exc.most, name))
        else:
            messages.success(request, _("The rule for %(platform)s is saved.") % {"platform": name})
            return redirect("retention")
    context = {"form": form, "platform": platform, "name": name}
    return render(request, "platforms/retention/rule.html", context)


@require_safe
@manager_required
def report(request: WorkspaceRequest) -> HttpResponse:
    """What was removed within a year, as CSV."""
    now = timezone.now()
    text = as_csv(by_day(request.tenant, since=now - KEPT_FOR))
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    day = timezone.localtime(now).strftime("%Y-%m-%d")
    name = _("removed-buyer-data-%(day)s.csv") % {"day": day}
    return as_file(response, name)
