"""What a count reconciliation came to: the comparison as it stands, and the report of the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from platforms.data_checks.counts import Counts, day_of
from platforms.spec import Window
from tenants.models import Store

MOST_LISTED = 500  # order numbers of each kind in the report


def comparison(counts: Counts, store: Store) -> dict[str, Any]:
    """The counts as they stand, day by day of the platform's changed time."""
    zone = store.zone
    extra = counts.unreported(store)
    by_day = {
        "missing": Counter(day_of(t.changed_at, zone) for t in counts.missing.values()),
        "different": Counter(day_of(t.changed_at, zone) for t in counts.different.values()),
        "extra": Counter(day_of(at, zone) for at, _deleted in extra.values()),
    }
    days = sorted({*counts.days, *by_day["extra"]})
    table = [
        [
            day, counts.days[day],
            counts.days[day] - by_day["missing"][day] + by_day["extra"][day],
            by_day["missing"][day], by_day["different"][day], by_day["extra"][day],
        ]
        for day in days
    ]  # fmt: skip
    found: dict[str, Collection[str]] = {
        "missing": counts.missing, "different": counts.different, "extra": extra,
    }  # fmt: skip
    listed = {name: sorted(rows)[:MOST_LISTED] for name, rows in found.items()}
    changed_at = {
        **{number: at for number, (at, _deleted) in extra.items()},
        **{n: theirs.changed_at for n, theirs in [*counts.missing.items(),
                                                  *counts.different.items()]},
    }  # fmt: skip
    return {
        "platform": len(counts.seen),
        "ours": len(counts.seen) - len(counts.missing) + len(extra),
        "deleted": sum(deleted for _at, deleted in extra.values()),
        "days": table,
        "numbers": listed,
        "day_of": {n: day_of(changed_at[n], zone) for rows in listed.values() for n in rows},
        **{name: len(rows) for name, rows in found.items()},
    }


def report_of(
    counts: Counts, store: Store, *, ended: str, healing: str, seconds: float
) -> dict[str, object]:
    """Plain JSON; platforms/data_checks/report.py makes a sheet of it."""
    before = counts.before or comparison(counts, store)
    after = {
        "missing": len(counts.missing), "different": len(counts.different),
        "extra": before["extra"],
    }  # fmt: skip
    span = span_of(counts.windows)
    report: dict[str, object] = {
        "ended": ended,
        "window": [span.since.isoformat(), span.until.isoformat()] if span else None,
        "zone": store.zone.key,
        "platform": before["platform"],
        "ours": before["ours"],
        "before": {name: before[name] for name in after},
        "after": after,
        "deleted": before["deleted"],
        "moved": len(counts.moved),
        "unreadable": len(counts.unreadable),
        "unreadable_known": counts.known_unreadable(store),
        "healing": healing,
        "pages": counts.pages,
        "calls": counts.calls,
        "seconds": round(seconds, 1),
        "days": _days(counts, store, before),
        "numbers": before["numbers"]
        | {
            "still": sorted([*counts.missing, *counts.different])[:MOST_LISTED],
            "unreadable": sorted(filter(None, counts.unreadable.values()))[:MOST_LISTED],
        },
        "day_of": before.get("day_of", {}),
    }
    return report | {"verdict": _verdict(report)}


def span_of(windows: Sequence[Window]) -> Window | None:
    return Window(since=windows[0].since, until=windows[-1].until) if windows else None


def _days(counts: Counts, store: Store, before: Mapping[str, Any]) -> list[list[Any]]:
    """The days compared, each with how many records of it cannot be read, and how many orders
    have been put right since."""
    zone = store.zone
    open_now = Counter(
        day_of(each.changed_at, zone)
        for each in [*counts.missing.values(), *counts.different.values()]
    )
    unreadable = Counter(counts.unreadable_days.values())
    known = {row[0]: row[:6] for row in before["days"]}
    rows = [known.get(day, [day, 0, 0, 0, 0, 0]) for day in sorted({*known, *unreadable})]
    return [
        [*row, unreadable[row[0]], max(0, row[3] + row[4] - open_now[row[0]])] for row in rows
    ]  # fmt: skip


def _verdict(report: Mapping[str, Any]) -> str:
    """One word for what the counts say; platforms/data_checks/words.py has the sentences."""
    if report["ended"] != "done":
        return str(report["ended"])
    if report["window"] is None:
        return "no_window"
    before, after = report["before"], report["after"]
    if after["missing"] or after["different"]:
        return "incomplete"
    if report["unreadable"]:
        return "unreadable"
    if after["extra"] > report["deleted"]:
        return "extra"
    return "healed" if before["missing"] or before["different"] else "complete"
