"""The fleet: how all stores of all tenants are, by platform, application and fault.

Each number leads to the list of the rows that it counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from platforms.admin.conditions import (
    CHECKS,
    PUSHES,
    RECENT,
    REFRESHES,
    SENDINGS,
    STREAMS,
    Conditions,
)
from platforms.admin.fleet_counts import AppLine, Fleet, Opened, OwnApps, States, count
from platforms.advice import fault_words
from platforms.models import AuthorizationState, Lane, Moment, PushState, Step
from platforms.spec import Text
from platforms.templatetags.storelink import duration, platform_name
from tenants.admin import when
from tenants.models import StoreState
from tenants.support import list_address, page_address

# To see the counts one must be allowed to see what is counted.
RIGHTS = (
    "tenants.view_store", "tenants.view_tenant", "platforms.view_app",
    "platforms.view_authorization", "platforms.view_linkattempt", "platforms.view_stream",
    "platforms.view_delivery", "platforms.view_trouble", "platforms.view_outage",
    "platforms.view_timelineentry", "platforms.view_sending", "platforms.view_chatrobot",
    "platforms.view_datacheck",
)  # fmt: skip
LINKED = ",".join(
    state.value for state in (StoreState.ACTIVE, StoreState.NEEDS_RELINK, StoreState.PAUSED)
)
OPEN_STEPS = ",".join(step.value for step in Step if step not in (Step.DONE, Step.CANCELLED))


@dataclass(frozen=True, kw_only=True)
class Cell:
    """`number` is None for a text. `tone` colours what is not zero."""

    text: str = ""
    number: int | None = None
    url: str = ""
    tone: str = ""

    @property
    def tone_now(self) -> str:
        return self.tone if self.number != 0 else "zero"


@dataclass(frozen=True, kw_only=True)
class Board:
    """A table; the first cell of each row is its head, and the last row may be a sum."""

    name: str
    title: Text
    heads: Sequence[Text]
    rows: Sequence[Sequence[Cell]]
    note: Text = ""
    nothing: Text = ""  # said where there is no row
    sums_up: bool = False


def may_see(request: HttpRequest) -> bool:
    return all(request.user.has_perm(right) for right in RIGHTS)


@require_safe
def fleet(request: HttpRequest) -> HttpResponse:
    if not may_see(request):
        raise PermissionDenied
    found = count(now=timezone.now())
    context = admin.site.each_context(request) | {
        "title": _("Fleet"),
        "at": found.at,
        "boards": boards(found),
    }
    return TemplateResponse(request, "admin/support/fleet.html", context)


def boards(found: Fleet) -> list[Board]:
    return [
        _platforms(found),
        _faults(found),
        _outages(found),
        _streams(found),
        _refresh(found),
        _notices(found),
        _pushes(found),
        _checks(found),
        *_apps(found),
    ]


def _text(text: object, url: str = "") -> Cell:
    return Cell(text=str(text), url=url)


def _number(number: int, tone: str, model: str, **filters: object) -> Cell:
    return Cell(number=number, tone=tone, url=list_address(model, **filters))


def _platforms(found: Fleet) -> Board:
    rows = [_of_platform(code, states) for code, states in found.platforms.items()]
    return Board(
        name="platforms", title=gettext_lazy("By platform"),
        heads=(
            gettext_lazy("Platform"), gettext_lazy("Stores"), gettext_lazy("Working"),
            gettext_lazy("In trouble"), gettext_lazy("Needs relinking"), gettext_lazy("Paused"),
            gettext_lazy("Being linked"),
        ),
        rows=[*rows, _of_platform("", found.total)] if rows else [],
        nothing=gettext_lazy("No store is linked yet."), sums_up=True,
    )  # fmt: skip


def _of_platform(code: str, states: States) -> list[Cell]:
    here = {"platform": code} if code else {}

    def stores(number: int, tone: str, **filters: object) -> Cell:
        return _number(number, tone, "tenants_store", **here, **filters)

    active = {"state__exact": StoreState.ACTIVE.value}
    return [
        _text(platform_name(code) if code else _("All platforms")),
        stores(states.stores, "", state__in=LINKED),
        stores(states.working, "", **active, trouble="no"),
        stores(states.trouble, "bad", **active, trouble="yes"),
        stores(states.needs_relink, "bad", state__exact=StoreState.NEEDS_RELINK.value),
        stores(states.paused, "", state__exact=StoreState.PAUSED.value),
        _number(states.attempts, "", "platforms_linkattempt", **here, step__in=OPEN_STEPS),
    ]


def _faults(found: Fleet) -> Board:
    rows = []
    for line in found.faults:
        url = list_address("platforms_trouble", open="yes", fault=line.fault)
        rows.append(
            [
                Cell(text=fault_words(line.fault), url=url),
                _text(line.fault),
                Cell(number=line.stores, url=url, tone="bad"),
                Cell(number=line.tenants, url=url),
                _since(line.since),
            ]
        )
    return Board(
        name="faults", title=gettext_lazy("By fault"),
        heads=(
            gettext_lazy("Fault"), gettext_lazy("Code"), gettext_lazy("Stores"),
            gettext_lazy("Tenants"), gettext_lazy("Oldest since"),
        ),
        rows=rows, nothing=gettext_lazy("No store is in trouble."),
    )  # fmt: skip


def _outages(found: Fleet) -> Board:
    rows = []
    for row in found.outages:
        here = {"platform": row.platform, "fault": row.fault, "open": "yes"}
        url = list_address("platforms_trouble", **here)
        rows.append(
            [
                Cell(text=platform_name(row.platform), url=page_address(row)),
                _text(fault_words(row.fault)),
                _since(row.since),
                Cell(number=row.stores, url=url, tone="bad"),
                _number(row.of_stores, "", "tenants_store", platform=row.platform,
                        state__in=LINKED),
                Cell(number=row.tenants, url=url),
            ]
        )  # fmt: skip
    return Board(
        name="outages", title=gettext_lazy("Disturbed platforms"),
        heads=(
            gettext_lazy("Platform"), gettext_lazy("Fault"), gettext_lazy("Since"),
            gettext_lazy("Stores that fail"), gettext_lazy("Of all stores"),
            gettext_lazy("Tenants"),
        ),
        rows=rows, nothing=gettext_lazy("No platform is disturbed."),
        note=gettext_lazy("As the watch counted them in its last round."),
    )  # fmt: skip


def _since(at: datetime) -> Cell:
    return _text(f"{when(at)} ({duration(timezone.now() - at)})")


def _apps(found: Fleet) -> list[Board]:
    stores, failing, share = (
        gettext_lazy("Stores"), gettext_lazy("Failing"), gettext_lazy("Share that fails"),
    )  # fmt: skip
    secret = gettext_lazy("Secret works until")
    name, platform = gettext_lazy("Application"), gettext_lazy("Platform")
    return [
        Board(
            name="our_apps", title=gettext_lazy("Our applications"),
            heads=(name, platform, stores, failing, share, secret),
            rows=[_of_app(line, found.at) for line in found.our_apps],
            nothing=gettext_lazy("There is no application of ours."),
        ),
        Board(
            name="own_apps", title=gettext_lazy("Tenants' own applications"),
            heads=(
                platform, gettext_lazy("Applications"), stores, failing, share,
                gettext_lazy("Secret is over"), gettext_lazy("Secret ends within 30 days"),
            ),
            rows=[_of_own_apps(line) for line in found.own_apps],
            nothing=gettext_lazy("No tenant brought an application along."),
        ),
        Board(
            name="own_apps_to_see", title=gettext_lazy("Tenants' own applications to look at"),
            heads=(name, gettext_lazy("Tenant"), platform, stores, failing, share, secret),
            rows=[_of_app(line, found.at, tenant=True) for line in found.own_apps_to_see],
            nothing=gettext_lazy("None: no secret ends soon, and no store of theirs fails."),
            note=gettext_lazy("Those with most stores in trouble, and those that end first."),
        ),
    ]  # fmt: skip


def _of_app(line: AppLine, now: datetime, *, tenant: bool = False) -> list[Cell]:
    app = line.app
    of_app = {"authorization__app": app.pk, "state__in": LINKED}
    first = [Cell(text=app.name, url=page_address(app))]
    if tenant:
        assert app.tenant is not None
        first.append(Cell(text=str(app.tenant), url=page_address(app.tenant)))
    where = " · ".join(filter(None, (platform_name(app.platform), app.region)))
    if app.environment != "production":
        where = f"{where} ({app.environment})"
    return [
        *first,
        _text(where),
        _number(line.stores, "", "tenants_store", **of_app),
        _number(line.failing, "bad", "tenants_store", **of_app, trouble="yes"),
        _share(line),
        _secret_until(app.secret_expires_at, now),
    ]


def _share(line: Opened) -> Cell:
    return _text("–" if line.share is None else f"{line.share} %")


def _secret_until(at: datetime | None, now: datetime) -> Cell:
    if at is None:
        return _text("–")
    day = timezone.localtime(at).strftime("%Y-%m-%d")
    if at <= now:
        return Cell(text=_("%(day)s, is over") % {"day": day}, tone="bad")
    words = _("%(day)s, in %(length)s") % {"day": day, "length": duration(at - now)}
    return Cell(text=words, tone="warn" if (at - now).days < 30 else "")


def _of_own_apps(line: OwnApps) -> list[Cell]:
    here = {"platform": line.platform}
    stores = here | {"whose": "own", "state__in": LINKED}
    apps = here | {"tenant__isnull": "False"}
    return [
        _text(platform_name(line.platform)),
        _number(line.apps, "", "platforms_app", **apps),
        _number(line.stores, "", "tenants_store", **stores),
        _number(line.failing, "bad", "tenants_store", **stores, trouble="yes"),
        _share(line),
        _number(line.over, "bad", "platforms_app", **apps, ends="over"),
        _number(line.soon, "warn", "platforms_app", **apps, ends="soon"),
    ]


_TONES: Mapping[str, str] = {
    "late": "bad", "failing": "warn", "cut_off": "warn", "given_up": "bad", "refused": "bad",
    "orphaned": "bad", "failed": "bad", "ends": "warn",
}  # fmt: skip


def _facts(
    conditions: Conditions, counts: Mapping[str, int], model: str, name: str = "standing"
) -> Iterable[list[Cell]]:
    for code, each in conditions.items():
        number = _number(counts[code], _TONES.get(code, ""), model, **{name: code})
        yield [_text(each.label), number]


def _refresh(found: Fleet) -> Board:
    since = (found.at - RECENT).isoformat()
    refused = _number(
        found.refused, "warn", "platforms_timelineentry",
        moment__exact=Moment.NOT_REFRESHED.value, last_at__gte=since,
    )  # fmt: skip
    rows = _facts(REFRESHES, found.refresh, "platforms_authorization")
    return Board(
        name="refresh", title=gettext_lazy("Refresh engine"), heads=(),
        rows=[*rows, [_text(_("Could not be refreshed in the last hour")), refused]],
    )  # fmt: skip


def _streams(found: Fleet) -> Board:
    nothing = dict.fromkeys(STREAMS, 0)
    rows = []
    for lane in Lane:
        counts = found.streams.get(lane.value, nothing)
        cells = [
            _number(
                counts[code], _TONES.get(code, ""), "platforms_stream",
                lane__exact=lane.value, standing=code,
            )
            for code in STREAMS
        ]  # fmt: skip
        rows.append([_text(lane.label), *cells])
    return Board(
        name="streams", title=gettext_lazy("Pulls"),
        heads=(gettext_lazy("Lane"), *(each.label for each in STREAMS.values())), rows=rows,
    )  # fmt: skip


def _notices(found: Fleet) -> Board:
    return Board(
        name="notices", title=gettext_lazy("Notices on their way"), heads=(),
        rows=[
            *_facts(SENDINGS, found.sendings, "platforms_sending"),
            [
                _text(_("Chat robots that refused the last message")),
                _number(found.robots["refused"], "warn", "platforms_chatrobot", standing="refused"),
            ],
        ],
    )  # fmt: skip


def _checks(found: Fleet) -> Board:
    return Board(
        name="checks", title=gettext_lazy("Data checks"), heads=(),
        rows=list(_facts(CHECKS, found.checks, "platforms_datacheck")),
    )  # fmt: skip


def _pushes(found: Fleet) -> Board:
    words = {
        PushState.FAILED.value: _("Pushes that could not be set up yet"),
        PushState.REFUSED.value: _("Pushes that the platform refused to set up"),
    }
    setup = [
        [
            _text(words[state]),
            _number(number, "warn", "platforms_authorization", pushes__exact=state,
                    state__exact=AuthorizationState.ACTIVE.value),
        ]
        for state, number in found.push_setup.items()
    ]  # fmt: skip
    return Board(
        name="pushes", title=gettext_lazy("Pushes from platforms"), heads=(),
        rows=[*_facts(PUSHES, found.pushes, "platforms_delivery"), *setup],
    )  # fmt: skip


_stock_urls = admin.site.get_urls


def _with_fleet() -> list[URLPattern | URLResolver]:
    own = path("fleet/", admin.site.admin_view(fleet), name="fleet")
    return [own, *_stock_urls()]


admin.site.get_urls = _with_fleet  # type: ignore[method-assign]
