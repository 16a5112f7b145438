"""What pushes bring about: a stream becomes due, a grant ends, a buyer's data goes.

Nothing is believed that a pull would tell: order news only make the stream due, so late, doubled
and mixed-up pushes do no harm. Safe to repeat.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from django.db import transaction
from django.db.models import Q

from platforms import landing, registry, tasks
from platforms.errors import Fault
from platforms.flows.break_authorization import break_authorization
from platforms.flows.erase_buyer import erase_buyer, erase_shop
from platforms.models import (
    Authorization,
    AuthorizationState,
    Consent,
    Delivery,
    DeliveryState,
    Order,
    Stream,
)
from platforms.news import News, Notice, Push
from platforms.spec import OrderStatus
from tenants.flows.record_event import record_event
from tenants.models import Store
from tenants.scope import all_tenants, tenant_scope

logger = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(minutes=5)
TRIES = 5


def claim_due(*, limit: int, now: datetime) -> list[Delivery]:
    """Deliveries to work on. Two workers that take the same one do the same twice, no harm."""
    due = Delivery.objects.filter(state=DeliveryState.WAITING, due_at__lte=now)
    rows = list(due.select_related("authorization", "app").order_by("due_at")[:limit])
    Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=now + AGAIN_AFTER)
    return rows


def work_on(*, delivery: Delivery, now: datetime) -> None:
    """Do what the push asks for; on a mistake of ours it comes again, a few times."""
    hooks = registry.get(delivery.platform).webhooks
    if hooks is None or delivery.body is None:
        return
    push = Push(
        method="POST", address=delivery.address, headers=delivery.headers,
        body=landing.decompress(delivery.body),
    )  # fmt: skip
    delivery.tries += 1
    try:
        notices = hooks.read(push)
    except (msgspec.MsgspecError, ValueError):
        _settle(delivery, DeliveryState.FAILED, "unreadable", now=now)
        return
    outcomes = [_act(delivery, notice, now=now) for notice in notices]
    told = ", ".join(dict.fromkeys(filter(None, outcomes)))
    _settle(delivery, DeliveryState.DONE if told else DeliveryState.IGNORED, told, now=now)


def replay(*, delivery: Delivery, now: datetime) -> None:
    """Work on it once more, whatever came of it. Raises ValueError where nothing is kept."""
    if delivery.body is None:
        raise ValueError("the body is not kept any more")
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.WAITING, due_at=now)
    transaction.on_commit(tasks.kick_deliveries)


def give_up(*, delivery: Delivery, now: datetime) -> None:
    """It made us stumble too often."""
    if delivery.tries >= TRIES:
        _settle(delivery, DeliveryState.FAILED, "error", now=now)
    else:
        Delivery.objects.filter(pk=delivery.pk).update(tries=delivery.tries)


def _settle(delivery: Delivery, state: DeliveryState, outcome: str, *, now: datetime) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(
        state=state, outcome=outcome[:200], worked_at=now, due_at=None, tries=delivery.tries
    )


def _authorizations(delivery: Delivery, notice: Notice) -> list[Authorization]:
    """Those the news is about; of an application's push, by the account or shop it names."""
    if delivery.authorization_id is not None:
        with all_tenants("the delivery says whose it is"):
            return list(Authorization.objects.filter(pk=delivery.authorization_id))
    named = Q(account_id=notice.account_id) if notice.account_id else Q(pk=None)
    with all_tenants("an application's push may be about any tenant"):
        if notice.shop_id:
            stores = Store.objects.filter(
                platform=delivery.platform, external_id=notice.shop_id
            ).values_list("authorization_id", flat=True)
            named |= Q(pk__in=[pk for pk in stores if pk])
        return list(Authorization.objects.filter(named, platform=delivery.platform))


def _act(delivery: Delivery, notice: Notice, *, now: datetime) -> str:
    """What was done, in one word; "" where there was nothing to do."""
    if notice.news is News.ERASE_BUYER:
        return erase_buyer(
            platform=delivery.platform, notice=notice, now=now,
            authorizations=_authorizations(delivery, notice) if delivery.authorization_id else None,
        )  # fmt: skip
    done = ""
    for authorization in _authorizations(delivery, notice):
        with tenant_scope(authorization.tenant_id):
            done = _act_on(authorization, notice, now=now) or done
    return done


def _act_on(authorization: Authorization, notice: Notice, *, now: datetime) -> str:
    if notice.news is News.ORDERS:
        return _make_due(authorization, notice, now=now)
    if notice.news is News.REVOKED:
        return _revoked(authorization, notice, now=now)
    if notice.news is News.ORDER_GONE:
        return _order_gone(authorization, notice, now=now)
    if notice.news is News.ERASE_SHOP:
        return erase_shop(authorization=authorization, shop_id=notice.shop_id, now=now)
    if notice.news is News.BUYER_ASKS:
        for store in _stores(authorization, notice):
            record_event(tenant=store.tenant, verb="buyer.asked", actor=None, now=now, target=store)
        return "recorded"
    return ""


def _stores(authorization: Authorization, notice: Notice) -> Iterable[Store]:
    stores = Store.objects.filter(authorization=authorization).select_related("tenant")
    return stores.filter(external_id=notice.shop_id) if notice.shop_id else stores


def _make_due(authorization: Authorization, notice: Notice, *, now: datetime) -> str:
    streams = Stream.objects.standing().filter(authorization=authorization, finished_at=None)
    if notice.shop_id:
        about = Stream.objects.standing().filter(
            authorization=authorization, store__external_id=notice.shop_id
        )
        streams = streams.filter(Q(pk__in=about.values("pk")) | Q(store=None))
    # A pull reaches up to the platform's lag before now: earlier it would not see the news. One
    # that is due sooner stays so, or a stream of pushes would put it off for ever.
    soon = now + registry.get(authorization.platform).lag
    due = streams.filter(due_at__gt=soon).update(due_at=soon)
    return "due" if due else ""


def _revoked(authorization: Authorization, notice: Notice, *, now: datetime) -> str:
    """The platform says that our permission ended; not one that was given anew since."""
    last = Consent.objects.filter(authorization=authorization).order_by("-at").first()
    if notice.at is not None and last is not None and notice.at < last.at:
        return "late"
    if authorization.state != AuthorizationState.ACTIVE:
        return ""
    broken = break_authorization(
        authorization=authorization, fault=Fault.TOKEN_REVOKED, detail=notice.reason, now=now
    )
    return "revoked" if broken else ""


def _order_gone(authorization: Authorization, notice: Notice, *, now: datetime) -> str:
    """Deleted at the platform: kept here, as cancelled, because no pull will tell."""
    gone = Order.objects.filter(store__authorization=authorization, number=notice.number).exclude(
        platform_status="deleted"
    )
    found = gone.update(status=OrderStatus.CANCELLED, platform_status="deleted", landed_at=now)
    return "deleted" if found else ""
