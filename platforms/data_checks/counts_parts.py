"""What a count reconciliation found, as parts of its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from platforms.data_checks.charts import Bar, Chart
from platforms.data_checks.sheet import Figure, Parts, Table, whole
from platforms.data_checks.words import seconds


def of(report: Mapping[str, Any]) -> Parts:
    """The comparison; of a count that did not come to its end what is known of it."""
    if "before" not in report:
        return Parts(figures=_counted_so_far(report.get("so_far") or {}))
    days = report["days"]
    return Parts(
        figures=_figures(report),
        details=_details(report),
        charts=(_day_chart(days),) if days else (),
        tables=(_day_table(days, report["zone"]),) if days else (),
    )


def number_tables(numbers: Mapping[str, list[str]]) -> tuple[Table, ...]:
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
        return ()
    return (
        Table(
            title=_("Order numbers"),
            headings=(
                _("Order number"), pgettext("differing order", "What"),
                pgettext("differing order", "Now"),
            ),
            rows=tuple(rows),
            note=_("At most 500 of each kind are listed."),
            is_numeric=False,
        ),
    )  # fmt: skip


def _figures(report: Mapping[str, Any]) -> tuple[Figure, ...]:
    before, after = report["before"], report["after"]

    def now(name: str) -> str:
        if before[name] == after[name]:
            return ""
        return _("%(count)s after pulling") % {"count": whole(after[name])}

    return (
        Figure(label=_("Orders at the platform"), value=whole(report["platform"])),
        Figure(label=_("Orders here"), value=whole(report["ours"])),
        Figure(label=_("Missing here"), value=whole(before["missing"]), note=now("missing")),
        Figure(label=_("Out of date here"), value=whole(before["different"]),
               note=now("different")),
        Figure(
            label=_("Only here"), value=whole(before["extra"]),
            note=_("%(count)s of them deleted at the platform") % {"count": report["deleted"]}
            if report["deleted"] else "",
        ),
        Figure(
            label=_("Unreadable records"), value=whole(report["unreadable"]),
            note=_("%(count)s of them kept in quarantine") % {"count": report["unreadable_known"]}
            if report["unreadable"] else "",
        ),
    )  # fmt: skip


def _details(report: Mapping[str, Any]) -> tuple[Figure, ...]:
    return (
        Figure(label=_("Changed while counting"), value=whole(report["moved"]),
               note=_("held against nobody") if report["moved"] else ""),
        Figure(label=_("Pulling what was missing"), value=_healing(report["healing"])),
        Figure(label=_("Pages read"), value=whole(report["pages"])),
        Figure(label=_("Calls"), value=whole(report["calls"])),
        Figure(label=_("Time it took"), value=seconds(report["seconds"])),
    )  # fmt: skip


def _counted_so_far(told: Mapping[str, Any]) -> tuple[Figure, ...]:
    if "platform" not in told:
        return ()
    return (
        Figure(label=_("Orders counted at the platform"), value=whole(told["platform"])),
        Figure(label=_("Pages read"), value=whole(told["pages"])),
        Figure(label=_("Missing here"), value=whole(told["missing"])),
        Figure(label=_("Out of date here"), value=whole(told["different"])),
    )


def _day_chart(days: list[list[Any]]) -> Chart:
    return Chart(
        title=_("Orders by day"),
        legend=(
            ("info", _("Here and up to date")),
            ("bad", _("Missing")),
            ("warn", _("Out of date")),
            ("neutral", _("Only here")),
        ),
        bars=tuple(
            Bar(
                label=day[5:],
                parts=(
                    ("info", platform - missing - different),
                    ("bad", missing),
                    ("warn", different),
                    ("neutral", extra),
                ),
            )
            for day, platform, _here, missing, different, extra, *_later in days
        ),
    )


def _day_table(days: list[list[Any]], zone: str) -> Table:
    return Table(
        title=_("Day by day, in the store's time zone %(zone)s") % {"zone": zone},
        headings=(_("Day"), _("At the platform"), _("Here"), _("Missing"), _("Out of date"),
                  _("Only here")),
        rows=tuple(tuple(row[:6]) for row in days),
        note=_("A day is that of the order's last change at the platform. Counts are those"
               " before anything was pulled."),
    )  # fmt: skip


def _healing(state: str) -> str:
    words = {
        "not_needed": _("not needed"),
        "done": _("done"),
        "unfinished": _("interrupted; it goes on by itself"),
    }
    return words.get(state, "–")
