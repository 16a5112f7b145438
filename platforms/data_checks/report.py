"""The report of a data check: one sheet, which page, PDF and CSV all show.

Order numbers are on it only for readers who operate the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from platforms.advice import fault_words
from platforms.data_checks.charts import Bar, Chart
from platforms.data_checks.tally import STEPS_MS
from platforms.data_checks.words import Verdict, milliseconds, percent, seconds, verdict_of
from platforms.models import DataCheck
from platforms.templatetags.storelink import platform_name, site_name


@dataclass(frozen=True, kw_only=True)
class Figure:
    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The first column is a text; the others are figures, or texts where not `is_numeric`."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]
    note: str = ""
    is_numeric: bool = True


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Everything in the reader's language and time zone."""

    title: str
    company: str
    store: str
    platform: str
    made: str  # when, with the zone
    about: tuple[Figure, ...]  # what was asked
    verdict: Verdict
    figures: tuple[Figure, ...]  # the few that matter
    details: tuple[Figure, ...]
    charts: tuple[Chart, ...]
    tables: tuple[Table, ...]
    note: str = ""


def sheet_of(check: DataCheck, *, with_numbers: bool) -> Sheet:
    """The report of a finished check; `store` with its tenant must be selected."""
    report: Mapping[str, Any] = check.report or {}
    verdict = verdict_of(check)
    assert verdict is not None, "the check is not over"
    store = check.store
    stress = check.kind == DataCheck.Kind.STRESS
    build = _stress if stress else _counts
    figures, details, charts, tables = build(report)
    if not stress and with_numbers and "numbers" in report:
        tables += _number_tables(report["numbers"])
    hidden = not stress and not with_numbers and any((report.get("numbers") or {}).values())
    return Sheet(
        title=str(check.get_kind_display()),
        company=store.tenant.name,
        store=store.name,
        platform=" ".join(filter(None, (platform_name(store.platform), site_name(store)))),
        made=moment(check.finished_at),
        about=tuple(_asked(check, report)),
        verdict=verdict,
        figures=tuple(figures),
        details=tuple(details),
        charts=tuple(charts),
        tables=tuple(tables),
        note=_("The numbers of the orders are shown to operators of the store.") if hidden else "",
    )


def moment(at: datetime | str | None, zone: ZoneInfo | None = None, *, bare: bool = False) -> str:
    """A date and time with the name of its zone, the reader's by default; "–" for none. `bare`
    leaves the name out."""
    if not at:
        return "–"
    parsed = datetime.fromisoformat(at) if isinstance(at, str) else at
    local = timezone.localtime(parsed, zone) if zone else timezone.localtime(parsed)
    words = date_format(local, "DATETIME_FORMAT")
    return words if bare else f"{words} ({local.tzinfo})"


def file_name(check: DataCheck, ending: str) -> str:
    """Plain ASCII, for a download."""
    day = timezone.localtime(check.finished_at).strftime("%Y-%m-%d")
    return f"{check.kind}-{check.store.account_name}-{day}.{ending}"


def _asked(check: DataCheck, report: Mapping[str, Any]) -> list[Figure]:
    asked = check.asked
    # Days of a count are the store's own.
    zone = check.store.zone if check.kind == DataCheck.Kind.COUNTS else None
    window = report.get("window") or [asked.get("since"), asked.get("until")]
    lines = [
        Figure(
            label=_("Orders changed"),
            value=_("from %(since)s to %(until)s")
            % {"since": moment(window[0], zone, bare=True), "until": moment(window[1], zone)},
        )
    ]
    if check.kind == DataCheck.Kind.STRESS:
        lines.append(
            Figure(
                label=_("Asked for"),
                value=_("%(threads)s at once, %(seconds)s seconds, at most %(calls)s calls")
                % {
                    "threads": asked["concurrency"],
                    "seconds": asked["seconds"],
                    "calls": asked["calls"],
                },
            )
        )
        if not window[0]:
            lines.pop(0)
    return lines


Parts = tuple[list[Figure], list[Figure], list[Chart], list[Table]]


