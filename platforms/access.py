"""Doors to the rows of this app; see tenants/access.py for the rules."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from platforms.models import Stream
from tenants.access import get_store
from tenants.middleware import Workspace


def get_stream(work: Workspace, public_id: UUID) -> Stream:
    """The back-fill of a store this person may know of, or 404."""
    stream = Stream.objects.select_related("store").filter(public_id=public_id).first()
    if stream is None or stream.store is None:
        raise Http404
    get_store(work, stream.store.public_id)
    return stream
