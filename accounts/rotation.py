"""Sealing the second factors anew after a key was put in front of the ring."""

from __future__ import annotations

from dataclasses import dataclass, field

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts import sealing
from accounts.adapter import MFAAdapter, sealed_bytes

SEALED_ENTRIES = ("secret", "seed")


@dataclass(frozen=True, kw_only=True)
class Rotated:
    """Counts of authenticators. What is `unopenable` was left as it is."""

    resealed: int
    kept: int
    unopenable: int
    unopenable_ids: tuple[int, ...] = field(default=(), compare=False)


def reseal_authenticators() -> Rotated:
    """Seal every TOTP secret and recovery seed with the newest key. Safe to repeat, and to
    stop half way: each row is its own transaction and rows already done are kept."""
    counts = {"resealed": 0, "kept": 0}
    shut: list[int] = []
    for pk in Authenticator.objects.order_by("pk").values_list("pk", flat=True):
        try:
            counts["resealed" if _reseal(pk) else "kept"] += 1
        except sealing.Unopenable:
            shut.append(pk)
    return Rotated(**counts, unopenable=len(shut), unopenable_ids=tuple(shut))


@transaction.atomic
def _reseal(pk: int) -> bool:
    row = Authenticator.objects.select_for_update().filter(pk=pk).first()
    if row is None:
        return False
    newest = sealing.newest_key_id()
    adapter = MFAAdapter()
    old = {
        name: row.data[name]
        for name in SEALED_ENTRIES
        if name in row.data and sealing.key_id_of(sealed_bytes(row.data[name])) != newest
    }
    if not old:
        return False
    row.data |= {name: adapter.encrypt(adapter.decrypt(text)) for name, text in old.items()}
    row.save(update_fields=["data"])
    return True
