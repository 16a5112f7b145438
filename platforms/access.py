"""Doors to the rows of this app; see tenants/access.py for the rules."""

from __future__ import annotations

from functools import wraps
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from platforms.models import ChatRobot, LegalHold, LinkAttempt, Notice, Stream
from platforms.notices.board import visible_notices
from tenants.access import View, get_store
from tenants.middleware import Workspace
from tenants.models import Store, StoreState


def get_stream(work: Workspace, public_id: UUID) -> Stream:
    """The back-fill of a store this person may know of, or 404."""
    stream = Stream.objects.select_related("store").filter(public_id=public_id).first()
    if stream is None or stream.store is None:
        raise Http404
    get_store(work, stream.store.public_id)
    return stream


def get_attempt(public_id: UUID) -> LinkAttempt:
    """An attempt of the tenant whose scope this request is in, for those who may link, or 404."""
    attempts = LinkAttempt.objects.select_related(
        "tenant", "app", "relinks", "started_by", "authorization"
    )
    attempt = attempts.filter(public_id=public_id).first()
    if attempt is None:
        raise Http404
    return attempt


def get_store_to_relink(public_id: UUID) -> Store:
    """As `get_attempt`: a store of the tenant with an authorization to renew, or 404."""
    store = Store.objects.select_related("authorization", "tenant").filter(public_id=public_id)
    found = store.exclude(state=StoreState.UNLINKED).exclude(authorization=None).first()
    if found is None:
        raise Http404
    return found


def get_notice(work: Workspace, public_id: UUID) -> Notice:
    """A notice that this person may see, or 404."""
    notices = visible_notices(work).select_related("store", "authorization", "app")
    notice = notices.filter(public_id=public_id).first()
    if notice is None:
        raise Http404
    return notice


def get_robot(public_id: UUID) -> ChatRobot:
    """A chat robot of the tenant whose scope this request is in, for its managers, or 404."""
    robot = ChatRobot.objects.select_related("tenant").filter(public_id=public_id).first()
    if robot is None:
        raise Http404
    return robot


def get_hold(public_id: UUID) -> LegalHold:
    """A legal hold of the tenant whose scope this request is in, for its managers, or 404."""
    holds = LegalHold.objects.select_related("tenant", "store")
    hold = holds.filter(public_id=public_id).first()
    if hold is None:
        raise Http404
    return hold


def posted(view: View) -> View:
    """For forms whose answer is a page of its own: a reload, or the address opened again, leads
    back to the attempt instead of to an error. Below the decorator that checks the visitor."""

    @wraps(view)
    def checked(request: HttpRequest, public_id: UUID) -> HttpResponse:
        if request.method == "POST":
            return view(request, public_id)
        return redirect("link_attempt", get_attempt(public_id).public_id)

    return checked
