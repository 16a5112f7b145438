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
    # the same for an application, by Ozon's names of scopes
    "seller-api.posting-fbs": _("Read orders that the seller ships (FBS and rFBS)."),
    "seller-api.posting-fbo": _("Read orders that Ozon ships (FBO)."),
}
ROLES = ("Posting FBS", "Posting FBO")
OAUTH_SCOPES = ("seller-api.posting-fbs", "seller-api.posting-fbo")
UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

_READS = (
    _("Orders that you ship and orders that Ozon ships: goods, amounts, state."),
    _("The name and currency of the shop."),
)
_SIGN_IN = _(
    "The owner of the cabinet, or somebody whom the owner lets manage applications in Ozon Seller."
)
_KEY_INSTEAD = _(
    "The API key is the better way for nearly every shop: it also brings news of orders at once,"
    " and its end is known beforehand. Choose the consent if your company must not hand out keys."
)
_APPLICATION = _("Ozon's developer cabinet (dev.ozon.ru) > your application")

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
        reads=_READS,
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
        costs=_(
            "The key opens what its access levels say and nothing else, until it ends or you delete"
            " it in the cabinet."
        ),
        compared=_(
            "If your company must not hand out keys, choose the consent on Ozon's page instead."
        ),
        scopes=ROLES,
    ),
    Mode(
        code="authorization_code",
        name=_("Agree on Ozon's page"),
        kind=ModeKind.CONSENT,
        summary=_("For sellers who would rather agree on Ozon's own page than paste a key."),
        prepare=(_SIGN_IN,),
        reads=_READS,
        steps=(
            _("Press the button: Ozon Seller opens."),
            _("Sign in and choose the cabinet of the shop you want to link."),
            _("Compare what is asked with the list here, then agree."),
            _("Ozon sends you back here; check the shop's name and confirm."),
        ),
        costs=_(
            "Storelink may read orders of this cabinet, until you disconnect the application in"
            " Ozon Seller. It cannot change anything."
        ),
        compared=_KEY_INSTEAD,
        warning=_(
            "Choose the cabinet carefully: the permission holds for that one only. Ozon does not"
            " say how long it lasts; if it ends, we tell you and you agree once more."
        ),
        scopes=OAUTH_SCOPES,
    ),
    Mode(
        code="own_app",
        name=_("Your own Ozon application"),
        kind=ModeKind.CONSENT,
        own_app=True,
        expert=True,
        summary=_("For companies that have an application of their own registered at Ozon."),
        prepare=(
            _("An application at Ozon that may read FBS and FBO orders, private or public."),
            _SIGN_IN,
        ),
        reads=_READS,
        steps=(
            _("In Ozon's developer cabinet (dev.ozon.ru) open your application."),
            _("Enter the return address shown here exactly among its redirect addresses."),
            _("Check that it has the scopes seller-api.posting-fbs and seller-api.posting-fbo."),
            _("Copy its client ID and its client secret, and paste both here."),
            _("Then agree on Ozon's page with the cabinet of the shop."),
        ),
        fields=(
            Field(
                name="client_id",
                label=_("Client ID of the application"),
                help=_("Letters, digits and hyphens; not the number of the shop."),
                where=_APPLICATION,
                pattern=UUID,
                placeholder="xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
                app="client_id",
            ),
            Field(
                name="client_secret",
                label=_("Client secret of the application"),
                where=_APPLICATION,
                pattern=r"[\x21-\x7e]{8,300}",
                secret=True,
                app="client_secret",
            ),
        ),
        costs=_(
            "Your application's secret is kept here, sealed, and never shown again. What it opens"
            " is what your application may do in the cabinets that agreed."
        ),
        compared=_KEY_INSTEAD,
        warning=_(
            "A new secret at Ozon makes the old one useless at once: paste the new one here then."
            " Changing the scopes of an application takes a new check by Ozon."
        ),
        scopes=OAUTH_SCOPES,
    ),
    Mode(
        code="performance_api",
        name=_("Credentials of the advertising interface"),
        kind=ModeKind.REFUSED,
        summary=_("The client ID and secret that Ozon makes for advertising (Performance API)."),
        refused_why=_(
            "They open advertising campaigns only; orders cannot be read with them. They are easily"
            " mistaken, because Ozon calls both a Client ID: the right one has digits only."
        ),
        instead=("api_key",),
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


_CABINET_ID = _(
    "This looks like the number of the shop. Here belongs the client ID of your application, with"
    " letters and hyphens."
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
    if field.app:
        return _CABINET_ID if re.fullmatch(r"[0-9]{1,12}", value) else None
    if field.name == "client_id" and re.fullmatch(UUID, value):
        return _SWAPPED_KEY
    if field.name == "api_key" and re.fullmatch(r"[0-9]{1,12}", value):
        return _SWAPPED_ID
    return None
