"""What a stress test measured, as parts of its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from platforms.advice import fault_words
from platforms.data_checks.charts import Bar, Chart
from platforms.data_checks.sheet import Figure, Parts, Table, moment, whole
from platforms.data_checks.tally import STEPS_MS
from platforms.data_checks.words import milliseconds, percent, seconds


def of(report: Mapping[str, Any]) -> Parts:
    """Nothing where no call was made."""
    if "calls" not in report:
        return Parts()
    return Parts(
        figures=_figures(report),
        details=_details(report),
        charts=tuple(_charts(report)),
        tables=tuple(_tables(report)),
    )


def _figures(report: Mapping[str, Any]) -> tuple[Figure, ...]:
    latency = report.get("latency_ms") or {}
    return (
        Figure(
            label=_("Calls that succeeded"), value=percent(report.get("success")),
            note=ngettext("%(good)s of %(count)s call", "%(good)s of %(count)s calls",
                          report.get("calls", 0))
            % {"good": report.get("good", 0), "count": report.get("calls", 0)},
        ),
        Figure(label=_("Half of the calls within"), value=milliseconds(latency.get("p50"))),
        Figure(label=_("95 % of the calls within"), value=milliseconds(latency.get("p95"))),
        Figure(label=_("99 % of the calls within"), value=milliseconds(latency.get("p99"))),
        Figure(label=_("Slowed down by the platform"), value=whole(report.get("throttles", 0))),
        Figure(
            label=_("Orders an hour, estimated"), value=whole(report.get("orders_per_hour")),
            note=_bound(report),
        ),
    )  # fmt: skip


def _details(report: Mapping[str, Any]) -> tuple[Figure, ...]:
    latency = report.get("latency_ms") or {}
    token = report.get("token") or {}
    return (
        Figure(label=_("Slowest call"), value=milliseconds(latency.get("max"))),
        Figure(label=_("Length of the test"), value=seconds(report.get("seconds"))),
        Figure(label=_("Ended because"), value=_ended(str(report.get("ended", "")))),
        Figure(label=_("Calls at once, at most"), value=whole(report.get("most_at_once"))),
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
                "pages": whole(report.get("pages")), "orders": whole(report.get("orders")),
                "size": report.get("page_size"),
            },
        ),
        Figure(label=_("Unreadable records"), value=whole(report.get("unreadable", 0))),
        Figure(
            label=_("Access token"),
            value=_("renewed: %(refreshes)s, refused: %(refused)s")
            % {"refreshes": token.get("refreshes", 0), "refused": token.get("refused", 0)},
            note=_("valid until %(moment)s") % {"moment": moment(token.get("expires_at"))}
            if token.get("expires_at") else "",
        ),
    )  # fmt: skip


def _tables(report: Mapping[str, Any]) -> list[Table]:
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
    return tables


def _room(rooms: list[dict[str, Any]]) -> Table:
    return Table(
        title=_("Limits: what could be called at once"),
        headings=(_("Limit"), _("Most"), _("Before"), _("After"), _("Taken by the test")),
        rows=tuple(
            (
                _("Of the application") if room["per_app"] else _("Of the store"),
                whole(room["burst"]), whole(room["before"]), whole(room["after"]),
                whole(room["taken"]),
            )
            for room in rooms
        ),
        note=_("The test takes at most half, so that ordinary pulls go on."),
    )  # fmt: skip


def _charts(report: Mapping[str, Any]) -> list[Chart]:
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
