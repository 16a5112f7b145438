"""Reading records again, putting them aside and putting them back: one, some, or all that the
filters find.

Many are done in batches, each within a request of its own that says where the next one goes on:
whoever closes the page stops after the batch under way, and whoever comes back begins with what
is left. Two tabs, or a batch sent twice, find settled what the other has done.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from platforms.flows import dismiss_quarantined as dismissing
from platforms.flows.release_quarantined import release_records
from platforms.models import QuarantineState
from platforms.quarantine import query
from platforms.quarantine.query import Filters, Records
from tenants.access import WorkspaceRequest, member_required

READ_AT_ONCE = 200
SETTLED_AT_ONCE = 1_000
MOST_CHOSEN = 200
NOTE_LENGTH = 300
_MOST = 10**9
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an act on many is. `until` is the last record there was when it began: what came
    later is not meant. `after` is the last one that was tried."""

    total: int = 0
    tried: int = 0
    good: int = 0
    bad: int = 0
    after: str = ""
    until: str = ""

    @property
    def percent(self) -> int:
        return min(100, self.tried * 100 // self.total) if self.total else 100

    @property
    def skipped(self) -> int:
        """Settled by others meanwhile."""
        return max(0, self.tried - self.good - self.bad)


@dataclass(frozen=True, kw_only=True)
class Act:
    """What is done with a batch: (good, bad) of how many, by pk."""

    name: str  # of the address
    state: QuarantineState  # in which records must be for it
    at_once: int
    work: Callable[[list[int], bool], tuple[int, int]]


@require_POST
@member_required
def release(request: WorkspaceRequest) -> HttpResponse:
    """Read again with the adapter of today, and land."""

    def work(pks: list[int], single: bool) -> tuple[int, int]:
        now = timezone.now()
        done = release_records(pks=pks, user=request.user, now=now, single=single)
        return done.landed, done.unreadable

    act = Act(
        name="quarantine_release", state=QuarantineState.WAITING, at_once=READ_AT_ONCE, work=work
    )
    return _do(request, act)


@require_POST
@member_required
def dismiss(request: WorkspaceRequest) -> HttpResponse:
    """Put aside, saying why. Without a note it is asked for, with the choice kept."""
    note = plain_line(request.POST.get("note", ""))
    if query.may_work(request.workspace) and (not note or len(note) > NOTE_LENGTH):
        return _ask_note(request, note)

    def work(pks: list[int], single: bool) -> tuple[int, int]:
        done = dismissing.dismiss_records(
            pks=pks, user=request.user, note=note, now=timezone.now(), single=single
        )
        return done, 0

    act = Act(
        name="quarantine_dismiss", state=QuarantineState.WAITING, at_once=SETTLED_AT_ONCE, work=work
    )
    return _do(request, act, note=note)


@require_POST
@member_required
def put_back(request: WorkspaceRequest) -> HttpResponse:
    """Let records wait again that were put aside."""

    def work(pks: list[int], single: bool) -> tuple[int, int]:
        done = dismissing.put_back(pks=pks, user=request.user, now=timezone.now(), single=single)
        return done.back, done.kept

    act = Act(
        name="quarantine_put_back", state=QuarantineState.DISMISSED, at_once=READ_AT_ONCE, work=work
    )
    return _do(request, act)


def _do(request: WorkspaceRequest, act: Act, *, note: str = "") -> HttpResponse:
    if not query.may_work(request.workspace):
        raise Http404
    chosen = request.POST.getlist("ids")
    if chosen:
        return _do_chosen(request, act, chosen)
    if request.POST.get("all") != "yes":
        messages.warning(request, _("Choose at least one record first."))
        return redirect(_back(request))
    return _do_all(request, act, note)


def _do_chosen(request: WorkspaceRequest, act: Act, chosen: list[str]) -> HttpResponse:
    if len(chosen) > MOST_CHOSEN:
        raise SuspiciousOperation("more records than a page shows")
    rows = query.get_records(request.workspace, chosen)
    pks = list(rows.values_list("pk", flat=True))
    good, bad = act.work(pks, len(pks) == 1)
    _tell(request, act, Progress(total=len(pks), tried=len(pks), good=good, bad=bad))
    return redirect(_back(request))


def _do_all(request: WorkspaceRequest, act: Act, note: str) -> HttpResponse:
    """The next batch of all that the filters find; with the page of how far it is, until the
    last one."""
    filters = replace(Filters.read(request.POST.dict()), state=_param(act.state))
    stores = query.workable_stores(request.workspace)
    found = query.find_records(request.workspace, filters, stores)
    progress = _progress(request) or _beginning(found)
    progress, is_over = _batch(act, found, progress)
    if is_over and not _is_htmx(request) and progress.tried <= act.at_once:
        _tell(request, act, progress)
        return redirect(_back(request))
    template = "_progress" if _is_htmx(request) else "progress"
    return render(
        request,
        f"platforms/quarantine/{template}.html",
        {
            "act": act.name,
            "act_url": reverse(act.name),
            "progress": progress,
            "is_over": is_over,
            "filters": filters,
            "note": note,
            "sentences": [text for _tone, text in sentences(act.name, progress)],
            "back": _back(request),
            "origin": request.POST.get("from", "")[:20],
        },
    )


def _batch(act: Act, found: Records, progress: Progress) -> tuple[Progress, bool]:
    """One batch more, and whether it was the last."""
    if not progress.until:
        return progress, True
    left = found.filter(public_id__lte=UUID(progress.until))
    if progress.after:
        left = left.filter(public_id__gt=UUID(progress.after))
    rows = list(left.order_by("public_id").values_list("pk", "public_id")[: act.at_once])
    good, bad = act.work([pk for pk, _public_id in rows], False)
    tried = progress.tried + len(rows)
    is_over = len(rows) < act.at_once or tried >= progress.total
    progress = replace(
        progress,
        # At the end all are accounted for: what was not found any more, others settled.
        tried=max(tried, progress.total) if is_over else tried,
        good=progress.good + good,
        bad=progress.bad + bad,
        after=rows[-1][1].hex if rows else progress.after,
    )
    return progress, is_over


def _beginning(found: Records) -> Progress:
    last = found.order_by("-public_id").values_list("public_id", flat=True).first()
    return Progress(total=found.count(), until=last.hex if last else "")


def _progress(request: WorkspaceRequest) -> Progress | None:
    """Where the batch before ended, as its page says; None for the first one."""
    post = request.POST
    if not post.get("until"):
        return None
    try:
        after, until = (UUID(post.get(name, "")).hex for name in ("after", "until"))
        figures = {name: int(post.get(name, "")[:9]) for name in ("total", "tried", "good", "bad")}
    except ValueError:
        raise Http404 from None
    if not all(0 <= figure < _MOST for figure in figures.values()):
        raise Http404
    return Progress(after=after, until=until, **figures)


def _ask_note(request: WorkspaceRequest, note: str) -> HttpResponse:
    filters = Filters.read(request.POST.dict())
    chosen = request.POST.getlist("ids")[:MOST_CHOSEN]
    if not chosen and request.POST.get("all") != "yes":
        messages.warning(request, _("Choose at least one record first."))
        return redirect(_back(request))
    context = {
        "filters": filters, "chosen": chosen, "note": note, "most": NOTE_LENGTH,
        "too_long": len(note) > NOTE_LENGTH, "back": _back(request),
        "origin": request.POST.get("from", "")[:20], "record": request.POST.get("record", "")[:36],
    }  # fmt: skip
    return render(request, "platforms/quarantine/note.html", context, status=400)


def plain_line(text: str) -> str:
    """In one line, without what databases refuse."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _param(state: QuarantineState) -> str:
    return "" if state == QuarantineState.WAITING else str(state)


def _is_htmx(request: WorkspaceRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]


def _back(request: WorkspaceRequest) -> str:
    """The page it was asked for on: a record's, a list's, or the overview."""
    record = request.POST.get("record", "")
    try:
        return reverse("quarantine_record", args=[UUID(record)])
    except ValueError:
        pass
    filters = Filters.read(request.POST.dict())
    if request.POST.get("from") == "records":
        return reverse("quarantine_records") + filters.query()
    return reverse("quarantine") + filters.query(reason="")


def _tell(request: WorkspaceRequest, act: Act, done: Progress) -> None:
    for tone, text in sentences(act.name, done):
        messages.add_message(request, tone, text)


def sentences(act: str, done: Progress) -> list[tuple[int, str]]:
    """(tone, what came of it), nothing left out."""
    texts: list[tuple[int, str]] = []
    if done.good:
        texts.append((messages.SUCCESS, _good(act, done.good)))
    if done.bad:
        texts.append((messages.WARNING, _bad(act, done.bad)))
    if done.skipped:
        skipped = ngettext(
            "%(count)s record was settled before already.",
            "%(count)s records were settled before already.",
            done.skipped,
        )
        texts.append((messages.INFO, skipped % {"count": done.skipped}))
    return texts or [(messages.INFO, _("Nothing was waiting for this any more."))]


def _good(act: str, count: int) -> str:
    if act == "quarantine_release":
        text = ngettext(
            "%(count)s record could be read now; its order is here.",
            "%(count)s records could be read now; their orders are here.",
            count,
        )
    elif act == "quarantine_dismiss":
        text = ngettext(
            "%(count)s record is put aside. You find it under “Settled”.",
            "%(count)s records are put aside. You find them under “Settled”.",
            count,
        )
    else:
        text = ngettext(
            "%(count)s record waits again.", "%(count)s records wait again.", count
        )  # fmt: skip
    return text % {"count": count}


def _bad(act: str, count: int) -> str:
    if act == "quarantine_release":
        text = ngettext(
            "%(count)s record still cannot be read. It stays here, whole, with the reason of now.",
            "%(count)s records still cannot be read. They stay here, whole, with the reason of"
            " now.",
            count,
        )
    else:
        text = ngettext(
            "%(count)s record stays aside: it is emptied, or it came again and waits already.",
            "%(count)s records stay aside: they are emptied, or came again and wait already.",
            count,
        )
    return text % {"count": count}
