"""The last step of linking: the person has seen the shop and says yes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.db import IntegrityError, transaction

from accounts.models import User
from platforms import credentials, registry, tasks, timeline, vault
from platforms.errors import Fault
from platforms.flows.link import NotPossible, is_taken, mode_of, note_failure, region_of
from platforms.flows.start_streams import start_streams
from platforms.models import (
    App,
    Authorization,
    AuthorizationState,
    Consent,
    LinkAttempt,
    Moment,
    PushState,
    Step,
    Stream,
)
from tenants.flows.record_event import record_event
from tenants.models import Store, StoreState


@dataclass(frozen=True, kw_only=True)
class Linked:
    authorization: Authorization
    stores: list[Store]  # those this attempt linked or relinked
    relinked: bool


def confirm(
    *, attempt: LinkAttempt, user: User | None, now: datetime, shop_ids: Sequence[str] | None = None
) -> Linked:
    """Make the verified grant the stores' own and start their first pull.

    `shop_ids` chooses among the shops found; None takes all that are free. A confirmed attempt
    confirmed again gives the same answer. Raises NotPossible.
    """
    try:
        with transaction.atomic():
            # Two tabs may confirm at once; the second finds the attempt done.
            attempt = (
                LinkAttempt.objects.select_for_update(of=("self",))
                .select_related("tenant", "app", "relinks")
                .get(pk=attempt.pk)
            )
            if attempt.step == Step.DONE and attempt.authorization:
                return _as_done(attempt)
            if attempt.step != Step.CONFIRM or attempt.sealed_pending is None:
                raise NotPossible("nothing_to_confirm")
            linked = _confirm(attempt, user, shop_ids, now=now)
            transaction.on_commit(tasks.kick)
            transaction.on_commit(tasks.kick_deliveries)
    except IntegrityError:
        # Somebody linked the shop between our look and our write.
        _look_again(attempt, now=now)
        raise NotPossible("already_linked") from None
    return linked


def stores_of(attempt: LinkAttempt) -> list[Store]:
    """The stores that a finished attempt linked, or linked again; none while it is open."""
    if attempt.authorization is None:
        return []
    stores = Store.objects.exclude(state=StoreState.UNLINKED)
    if attempt.relinks:
        stores = stores.filter(authorization=attempt.authorization)
    else:  # maybe under several authorizations, one for each shop
        stores = stores.filter(platform=attempt.platform, linked_at=attempt.finished_at)
    stores = stores.select_related("tenant", "authorization")
    return list(stores.order_by("site", "account_name"))


def _confirm(
    attempt: LinkAttempt, user: User | None, shop_ids: Sequence[str] | None, *, now: datetime
) -> Linked:
    found = cast(dict[str, Any], attempt.found)
    pending = cast(
        dict[str, Any],
        credentials.open_for_attempt(
            attempt.tenant_id, attempt.public_id, "pending", bytes(attempt.sealed_pending or b"")
        ),
    )
    if attempt.relinks:
        authorization = _authorization(attempt, found, pending, "", now=now)
        stores = _relink(authorization)
        if not stores:
            raise NotPossible("store_unlinked")
        _begin(attempt, authorization, user, found["shops"], stores, now=now)
    else:
        stores = []
        for account_id, shops in _by_grant(attempt, found, _chosen(found["shops"], shop_ids)):
            authorization = _authorization(attempt, found, pending, account_id, now=now)
            made = [_make_store(attempt, authorization, shop, now=now) for shop in shops]
            _begin(attempt, authorization, user, shops, made, now=now)
            stores += made
    _retire_older_apps(attempt)
    attempt.step = Step.DONE
    attempt.finished_at = now
    attempt.authorization = authorization
    attempt.sealed_pending = attempt.sealed_verifier = None
    attempt.handover_hash = ""
    attempt.save()
    for store in stores:
        record_event(
            tenant=attempt.tenant, verb="store.relinked" if attempt.relinks else "store.linked",
            actor=user, now=now, target=store, on_behalf=attempt.on_behalf,
            detail={"mode": attempt.mode, "handed_over": attempt.handed_over},
        )  # fmt: skip
        assert store.authorization is not None
        timeline.note(
            authorization=store.authorization, store=store, now=now,
            moment=Moment.RELINKED if attempt.relinks else Moment.LINKED,
        )  # fmt: skip
    return Linked(authorization=authorization, stores=stores, relinked=bool(attempt.relinks))


def _by_grant(
    attempt: LinkAttempt, found: dict[str, Any], shops: list[dict[str, Any]]
) -> list[tuple[str, list[dict[str, Any]]]]:
    """Account id and shops of each authorization to be made."""
    if registry.get(attempt.platform).grant_per_shop:
        return [(shop["external_id"], [shop]) for shop in shops]
    return [(found["account_id"], shops)]


def _begin(
    attempt: LinkAttempt,
    authorization: Authorization,
    user: User | None,
    shops: list[dict[str, Any]],
    stores: list[Store],
    *,
    now: datetime,
) -> None:
    _write_consent(attempt, authorization, user, shops, now=now)
    start_streams(authorization=authorization, new_stores=stores, now=now)
    Stream.objects.filter(authorization=authorization, finished_at=None).update(
        due_at=now, fault="", fault_detail="", failures=0, failing_since=None
    )


def _retire_older_apps(attempt: LinkAttempt) -> None:
    """A tenant's own application whose secret was changed: its other grants use the new one."""
    app = attempt.app
    if app is None or app.tenant_id is None:
        return
    older = App.objects.filter(
        tenant_id=app.tenant_id, platform=app.platform, environment=app.environment,
        client_id=app.client_id, created_at__lt=app.created_at, active=True,
    )  # fmt: skip
    Authorization.objects.filter(app__in=older).update(app=app)
    older.update(active=False)


