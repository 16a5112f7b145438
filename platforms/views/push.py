"""The addresses that marketplaces call. Their signature is the way in; there is no session."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from platforms.flows import receive_push as flow
from platforms.news import Push
from platforms.push_addresses import registered_address
from tenants.access import public


@csrf_exempt
@require_http_methods(["GET", "POST", "PUT"])
@public
def push(request: HttpRequest, platform: str, public_id: UUID, mark: str) -> HttpResponse:
    if int(request.headers.get("Content-Length") or 0) > flow.MOST_BYTES:
        return HttpResponse(status=413)
    received = Push(
        method=str(request.method),
        address=registered_address(request.path),
        query=request.GET.dict(),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.body,
    )
    try:
        reply = flow.receive_push(
            platform=platform, public_id=public_id, mark=mark, push=received, now=timezone.now()
        )
    except flow.UnknownAddress:
        raise Http404 from None
    return HttpResponse(reply.body, status=reply.status, content_type=reply.content_type)
