from __future__ import annotations

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from accounts import sealing


def key(key_id: str, fill: int = 1) -> str:
    return f"{key_id}:{base64.b64encode(bytes([fill]) * 32).decode()}"


@pytest.fixture(autouse=True)
def ring(settings: Settings) -> None:
    settings.VAULT_KEYS = [key("k1")]


def test_a_sealed_value_opens_with_the_same_place() -> None:
    blob = sealing.seal(b"token", aad=b"store:7")
    assert sealing.unseal(blob, aad=b"store:7") == b"token"


def test_the_same_value_never_seals_to_the_same_bytes() -> None:
    assert sealing.seal(b"token", aad=b"x") != sealing.seal(b"token", aad=b"x")


def test_a_copy_in_another_place_does_not_open() -> None:
    blob = sealing.seal(b"token", aad=b"store:7")
    with pytest.raises(sealing.Unopenable):
        sealing.unseal(blob, aad=b"store:8")


def test_any_changed_byte_keeps_it_shut() -> None:
    blob = sealing.seal(b"token", aad=b"x")
    for position in range(len(blob)):
        changed = bytearray(blob)
        changed[position] ^= 1
        with pytest.raises(sealing.Unopenable):
            sealing.unseal(bytes(changed), aad=b"x")


@pytest.mark.parametrize("length", [0, 1, 2, 10, 20])
def test_a_cut_value_does_not_open(length: int) -> None:
    blob = sealing.seal(b"token", aad=b"x")[:length]
    with pytest.raises(sealing.Unopenable):
        sealing.unseal(blob, aad=b"x")


def test_the_newest_key_seals_and_the_older_ones_still_open(settings: Settings) -> None:
    old = sealing.seal(b"token", aad=b"x")
    settings.VAULT_KEYS = [key("k2", 2), key("k1")]
    assert sealing.newest_key_id() == "k2"
    assert sealing.key_id_of(sealing.seal(b"token", aad=b"x")) == "k2"
    assert sealing.unseal(old, aad=b"x") == b"token"


def test_a_key_that_is_gone_or_has_another_value_does_not_open(settings: Settings) -> None:
    blob = sealing.seal(b"token", aad=b"x")
    for other in (key("k2", 1), key("k1", 2)):
        settings.VAULT_KEYS = [other]
        with pytest.raises(sealing.Unopenable, match="k1"):
            sealing.unseal(blob, aad=b"x")


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ([], "empty"),
        (["no-colon"], "id:base64"),
        (["k 1:" + "A" * 44], "id:base64"),
        (["k1:***"], "not base64"),
        (["k1:" + base64.b64encode(b"short").decode()], "5 bytes"),
        ([key("k1"), key("k1", 2)], "twice"),
    ],
)
def test_a_malformed_key_stops_the_start_without_being_quoted(
    settings: Settings, entries: list[str], complaint: str
) -> None:
    settings.VAULT_KEYS = entries
    with pytest.raises(ImproperlyConfigured, match=complaint) as caught:
        sealing.key_ring()
    assert "AAAA" not in str(caught.value)
