"""Credentials at rest: a data key per tenant, wrapped by the key ring of accounts.sealing.

Each sealed value is bound to tenant, table, row and field: a ciphertext copied elsewhere does
not open. Destroying a tenant's key row destroys its credentials.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import transaction
from django.utils.crypto import salted_hmac

from accounts import sealing
from accounts.sealing import Unopenable
from platforms.models.traffic import TenantKey
from tenants.scope import all_tenants, tenant_scope

__all__ = [
    "Unopenable",
    "fingerprint",
    "hint",
    "holding",
    "read_keys",
    "rewrap",
    "seal",
    "unseal",
]

_VERSION = b"\x01"
_NONCE = 12
_CACHED_KEYS = 500

# (tenant, wrapped key) -> data key. Not by row id: SQLite gives the id of a row that was rolled
# back to the next one, and a key that is in no row would seal what nobody can open.
_cache: OrderedDict[tuple[int, bytes], bytes] = OrderedDict()
_cache_lock = threading.Lock()
_held = threading.local()  # keys: tenant -> data key, inside `holding`


def seal(tenant_id: int, place: str, plain: bytes) -> bytes:
    """Ciphertext that opens only for the same tenant and `place` ("table/row/field")."""
    nonce = os.urandom(_NONCE)
    key = _data_key(tenant_id, create=True)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plain, _bound_to(tenant_id, place))


def unseal(tenant_id: int, place: str, blob: bytes | memoryview) -> bytes:
    """Raises Unopenable if the key is gone or the value was moved or changed."""
    blob = bytes(blob)
    if len(blob) <= 1 + _NONCE or blob[:1] != _VERSION:
        raise Unopenable("not a sealed value")
    nonce, sealed = blob[1 : 1 + _NONCE], blob[1 + _NONCE :]
    try:
        key = _data_key(tenant_id, create=False)
        return AESGCM(key).decrypt(nonce, sealed, _bound_to(tenant_id, place))
    except InvalidTag:
        raise Unopenable("the value does not belong here, or was changed") from None


def rewrap(row: TenantKey) -> bool:
    """Wrap a tenant's data key with the newest key of the ring; False if it already is."""
    if sealing.key_id_of(bytes(row.wrapped)) == sealing.newest_key_id():
        return False
    aad = _key_place(row.tenant_id)
    row.wrapped = sealing.seal(sealing.unseal(bytes(row.wrapped), aad=aad), aad=aad)
    row.save(update_fields=["wrapped"])
    return True


def fingerprint(secret: str) -> str:
    """Tells two secrets apart without telling either; keyed, so it cannot be guessed offline."""
    return salted_hmac("platforms.vault.fingerprint", secret, algorithm="sha256").hexdigest()[:16]


def hint(secret: str) -> str:
    return secret[-4:] if len(secret) >= 12 else ""


def forget_cached_keys() -> None:
    with _cache_lock:
        _cache.clear()


def _bound_to(tenant_id: int, place: str) -> bytes:
    return f"{tenant_id}|{place}".encode()


def _key_place(tenant_id: int) -> bytes:
    return f"tenant-key|{tenant_id}".encode()


def read_keys(tenant_ids: Collection[int]) -> dict[int, bytes]:
    """The data keys of several tenants in one query, for `holding`; without those that do not
    open."""
    with all_tenants("the keys of several tenants are read at once"):
        rows = list(TenantKey.objects.filter(tenant_id__in=tenant_ids))
    keys = {}
    for row in rows:
        with suppress(Unopenable):
            keys[row.tenant_id] = _unwrapped(row)
    return keys


@contextmanager
def holding(keys: Mapping[int, bytes]) -> Iterator[None]:
    """Use these keys without asking for their rows, for one short piece of work on this thread."""
    before = getattr(_held, "keys", {})
    _held.keys = {**before, **keys}
    try:
        yield
    finally:
        _held.keys = before


def _data_key(tenant_id: int, *, create: bool) -> bytes:
    held: Mapping[int, bytes] = getattr(_held, "keys", {})
    if tenant_id in held:
        return held[tenant_id]
    with tenant_scope(tenant_id):
        # The row is asked for each time: a destroyed key must stop working in every process.
        row = TenantKey.objects.first()
        if row is None and create:
            row = _create_key(tenant_id)
    if row is None:
        raise Unopenable("the tenant's key was destroyed")
    return _unwrapped(row)


def _unwrapped(row: TenantKey) -> bytes:
    cached = row.tenant_id, bytes(row.wrapped)
    with _cache_lock:
        if cached in _cache:
            _cache.move_to_end(cached)
            return _cache[cached]
    key = sealing.unseal(row.wrapped, aad=_key_place(row.tenant_id))
    with _cache_lock:
        _cache[cached] = key
        while len(_cache) > _CACHED_KEYS:
            _cache.popitem(last=False)
    return key


def _create_key(tenant_id: int) -> TenantKey:
    aad = _key_place(tenant_id)
    wrapped = sealing.seal(AESGCM.generate_key(256), aad=aad)
    with transaction.atomic():
        # Two processes may come here at once; the row that is there wins.
        row, _ = TenantKey.objects.get_or_create(tenant_id=tenant_id, defaults={"wrapped": wrapped})
    return row
