"""Beginning a check, from whichever page of its store it is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from platforms.flows.work_checks import AlreadyChecking, NotCheckable, start_check
from tenants.access import WorkspaceRequest
from tenants.models import Store


def begin_check(
    request: WorkspaceRequest, store: Store, *, kind: str, asked: Mapping[str, object], back: str
) -> HttpResponse:
    """To the page of the check; where none can begin, to the store's page `back`, told why."""
    try:
        check = start_check(
            store=store, kind=kind, asked=asked, user=request.user, now=timezone.now()
        )
    except AlreadyChecking:
        messages.error(request, _("A check of this store is under way. Wait for it, or stop it."))
    except NotCheckable:
        messages.error(
            request, _("Only an active store can be checked. Relink or resume it first.")
        )
    else:
        return redirect("check", check.public_id)
    return redirect(back, store.public_id)