def _stress(report: Mapping[str, Any]) -> Parts:
    if "calls" not in report:
        return [], [], [], []
    latency = report.get("latency_ms") or {}
    token = report.get("token") or {}
    figures = [
        Figure(
            label=_("Calls that succeeded"), value=percent(report.get("success")),
            note=ngettext("%(good)s of %(count)s call", "%(good)s of %(count)s calls",
                          report.get("calls", 0))
            % {"good": report.get("good", 0), "count": report.get("calls", 0)},
        ),
        Figure(label=_("Half of the calls within"), value=milliseconds(latency.get("p50"))),
        Figure(label=_("95 % of the calls within"), value=milliseconds(latency.get("p95"))),
        Figure(label=_("99 % of the calls within"), value=milliseconds(latency.get("p99"))),
        Figure(label=_("Slowed down by the platform"), value=_whole(report.get("throttles", 0))),
        Figure(
            label=_("Orders an hour, estimated"), value=_whole(report.get("orders_per_hour")),
            note=_bound(report),
        ),
    ]  # fmt: skip
    details = [
        Figure(label=_("Slowest call"), value=milliseconds(latency.get("max"))),
        Figure(label=_("Length of the test"), value=seconds(report.get("seconds"))),
        Figure(label=_("Ended because"), value=_ended(str(report.get("ended", "")))),
        Figure(label=_("Calls at once, at most"), value=_whole(report.get("most_at_once"))),
        Figure(
            label=_("Waited for our own limit"),
            value=ngettext("%(count)s time, %(time)s in all", "%(count)s times, %(time)s in all",
                           report.get("our_waits", 0))
            % {"count": report.get("our_waits", 0), "time": seconds(report.get("our_wait_s"))},
        ),
        Figure(
            label=_("Pages read"),
            value=_("%(pages)s, with %(orders)s orders; %(size)s on average")
            % {
                "pages": _whole(report.get("pages")), "orders": _whole(report.get("orders")),
                "size": report.get("page_size"),
            },
        ),
        Figure(label=_("Unreadable records"), value=_whole(report.get("unreadable", 0))),
        Figure(
            label=_("Access token"),
            value=_("renewed: %(refreshes)s, refused: %(refused)s")
            % {"refreshes": token.get("refreshes", 0), "refused": token.get("refused", 0)},
            note=_("valid until %(moment)s") % {"moment": moment(token.get("expires_at"))}
            if token.get("expires_at") else "",
        ),
    ]  # fmt: skip
    tables = []
    if report.get("faults"):
        rows = sorted(report["faults"].items(), key=lambda each: -each[1])
        tables.append(
            Table(
                title=_("Why calls failed"), headings=(_("Reason"), _("Calls")),
                rows=tuple((fault_words(fault), count) for fault, count in rows),
            )
        )  # fmt: skip
    if report.get("room"):
        tables.append(_room(report["room"]))
    return figures, details, _stress_charts(report), tables


def _room(rooms: list[dict[str, Any]]) -> Table:
    return Table(
        title=_("Limits: what could be called at once"),
        headings=(_("Limit"), _("Most"), _("Before"), _("After"), _("Taken by the test")),
        rows=tuple(
            (
                _("Of the application") if room["per_app"] else _("Of the store"),
                _whole(room["burst"]), _whole(room["before"]), _whole(room["after"]),
                _whole(room["taken"]),
            )
            for room in rooms
        ),
        note=_("The test takes at most half, so that ordinary pulls go on."),
    )  # fmt: skip


def _stress_charts(report: Mapping[str, Any]) -> list[Chart]:
    charts = []
    bars = report.get("histogram") or []
    if any(bars):
        names = [_("up to %(time)s") % {"time": milliseconds(step)} for step in STEPS_MS]
        names.append(_("slower"))
        charts.append(
            Chart(
                title=_("How long calls took, up to … milliseconds"),
                legend=(("info", _("Calls")),),
                bars=tuple(
                    Bar(label=_short_step(i), parts=(("info", count),))
                    for i, count in enumerate(bars)
                ),
                about="; ".join(f"{n}: {c}" for n, c in zip(names, bars, strict=False) if c),
            )
        )  # fmt: skip
    timeline = report.get("timeline") or []
    if report.get("calls"):
        charts.append(
            Chart(
                title=_("Calls in the course of the test, by second"),
                legend=(
                    ("good", _("Succeeded")), ("bad", _("Failed")), ("warn", _("Slowed down")),
                ),
                bars=tuple(
                    Bar(label=f"{at:g}", parts=(("good", good), ("bad", bad), ("warn", slowed)))
                    for at, good, bad, slowed in timeline
                ),
            )
        )  # fmt: skip
    return charts


def _short_step(index: int) -> str:
    return str(STEPS_MS[index]) if index < len(STEPS_MS) else f"> {STEPS_MS[-1]}"


def _bound(report: Mapping[str, Any]) -> str:
    if report.get("bound") == "limit":
        return _("bounded by the platform's limit")
    return _("at the pace of this test") if report.get("bound") else ""


def _ended(why: str) -> str:
    words = {
        "time": _("its time was over"),
        "calls": _("it had made the calls that were asked for"),
        "room": _("its half of the limit was used up"),
        "throttled": _("the platform slowed us down again and again"),
        "failing": _("too many calls failed one after the other"),
        "refused": _("the platform refused our permission"),
        "stopped": _("somebody stopped it"),
        "died": _("it was interrupted on our side"),
    }
    return words.get(why, "–")


