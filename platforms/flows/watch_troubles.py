"""Troubles: a store that is worth telling about, from when it broke until it works again.

Each step of a trouble is one transaction that decides on what is true inside it and changes the
row by compare-and-swap, and only who changed it tells people. So any number of workers may run
this at once, and one that is killed leaves a whole step or none.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum

from django.db import IntegrityError, transaction

from platforms import timeline
from platforms.errors import THROTTLES
from platforms.flows.announce import announce
from platforms.flows.watch_facts import TRIES, Failing, OpenTrouble, Patient, patients
from platforms.models import Moment, Occasion, Outage, Trouble
from tenants.flows.record_event import record_event
from tenants.models import Store, StoreState
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

# How long what passes by itself may last before it is worth a message. Most disturbances are over
# sooner, and the seller could do nothing about them.
DISTURBED_FOR = timedelta(minutes=30)
# Platforms limit by the hour, and a first pull of many orders is slowed down lawfully.
THROTTLED_FOR = timedelta(hours=2)
# A store that breaks in the same way again this soon after healing was not mended: its trouble
# goes on without new messages. If it lasts, it is told as a new one.
FLAP = timedelta(minutes=15)

Outages = Mapping[tuple[str, str], Outage]


class Step(Enum):
    OPEN = "open"
    CHANGE = "change"  # it fails in another way now
    TELL_AGAIN = "tell_again"  # told as healed, broken again, and it lasts
    HEAL = "heal"
    DROP = "drop"  # paused or unlinked: nobody waits for it any more


def settle(
    found: Iterable[Patient], outages: Outages, *, now: datetime, limit: int, bugs: list[Exception]
) -> int:
    """Take the next step with every trouble, `limit` at most; how many were taken. What one store
    trips over goes to `bugs` and does not hold up the others."""
    due = [patient for patient in found if next_step(patient, outages, now=now)]
    # Workers that look at the same moment take different ones, and no company is always last.
    random.shuffle(due)
    taken = 0
    for patient in due[:limit]:
        try:
            taken += _take_step(patient, outages, now=now)
        except Exception as exc:
            logger.exception("watch.tripped", extra={"store_id": patient.store_id})
            bugs.append(exc)
    return taken


def next_step(patient: Patient, outages: Outages, *, now: datetime) -> Step | None:
    """None while nothing has changed that people should know."""
    failing, trouble = worth_telling(patient, outages, now=now), patient.trouble
    if trouble is None:
        return Step.OPEN if failing else None
    if patient.state not in (StoreState.ACTIVE, StoreState.NEEDS_RELINK):
        return Step.DROP
    if failing is None:
        return Step.HEAL if _works(patient, trouble) else None
    if trouble.healed_at is not None and trouble.healed_at <= now - FLAP:
        return Step.TELL_AGAIN
    return Step.CHANGE if failing.fault != trouble.fault else None


def worth_telling(patient: Patient, outages: Outages, *, now: datetime) -> Failing | None:
    """The failure to tell of, the one that the seller can mend before all others."""
    if patient.state not in (StoreState.ACTIVE, StoreState.NEEDS_RELINK):
        return None
    if patient.grant is not None:
        return patient.grant
    refresh = patient.refresh
    if refresh is not None and refresh.passes_by_itself:
        # As long as the token at hand works, orders arrive: nothing has stopped yet.
        works = patient.token_until is None or patient.token_until > now
        refresh = None if works else refresh
    lasting = [
        each
        for each in (patient.pull, refresh)
        if each is not None and _lasts(each, outages.get((patient.platform, each.fault)), now=now)
    ]
    return min(lasting, key=lambda f: (not f.is_for_seller, f.passes_by_itself), default=None)


def _lasts(failing: Failing, outage: Outage | None, *, now: datetime) -> bool:
    if failing.tries < TRIES:
        return False
    if not failing.passes_by_itself:
        return True
    # Of an outage all who are hit are told in one go, once the outage itself has lasted.
    since = failing.since if outage is None else outage.since
    return since <= now - (THROTTLED_FOR if failing.fault in THROTTLES else DISTURBED_FOR)


def _works(patient: Patient, trouble: OpenTrouble) -> bool:
    pulled_at = patient.last_success_at
    return (
        patient.state == StoreState.ACTIVE
        and patient.pull is None
        and patient.refresh is None
        and pulled_at is not None
        and pulled_at > trouble.began_at
    )


def _take_step(seen: Patient, outages: Outages, *, now: datetime) -> bool:
    """Look again, and change what must be changed. False if another worker was faster."""
    with tenant_scope(seen.tenant_id), transaction.atomic():
        fresh = patients(now=now, store_id=seen.store_id)
        step = next_step(fresh[0], outages, now=now) if fresh else None
        if step is None:
            return False
        store = Store.objects.select_related("tenant", "authorization").get(pk=seen.store_id)
        failing, trouble = worth_telling(fresh[0], outages, now=now), fresh[0].trouble
        if trouble is None:
            assert failing is not None
            return _reopen(store, failing, now=now) or _open(store, failing, outages, now=now)
        if step is Step.DROP:
            return _end(trouble, ended_at=now)
        if step is Step.HEAL:
            return _heal(store, trouble, now=now)
        assert failing is not None
        if step is Step.CHANGE:
            return _change(store, trouble, failing, outages, now=now)
        # The first one did end: when it was told to have ended.
        ended = _end(trouble, ended_at=trouble.healed_at or now)
        return ended and _open(store, failing, outages, now=now)


def _open(store: Store, failing: Failing, outages: Outages, *, now: datetime) -> bool:
    trouble = Trouble(
        tenant_id=store.tenant_id, store=store, authorization=store.authorization,
        fault=failing.fault, detail=failing.detail, began_at=failing.since,
    )  # fmt: skip
    # ON CONFLICT DO NOTHING: the one that is open already stays. Ours is told by its id.
    Trouble.objects.bulk_create([trouble], ignore_conflicts=True)
    if not Trouble.objects.filter(public_id=trouble.public_id).exists():
        return False
    _tell_broke(f"broke:{trouble.public_id}", store, failing, outages, now=now)
    _note(store, Moment.BROKE, failing.fault, failing.detail, now=now)
    logger.info("trouble.opened", extra={"store_id": store.pk, "fault": failing.fault})
    return True


def _reopen(store: Store, failing: Failing, *, now: datetime) -> bool:
    """Go on with the trouble that ended just now, if it was the same."""
    last = (
        Trouble.objects.filter(store=store, fault=failing.fault, ended_at__gt=now - FLAP)
        .order_by("-ended_at")
        .first()
    )
    if last is None:
        return False
    try:
        with transaction.atomic():
            again = Trouble.objects.filter(pk=last.pk, ended_at=last.ended_at)
            if not again.update(ended_at=None, detail=failing.detail):
                return False
    except IntegrityError:  # another worker has opened one meanwhile
        return False
    _note(store, Moment.BROKE, failing.fault, failing.detail, now=now)
    return True


def _change(
    store: Store, trouble: OpenTrouble, failing: Failing, outages: Outages, *, now: datetime
) -> bool:
    row = Trouble.objects.filter(pk=trouble.pk, ended_at=None, fault=trouble.fault)
    if not row.update(fault=failing.fault, detail=failing.detail):
        return False
    if failing.is_for_seller:
        # What was waited for before, or mended otherwise, now needs this of the seller. The key
        # says each such thing once in a trouble, however often the fault goes to and fro.
        public_id = Trouble.objects.values_list("public_id", flat=True).get(pk=trouble.pk)
        key = f"broke:{public_id}:{failing.fault}"
        _tell_broke(key, store, failing, outages, now=now)
    _note(store, Moment.BROKE, failing.fault, failing.detail, now=now)
    return True


def _heal(store: Store, trouble: OpenTrouble, *, now: datetime) -> bool:
    if not _end(trouble, ended_at=now):
        return False
    public_id = Trouble.objects.values_list("public_id", flat=True).get(pk=trouble.pk)
    told = announce(
        tenant_id=store.tenant_id, occasion=Occasion.HEALED, key=f"healed:{public_id}", now=now,
        store=store, authorization=store.authorization, fault=trouble.fault,
        data={"since": trouble.began_at.isoformat(), "until": now.isoformat()},
    )  # fmt: skip
    _note(store, Moment.HEALED, trouble.fault, "", now=now)
    if told:
        record_event(
            tenant=store.tenant, verb="store.healed", actor=None, now=now, target=store,
            detail={"fault": trouble.fault},
        )  # fmt: skip
    logger.info("trouble.healed", extra={"store_id": store.pk, "fault": trouble.fault})
    return True


def _end(trouble: OpenTrouble, *, ended_at: datetime) -> bool:
    return bool(Trouble.objects.filter(pk=trouble.pk, ended_at=None).update(ended_at=ended_at))


def _tell_broke(
    key: str, store: Store, failing: Failing, outages: Outages, *, now: datetime
) -> None:
    outage = outages.get((store.platform, failing.fault))
    data: dict[str, object] = {"since": failing.since.isoformat(), "outage": outage is not None}
    if outage is not None:
        data["outage_since"] = outage.since.isoformat()
    announce(
        tenant_id=store.tenant_id, occasion=Occasion.BROKE, key=key, now=now, store=store,
        authorization=store.authorization, fault=failing.fault, data=data,
    )  # fmt: skip


def _note(store: Store, moment: Moment, fault: str, detail: str, *, now: datetime) -> None:
    if store.authorization is not None:
        timeline.note(
            authorization=store.authorization, store=store, moment=moment, now=now, fault=fault,
            detail=detail,
        )  # fmt: skip
