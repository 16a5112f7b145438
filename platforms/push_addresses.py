"""The addresses that marketplaces are told to call. None can be guessed: each carries a mark made
with our key, for platforms that sign nothing."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from platforms.models import App, Authorization

_SIGNER = Signer(salt="platforms.push")


def address_of(owner: Authorization | App) -> str:
    """Where pushes about an authorization, or about a whole application, go to."""
    mark = _SIGNER.signature(_name(type(owner), owner.public_id))
    path = reverse("push", args=[owner.platform, owner.public_id, mark])
    return registered_address(path)


def registered_address(path: str) -> str:
    """The address as the marketplace was told it, character by character: what stands before
    the path is ours to know, whatever a proxy makes of it."""
    return f"{settings.BASE_URL}{path}"


def is_ours(kind: type[Authorization] | type[App], public_id: UUID, mark: str) -> bool:
    try:
        _SIGNER.unsign(f"{_name(kind, public_id)}:{mark}")
    except BadSignature:
        return False
    return True


def _name(kind: type[Authorization] | type[App], public_id: UUID) -> str:
    return f"{kind._meta.model_name}/{public_id}"
