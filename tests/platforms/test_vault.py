"""Credentials at rest: nothing opens but where it was sealed, and a destroyed key is gone."""

from __future__ import annotations

import pytest
from django.db import transaction

from accounts import sealing
from platforms import vault
from platforms.models import TenantKey
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.accounts.test_sealing import key
from tests.support.together import together

PLACE = "authorization/1/credential"


@pytest.fixture
def lotus(db) -> Tenant:
    return Tenant.objects.create(name="Lotus", slug="lotus")


@pytest.fixture
def maple(db) -> Tenant:
    return Tenant.objects.create(name="Maple", slug="maple")


@pytest.fixture(autouse=True)
def _no_key_is_remembered():
    vault.forget_cached_keys()


def key_of(tenant: Tenant) -> TenantKey:
    with tenant_scope(tenant):
        return TenantKey.objects.get()


def stays_shut(tenant: Tenant, place: str, blob: bytes) -> bool:
    with pytest.raises(vault.Unopenable) as caught:
        vault.unseal(tenant.pk, place, blob)
    return "token" not in str(caught.value)


def test_what_was_sealed_opens_and_is_never_the_same_bytes(lotus):
    blobs = {vault.seal(lotus.pk, PLACE, b"token") for _ in range(3)}
    assert len(blobs) == 3
    assert {vault.unseal(lotus.pk, PLACE, memoryview(blob)) for blob in blobs} == {b"token"}
    assert not any(b"token" in blob for blob in blobs)


@pytest.mark.parametrize(
    "place",
    ["authorization/2/credential", "authorization/1/other", "app/1/credential", "", PLACE + "/"],
)
def test_a_copy_in_another_row_or_field_stays_shut(lotus, place):
    assert stays_shut(lotus, place, vault.seal(lotus.pk, PLACE, b"token"))


def test_a_copy_at_another_tenant_stays_shut(lotus, maple):
    blob = vault.seal(lotus.pk, PLACE, b"token")
    vault.seal(maple.pk, PLACE, b"other")
    assert stays_shut(maple, PLACE, blob)


def test_a_tenants_key_copied_to_another_tenant_opens_nothing(lotus, maple):
    blob = vault.seal(lotus.pk, PLACE, b"token")
    vault.seal(maple.pk, PLACE, b"other")
    with tenant_scope(maple):
        TenantKey.objects.update(wrapped=key_of(lotus).wrapped)
    assert stays_shut(maple, PLACE, blob)


def test_tenant_and_place_cannot_be_shifted_into_each_other(lotus, maple):
    assert vault._bound_to(1, "1/x") != vault._bound_to(11, "/x")


def test_any_changed_or_missing_byte_keeps_it_shut(lotus):
    blob = vault.seal(lotus.pk, PLACE, b"token")
    for position in range(len(blob)):
        changed = bytearray(blob)
        changed[position] ^= 1
        assert stays_shut(lotus, PLACE, bytes(changed))
        assert stays_shut(lotus, PLACE, blob[:position])


# --- keys


def test_a_destroyed_key_shuts_everything_at_once_in_every_process(lotus):
    blob = vault.seal(lotus.pk, PLACE, b"token")
    vault.unseal(lotus.pk, PLACE, blob)  # remembered by this process
    with tenant_scope(lotus):
        TenantKey.objects.all().delete()
    assert stays_shut(lotus, PLACE, blob)
    vault.seal(lotus.pk, PLACE, b"new")  # gets a new key, which opens nothing old
    assert stays_shut(lotus, PLACE, blob)


def test_deleting_a_tenant_takes_its_key_along(lotus, maple):
    blob = vault.seal(lotus.pk, PLACE, b"token")
    kept = vault.seal(maple.pk, PLACE, b"kept")
    gone = lotus.pk
    with tenant_scope(lotus):
        lotus.delete()
    with pytest.raises(vault.Unopenable):
        vault.unseal(gone, PLACE, blob)
    assert vault.unseal(maple.pk, PLACE, kept) == b"kept"


def test_a_key_that_was_rolled_back_is_forgotten(lotus):
    """SQLite gives its row's id to the next key: sealing with the old one would lose the data."""
    with transaction.atomic():
        vault.seal(lotus.pk, PLACE, b"never")
        transaction.set_rollback(True)
    wrapped = sealing.seal(bytes(32), aad=vault._key_place(lotus.pk))
    with tenant_scope(lotus):  # as another process does
        TenantKey.objects.create(tenant=lotus, wrapped=wrapped)
    blob = vault.seal(lotus.pk, PLACE, b"token")
    vault.forget_cached_keys()
    assert vault.unseal(lotus.pk, PLACE, blob) == b"token"


def test_a_remembered_key_costs_one_query(lotus, django_assert_num_queries):
    blob = vault.seal(lotus.pk, PLACE, b"token")
    with django_assert_num_queries(1):
        vault.unseal(lotus.pk, PLACE, blob)


def test_rewrapping_changes_the_wrapping_and_not_what_it_opens(lotus, settings):
    settings.VAULT_KEYS = [key("k1")]
    blob = vault.seal(lotus.pk, PLACE, b"token")
    settings.VAULT_KEYS = [key("k2", 2), key("k1")]
    row = key_of(lotus)
    with tenant_scope(lotus):
        assert (vault.rewrap(row), vault.rewrap(row)) == (True, False)
    settings.VAULT_KEYS = [key("k2", 2)]
    vault.forget_cached_keys()
    assert vault.unseal(lotus.pk, PLACE, blob) == b"token"


def test_a_lost_ring_shuts_the_vault_and_says_which_key_is_missing(lotus, settings):
    settings.VAULT_KEYS = [key("k1")]
    blob = vault.seal(lotus.pk, PLACE, b"token")
    settings.VAULT_KEYS = [key("k2", 2)]
    vault.forget_cached_keys()
    with pytest.raises(vault.Unopenable, match="k1"):
        vault.unseal(lotus.pk, PLACE, blob)


def test_more_tenants_than_are_remembered(monkeypatch, lotus, maple):
    monkeypatch.setattr(vault, "_CACHED_KEYS", 1)
    blobs = {t: vault.seal(t.pk, PLACE, t.slug.encode()) for t in (lotus, maple)}
    for _ in range(2):
        for tenant, blob in blobs.items():
            assert vault.unseal(tenant.pk, PLACE, blob) == tenant.slug.encode()
    assert len(vault._cache) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_racing_first_sealers_agree_on_one_key():
    tenant = Tenant.objects.create(name="Race", slug="race")
    blobs: list[bytes] = []
    together(lambda: blobs.append(vault.seal(tenant.pk, PLACE, b"token")), times=8)
    vault.forget_cached_keys()
    assert [vault.unseal(tenant.pk, PLACE, blob) for blob in blobs] == [b"token"] * 8
    assert key_of(tenant)


# --- what may be shown


def test_fingerprints_tell_secrets_apart_and_depend_on_our_key(settings):
    one = vault.fingerprint("secret-1")
    assert one == vault.fingerprint("secret-1") != vault.fingerprint("secret-2")
    assert len(one) == 16
    settings.SECRET_KEY = "another"
    assert vault.fingerprint("secret-1") != one


@pytest.mark.parametrize(("secret", "shown"), [("123456789abc", "9abc"), ("short", ""), ("", "")])
def test_a_hint_never_tells_a_third_of_the_secret(secret, shown):
    assert vault.hint(secret) == shown
