"""The page of an attempt in the step it is in."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from platforms import registry
from platforms.adapter import Adapter
from platforms.advice import Advice, advice_for
from platforms.flows import link, prepare_link
from platforms.forms import HandOverForm, KeysForm, PasteForm, PrepareForm
from platforms.models import App, LinkAttempt, Step
from platforms.spec import ModeKind
from platforms.views.link import steps
from tenants.access import ManagerRequest


def attempt_page(
    request: ManagerRequest,
    attempt: LinkAttempt,
    *,
    keys_form: KeysForm | None = None,
    prepare_form: PrepareForm | None = None,
    cleaned: list[str] | None = None,
    paste_form: PasteForm | None = None,
    address: str = "",
    hand_over_link: str = "",
    advice: Advice | None = None,
) -> HttpResponse:
    """The page of the step the attempt is in; what was typed or made just now comes along."""
    if attempt.step == Step.DONE:
        return redirect("link_done", attempt.public_id)
    if attempt.step == Step.CANCELLED:
        context = {"attempt": attempt, "advice": advice_for("", reason="attempt_closed")}
        return render(request, "platforms/link/closed.html", context)
    if attempt.step == Step.CONFIRM:
        return _confirm_page(request, attempt, advice=advice)
    mode = link.mode_of(attempt)
    is_consent = mode.kind == ModeKind.CONSENT
    adapter = registry.get(attempt.platform)
    unfit = is_consent and not mode.own_app and _app_of(attempt, adapter) is None
    if is_consent and mode.fields and not unfit:
        wanted = "change" in request.GET or not prepare_link.is_prepared(attempt)
        prepare_form = prepare_form or (_blank_prepare_form(attempt) if wanted else None)
    tried = prepare_form or keys_form
    context = {
        "attempt": attempt,
        "adapter": adapter,
        "mode": mode,
        "is_consent": is_consent,
        "steps": steps(attempt),
        "current": _current(attempt, 4),
        # Beside errors of this very try an older failure would only confuse.
        "advice": advice or (None if tried and tried.is_bound else last_advice(attempt)),
        "unfit": advice_for("", reason="no_app", platform=attempt.platform) if unfit else None,
        # Of a consent that needs something first the fields are in the same partial.
        "keys_form": tried or (None if is_consent else blank_keys_form(attempt)),
        "prepare_form": prepare_form,
        "prepared": _prepared(attempt) if is_consent else [],
        "callback_address": prepare_link.callback_address(attempt.platform),
        "cleaned": cleaned,
        "paste_form": paste_form or PasteForm(),
        "address": address,
        "hand_over_form": HandOverForm(),
        "hand_over_link": hand_over_link,
        "hand_over_open": attempt.handover_hash
        and attempt.handover_expires_at
        and attempt.handover_expires_at > timezone.now(),
    }
    return render(request, "platforms/link/authorize.html", context)


def last_advice(attempt: LinkAttempt) -> Advice | None:
    """What to do about the last failure of the attempt, None if there was none."""
    if not attempt.fault:
        return None
    return advice_for(attempt.fault, reason=attempt.fault_reason, platform=attempt.platform)


def blank_keys_form(attempt: LinkAttempt) -> KeysForm:
    return KeysForm(mode=link.mode_of(attempt), initial={"region": attempt.region})


def _blank_prepare_form(attempt: LinkAttempt) -> PrepareForm:
    mode, apps = link.mode_of(attempt), prepare_link.own_apps(attempt)
    secret = {field.name for field in mode.fields if field.secret}
    initial = {name: value for name, value in attempt.given.items() if name not in secret}
    app = attempt.app or (apps[0] if apps else None)
    if app is not None:
        initial["known_app"] = str(app.public_id)
    return PrepareForm(mode=mode, apps=apps, initial=initial)


def _prepared(attempt: LinkAttempt) -> list[tuple[str, str]]:
    """What was given before the consent, as label and value; secrets are left out."""
    mode = link.mode_of(attempt)
    shown = []
    for field in mode.fields:
        value = attempt.given.get(field.name)
        if value and not field.app and not field.secret:
            shown.append((str(field.label), str(dict(field.choices).get(value, value))))
    if mode.own_app and attempt.app is not None:
        shown.append((_("Application"), f"…{attempt.app.secret_hint}"))
    return shown


def _app_of(attempt: LinkAttempt, adapter: Adapter) -> App | None:
    if attempt.app is not None:
        return attempt.app
    region = link.region_of(attempt)
    return link.find_app(attempt.tenant, adapter, attempt.environment, region)


def _current(attempt: LinkAttempt, number: int) -> int:
    """Relinking has neither a choice of platform nor names: two steps fewer."""
    return number - 2 if attempt.relinks_id else number


def _confirm_page(
    request: ManagerRequest, attempt: LinkAttempt, *, advice: Advice | None = None
) -> HttpResponse:
    mode = link.mode_of(attempt)
    found: dict[str, Any] = attempt.found or {}
    shops = found.get("shops", [])
    granted, missing = found.get("scopes"), set(found.get("missing", []))
    asked = list(dict.fromkeys([*mode.scopes, *sorted(missing)]))
    context = {
        "attempt": attempt,
        "adapter": registry.get(attempt.platform),
        "mode": mode,
        "steps": steps(attempt),
        "current": _current(attempt, 5),
        "found": found,
        "shops": shops,
        "shop_rows": len(shops) > 1 or _says_more(shops, found.get("account_name", "")),
        "several": len(shops) > 1 and not attempt.relinks_id,
        "scopes": [(scope, _scope_state(scope, granted, missing)) for scope in asked],
        "scopes_told": granted is not None,
        "missing": missing,
        "nothing_granted": bool(missing) and missing >= set(mode.scopes),
        "offer_binding": request.membership is not None and not attempt.relinks_id,
        "advice": advice,
    }
    return render(request, "platforms/link/confirm.html", context)


def _says_more(shops: list[dict[str, Any]], account_name: str) -> bool:
    """Whether a single shop has more to tell than the name of its account."""
    shop = shops[0] if shops else {}
    return any((shop.get("site"), shop.get("warning"), shop.get("name") != account_name))


def _scope_state(scope: str, granted: list[str] | None, missing: set[str]) -> str:
    if scope in missing:
        return "missing"
    return "granted" if granted is not None and scope in granted else "asked"
