"""The records that could not be read, for programs: counts by reason, and the list without what
was received. The same rights as in the workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from platforms import registry
from platforms.api import MOST_PER_PAGE, TenantAPIView
from platforms.models import Quarantined, QuarantineState
from platforms.quarantine import query
from platforms.quarantine.history import note_words
from platforms.quarantine.query import STATES, BadCursor, Filters, Group
from platforms.quarantine.reasons import normalized
from tenants.api import ErrorSerializer
from tenants.models import Store

_FILTERS = [
    OpenApiParameter("platform", str, enum=list(registry.codes())),
    OpenApiParameter("store", str, description="Id of a store; `none`: not known yet."),
    OpenApiParameter("state", str, enum=list(STATES), description="Usually `waiting`."),
    OpenApiParameter("reason", str, description="`reason` of a count."),
    OpenApiParameter("cursor", str, description="From `next` or `previous`."),
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"1 to {MOST_PER_PAGE}, usually 50."),
]


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(help_text="The same for all that fail alike; a filter.")
    text = serializers.CharField(help_text="Technically, without values.")
    path = serializers.CharField(allow_null=True, help_text="Where in the record.")
    meaning = serializers.CharField(help_text="In plain words.")
    platform = serializers.CharField()
    store_id = serializers.UUIDField(allow_null=True)
    count = serializers.IntegerField()
    oldest = serializers.DateTimeField(help_text="UTC.")
    newest = serializers.DateTimeField(help_text="UTC.")


class RecordSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.CharField(allow_null=True, help_text="Of the order, where readable.")
    platform = serializers.CharField()
    store_id = serializers.UUIDField(allow_null=True, help_text="Null where not known yet.")
    state = serializers.ChoiceField(choices=QuarantineState.choices)
    reason = serializers.CharField()
    text = serializers.CharField()
    path = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField(help_text="UTC.")
    settled_at = serializers.DateTimeField(allow_null=True, help_text="UTC.")
    settled_note = serializers.CharField(allow_null=True)
    raw_sha256 = serializers.CharField(help_text="Of the record as received.")


class QuarantineSerializer(serializers.Serializer[Any]):
    counts = ReasonSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="Older records.")
    previous = serializers.URLField(allow_null=True, help_text="Newer records.")
    results = RecordSerializer(many=True)


class QuarantineView(TenantAPIView):
    @extend_schema(
        operation_id="quarantine_list",
        parameters=_FILTERS,
        responses={200: QuarantineSerializer, 400: ErrorSerializer, 401: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        """Records of the stores you manage or operate that could not be read, newest first, and
        how many there are by reason, platform and store. What was received is not given."""
        filters = self._filters(request)
        if not query.may_work(self.workspace):
            return Response({"counts": [], "next": None, "previous": None, "results": []})
        stores = query.workable_stores(self.workspace)
        found = query.find_records(self.workspace, filters, stores)
        try:
            page = query.page_of(
                found, cursor=request.query_params.get("cursor", ""), size=self._limit(request)
            )
        except BadCursor:
            raise ValidationError(
                {"cursor": [_("This cursor is not one of ours. Start again without it.")]}
            ) from None
        by_pk = {store.pk: store for store in stores}
        serializer = QuarantineSerializer(
            {
                "counts": _counts(query.groups(found, stores)),
                "next": self._link(request, page.next),
                "previous": self._link(request, page.previous),
                "results": [_record(row, by_pk) for row in page.records],
            }
        )
        return Response(serializer.data)

    def _filters(self, request: Request) -> Filters:
        params = request.query_params
        for name, known in (("platform", registry.codes()), ("state", STATES)):
            if params.get(name) and params[name] not in known:
                raise ValidationError({name: [_("Choose one of: %s.") % ", ".join(known)]})
        return Filters.read(params.dict())

    def _limit(self, request: Request) -> int:
        text = request.query_params.get("limit", "") or str(query.PAGE_SIZE)
        if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_PER_PAGE):
            raise ValidationError(
                {"limit": [_("Write a number from 1 to %(most)s.") % {"most": MOST_PER_PAGE}]}
            )
        return int(text[:9])

    def _link(self, request: Request, cursor: str) -> str | None:
        if not cursor:
            return None
        params = request._request.GET.copy()
        params["cursor"] = cursor
        return request.build_absolute_uri(f"{request.path}?{params.urlencode()}")


def _counts(groups: Sequence[Group]) -> list[dict[str, object]]:
    return [
        {
            "reason": group.reason.key,
            "text": group.reason.text,
            "path": group.reason.path or None,
            "meaning": group.reason.meaning,
            "platform": part.platform,
            "store_id": part.store.public_id if part.store else None,
            "count": part.count,
            "oldest": part.oldest,
            "newest": part.newest,
        }
        for group in groups
        for part in group.parts
    ]


def _record(row: Quarantined, stores: Mapping[int, Store]) -> dict[str, object]:
    store = stores.get(row.store_id or 0)
    reason = normalized(row.reason)
    return {
        "id": row.public_id,
        "number": row.number or None,
        "platform": row.platform,
        "store_id": store.public_id if store else None,
        "state": row.state,
        "reason": reason.key,
        "text": reason.text,
        "path": reason.path or None,
        "created_at": row.created_at,
        "settled_at": row.settled_at,
        "settled_note": note_words(row.settled_note) or None,
        "raw_sha256": row.raw_sha256,
    }
