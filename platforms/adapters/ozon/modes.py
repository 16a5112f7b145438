"""How a seller lets us into Ozon, in words for the wizard, and what people paste wrongly.

Fact sheet: docs/platforms/ozon.md, "Authorization".
"""

from __future__ import annotations

import re
import unicodedata

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from platforms.spec import Field, Mode, ModeKind, Text

# Ozon's roles, by the name a key shows in /v1/roles.
SCOPES: dict[str, Text] = {
    "Posting FBS": _("Read orders that the seller ships (FBS and rFBS)."),
    "Posting FBO": _("Read orders that Ozon ships (FBO)."),
}
UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

MODES = (
    Mode(
        code="api_key",
        name=_("Client ID and API key"),
        kind=ModeKind.KEYS,
        recommended=True,
        summary=_("For every Ozon seller: make a key in the Ozon cabinet and paste it here."),
        prepare=(
            _("Access to the settings of your Ozon Seller cabinet."),
            _("If you limit keys to networks: the addresses that Storelink calls from."),
        ),
        reads=(
            _("Orders that you ship and orders that Ozon ships: goods, amounts, state."),
            _("The name and currency of the shop."),
        ),
        steps=(
            _("In Ozon Seller open Settings > Seller API."),
            _("Copy the Client ID shown above the list of keys."),
            _(
                "Press “Generate key”, give it a name, choose the access levels for FBS and FBO"
                " orders, and as purpose “for an external service”: Storelink."
            ),
            _("Copy the key at once: Ozon shows it only this time. Paste both here."),
        ),
        fields=(
            Field(
                name="client_id",
                label=_("Client ID"),
                help=_("Digits only."),
                where=_("Ozon Seller > Settings > Seller API"),
                pattern=r"[1-9][0-9]{0,11}",
                placeholder="1234567",
            ),
            Field(
                name="api_key",
                label=_("API key"),
                where=_("Ozon Seller > Settings > Seller API > Generate key"),
                pattern=r"[\x21-\x7e]{8,200}",
                usual=UUID,
                secret=True,
                placeholder="xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
            ),
        ),
        warning=_(
            "Ozon's keys end after some months; we read the day from Ozon and remind you. Then make"
            " a new key and paste it: the store and its history stay."
        ),
        scopes=tuple(SCOPES),
    ),
)

_PERFORMANCE = _(
    "This belongs to Ozon's advertising interface (Performance API). Open Settings > Seller API"
    " instead."
)
_EMAIL = _("This is an e-mail address. We never need your Ozon sign-in.")
_SWAPPED_KEY = _("This looks like the API key. The Client ID is the number above the list of keys.")
_SWAPPED_ID = _("This looks like the Client ID. The API key is the long value Ozon shows once.")
_CYRILLIC = _(
    "The character “{character}” is a Cyrillic letter that only looks like a Latin one. Copy the"
    " value from Ozon again instead of typing it."
)
_FOREIGN = _(
    "The character “{character}” does not occur in Ozon's keys. Copy the value from Ozon again."
)


def explain_value(field: Field, value: str) -> Text | None:
    if "advertising" in value.lower() or "performance" in value.lower():
        return _PERFORMANCE
    if "@" in value:
        return _EMAIL
    for character in value:
        if not character.isascii():
            cyrillic = unicodedata.name(character, "").startswith("CYRILLIC")
            return format_lazy(_CYRILLIC if cyrillic else _FOREIGN, character=character)
    if field.name == "client_id" and re.fullmatch(UUID, value):
        return _SWAPPED_KEY
    if field.name == "api_key" and re.fullmatch(r"[0-9]{1,12}", value):
        return _SWAPPED_ID
    return None
