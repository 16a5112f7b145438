"""Handing an attempt to another browser: making the link, and the pages behind it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from platforms import registry
from platforms.access import posted
from platforms.advice import Advice, advice_for
from platforms.flows import hand_over as flow
from platforms.flows import link
from platforms.forms import HandOverForm, KeysForm, PasteForm
from platforms.models import LinkAttempt, Step
from platforms.spec import ModeKind
from platforms.views.headers import no_trace, not_stored
from platforms.views.link_attempt import (
    attempt_to_act_on,
    consent_address,
    take_pasted,
    try_keys,
)
from platforms.views.link_page import attempt_page, blank_keys_form, last_advice
from tenants.access import ManagerRequest, manager_or_support_required, public
from tenants.scope import tenant_scope

TOKEN_KEY = "hand_over"  # noqa: S105 - in the session of whoever opened a link
DONE_KEY = "hand_over_done"  # the public id of the attempt they did their part of

# --- for members


@manager_or_support_required
@posted
@not_stored
def make(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    attempt = attempt_to_act_on(request, public_id)
    form = HandOverForm(request.POST)
    if not form.is_valid() or attempt.step != Step.AUTHORIZE:
        return redirect("link_attempt", public_id)
    try:
        address = flow.make_hand_over(
            attempt=attempt,
            user=request.user,
            valid_for=timedelta(minutes=form.cleaned_data["minutes"]),
            now=timezone.now(),
        )
    except link.NotPossible as exc:
        advice = advice_for("", reason=exc.reason, platform=attempt.platform)
        return attempt_page(request, attempt, advice=advice)
    # Answered at once, without a redirect: the link is stored hashed and cannot be shown again.
    return attempt_page(request, attempt, hand_over_link=address)


@manager_or_support_required
@posted
def revoke(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    attempt = attempt_to_act_on(request, public_id)
    flow.revoke_hand_over(attempt=attempt, user=request.user, now=timezone.now())
    messages.info(request, _("The hand-over link was withdrawn; it opens nothing any more."))
    return redirect("link_attempt", public_id)


# --- for whoever has the link


@require_safe
@public
@no_trace
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the token out of the address, which screens, histories and logs would keep."""
    try:
        flow.find_hand_over(token=token, now=timezone.now())
    except link.NotPossible as exc:
        return sorry(request, advice_for("", reason=exc.reason), status=404)
    request.session[TOKEN_KEY] = token
    request.session.pop(DONE_KEY, None)
    return redirect("hand_over_page")


@public
@not_stored
def page(request: HttpRequest) -> HttpResponse:
    """What the person has to do; POST tries the keys they typed."""
    attempt = handed_over(request)
    if isinstance(attempt, Advice):
        if request.session.get(DONE_KEY):
            return render(request, "platforms/hand_over/done.html")
        return sorry(request, attempt, status=404)
    with tenant_scope(attempt.tenant):
        if attempt.step != Step.AUTHORIZE:
            return finished(request, attempt)
        if request.method != "POST":
            return _page(request, attempt)
        if request.POST.get("attempt") != str(attempt.public_id):
            return _page(request, attempt, advice=advice_for("", reason="hand_over_other"))
        tried = try_keys(request, attempt, by_member=False)
        if tried.accepted:
            return finished(request, attempt)
        return _page(
            request, attempt, keys_form=tried.form, cleaned=tried.cleaned, advice=tried.advice
        )


@require_safe
@public
@not_stored
def go(request: HttpRequest) -> HttpResponse:
    """To the marketplace, in this browser."""
    attempt = handed_over(request)
    if isinstance(attempt, Advice) or attempt.step != Step.AUTHORIZE:
        return redirect("hand_over_page")
    with tenant_scope(attempt.tenant):
        url, advice = consent_address(attempt, session="")
        return redirect(url) if url else _page(request, attempt, advice=advice)


@public
@not_stored
def paste(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("hand_over_page")
    attempt = handed_over(request)
    form = PasteForm(request.POST)
    if isinstance(attempt, Advice) or attempt.step != Step.AUTHORIZE or not form.is_valid():
        return redirect("hand_over_page")
    with tenant_scope(attempt.tenant):
        if request.POST.get("attempt") != str(attempt.public_id):
            return _page(request, attempt, advice=advice_for("", reason="hand_over_other"))
        advice = take_pasted(request, attempt, form.cleaned_data["address"])
        if advice is not None:
            return _page(request, attempt, paste_form=form, advice=advice)
        attempt.refresh_from_db()
        if attempt.step == Step.CONFIRM:
            return finished(request, attempt)
    return redirect("hand_over_page")


def handed_over(request: HttpRequest) -> LinkAttempt | Advice:
    """The attempt whose link this browser opened, or why there is none."""
    token = request.session.get(TOKEN_KEY)
    if not token:
        return advice_for("", reason="hand_over_unknown")
    try:
        return flow.find_hand_over(token=token, now=timezone.now())
    except link.NotPossible as exc:
        return advice_for("", reason=exc.reason)


def finished(request: HttpRequest, attempt: LinkAttempt) -> HttpResponse:
    """The person did their part: the link ends here."""
    flow.use_up(attempt=attempt, now=timezone.now())
    request.session.pop(TOKEN_KEY, None)
    request.session[DONE_KEY] = str(attempt.public_id)
    return redirect("hand_over_page")


def sorry(request: HttpRequest, advice: Advice, *, status: int = 200) -> HttpResponse:
    context = {"advice": advice}
    return render(request, "platforms/hand_over/sorry.html", context, status=status)


def _page(
    request: HttpRequest,
    attempt: LinkAttempt,
    *,
    keys_form: KeysForm | None = None,
    cleaned: list[str] | None = None,
    paste_form: PasteForm | None = None,
    advice: Advice | None = None,
) -> HttpResponse:
    mode = link.mode_of(attempt)
    is_consent = mode.kind == ModeKind.CONSENT
    context = {
        "attempt": attempt,
        "adapter": registry.get(attempt.platform),
        "mode": mode,
        "is_consent": is_consent,
        # The last step of a consent is for the one who confirms the shop, not for this person.
        "guide": mode.steps[:-1] if is_consent else mode.steps,
        "advice": advice or (None if keys_form else last_advice(attempt)),
        "keys_form": keys_form or (None if is_consent else blank_keys_form(attempt)),
        "cleaned": cleaned,
        "paste_form": paste_form or PasteForm(),
    }
    return render(request, "platforms/hand_over/page.html", context)
