"""What support does to a store on its tenant's behalf, as buttons and as list actions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from platforms.admin import replays
from platforms.admin.wizard import open_wizard
from platforms.diagnosis.bundle import as_text, bundle_of
from platforms.diagnosis.report import report_of
from platforms.flows import manage_store, support
from platforms.flows.diagnose import NotLinked, diagnose_store
from platforms.flows.link import NotPossible
from platforms.flows.link_forms import BadInput
from platforms.flows.refresh import Outcome
from platforms.models import AuthorizationState
from tenants.models import Store, StoreState
from tenants.scope import tenant_scope
from tenants.support import Button, DeskAdmin, note

ACT = "tenants.change_store"
# One after the other, each up to a time-out: a page must come back.
REFRESHED_AT_ONCE = 20

VALID_FOR = (
    (1800, gettext_lazy("30 minutes")),
    (86_400, gettext_lazy("1 day")),
    (259_200, gettext_lazy("3 days")),
    (604_800, gettext_lazy("7 days")),
)


class HandOverForm(forms.Form):
    """How the seller is to authorize, and how long the link waits for them."""

    mode = forms.ChoiceField(label=gettext_lazy("Authorization mode"))
    valid_for = forms.TypedChoiceField(
        label=gettext_lazy("The link is valid for"), choices=VALID_FOR, coerce=int, initial=86_400
    )

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        modes = [(mode.code, mode.name) for mode in support.open_modes(store)]
        self.fields["mode"].choices = modes  # type: ignore[attr-defined]
        grant = support.grant_to_renew(store)
        if grant is not None:
            self.fields["mode"].initial = grant.mode


REFRESHED = {
    Outcome.REFRESHED: (
        messages.SUCCESS,
        gettext_lazy("%(name)s: the access token is new."),
    ),
    Outcome.KEPT: (
        messages.INFO,
        gettext_lazy("%(name)s: nothing to refresh. Its keys are fixed, or it was just done."),
    ),
    Outcome.FAILED: (
        messages.WARNING,
        gettext_lazy("%(name)s could not be refreshed just now: %(fault)s. It is tried again."),
    ),
    Outcome.NEEDS_RELINK: (
        messages.ERROR,
        gettext_lazy("%(name)s has to be linked again by the seller: %(fault)s."),
    ),
}


def _pulled(count: int) -> str:
    return ngettext(
        "%(count)s store is due now; its pull starts in a moment.",
        "%(count)s stores are due now; their pulls start in a moment.",
        count,
    )


def _paused(count: int) -> str:
    return ngettext("%(count)s store is paused.", "%(count)s stores are paused.", count)


def _resumed(count: int) -> str:
    return ngettext("%(count)s store goes on.", "%(count)s stores go on.", count)


# What is done: the flow, the state a store must have for it, and what is said then.
DEEDS = {
    "pull": (manage_store.pull_now, StoreState.ACTIVE, _pulled),
    "pause": (manage_store.pause_store, StoreState.ACTIVE, _paused),
    "resume": (manage_store.resume_store, StoreState.PAUSED, _resumed),
}


class StoreActions(DeskAdmin):
    """The doing half of the stores' pages."""

    actions = (
        "relink_selected", "hand_over_selected", "refresh_selected", "pull_selected",
        "pause_selected", "resume_selected",
    )  # fmt: skip
    buttons = (
        Button(name="relink", label=gettext_lazy("Open the linking wizard"), permission=ACT),
        Button(
            name="hand_over",
            label=gettext_lazy("Make a hand-over link"),
            permission=ACT,
            posts=False,
        ),
        Button(name="diagnose", label=gettext_lazy("Find the cause"), permission=ACT),
        Button(name="refresh", label=gettext_lazy("Refresh now"), permission=ACT),
        Button(name="pull", label=gettext_lazy("Pull now"), permission=ACT),
        Button(name="replay", label=gettext_lazy("Do again…"), permission=ACT, posts=False),
        Button(name="pause", label=gettext_lazy("Pause"), permission=ACT),
        Button(name="resume", label=gettext_lazy("Resume"), permission=ACT),
    )

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(ACT)

    def offers(self, request: HttpRequest, store: Store, button: Button) -> bool:
        if button.name in ("pull", "pause"):
            return store.state == StoreState.ACTIVE
        if button.name == "diagnose":
            return store.authorization_id is not None and store.state != StoreState.UNLINKED
        if button.name == "resume":
            return store.state == StoreState.PAUSED
        if button.name == "refresh":
            authorization = store.authorization
            return authorization is not None and authorization.state == AuthorizationState.ACTIVE
        return True

    def do_relink(self, request: HttpRequest, store: Store) -> HttpResponse:
        return open_wizard(request, tenant=store.tenant, store=store)

    @admin.action(description=gettext_lazy("Open the linking wizard"), permissions=["act"])
    def relink_selected(
        self, request: HttpRequest, queryset: QuerySet[Store]
    ) -> HttpResponse | None:
        store = self._only(request, queryset)
        return self.do_relink(request, store) if store else None

    def do_hand_over(self, request: HttpRequest, store: Store) -> HttpResponse:
        form = HandOverForm(request.POST or None, store=store)
        context = self.page_context(request, store, _("Hand-over link"))
        if form.is_valid():
            try:
                done = support.hand_over_store(
                    store=store,
                    mode=form.cleaned_data["mode"],
                    user=request.user,  # type: ignore[arg-type]
                    valid_for=timedelta(seconds=form.cleaned_data["valid_for"]),
                    now=timezone.now(),
                )
            except BadInput as exc:
                form.add_error(None, "; ".join(exc.errors.values()))
            except NotPossible as exc:
                if exc.reason == "not_prepared":
                    sentence = _("This way needs something to be typed first: open the wizard.")
                else:
                    sentence = _("This attempt is over. Begin a new one.")
                form.add_error(None, sentence)
            else:
                context |= {"url": done.url, "attempt": done.attempt}
        context["form"] = form
        return TemplateResponse(request, "admin/support/hand_over.html", context)

    @admin.action(description=gettext_lazy("Make a hand-over link"), permissions=["act"])
    def hand_over_selected(
        self, request: HttpRequest, queryset: QuerySet[Store]
    ) -> HttpResponse | None:
        store = self._only(request, queryset)
        return redirect("admin:tenants_store_hand_over", store.pk) if store else None

    def do_diagnose(self, request: HttpRequest, store: Store) -> HttpResponse | None:
        now = timezone.now()
        with tenant_scope(store.tenant):
            try:
                found = diagnose_store(store=store, user=request.user, now=now)  # type: ignore[arg-type]
            except NotLinked:
                messages.error(request, _("There is no authorization to look into."))
                return None
            bundle = as_text(bundle_of(found, now=now))
        note(
            request, "store.diagnosed", tenant=store.tenant, target=store,
            detail={"verdict": found.verdict},
        )  # fmt: skip
        context = self.page_context(request, store, _("Find the cause"))
        context |= {"report": report_of(found), "bundle": bundle}
        return TemplateResponse(request, "admin/support/diagnosis.html", context)

    def do_refresh(self, request: HttpRequest, store: Store) -> None:
        self._refresh(request, [store])

    @admin.action(description=gettext_lazy("Refresh now"), permissions=["act"])
    def refresh_selected(self, request: HttpRequest, queryset: QuerySet[Store]) -> None:
        self._refresh(request, queryset)

    def _refresh(self, request: HttpRequest, stores: Iterable[Store]) -> None:
        grants = {s.authorization_id: s.authorization for s in stores if s.authorization}
        if not grants:
            messages.error(request, _("There is no authorization to refresh. Link the store."))
        for grant in list(grants.values())[:REFRESHED_AT_ONCE]:
            assert grant is not None
            result = support.refresh_now(
                authorization=grant,
                user=request.user,  # type: ignore[arg-type]
                now=timezone.now(),
            )
            level, sentence = REFRESHED[result.outcome]
            names = {"name": str(grant), "fault": str(result.fault or "")}
            messages.add_message(request, level, str(sentence) % names)
        if len(grants) > REFRESHED_AT_ONCE:
            messages.warning(
                request,
                _("Only the first %(count)s were refreshed. Do the others in another go.")
                % {"count": REFRESHED_AT_ONCE},
            )

    def do_pull(self, request: HttpRequest, store: Store) -> None:
        self._each(request, [store], "pull")

    @admin.action(description=gettext_lazy("Pull now"), permissions=["act"])
    def pull_selected(self, request: HttpRequest, queryset: QuerySet[Store]) -> None:
        self._each(request, queryset, "pull")

    def do_replay(self, request: HttpRequest, store: Store) -> HttpResponse:
        context = self.page_context(request, store, _("Do again"))
        return replays.ask(request, store, context)

    def do_pause(self, request: HttpRequest, store: Store) -> None:
        self._each(request, [store], "pause")

    @admin.action(description=gettext_lazy("Pause"), permissions=["act"])
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Store]) -> None:
        self._each(request, queryset, "pause")

    def do_resume(self, request: HttpRequest, store: Store) -> None:
        self._each(request, [store], "resume")

    @admin.action(description=gettext_lazy("Resume"), permissions=["act"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Store]) -> None:
        self._each(request, queryset, "resume")

    def _each(self, request: HttpRequest, stores: Iterable[Store], what: str) -> None:
        """Do it where the store's state allows it, and say where it was and where it was not."""
        flow, wanted, sentence = DEEDS[what]
        done = 0
        for store in stores:
            if store.state != wanted:
                messages.warning(
                    request,
                    _("%(store)s was left alone, because its state is: %(state)s.")
                    % {"store": store.path, "state": store.get_state_display()},
                )
                continue
            with tenant_scope(store.tenant):
                flow(
                    store=store,
                    user=request.user,  # type: ignore[arg-type]
                    now=timezone.now(),
                    on_behalf=True,
                )
            done += 1
        if done:
            messages.success(request, sentence(done) % {"count": done})

    def _only(self, request: HttpRequest, queryset: QuerySet[Store]) -> Store | None:
        stores = list(queryset[:2])
        if len(stores) == 1:
            return stores[0]
        messages.error(request, _("Choose one store for this."))
        return None
