"""Sealing everything with the newest key of the ring, while the product runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from django.db import models, transaction

from accounts.rotation import reseal_authenticators
from platforms import credentials, vault
from platforms.models import App, Authorization, LinkAttempt, TenantKey
from tenants.scope import all_tenants, tenant_scope

BATCH = 200

M = TypeVar("M", bound=models.Model)


@dataclass(kw_only=True)
class KeysRotated:
    """`kept` counts what was sealed with the newest key already, and credentials: those are
    sealed with their tenant's data key, which stays, and were only tried. `unopenable` names
    what does not open, as table/public id; it was left as it is."""

    resealed: int = 0
    kept: int = 0
    unopenable: list[str] = field(default_factory=list)

    def count(self, name: str, work: Callable[[], bool]) -> None:
        try:
            resealed = work()
        except (vault.Unopenable, ValueError):
            self.unopenable.append(name)
        else:
            self.resealed += resealed
            self.kept += not resealed


def rotate_keys() -> KeysRotated:
    """Each row is a transaction of its own, and rows already done are kept: stopping half way
    and running again goes on where it stopped."""
    rotated = KeysRotated()
    with all_tenants("the key ring is the installation's"):
        for key in _rows(TenantKey.objects.select_related("tenant")):
            rotated.count(f"tenant_key/{key.tenant.slug}", partial(_rewrap, key.pk))
        for app in _rows(App.objects.all()):
            rotated.count(f"app/{app.public_id}", partial(_reseal_app, app.pk))
    _second_factors(rotated)
    _try_credentials(rotated)
    return rotated


@transaction.atomic
def _rewrap(pk: int) -> bool:
    return vault.rewrap(TenantKey.objects.select_for_update().get(pk=pk))


@transaction.atomic
def _reseal_app(pk: int) -> bool:
    # Locked and read anew: a secret entered meanwhile must not be undone.
    app = App.objects.select_for_update().get(pk=pk)
    if not app.sealed_secret:
        return False
    resealed = credentials.reseal_app(app)
    if not resealed:
        credentials.app_keys(app)
    return resealed


def _second_factors(rotated: KeysRotated) -> None:
    factors = reseal_authenticators()
    rotated.resealed += factors.resealed
    rotated.kept += factors.kept
    rotated.unopenable += [f"authenticator/{pk}" for pk in factors.unopenable_ids]


def _try_credentials(rotated: KeysRotated) -> None:
    """A row that does not open is reported, and is not fatal to the others."""
    with all_tenants("every sealed row is tried"):
        sealed = Authorization.objects.exclude(sealed_credential=b"")
        for row in _rows(sealed):
            rotated.count(f"authorization/{row.public_id}", partial(_opens, row))
        waiting = LinkAttempt.objects.exclude(sealed_pending=None, sealed_verifier=None)
        for attempt in _rows(waiting):
            name = f"link_attempt/{attempt.public_id}"
            rotated.count(name, partial(_attempt_opens, attempt))


def _opens(row: Authorization) -> bool:
    with tenant_scope(row.tenant_id):
        credentials.open_secrets(row)
    return False


def _attempt_opens(attempt: LinkAttempt) -> bool:
    with tenant_scope(attempt.tenant_id):
        for name in ("pending", "verifier"):
            blob = getattr(attempt, f"sealed_{name}")
            if blob:
                credentials.open_for_attempt(
                    attempt.tenant_id, attempt.public_id, name, bytes(blob)
                )
    return False


def _rows(rows: models.QuerySet[M]) -> Iterator[M]:
    """All rows in batches by key: no cursor is held open while other work goes on."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield from batch
        last = batch[-1].pk
