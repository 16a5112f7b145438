"""Linkings that begin at the marketplace, and answers of it that do not say whose they are."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import sealing
from platforms import registry
from platforms.adapter import Adapter
from platforms.advice import Advice, advice_for
from platforms.errors import Fault, PlatformError
from platforms.flows import consent, link, link_forms
from platforms.forms import NameForm, suggest_account_name
from platforms.models import Authorization, LinkAttempt, Step
from platforms.spec import Start
from platforms.views.headers import not_stored
from platforms.views.link_attempt import attempt_to_act_on
from tenants.access import ManagerRequest, acted_for, manager_or_support_required
from tenants.middleware import Workspace, client_address
from tenants.models import Store, StoreState

CLAIM_KEY = "link_claim"  # in the session: an answer that waits to be told whose it is
CLAIM_PLACE = b"claim"
KEPT_FOR = timedelta(minutes=30)


def is_repeated(query: QueryDict) -> bool:
    """Whether a parameter comes twice: then it is not clear which one was meant or signed."""
    return any(len(values) > 1 for _name, values in query.lists())


# --- begun there


# These pages have forms, so not `no_trace`; their address is told to no other site in any case.
@require_http_methods(["GET", "HEAD", "POST"])
@manager_or_support_required
@not_stored
def from_platform(request: ManagerRequest, platform: str) -> HttpResponse:
    """The marketplace sent a seller who wants to link. What it says is read anew at each step."""
    adapter = _adapter(platform)
    if not adapter.starts_there:
        raise Http404
    if is_repeated(request.GET):
        return _sorry(request, advice_for(Fault.INVALID_REQUEST, platform=platform))
    now = timezone.now()
    try:
        app = link.find_app(request.tenant, adapter, "production")
        keys = link.app_keys(app) if app else None
        begun = adapter.read_start(request.GET.dict(), app=keys, now=now)
    except PlatformError as exc:
        return _sorry(request, advice_for(exc.fault, platform=platform))
    renewed = _store_to_renew(platform, begun)
    _adapter_again, mode = link_forms.check_mode(platform, begun.mode)
    suggested = suggest_account_name(platform, begun.suggested_name or request.tenant.slug)
    form = NameForm(
        request.POST if request.method == "POST" else None,
        adapter=adapter, mode=mode, initial={"account_name": suggested},
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            attempt = link.start(
                tenant=request.tenant, user=request.user, platform=platform, mode=begun.mode,
                now=now, site=begun.site, region=begun.region,
                account_name=renewed.account_name if renewed else form.cleaned_data["account_name"],
                display_name="" if renewed else form.cleaned_data["display_name"],
                relinks=renewed.authorization if renewed else None,
                on_behalf=request.on_behalf, given=begun.given,
            )  # fmt: skip
        except link_forms.BadInput as exc:
            for field, words in exc.errors.items():
                form.add_error(field if field in form.fields else None, words)
        else:
            return redirect("link_attempt", attempt.public_id)
    context = {"adapter": adapter, "mode": mode, "begun": begun, "store": renewed, "form": form}
    return render(request, "platforms/link/from_there.html", context)


def _store_to_renew(platform: str, begun: Start) -> Store | None:
    """A store of this tenant that the account opens already."""
    if not begun.account_id:
        return None
    known = Authorization.objects.filter(
        platform=platform, environment="production", account_id=begun.account_id
    )
    if begun.region:
        known = known.filter(region=begun.region)
    stores = Store.objects.filter(authorization__in=known).exclude(state=StoreState.UNLINKED)
    found: Store | None = stores.select_related("authorization").order_by("pk").first()
    return found


# --- answers without a state


def may_claim(request: HttpRequest) -> bool:
    """Whether this browser's person could say which linking an answer belongs to."""
    work: Workspace = request.workspace  # type: ignore[attr-defined]
    return work.can_manage or acted_for(request) is not None


def keep_for_claim(
    request: HttpRequest, platform: str, params: Mapping[str, str], *, now: datetime
) -> HttpResponse:
    """Keep an answer, sealed, until the person has said which linking it belongs to."""
    kept = {"platform": platform, "at": now.isoformat(), "params": dict(params)}
    sealed = sealing.seal(json.dumps(kept).encode(), aad=CLAIM_PLACE)
    request.session[CLAIM_KEY] = base64.b64encode(sealed).decode()
    return redirect("link_claim", platform)


@require_http_methods(["GET", "HEAD", "POST"])
@manager_or_support_required
@not_stored
def claim(request: ManagerRequest, platform: str) -> HttpResponse:
    """Which linking does the answer belong to? Only a person says so, never we."""
    adapter, now = _adapter(platform), timezone.now()
    params = _kept(request, platform, now=now)
    if params is None:
        return _sorry(request, advice_for("", reason="claim_gone", platform=platform))
    advice = None
    if request.method == "POST":
        attempt = _chosen(request, platform)
        try:
            consent.finish_without_state(
                attempt=attempt, params=params, ip=client_address(request), now=now
            )
        except link.NotPossible as exc:
            advice = advice_for("", reason=exc.reason, platform=platform)
        else:
            request.session.pop(CLAIM_KEY, None)
            return redirect("link_attempt", attempt.public_id)
    waiting = (
        LinkAttempt.objects.filter(platform=platform, step=Step.AUTHORIZE, state_expires_at__gt=now)
        .exclude(state_hash="")
        .select_related("started_by")
        .order_by("-changed_at")
    )
    context = {"adapter": adapter, "attempts": waiting, "advice": advice}
    return render(request, "platforms/link/claim.html", context, status=400 if advice else 200)


def _chosen(request: ManagerRequest, platform: str) -> LinkAttempt:
    try:
        public_id = UUID(request.POST.get("attempt", ""))
    except ValueError:
        raise Http404 from None
    attempt = attempt_to_act_on(request, public_id)
    if attempt.platform != platform:
        raise Http404
    return attempt


def _kept(request: HttpRequest, platform: str, *, now: datetime) -> dict[str, str] | None:
    """The answer of this platform that this browser brought, if it is not too old."""
    try:
        sealed = base64.b64decode(request.session.get(CLAIM_KEY, ""))
        kept = json.loads(sealing.unseal(sealed, aad=CLAIM_PLACE))
    except (sealing.Unopenable, ValueError):
        return None
    if now - datetime.fromisoformat(kept["at"]) > KEPT_FOR:
        del request.session[CLAIM_KEY]
        return None
    return dict(kept["params"]) if kept["platform"] == platform else None


def _adapter(platform: str) -> Adapter:
    try:
        return registry.get(platform)
    except KeyError:
        raise Http404 from None


def _sorry(request: HttpRequest, advice: Advice) -> HttpResponse:
    return render(request, "platforms/link/closed.html", {"advice": advice}, status=400)