def _counts(report: Mapping[str, Any]) -> Parts:
    if "before" not in report:
        return _counted_so_far(report.get("so_far") or {}), [], [], []
    before, after = report["before"], report["after"]

    def now(name: str) -> str:
        if before[name] == after[name]:
            return ""
        return _("%(count)s after pulling") % {"count": _whole(after[name])}

    figures = [
        Figure(label=_("Orders at the platform"), value=_whole(report["platform"])),
        Figure(label=_("Orders here"), value=_whole(report["ours"])),
        Figure(label=_("Missing here"), value=_whole(before["missing"]), note=now("missing")),
        Figure(label=_("Out of date here"), value=_whole(before["different"]),
               note=now("different")),
        Figure(
            label=_("Only here"), value=_whole(before["extra"]),
            note=_("%(count)s of them deleted at the platform") % {"count": report["deleted"]}
            if report["deleted"] else "",
        ),
        Figure(
            label=_("Unreadable records"), value=_whole(report["unreadable"]),
            note=_("%(count)s of them kept in quarantine") % {"count": report["unreadable_known"]}
            if report["unreadable"] else "",
        ),
    ]  # fmt: skip
    details = [
        Figure(label=_("Changed while counting"), value=_whole(report["moved"]),
               note=_("held against nobody") if report["moved"] else ""),
        Figure(label=_("Pulling what was missing"), value=_healing(report["healing"])),
        Figure(label=_("Pages read"), value=_whole(report["pages"])),
        Figure(label=_("Calls"), value=_whole(report["calls"])),
        Figure(label=_("Time it took"), value=seconds(report["seconds"])),
    ]  # fmt: skip
    tables = []
    if report["days"]:
        tables.append(
            Table(
                title=_("Day by day, in the store's time zone %(zone)s") % {"zone": report["zone"]},
                headings=(_("Day"), _("At the platform"), _("Here"), _("Missing"),
                          _("Out of date"), _("Only here")),
                rows=tuple(tuple(row) for row in report["days"]),
                note=_("A day is that of the order's last change at the platform. Counts are those"
                       " before anything was pulled."),
            )
        )  # fmt: skip
    return figures, details, _day_charts(report["days"]), tables


def _counted_so_far(told: Mapping[str, Any]) -> list[Figure]:
    """Of a count that did not come to its end."""
    if "platform" not in told:
        return []
    return [
        Figure(label=_("Orders counted at the platform"), value=_whole(told["platform"])),
        Figure(label=_("Pages read"), value=_whole(told["pages"])),
        Figure(label=_("Missing here"), value=_whole(told["missing"])),
        Figure(label=_("Out of date here"), value=_whole(told["different"])),
    ]


def _day_charts(days: list[list[Any]]) -> list[Chart]:
    if not days:
        return []
    return [
        Chart(
            title=_("Orders by day"),
            legend=(
                ("info", _("Here and up to date")), ("bad", _("Missing")),
                ("warn", _("Out of date")), ("neutral", _("Only here")),
            ),
            bars=tuple(
                Bar(
                    label=day[5:],
                    parts=(
                        ("info", platform - missing - different), ("bad", missing),
                        ("warn", different), ("neutral", extra),
                    ),
                )
                for day, platform, _here, missing, different, extra in days
            ),
        )
    ]  # fmt: skip


def _healing(state: str) -> str:
    words = {
        "not_needed": _("not needed"),
        "done": _("done"),
        "unfinished": _("interrupted; it goes on by itself"),
    }
    return words.get(state, "–")


def _number_tables(numbers: Mapping[str, list[str]]) -> list[Table]:
    """One list of order numbers with what is the matter."""
    still = set(numbers.get("still", ()))

    def state(number: str) -> str:
        return _("still open") if number in still else _("put right")

    rows: list[tuple[str, str, str]] = []
    for name, words in (("missing", _("missing")), ("different", _("out of date"))):
        rows += [(number, words, state(number)) for number in numbers.get(name, ())]
    rows += [(number, _("only here"), _("kept")) for number in numbers.get("extra", ())]
    rows += [(number, _("unreadable"), _("kept whole")) for number in numbers.get("unreadable", ())]
    if not rows:
        return []
    return [
        Table(
            title=_("Order numbers"), headings=(_("Order number"), _("What"), _("Now")),
            rows=tuple(rows),
            note=_("At most 500 of each kind are listed."),
            is_numeric=False,
        )
    ]  # fmt: skip


def _whole(value: float | None) -> str:
    return "–" if value is None else number_format(int(value), use_l10n=True, force_grouping=True)
