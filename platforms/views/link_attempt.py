"""An attempt under way: one address that shows the step it is in, whichever tab asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from platforms.access import get_attempt, posted
from platforms.advice import Advice, advice_for
from platforms.errors import Fault, PlatformError
from platforms.flows import confirm_link, consent, link, link_forms, prepare_link
from platforms.forms import KeysForm, PasteForm, PrepareForm
from platforms.models import LinkAttempt, Step
from platforms.spec import ModeKind
from platforms.views.headers import not_stored
from platforms.views.link_page import attempt_page
from tenants.access import ManagerRequest, manager_or_support_required
from tenants.flows.bind_store import Grant, give_duties
from tenants.middleware import client_address
from tenants.models import Duty
from tenants.models.tenant import new_token

BROWSER_KEY = "link_browser"  # in the session: which browser asked for a consent


def browser_id(request: HttpRequest) -> str:
    """A random id of this browser's session, made at the first question for it."""
    if not request.session.get(BROWSER_KEY):
        request.session[BROWSER_KEY] = new_token()
    return str(request.session[BROWSER_KEY])


def attempt_to_act_on(request: ManagerRequest, public_id: UUID) -> LinkAttempt:
    """The attempt, noting whether support or a member acts on it from here on."""
    attempt = get_attempt(public_id)
    if attempt.on_behalf != request.on_behalf:
        attempt.on_behalf = request.on_behalf
        LinkAttempt.objects.filter(pk=attempt.pk).update(on_behalf=request.on_behalf)
    return attempt


