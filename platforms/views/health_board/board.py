"""All stores of the reader by how they are. The board asks for itself again while one looks."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from platforms import advice, registry
from platforms.health import board as health_board
from platforms.health.board import SORT_WORDS, Board, Counts, Filters
from platforms.health.condition import Group
from platforms.health.words import GROUP_WORDS
from platforms.outages import open_outages
from tenants.access import WorkspaceRequest, member_required, visible_stores

BOARD_ID = "health-board"


@require_safe
@member_required
def health_page(request: WorkspaceRequest) -> HttpResponse:
    """What the filters in the address find, worst first; the board alone for htmx."""
    filters = Filters.read(request.GET.dict())
    outages = open_outages()
    stores = visible_stores(request.workspace)
    now = timezone.now()
    found = health_board.board(
        stores, filters=filters, page=_page(request), outages=outages, now=now
    )
    context: dict[str, object] = {
        "board": found,
        "filters": filters,
        "now": now,
        "chips": _chips(filters, found.counts),
        "outages": health_board.concerning(stores, outages),
        "here": _url(filters, found.page),
        **_turning(filters, found),
        "platforms": [registry.get(code) for code in registry.codes()
                      if code in found.counts.platforms or code == filters.platform],
        "faults": _faults(filters, found.counts),
        "sorts": SORT_WORDS.items(),
    }  # fmt: skip
    htmx = request.htmx  # type: ignore[attr-defined]
    only_board = htmx and not htmx.history_restore_request
    template = "platforms/health/_board.html" if only_board else "platforms/health/page.html"
    response = render(request, template, context)
    # A board that asks for itself is where it was; a choice is a place to come back to.
    if only_board and htmx.trigger != BOARD_ID:
        response["HX-Push-Url"] = _url(filters, found.page)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _page(request: WorkspaceRequest) -> int:
    text = request.GET.get("page", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _chips(filters: Filters, counts: Counts) -> list[dict[str, object]]:
    """Everything, then each group with its count; the one that is chosen is marked."""
    chips: list[tuple[Group | None, object, int]] = [
        (group, GROUP_WORDS[group], counts.groups[group]) for group in Group
    ]
    return [
        {
            "id": str(group or "all"),
            "label": label,
            "count": count,
            "chosen": filters.group == group,
            "url": _address(filters.as_params(state=str(group or ""))),
        }
        for group, label, count in [(None, None, counts.everything), *chips]
    ]


def _turning(filters: Filters, found: Board) -> dict[str, object]:
    return {
        "previous_url": _url(filters, found.page - 1) if found.page > 1 else "",
        "next_url": _url(filters, found.page + 1) if found.page < found.pages else "",
    }


def _faults(filters: Filters, counts: Counts) -> list[tuple[str, str, int]]:
    """(fault, its words, how many) of what occurs now, most first."""
    shown = dict(counts.faults) | ({filters.fault: counts.faults.get(filters.fault, 0)}
                                   if filters.fault else {})  # fmt: skip
    by_count = sorted(shown.items(), key=lambda each: (-each[1], each[0]))
    return [(fault, advice.fault_words(fault), count) for fault, count in by_count]


def _url(filters: Filters, page: int) -> str:
    return _address(filters.as_params(**({"page": str(page)} if page > 1 else {})))


def _address(params: dict[str, str]) -> str:
    return reverse("health") + (f"?{urlencode(params)}" if params else "")
