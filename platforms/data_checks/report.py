"""The report of a data check: one sheet, which page, PDF and CSV all show.

Order numbers are on it only for readers who operate the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from platforms.data_checks import counts_parts, stress_parts
from platforms.data_checks.sheet import Figure, Sheet, moment
from platforms.data_checks.words import verdict_of
from platforms.models import DataCheck
from platforms.templatetags.storelink import platform_name, site_name


def sheet_of(check: DataCheck, *, with_numbers: bool) -> Sheet:
    """The report of a finished check; `store` with its tenant must be selected."""
    report: Mapping[str, Any] = check.report or {}
    verdict = verdict_of(check)
    assert verdict is not None, "the check is not over"
    store = check.store
    stress = check.kind == DataCheck.Kind.STRESS
    parts = stress_parts.of(report) if stress else counts_parts.of(report)
    numbers = {} if stress else report.get("numbers") or {}
    tables = parts.tables
    if with_numbers:
        tables += counts_parts.number_tables(numbers)
    hidden = not with_numbers and any(numbers.values())
    return Sheet(
        title=str(check.get_kind_display()),
        company=store.tenant.name,
        store=store.name,
        platform=" ".join(filter(None, (platform_name(store.platform), site_name(store)))),
        made=moment(check.finished_at),
        about=tuple(_asked(check, report)),
        verdict=verdict,
        figures=parts.figures,
        details=parts.details,
        charts=parts.charts,
        tables=tables,
        note=_("The numbers of the orders are shown to operators of the store.") if hidden else "",
    )


def file_name(check: DataCheck, ending: str) -> str:
    """Plain ASCII, for a download."""
    day = timezone.localtime(check.finished_at).strftime("%Y-%m-%d")
    return f"{check.kind}-{check.store.account_name}-{day}.{ending}"


def _asked(check: DataCheck, report: Mapping[str, Any]) -> list[Figure]:
    asked = check.asked
    is_count = check.kind == DataCheck.Kind.COUNTS
    since, until = report.get("window") or [asked.get("since"), asked.get("until")]
    lines = []
    if since:
        zone = check.store.zone if is_count else None  # days of a count are the store's own
        lines.append(
            Figure(
                label=_("Orders changed"),
                value=_("from %(since)s to %(until)s")
                % {"since": moment(since, zone, bare=True), "until": moment(until, zone)},
            )
        )
    if not is_count:
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
    return lines
