"""Finding out why a store does not work, or whether a linking can work, and keeping the answer.

No secret leaves this module: checks write down facts about values, never the values.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from accounts.models import User
from platforms import credentials, registry, vault
from platforms.adapter import Adapter, clean_value
from platforms.diagnosis.run import OF_STORE, TOTAL_S, checks_of_attempt, run_checks
from platforms.diagnosis.spec import Budget, Case, Outcome
from platforms.diagnosis.verdict import judge
from platforms.flows import link, prepare_link
from platforms.models import App, Authorization, Diagnosis, LinkAttempt
from platforms.spec import AppKeys, Mode
from tenants.models import Store, StoreState
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

KEPT_OF_STORE = 20
KEPT_OF_ATTEMPT = 5


class NotLinked(Exception):
    """The store has no authorization that could be looked into."""


def diagnose_store(*, store: Store, user: User | None, now: datetime) -> Diagnosis:
    """Go through all checks of a linked store and keep what they found. Takes up to half a
    minute; an access token that is due is renewed on the way, in the ordinary manner.

    Raises NotLinked. Not inside a transaction.
    """
    with tenant_scope(store.tenant_id):
        authorization = (
            Authorization.objects.select_related("app").filter(pk=store.authorization_id).first()
        )
        if authorization is None or store.state == StoreState.UNLINKED:
            raise NotLinked
        case = _case_of_store(store, authorization, now=now)
        started = time.monotonic()
        outcomes = run_checks(case, OF_STORE, budget=Budget(TOTAL_S))
        row = Diagnosis(
            tenant_id=store.tenant_id, store=store, at=now, asked_by=user,
            verdict=judge(outcomes).verdict, checks=_kept(outcomes),
            took_ms=int((time.monotonic() - started) * 1000),
        )  # fmt: skip
        with transaction.atomic():
            row.save()
            newest = Diagnosis.objects.filter(store=store).order_by("-at", "-pk")
            _forget(newest.values_list("pk", flat=True)[KEPT_OF_STORE:])
    logger.info("store.diagnosed", extra={"store_id": store.pk, "verdict": row.verdict})
    return row


def diagnose_attempt(
    *,
    attempt: LinkAttempt,
    user: User | None,
    now: datetime,
    values: Mapping[str, str] | None = None,
    app_id: str = "",
) -> Diagnosis:
    """What can be known before a store is linked. `values`: what is typed so far, by field;
    `app_id`: an application entered before that was chosen. Nothing that was typed is kept."""
    with tenant_scope(attempt.tenant_id):
        case = _case_of_attempt(attempt, values, app_id=app_id, now=now)
        started = time.monotonic()
        outcomes = run_checks(case, checks_of_attempt(case), budget=Budget(TOTAL_S))
        row = Diagnosis(
            tenant_id=attempt.tenant_id, attempt=attempt, at=now, asked_by=user,
            verdict=judge(outcomes, linking=True).verdict, checks=_kept(outcomes),
            took_ms=int((time.monotonic() - started) * 1000),
        )  # fmt: skip
        with transaction.atomic():
            row.save()
            newest = Diagnosis.objects.filter(attempt=attempt).order_by("-at", "-pk")
            _forget(newest.values_list("pk", flat=True)[KEPT_OF_ATTEMPT:])
    return row


def _kept(outcomes: list[Outcome]) -> list[dict[str, object]]:
    return [outcome.as_dict() for outcome in outcomes]


def _forget(old: object) -> None:
    Diagnosis.objects.filter(pk__in=list(old)).delete()  # type: ignore[call-overload]


def _case_of_store(store: Store, authorization: Authorization, *, now: datetime) -> Case:
    adapter = registry.get(store.platform)
    case = Case(
        tenant_id=store.tenant_id, adapter=adapter, mode=_mode(adapter, authorization.mode),
        now=now, store=store, authorization=authorization, app=authorization.app,
        environment=authorization.environment, region=authorization.region,
    )  # fmt: skip
    try:
        account = credentials.account_of(authorization)
    except vault.Unopenable:
        case.unopenable = True
        return case
    case.secrets, case.app_keys = account.secrets, account.app
    fields = {field.name for field in case.mode.fields}
    case.values = {name: value for name, value in account.secrets.items() if name in fields}
    if account.app is not None:
        case.values |= _of_app(case.mode, account.app)
    return case


def _case_of_attempt(
    attempt: LinkAttempt, values: Mapping[str, str] | None, *, app_id: str, now: datetime
) -> Case:
    adapter, mode = registry.get(attempt.platform), link.mode_of(attempt)
    typed = {field.name for field in mode.fields}
    raw = {name: value for name, value in (values or {}).items() if name in typed}
    tidy = {**attempt.given, **_tidy(adapter, mode, raw)}
    known = next((a for a in prepare_link.own_apps(attempt) if str(a.public_id) == app_id), None)
    app = known or attempt.app
    region = tidy.get("region") or link.region_of(attempt)
    if app is None and not mode.own_app:
        app = link.find_app(attempt.tenant, adapter, attempt.environment, region)
    case = Case(
        tenant_id=attempt.tenant_id, adapter=adapter, mode=mode, now=now, attempt=attempt,
        app=app, environment=attempt.environment, region=region, typed=bool(raw),
        values=raw, secrets=tidy,
    )  # fmt: skip
    own = _typed_app(attempt, mode, tidy) if mode.own_app and known is None else None
    if own is not None:
        case.app, case.app_keys = None, own
    elif app is not None:
        case.app_keys = _keys(app, case)
    return case


def _mode(adapter: Adapter, code: str) -> Mode:
    """The mode; one that is no longer declared has no fields and kept its code."""
    try:
        return adapter.mode(code)
    except KeyError:
        return Mode(code=code, name=code, kind=adapter.modes[0].kind)


def _keys(app: App, case: Case) -> AppKeys | None:
    try:
        return credentials.app_keys(app)
    except vault.Unopenable:
        case.unopenable = True
        return None


def _of_app(mode: Mode, app: AppKeys) -> dict[str, str]:
    """The values of the mode's fields that belong to the application."""
    known = {"client_id": app.client_id, "client_secret": app.client_secret, **app.extra}
    return {field.name: known.get(field.app, "") for field in mode.fields if field.app}


def _tidy(adapter: Adapter, mode: Mode, raw: Mapping[str, str]) -> dict[str, str]:
    """Typed values in their one spelling, those only that can be right."""
    tidied = {}
    for field in mode.fields:
        value = adapter.tidy_value(mode, field, clean_value(raw.get(field.name, ""))[0])
        codes = {code.lower(): code for code, _label in field.choices}
        value = codes.get(value.lower(), value)
        if value and (not field.pattern or re.fullmatch(field.pattern, value)):
            tidied[field.name] = value
    return tidied


def _typed_app(attempt: LinkAttempt, mode: Mode, tidy: Mapping[str, str]) -> AppKeys | None:
    """The application that was typed, None unless it is whole."""
    places = {field.app: tidy.get(field.name, "") for field in mode.fields if field.app}
    client_id, secret = places.pop("client_id", ""), places.pop("client_secret", "")
    if not client_id or not secret:
        return None
    return AppKeys(
        client_id=client_id,
        client_secret=secret,
        redirect_uri=prepare_link.callback_address(attempt.platform),
        environment=attempt.environment,
        extra={name: value for name, value in places.items() if value},
    )
