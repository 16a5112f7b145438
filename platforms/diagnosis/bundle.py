"""The support bundle: what somebody who helps needs to know of a store, without secrets and
without anything of a buyer."""

from __future__ import annotations

import platform as machine
import ssl
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache

import django
from django.conf import settings
from django.db import connection
from django.db.models import Max, Sum

from platforms.diagnosis.report import as_json
from platforms.models import (
    CallStat,
    ClockOffset,
    Diagnosis,
    Outage,
    PullRun,
    Stream,
    TimelineEntry,
    Trouble,
)
from platforms.redaction import mask
from tenants.models import Store

LATEST = 20
DAY = timedelta(days=1)

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]


def bundle_of(diagnosis: Diagnosis, *, now: datetime) -> dict[str, Plain]:
    """JSON. Must run in the tenant's scope; the diagnosis is one of a store."""
    store = diagnosis.store
    assert store is not None
    return {
        "made_at": _iso(now),
        "versions": _versions(),
        "store": _store(store),
        "diagnosis": {
            "id": str(diagnosis.public_id),
            "at": _iso(diagnosis.at),
            # A net below what is promised of facts already: ids of ours are not in there.
            **_masked_each(as_json(diagnosis)),
        },
        "streams": [_stream(row) for row in _streams(store)],
        "timeline": _timeline(store),
        "troubles": [
            {"fault": row.fault, "began_at": _iso(row.began_at), "ended_at": _iso(row.ended_at)}
            for row in Trouble.objects.filter(store=store).order_by("-began_at")[:LATEST]
        ],
        "last_faults": [
            {"at": _iso(run.started_at), "fault": run.fault, "detail": mask(run.fault_detail)}
            for run in PullRun.objects.filter(stream__in=_streams(store))
            .exclude(fault="")
            .order_by("-started_at")[:LATEST]
        ],
        "calls_24h": _calls(store, now=now),
        "clock": _clock(store),
        "outages": [
            {"fault": row.fault, "since": _iso(row.since), "stores": row.stores}
            for row in Outage.objects.filter(platform=store.platform, ended_at=None)
        ],
    }


def as_text(bundle: Mapping[str, Plain]) -> str:
    """The same for people: indented lines of `name: value`."""
    return "\n".join(_lines(dict(bundle), "")) + "\n"


def _lines(value: Plain, indent: str) -> list[str]:
    if isinstance(value, dict):
        found = []
        for name, each in value.items():
            if isinstance(each, dict | list) and each:
                found += [f"{indent}{name}:", *_lines(each, indent + "  ")]
            else:
                found.append(f"{indent}{name}: {_word(each)}")
        return found
    if isinstance(value, list):
        found = []
        for each in value:
            lines = _lines(each, indent + "  ")
            found += [f"{indent}- {lines[0].strip()}", *lines[1:]] if lines else []
        return found
    return [f"{indent}{_word(value)}"]


def _word(value: Plain) -> str:
    return "-" if value in (None, "", [], {}) else str(value)


@cache
def _product_version() -> str:
    with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def _versions() -> dict[str, Plain]:
    return {
        "storelink": _product_version(),
        "python": machine.python_version(),
        "django": django.get_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "database": connection.vendor,
    }


def _store(store: Store) -> dict[str, Plain]:
    authorization = store.authorization
    told: dict[str, Plain] = {
        "path": store.path,
        "id": str(store.public_id),
        "state": store.state,
        "environment": store.environment,
        "linked_at": _iso(store.linked_at),
    }
    if authorization is not None:
        told |= {
            "authorization": str(authorization.public_id),
            "mode": authorization.mode,
            "region": authorization.region,
            "authorization_state": authorization.state,
            "generation": authorization.generation,
            "application": _whose_app(store),
        }
    return told


def _whose_app(store: Store) -> str:
    app = store.authorization.app if store.authorization else None
    if app is None:
        return "none"
    return "ours" if app.tenant_id is None else "the tenant's own"


def _streams(store: Store) -> list[Stream]:
    rows = Stream.objects.filter(authorization=store.authorization)
    return list((rows.filter(store=store) | rows.filter(store=None)).order_by("pk")[:LATEST])


def _stream(row: Stream) -> Plain:
    return {
        "watermark": _iso(row.watermark),
        "due_at": _iso(row.due_at),
        "last_success_at": _iso(row.last_success_at),
        "failures": row.failures,
        "fault": row.fault,
        "detail": mask(row.fault_detail),
    }


def _timeline(store: Store) -> list[Plain]:
    rows = TimelineEntry.objects.filter(authorization=store.authorization)
    mine = (rows.filter(store=store) | rows.filter(store=None)).order_by("-last_at")[:LATEST]
    return [
        {
            "moment": row.moment,
            "fault": row.fault,
            "first_at": _iso(row.first_at),
            "last_at": _iso(row.last_at),
            "count": row.count,
            "detail": mask(row.detail),
        }
        for row in mine
    ]


def _calls(store: Store, *, now: datetime) -> list[Plain]:
    rows = CallStat.objects.filter(authorization=store.authorization, hour__gte=now - DAY)
    sums = rows.values("fault").annotate(
        n=Sum("calls"), ms=Sum("milliseconds"), slowest=Max("slowest_ms")
    )
    return [
        {
            "fault": row["fault"] or "none",
            "calls": row["n"],
            "mean_ms": int(row["ms"] / row["n"]) if row["n"] else 0,
            "slowest_ms": row["slowest"],
        }
        for row in sums.order_by("fault")
    ]


def _clock(store: Store) -> dict[str, Plain] | None:
    row = ClockOffset.objects.filter(pk=store.platform).first()
    if row is None:
        return None
    return {"ahead_s": round(row.seconds, 1), "measured_at": _iso(row.measured_at)}


def _masked(value: object) -> Plain:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return _masked_each(value)
    if isinstance(value, list | tuple):
        return [_masked(each) for each in value]
    return value if isinstance(value, int | float | bool) else None


def _masked_each(values: Mapping[str, object]) -> dict[str, Plain]:
    return {name: _masked(value) for name, value in values.items()}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
