"""Putting records aside that nobody needs, saying why, and putting them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import User
from platforms.flows.release_quarantined import locked
from platforms.models import Quarantined, QuarantineState
from platforms.quarantine.contents import received
from tenants.flows.record_event import record_event


@dataclass(frozen=True, kw_only=True)
class PutBack:
    """`kept` are those that stay aside: emptied, or met again and waiting already."""

    back: int = 0
    kept: int = 0


def dismiss_quarantined(
    *, record: Quarantined, user: User | None, note: str, now: datetime, on_behalf: bool = False
) -> bool:
    """Put the record aside, saying why. False if somebody settled it before."""
    done = dismiss_records(
        pks=[record.pk], user=user, note=note, now=now, on_behalf=on_behalf, single=True
    )
    return done == 1


def dismiss_records(
    *,
    pks: Sequence[int],
    user: User | None,
    note: str,
    now: datetime,
    on_behalf: bool = False,
    single: bool = False,
) -> int:
    """Put records of one tenant aside that still wait; how many. One event. Safe to repeat."""
    with transaction.atomic():
        rows = locked(pks, QuarantineState.WAITING)
        Quarantined.objects.filter(pk__in=[row.pk for row in rows]).update(
            state=QuarantineState.DISMISSED, settled_at=now, settled_note=note[:300]
        )
        _tell("dismissed", rows, user=user, now=now, on_behalf=on_behalf, single=single)
    return len(rows)


def put_back(
    *, pks: Sequence[int], user: User | None, now: datetime, single: bool = False
) -> PutBack:
    """Let records that were put aside wait again, as long as there is something left of them.
    The note stays, for who looks at it next. One event. Safe to repeat."""
    with transaction.atomic():
        rows = locked(pks, QuarantineState.DISMISSED)
        whole = [row for row in rows if received(row) != b""]
        back = [row for row in whole if _wait_again(row)]
        _tell("put_back", back, user=user, now=now, single=single)
    return PutBack(back=len(back), kept=len(rows) - len(back))


def _wait_again(row: Quarantined) -> bool:
    """False where the same record came again meanwhile and waits."""
    try:
        with transaction.atomic():
            Quarantined.objects.filter(pk=row.pk).update(
                state=QuarantineState.WAITING, settled_at=None
            )
    except IntegrityError:
        return False
    return True


def _tell(
    what: str,
    rows: Sequence[Quarantined],
    *,
    user: User | None,
    now: datetime,
    on_behalf: bool = False,
    single: bool,
) -> None:
    if not rows:
        return
    stores = {row.store for row in rows}
    whose = stores.pop() if len(stores) == 1 else None
    record_event(
        tenant=rows[0].tenant,
        verb=f"quarantine.{what}" if single else f"quarantine.many_{what}",
        actor=user,
        now=now,
        target=rows[0] if single else whose or rows[0].tenant,
        on_behalf=on_behalf,
        detail={} if single else {"count": len(rows)},
    )
