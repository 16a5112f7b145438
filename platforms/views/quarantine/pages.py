"""What could not be read: by reason, the records of a reason, and one record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from platforms import registry
from platforms.keeping.forecast import rules_of, will_empty
from platforms.models import Quarantined, QuarantineState
from platforms.orders_query import reader_zone
from platforms.quarantine import contents, query
from platforms.quarantine.history import history, note_words, settled_by
from platforms.quarantine.query import SETTLED, BadCursor, Filters
from platforms.quarantine.reasons import normalized
from tenants.access import WorkspaceRequest, member_required
from tenants.models import Store

GROUPS_SHOWN = 50
PARTS_SHOWN = 8


@require_safe
@member_required
def overview(request: WorkspaceRequest) -> HttpResponse:
    """What waits (or was settled) by reason, platform and store."""
    work = request.workspace
    if not query.may_work(work):
        return render(request, "platforms/quarantine/none.html")
    filters = Filters.read(request.GET.dict())
    stores = query.workable_stores(work)
    found = query.groups(
        query.narrowed(query.visible_records(work), filters, stores), stores
    )  # fmt: skip
    return render(
        request,
        "platforms/quarantine/overview.html",
        _frame(request, filters, stores)
        | {
            "groups": found[:GROUPS_SHOWN],
            "more_groups": max(0, len(found) - GROUPS_SHOWN),
            "parts_shown": PARTS_SHOWN,
            "total": sum(group.count for group in found),
            # Managers decide what is settled first; the rule itself is nobody else's business.
            "emptying": will_empty(request.tenant, timezone.now()) if work.can_manage else [],
        },
    )


@require_safe
@member_required
def records(request: WorkspaceRequest) -> HttpResponse:
    """The records that the filters find, newest first."""
    work = request.workspace
    if not query.may_work(work):
        return render(request, "platforms/quarantine/none.html")
    filters = Filters.read(request.GET.dict())
    stores = query.workable_stores(work)
    found = query.find_records(work, filters, stores)
    try:
        page = query.page_of(found, cursor=request.GET.get("at", ""))
    except BadCursor:
        # An address cut short on its way: what it filtered by still holds.
        return redirect(_address("quarantine_records", filters))
    shown = page.records
    address = _address("quarantine_records", filters)
    joint = "&" if "?" in address else "?"
    return render(
        request,
        "platforms/quarantine/records.html",
        _frame(request, filters, stores)
        | {
            "rows": _rows(shown, stores),
            "count": found.count(),
            "put_aside": found.filter(state=QuarantineState.DISMISSED).count()
            if filters.state
            else 0,
            "reason": normalized(shown[0].reason) if shown and filters.reason else None,
            "previous_url": f"{address}{joint}at={page.previous}" if page.previous else "",
            "next_url": f"{address}{joint}at={page.next}" if page.next else "",
        },
    )


@require_safe
@member_required
def record(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """One record: why, where in it, what it holds with the buyer masked, and its history."""
    row = query.get_record(request.workspace, public_id)
    raw = contents.received(row)
    pieces = contents.pieces(raw, row.reason) if raw else None
    return render(
        request,
        "platforms/quarantine/record.html",
        {
            "record": row,
            "reason": normalized(row.reason),
            "pieces": pieces,
            "is_marked": any(piece.is_fault for piece in pieces or ()),
            "size": len(raw) if raw is not None else None,
            "is_emptied": raw == b"",
            "is_damaged": raw is None,
            "waits": row.state == QuarantineState.WAITING,
            "can_put_back": row.state == QuarantineState.DISMISSED and raw != b"",
            "note": note_words(row.settled_note),
            "history": history(row),
            "emptied_on": _emptied_on(request, row) if raw else None,
            "zone": reader_zone().key,
        },
    )


def _frame(
    request: WorkspaceRequest, filters: Filters, stores: Sequence[Store]
) -> dict[str, object]:
    """What both lists need: the filters, and the chips for what waits and what is settled."""
    return {
        "filters": filters,
        "stores": stores,
        "platforms": [registry.get(code) for code in registry.codes()
                      if code == filters.platform or any(s.platform == code for s in stores)],
        "settled": SETTLED,
        "is_settled": bool(filters.state),
        "waiting_url": reverse("quarantine") + filters.query(state="", reason=""),
        "settled_url": reverse("quarantine") + filters.query(state=SETTLED, reason=""),
        "overview_url": reverse("quarantine") + filters.query(reason=""),
        "zone": reader_zone().key,
    }  # fmt: skip


def _rows(records: Sequence[Quarantined], stores: Sequence[Store]) -> list[dict[str, object]]:
    by_pk = {store.pk: store for store in stores}
    people = settled_by(records)
    return [
        {
            "record": row,
            "store": by_pk.get(row.store_id) if row.store_id else None,
            "reason": normalized(row.reason),
            "who": people.get(row.pk, ""),
            "note": note_words(row.settled_note),
        }
        for row in records
    ]


def _address(name: str, filters: Filters) -> str:
    return reverse(name) + filters.query()


def _emptied_on(request: WorkspaceRequest, row: Quarantined) -> datetime | None:
    """When retention takes what is kept of the record; None where nothing is due."""
    rule = rules_of(request.tenant).get(row.platform)
    if rule is None or rule.buyer_days is None:
        return None
    return row.created_at + timedelta(days=rule.buyer_days)