def _as_done(attempt: LinkAttempt) -> Linked:
    assert attempt.authorization is not None
    return Linked(
        authorization=attempt.authorization,
        stores=stores_of(attempt),
        relinked=bool(attempt.relinks),
    )


def _look_again(attempt: LinkAttempt, *, now: datetime) -> None:
    """Which of the shops found are still free; with none left the attempt goes back a step."""
    found = cast(dict[str, Any], attempt.found)
    for shop in found["shops"]:
        shop["taken"] = is_taken(attempt, shop["external_id"])
    if all(shop["taken"] for shop in found["shops"]):
        note_failure(attempt, Fault.SHOP_MISMATCH, now=now, reason="already_linked")
    else:
        LinkAttempt.objects.filter(pk=attempt.pk, step=Step.CONFIRM).update(found=found)


def _chosen(shops: list[dict[str, Any]], shop_ids: Sequence[str] | None) -> list[dict[str, Any]]:
    free = [shop for shop in shops if not shop["taken"]]
    if shop_ids is not None:
        free = [shop for shop in free if shop["external_id"] in shop_ids]
    if not free:
        raise NotPossible("no_shop_chosen")
    return free


def _authorization(
    attempt: LinkAttempt,
    found: dict[str, Any],
    pending: dict[str, Any],
    account_id: str,
    *,
    now: datetime,
) -> Authorization:
    """Relinking keeps the row, and so does linking another shop of the same account."""
    key = {
        "tenant_id": attempt.tenant_id,
        "platform": attempt.platform,
        "environment": attempt.environment,
        "region": region_of(attempt),
        "account_id": account_id,
    }
    row = attempt.relinks or Authorization.objects.filter(**key).first() or Authorization(**key)
    if row.pk:
        row = Authorization.objects.select_for_update(of=("self",)).get(pk=row.pk)
    mode = mode_of(attempt)
    secrets = pending["secrets"]
    row.mode, row.app = attempt.mode, attempt.app
    row.account_name = found["account_name"][:200]
    row.state = AuthorizationState.ACTIVE
    row.fault = row.fault_detail = ""
    row.sealed_credential = credentials.sealed(row, secrets)
    row.generation += 1
    row.fence += 1  # a refresh under way for the old credential must not write
    row.leased_until = row.in_flight_since = None
    row.refresh_failures = 0
    row.failing_since = None
    main = credentials.main_secret(secrets)
    row.hint, row.fingerprint = vault.hint(main), vault.fingerprint(main)
    row.scopes_asked, row.scopes_granted = list(mode.scopes), pending["scopes"]
    row.scopes_missing = found["missing"]
    row.access_expires_at = _time(pending["access_expires_at"])
    row.refresh_expires_at = _time(pending["refresh_expires_at"])
    row.consent_expires_at = _time(pending["consent_expires_at"]) or (
        now + mode.consent_period if mode.consent_period else None
    )
    row.refreshed_at = now
    row.pushes_at = None
    row.pushes = PushState.DUE if registry.get(row.platform).webhooks else PushState.NONE
    row.refresh_due_at = credentials.next_refresh(row, secrets, now=now)
    row.save()
    return row


def _relink(authorization: Authorization) -> list[Store]:
    stores = Store.objects.filter(authorization=authorization).exclude(state=StoreState.UNLINKED)
    stores.filter(state=StoreState.NEEDS_RELINK).update(state=StoreState.ACTIVE)
    return list(stores.select_related("tenant"))


def _make_store(
    attempt: LinkAttempt, authorization: Authorization, shop: dict[str, Any], *, now: datetime
) -> Store:
    adapter = registry.get(attempt.platform)
    site = shop["site"] if any(shop["site"] == each.code for each in adapter.sites) else ""
    zone = shop.get("time_zone") or (adapter.site(site).time_zone if site else "")
    before = Store.objects.filter(
        platform=attempt.platform, environment=attempt.environment,
        external_id=shop["external_id"], state=StoreState.UNLINKED,
    ).first()  # fmt: skip
    # A store that comes back keeps its history, its orders and its bindings.
    store = before or Store(
        tenant_id=attempt.tenant_id, platform=attempt.platform, site=site,
        environment=attempt.environment, external_id=shop["external_id"],
        account_name=_free_name(attempt, site), time_zone=zone,
    )  # fmt: skip
    store.display_name = attempt.display_name or store.display_name
    store.external_name = shop["name"][:200]
    store.state = StoreState.ACTIVE
    store.authorization = authorization
    store.linked_at = now
    store.save()
    return store


def _free_name(attempt: LinkAttempt, site: str) -> str:
    taken = set(
        Store.objects.filter(platform=attempt.platform, site=site).values_list(
            "account_name", flat=True
        )
    )
    name, count = attempt.account_name, 2
    while name in taken:
        name = f"{attempt.account_name[:60]}_{count}"
        count += 1
    return name


def _write_consent(
    attempt: LinkAttempt,
    authorization: Authorization,
    user: User | None,
    shops: list[dict[str, Any]],
    *,
    now: datetime,
) -> None:
    Consent.objects.filter(authorization=authorization, ended_at=None).update(
        ended_at=now, ended_why="replaced"
    )
    Consent.objects.create(
        tenant_id=attempt.tenant_id, authorization=authorization, at=now, by=user,
        by_name=user.email if user else "", ip=attempt.completed_ip,
        handed_over=attempt.handed_over, mode=attempt.mode,
        scopes_asked=list(mode_of(attempt).scopes), scopes_granted=authorization.scopes_granted,
        app=attempt.app,
        shops=[[shop["external_id"], shop["name"], shop["site"]] for shop in shops],
    )  # fmt: skip


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
