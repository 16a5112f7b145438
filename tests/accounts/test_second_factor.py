from __future__ import annotations

import base64

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts import sealing
from accounts.adapter import MFAAdapter, sealed_bytes
from accounts.models import User
from accounts.rotation import Rotated, reseal_authenticators
from tests.conftest import PASSWORD

ACTIVATE = "/accounts/2fa/totp/activate/"
NEW_KEY = "new:" + base64.b64encode(b"n" * 32).decode()


def code_for(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


def sign_in(client: Client, user: User) -> None:
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})


def activate(client: Client, user: User) -> str:
    sign_in(client, user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret: str = client.get(ACTIVATE).context["form"].secret
    client.post(ACTIVATE, {"code": code_for(secret)})
    return secret


def stored() -> str:
    """What a dump of the two tables would show."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        rows = [str(row[0]) for row in cursor.fetchall()]
    return "\n".join(rows + [str(s.get_decoded()) for s in Session.objects.all()])


def test_an_activated_secret_is_nowhere_in_the_database(client: Client, anna: User) -> None:
    secret = activate(client, anna)
    totp, codes = Authenticator.objects.order_by("pk")
    assert MFAAdapter().decrypt(totp.data["secret"]) == secret
    assert secret not in stored()
    assert MFAAdapter().decrypt(codes.data["seed"]) not in stored()
    assert not any(code in stored() for code in RecoveryCodes(codes).generate_codes())


def test_the_second_factor_is_asked_for_and_opens(client: Client, anna: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(anna, secret)
    sign_in(client, anna)
    assert "_auth_user_id" not in client.session

    client.post("/accounts/2fa/authenticate/", {"code": code_for(secret)})
    assert client.session["_auth_user_id"] == str(anna.pk)


def test_a_secret_edited_in_the_database_does_not_open(anna: User) -> None:
    totp = TOTP.activate(anna, generate_totp_secret()).instance
    with pytest.raises(sealing.Unopenable):
        MFAAdapter().decrypt(totp.data["secret"][:-8] + "AAAAAAA=")
    with pytest.raises(sealing.Unopenable):
        MFAAdapter().decrypt("JBSWY3DPEHPK3PXP")


def test_rotation_reseals_once_and_keeps_the_secret(anna: User, settings: Settings) -> None:
    secret = generate_totp_secret()
    TOTP.activate(anna, secret)
    settings.VAULT_KEYS = [NEW_KEY, *settings.VAULT_KEYS]

    assert reseal_authenticators() == Rotated(resealed=1, kept=0, unopenable=0)
    assert reseal_authenticators() == Rotated(resealed=0, kept=1, unopenable=0)

    settings.VAULT_KEYS = [NEW_KEY]
    row = Authenticator.objects.get()
    assert sealing.key_id_of(sealed_bytes(row.data["secret"])) == "new"
    assert MFAAdapter().decrypt(row.data["secret"]) == secret


def test_rotation_sets_aside_what_does_not_open(anna: User, settings: Settings) -> None:
    before = TOTP.activate(anna, generate_totp_secret()).instance.data
    settings.VAULT_KEYS = [NEW_KEY]
    assert reseal_authenticators() == Rotated(resealed=0, kept=0, unopenable=1)
    assert Authenticator.objects.get().data == before