@require_safe
@manager_or_support_required
@not_stored
def attempt(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    return attempt_page(request, get_attempt(public_id))


# --- what a consent needs first


@manager_or_support_required
@posted
@not_stored
def prepare(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    attempt = attempt_to_act_on(request, public_id)
    mode = link.mode_of(attempt)
    if attempt.step != Step.AUTHORIZE or mode.kind != ModeKind.CONSENT or not mode.fields:
        return redirect("link_attempt", public_id)
    form = PrepareForm(request.POST, mode=mode, apps=prepare_link.own_apps(attempt))

    def take(values: Mapping[str, str]) -> None:
        prepare_link.prepare(
            attempt=attempt, values=values, now=timezone.now(), app_id=form.known_app
        )

    tried = _try(attempt, form, take)
    if tried.accepted:
        if tried.cleaned:
            messages.info(request, cleaned_words(tried.cleaned))
        return redirect("link_attempt", public_id)
    return attempt_page(
        request, attempt, prepare_form=form, cleaned=tried.cleaned, advice=tried.advice
    )


# --- consent


@require_safe
@manager_or_support_required
@not_stored
def go(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    """To the marketplace. A plain link leads here: CSP lets no form be sent on elsewhere."""
    attempt = attempt_to_act_on(request, public_id)
    if attempt.step != Step.AUTHORIZE:
        return redirect("link_attempt", public_id)
    url, advice = consent_address(attempt, session=browser_id(request))
    return redirect(url) if url else attempt_page(request, attempt, advice=advice)


def consent_address(attempt: LinkAttempt, *, session: str) -> tuple[str, Advice | None]:
    """Where to consent, or why that is not possible."""
    try:
        consenting = consent.begin_consent(attempt=attempt, session=session, now=timezone.now())
    except link.NotPossible as exc:
        return "", advice_for("", reason=exc.reason, platform=attempt.platform)
    except PlatformError as exc:
        return "", advice_for(exc.fault, platform=attempt.platform)
    return consenting.url, None


@manager_or_support_required
@posted
@not_stored
def address(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    """Show the marketplace's address, to be opened in the store's own browser."""
    attempt = attempt_to_act_on(request, public_id)
    if attempt.step != Step.AUTHORIZE:
        return redirect("link_attempt", public_id)
    url, advice = consent_address(attempt, session=browser_id(request))
    return attempt_page(request, attempt, address=url, advice=advice)


@manager_or_support_required
@posted
@not_stored
def paste(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    """The way back was cut off: the person pastes the address they were sent to."""
    attempt = attempt_to_act_on(request, public_id)
    form = PasteForm(request.POST)
    if attempt.step != Step.AUTHORIZE or not form.is_valid():
        return redirect("link_attempt", public_id)
    advice = take_pasted(request, attempt, form.cleaned_data["address"])
    if advice is not None:
        return attempt_page(request, attempt, paste_form=form, advice=advice)
    return redirect("link_attempt", public_id)


def take_pasted(request: HttpRequest, attempt: LinkAttempt, address: str) -> Advice | None:
    """Finish the consent of `attempt` with a pasted address; advice if it is not one.

    What the marketplace then says about it is on the attempt.
    """
    params = read_address(address)
    platform = attempt.platform
    if not params.get("state"):
        return advice_for("", reason="paste_unreadable", platform=platform)
    try:
        if consent.find_by_state(params["state"]).pk != attempt.pk:
            return advice_for("", reason="paste_other", platform=platform)
        consent.finish_consent(
            platform=platform,
            params=params,
            session=browser_id(request),
            ip=client_address(request),
            now=timezone.now(),
        )
    except consent.StateMismatch:
        return advice_for("", reason="paste_other", platform=platform)
    return None


def read_address(text: str) -> dict[str, str]:
    """The parameters of a pasted address: whole, without its host, or the query alone."""
    text = "".join(text.split()).strip("<>\"'“”").replace("&amp;", "&")
    parts = urlsplit(text) if "?" in text else None
    return dict(parse_qsl(parts.query if parts else text, keep_blank_values=True))


# --- keys


@manager_or_support_required
@posted
@not_stored
def keys(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    attempt = attempt_to_act_on(request, public_id)
    if not attempt.is_open:
        return redirect("link_attempt", public_id)
    tried = try_keys(request, attempt, by_member=True)
    if tried.accepted:
        if tried.cleaned:
            messages.info(request, cleaned_words(tried.cleaned))
        return redirect("link_attempt", public_id)
    return attempt_page(
        request, attempt, keys_form=tried.form, cleaned=tried.cleaned, advice=tried.advice
    )


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What became of posted keys. `cleaned`: labels of the fields that held blanks."""

    accepted: bool
    form: KeysForm
    cleaned: list[str]
    advice: Advice | None = None


def try_keys(request: HttpRequest, attempt: LinkAttempt, *, by_member: bool) -> Tried:
    def submit(values: Mapping[str, str]) -> None:
        link.submit_keys(
            attempt=attempt, values=values, ip=client_address(request), now=timezone.now(),
            by_member=by_member,
        )  # fmt: skip

    return _try(attempt, KeysForm(request.POST, mode=link.mode_of(attempt)), submit)


def _try(attempt: LinkAttempt, form: KeysForm, take: Callable[[Mapping[str, str]], None]) -> Tried:
    """Give what was typed to a flow; what it finds wrong is in the form, or is the advice."""
    if not form.is_valid():
        return Tried(accepted=False, form=form, cleaned=[])
    values = form.values()
    cleaned = [str(label) for label in link_forms.was_cleaned(form.mode, values)]
    advice = None
    try:
        take(values)
    except link_forms.BadInput as exc:
        for field, text in exc.errors.items():
            form.add_error(field if field in form.fields else None, text)
    except PlatformError as exc:
        advice = advice_for(exc.fault, platform=attempt.platform)
    except link.NotPossible as exc:
        advice = advice_for("", reason=exc.reason, platform=attempt.platform)
    else:
        return Tried(accepted=True, form=form, cleaned=cleaned)
    form.show_cleaned()
    return Tried(accepted=False, form=form, cleaned=cleaned, advice=advice)


def cleaned_words(labels: list[str]) -> str:
    return _("Blanks and invisible characters were taken out of: %(fields)s.") % {
        "fields": ", ".join(labels)
    }


# --- confirm


@manager_or_support_required
@posted
@not_stored
def confirm(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    attempt = attempt_to_act_on(request, public_id)
    chosen = request.POST.getlist("shop") if "choose" in request.POST else None
    now = timezone.now()
    try:
        linked = confirm_link.confirm(attempt=attempt, user=request.user, now=now, shop_ids=chosen)
    except link.NotPossible as exc:
        advice = advice_for(Fault.UNKNOWN, reason=exc.reason, platform=attempt.platform)
        return attempt_page(request, get_attempt(public_id), advice=advice)
    if request.membership and "bind_self" in request.POST and not linked.relinked:
        give_duties(
            tenant=request.tenant,
            actor=request.user,
            grants=[
                Grant(membership=request.membership, store=store, duty=Duty.OPERATOR)
                for store in linked.stores
            ],
            now=now,
        )
    return redirect("link_done", public_id)


@manager_or_support_required
@posted
def again(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    """Not the right shop: forget what was found and authorize once more."""
    link.start_over(attempt=attempt_to_act_on(request, public_id))
    return redirect("link_attempt", public_id)


@manager_or_support_required
@posted
def cancel(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    attempt = attempt_to_act_on(request, public_id)
    link.cancel(attempt=attempt, user=request.user, now=timezone.now())
    messages.info(request, _("The linking was cancelled; nothing of it is kept."))
    return redirect("link_start")


@require_safe
@manager_or_support_required
@not_stored
def watch(request: ManagerRequest, public_id: UUID, since: str) -> HttpResponse:
    """Asked by an open page: has the attempt moved on, in another tab or browser?"""
    attempt = get_attempt(public_id)
    response = HttpResponse(status=204)
    if attempt.step != since:
        # Not a reload: the page may be the answer to a form.
        response["HX-Redirect"] = reverse("link_attempt", args=[public_id])
    return response
