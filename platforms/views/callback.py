"""Where marketplaces send the seller back to. Needs no session of ours, and is safe without."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from platforms import registry
from platforms.advice import Advice, advice_for
from platforms.errors import Fault
from platforms.flows import consent, link
from platforms.flows import hand_over as hand_over_flow
from platforms.models import LinkAttempt, Step
from platforms.views import hand_over, link_from_there
from platforms.views.headers import no_trace
from platforms.views.link_attempt import BROWSER_KEY
from tenants.access import acted_for, public
from tenants.middleware import SESSION_KEY, Workspace, client_address
from tenants.models import Tenant
from tenants.models.tenant import token_hash
from tenants.scope import tenant_scope


@require_safe
@public
@no_trace
def callback(request: HttpRequest, platform: str) -> HttpResponse:
    """The answer of a marketplace to a consent, whoever's browser brings it."""
    if platform not in registry.codes():
        raise Http404
    params = request.GET.dict()
    without_state = (
        params and "state" not in params and not link_from_there.is_repeated(request.GET)
    )
    if without_state and link_from_there.may_claim(request):
        return link_from_there.keep_for_claim(request, platform, params, now=timezone.now())
    return _take(request, platform, params)


@require_safe
@public
@no_trace
def declined(request: HttpRequest, platform: str) -> HttpResponse:
    """eBay's address for a refusal; with or without our state, which eBay does not promise."""
    if platform not in registry.codes():
        raise Http404
    state = request.GET.get("state", "")
    if state:
        return _take(request, platform, {"state": state})
    attempt = _asked_by_this_browser(request, platform)
    if attempt is not None:
        with tenant_scope(attempt.tenant):
            link.note_failure(attempt, Fault.CONSENT_DENIED, now=timezone.now(), reason="declined")
        return redirect("link_attempt", attempt.public_id)
    return _say(request, platform, advice_for("", reason="declined", platform=platform))


def _take(request: HttpRequest, platform: str, params: dict[str, str]) -> HttpResponse:
    now = timezone.now()
    try:
        if link_from_there.is_repeated(request.GET):
            raise consent.StateMismatch("state_unknown")
        attempt = consent.finish_consent(
            platform=platform,
            params=params,
            session=str(request.session.get(BROWSER_KEY, "")),
            ip=client_address(request),
            now=now,
        )
    except consent.StateMismatch as exc:
        advice = advice_for("", reason=exc.reason, platform=platform)
        return _say(request, platform, advice, status=400)
    with tenant_scope(attempt.tenant):
        arrived = attempt.step == Step.CONFIRM
        if _may_go_on(request, attempt):
            if arrived:
                hand_over_flow.use_up(attempt=attempt, now=now)
            return redirect("link_attempt", attempt.public_id)
        if not arrived:
            advice = advice_for(attempt.fault, reason=attempt.fault_reason, platform=platform)
            return _say(request, platform, advice)
        return hand_over.finished(request, attempt)


def _may_go_on(request: HttpRequest, attempt: LinkAttempt) -> bool:
    """Whether this browser's person manages the attempt's tenant, or acts for it as support.

    Who works in another of their tenants right now is taken over to this one, if it was this
    browser that asked.
    """
    if _same(acted_for(request), attempt):
        return True
    work: Workspace = request.workspace  # type: ignore[attr-defined]
    for membership in work.memberships:
        if membership.tenant_id == attempt.tenant_id and membership.can_manage:
            if not _same(work.tenant, attempt):
                if attempt.session_hash != token_hash(str(request.session.get(BROWSER_KEY, ""))):
                    return False
                request.session[SESSION_KEY] = str(membership.tenant.public_id)
            return acted_for(request) is None
    return False


def _same(tenant: Tenant | None, attempt: LinkAttempt) -> bool:
    return tenant is not None and tenant.pk == attempt.tenant_id


def _asked_by_this_browser(request: HttpRequest, platform: str) -> LinkAttempt | None:
    """The newest attempt of the workspace's tenant that waits for an answer to this browser."""
    session = str(request.session.get(BROWSER_KEY, ""))
    attempt = _latest_open(request, platform)
    asked = attempt is not None and session and attempt.session_hash == token_hash(session)
    return attempt if asked else None


def _latest_open(request: HttpRequest, platform: str) -> LinkAttempt | None:
    work: Workspace = request.workspace  # type: ignore[attr-defined]
    tenant = acted_for(request) or (work.tenant if work.can_manage else None)
    if tenant is None:
        return None
    with tenant_scope(tenant):
        return (
            LinkAttempt.objects.filter(platform=platform)
            .exclude(step__in=[Step.DONE, Step.CANCELLED])
            .select_related("tenant")
            .order_by("-changed_at")
            .first()
        )


def _say(request: HttpRequest, platform: str, advice: Advice, *, status: int = 200) -> HttpResponse:
    """What happened and the way on, as far as this browser has one."""
    context = {
        "advice": advice,
        "platform": platform,
        "open_attempt": _latest_open(request, platform),
        "by_link": bool(request.session.get(hand_over.TOKEN_KEY)),
    }
    return render(request, "platforms/hand_over/callback.html", context, status=status)
