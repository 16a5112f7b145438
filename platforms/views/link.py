"""The linking wizard up to an attempt: platform, mode, names. The rest is link_attempt.py."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from platforms import registry
from platforms.access import get_store_to_relink
from platforms.adapter import Adapter
from platforms.flows import link, link_forms
from platforms.forms import NameForm, suggest_account_name
from platforms.models import LinkAttempt, Step
from platforms.spec import Mode, ModeKind
from tenants.access import SUPPORT_TENANT, ManagerRequest, manager_or_support_required
from tenants.models import Store

OPEN_SHOWN = 8


def steps(attempt: LinkAttempt | None = None, *, relink: bool = False) -> list[str]:
    """The names of the wizard's steps, for components/stepper.html."""
    if relink or (attempt is not None and attempt.relinks_id):
        return [_("Way of linking"), _("Authorize"), _("Check the shop"), _("Done")]
    return [
        _("Platform"), _("Way of linking"), _("Name"), _("Authorize"), _("Check the shop"),
        _("Done"),
    ]  # fmt: skip


@require_safe
@manager_or_support_required
def start(request: ManagerRequest) -> HttpResponse:
    open_attempts = (
        LinkAttempt.objects.exclude(step__in=[Step.DONE, Step.CANCELLED])
        .select_related("started_by", "relinks", "tenant")
        .order_by("-changed_at")[:OPEN_SHOWN]
    )
    context = {
        "steps": steps(),
        "adapters": [adapter for adapter in registry.all_adapters() if is_offered(adapter)],
        "open_attempts": open_attempts,
    }
    return render(request, "platforms/link/start.html", context)


@require_safe
@manager_or_support_required
def choose_mode(request: ManagerRequest, platform: str) -> HttpResponse:
    adapter = _offered(platform)
    context = {
        "steps": steps(),
        "current": 2,
        "adapter": adapter,
        "modes": _modes(adapter),
        "without_app": _without_app(request, adapter),
    }
    return render(request, "platforms/link/mode.html", context)


@manager_or_support_required
def name(request: ManagerRequest, platform: str, mode: str) -> HttpResponse:
    adapter = _offered(platform)
    try:
        _adapter_again, declared = link_forms.check_mode(platform, mode)
    except link_forms.BadInput:
        return redirect("link_mode", platform)  # refused there, with the reason
    if request.method != "POST":
        suggested = suggest_account_name(platform, request.tenant.slug.replace("-", "_"))
        form = NameForm(adapter=adapter, mode=declared, initial={"account_name": suggested})
        return _name_page(request, adapter, declared, form)
    data = request.POST.copy()
    if data.get("use"):  # the button that takes the suggested name
        data["account_name"] = str(data["use"])
    form = NameForm(data, adapter=adapter, mode=declared)
    if form.is_valid():
        typed = form.cleaned_data
        if form.asks_region and not typed["region"]:
            form.add_error("region", _("Choose the region your seller account belongs to."))
            return _name_page(request, adapter, declared, form)
        try:
            attempt = link.start(
                tenant=request.tenant, user=request.user, platform=platform, mode=mode,
                now=timezone.now(), on_behalf=request.on_behalf, **typed,
            )  # fmt: skip
        except link_forms.BadInput as exc:
            for field, text in exc.errors.items():
                form.add_error(field if field in form.fields else None, text)
        else:
            return redirect("link_attempt", attempt.public_id)
    return _name_page(request, adapter, declared, form)


def _name_page(
    request: ManagerRequest, adapter: Adapter, mode: Mode, form: NameForm
) -> HttpResponse:
    suggestion = ""
    if form.is_bound and form.errors.get("account_name"):
        suggestion = suggest_account_name(adapter.code, form.data.get("account_name", ""))
    context = {
        "steps": steps(), "current": 3, "adapter": adapter, "mode": mode, "form": form,
        "suggestion": suggestion,
    }  # fmt: skip
    return render(request, "platforms/link/name.html", context)


@require_safe
@manager_or_support_required
def suggest(request: ManagerRequest, platform: str, mode: str) -> HttpResponse:
    """While the name is typed: is it allowed and free, and which one would be."""
    adapter = _adapter(platform)
    typed = request.GET.get("account_name", "").strip()[:200]
    suggestion = suggest_account_name(adapter.code, typed)
    context = {
        "typed": typed,
        "suggestion": suggestion,
        "is_good": bool(typed) and typed == suggestion,
    }
    return render(request, "platforms/link/_name_hint.html", context)


@manager_or_support_required
def relink(request: ManagerRequest, public_id: UUID) -> HttpResponse:
    """Link a store again: the same account, its orders and history stay.

    POST begins at once where there is one way to; otherwise the way is chosen first.
    """
    store = get_store_to_relink(public_id)
    adapter = _adapter(store.platform)
    usable = [mode for mode in adapter.modes if mode.kind != ModeKind.REFUSED]
    chosen = request.POST.get("mode") or (usable[0].code if len(usable) == 1 else "")
    if request.method == "POST" and chosen:
        attempt = _begin_relink(request, store, chosen)
        return redirect("link_attempt", attempt.public_id)
    context = {
        "steps": steps(relink=True),
        "adapter": adapter,
        "modes": _modes(adapter, first=store.authorization.mode if store.authorization else ""),
        "store": store,
        "without_app": _without_app(request, adapter),
    }
    return render(request, "platforms/link/mode.html", context)


def _begin_relink(request: ManagerRequest, store: Store, mode: str) -> LinkAttempt:
    try:
        return link.start(
            tenant=request.tenant, user=request.user, platform=store.platform, mode=mode,
            now=timezone.now(), site=store.site, account_name=store.account_name,
            environment=store.environment, relinks=store.authorization,
            on_behalf=request.on_behalf,
        )  # fmt: skip
    except link_forms.BadInput:
        raise Http404 from None  # a mode that no button of ours names


@require_POST
@manager_or_support_required
def support_end(request: ManagerRequest) -> HttpResponse:
    """Support stops acting for the tenant."""
    request.session.pop(SUPPORT_TENANT, None)
    return redirect("admin:index" if request.user.is_staff else "home")


def _adapter(platform: str) -> Adapter:
    try:
        return registry.get(platform)
    except KeyError:
        raise Http404 from None


def is_offered(adapter: Adapter) -> bool:
    """Whether new stores may be linked: platforms we are unsure of only where settings say so."""
    return not adapter.uncertain or adapter.code in settings.OFFER_PLATFORMS


def _offered(platform: str) -> Adapter:
    adapter = _adapter(platform)
    if not is_offered(adapter):
        raise Http404
    return adapter


def _modes(adapter: Adapter, *, first: str = "") -> list[tuple[Mode, list[Mode]]]:
    """Modes with the ones to take instead: the one in use and recommended ones first, refused
    ones last."""

    def rank(mode: Mode) -> tuple[bool, bool, bool]:
        return (mode.kind == ModeKind.REFUSED, mode.code != first, not mode.recommended)

    return [
        (mode, [adapter.mode(code) for code in mode.instead])
        for mode in sorted(adapter.modes, key=rank)
    ]


def _without_app(request: ManagerRequest, adapter: Adapter) -> bool:
    """Whether consent cannot work here because no developer application is entered."""
    if not adapter.needs_app:
        return False
    regions = ["", *dict(adapter.regions)]
    return not any(link.find_app(request.tenant, adapter, "production", each) for each in regions)
