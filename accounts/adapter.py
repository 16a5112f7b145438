"""What we change about allauth: mail speaks the reader's language, secrets are sealed."""

from __future__ import annotations

import base64
import binascii
from types import SimpleNamespace
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import sealing
from accounts.models import User

# allauth's hooks do not tell whose row it is, so this names table and field only.
MFA_AAD = b"mfa_authenticator.data"


class AccountAdapter(DefaultAccountAdapter):
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Writes in the language of the account that has the address; without one, in that of
        the page the visitor looks at."""
        with translation.override(self._language_of(email, context.get("user"))):
            # Without django.contrib.sites allauth would greet "from 127.0.0.1:8000".
            host = allauth_context.request.get_host()
            site = SimpleNamespace(name=_("Storelink"), domain=host)
            super().send_mail(template_prefix, email, {"current_site": site} | context)

    @staticmethod
    def _language_of(email: str, user: User | None) -> str | None:
        if user is None:
            address = EmailAddress.objects.filter(email=email).select_related("user").first()
            user = address.user if address else None
        return user.language if user else translation.get_language()


class MFAAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return base64.b64encode(sealing.seal(text.encode(), aad=MFA_AAD)).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        """Raises sealing.Unopenable."""
        return sealing.unseal(sealed_bytes(encrypted_text), aad=MFA_AAD).decode()


def sealed_bytes(encrypted_text: str) -> bytes:
    """What `MFAAdapter.encrypt` wrote, as sealing knows it. Raises sealing.Unopenable."""
    try:
        return base64.b64decode(encrypted_text, validate=True)
    except (binascii.Error, ValueError):
        raise sealing.Unopenable("This is not a sealed value.") from None
