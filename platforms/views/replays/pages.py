"""Replays of one store: asking for one, how far it is, and what earlier ones came to."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from platforms import registry
from platforms.flows.replay import (
    AlreadyReplaying,
    BadWindow,
    NotReplayable,
    look_again,
    start_replay,
    stop_replay,
)
from platforms.flows.replay_pushes import deliveries_of
from platforms.flows.replay_read import orders_of
from platforms.models import Replay
from platforms.replays.forms import ReplayForm
from platforms.replays.words import WINDOW_FAULTS, tell
from tenants.access import WorkspaceRequest, get_store_to_work_on, member_required
from tenants.middleware import Workspace
from tenants.models import Store

HISTORY = 20


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def of_store(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """For managers and for the store's operators."""
    store = get_store_to_work_on(request.workspace, public_id)
    form = ReplayForm(request.POST or None, store=store, now=timezone.now())
    if request.method == "POST" and form.is_valid() and _start(request, store, form):
        return redirect("store_replays", public_id)
    rows = Replay.objects.filter(store=store).select_related("asked_by", "stream")
    history = list(rows.order_by("-asked_at", "-pk")[:HISTORY])
    for row in history:
        row.store = store
    return render(
        request,
        "platforms/replays/store.html",
        {
            "store": store,
            "adapter": registry.get(store.platform),
            "form": form,
            "live": [_live(row) for row in history if row.finished_at is None],
            "history": [tell(row) for row in history if row.finished_at is not None],
            "zone": store.zone.key,
        },
        status=400 if form.errors else 200,
    )


def _start(request: WorkspaceRequest, store: Store, form: ReplayForm) -> bool:
    """Whether it is under way now; otherwise the form says why not."""
    since, until = form.window
    try:
        start_replay(
            store=store, kind=form.cleaned_data["kind"], since=since, until=until,
            user=request.user, now=form.now,
        )  # fmt: skip
    except AlreadyReplaying:
        messages.info(
            request, _("This is being done again already. Wait for it below, or stop it.")
        )
        return True
    except BadWindow as exc:
        form.add_error(None, str(WINDOW_FAULTS[exc.reason]))
        return False
    except NotReplayable:
        form.add_error(None, _("Only an active store can do this. Relink or resume it first."))
        return False
    messages.success(request, _("It begins within a minute; you may leave this page."))
    return True


@require_safe
@member_required
def progress(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """The live part alone, for htmx; the whole page again once the replay is over."""
    replay = _get_replay(request.workspace, public_id)
    if replay.finished_at is not None:
        return HttpResponse(headers={"HX-Refresh": "true"})
    look_again(replay)
    return render(request, "platforms/replays/_live.html", {"live": _live(replay)})


@require_POST
@member_required
def stop(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    replay = _get_replay(request.workspace, public_id)
    if stop_replay(replay=replay, user=request.user, now=timezone.now()):
        messages.success(request, _("It stops at its next step; what was done stays."))
    return redirect("store_replays", replay.store.public_id)


def _get_replay(work: Workspace, public_id: UUID) -> Replay:
    """As `get_store_to_work_on`, by the replay."""
    rows = Replay.objects.select_related("store__tenant", "store__authorization", "stream")
    replay: Replay | None = rows.filter(public_id=public_id).first()
    if replay is None:
        raise Http404
    get_store_to_work_on(work, replay.store.public_id)
    return replay


def _live(replay: Replay) -> dict[str, object]:
    """`percent` None where nobody can tell yet."""
    percent: int | None = None
    if replay.started_at is None:
        pass
    elif replay.kind == Replay.Kind.PULL:
        percent = replay.stream.progress if replay.stream else None
    elif replay.kind == Replay.Kind.READ:
        percent = _share(replay.seen, orders_of(replay).count())
    else:
        done = replay.updated + replay.unchanged + replay.quarantined
        percent = _share(done, deliveries_of(replay).count())
    return {"told": tell(replay), "percent": percent}


def _share(done: int, total: int) -> int | None:
    return min(100, 100 * done // total) if total else None
