"""How a seller lets us into TikTok Shop, in words for the wizard, and what people paste wrongly.

Fact sheet: docs/platforms/tiktok_shop.md, "Authorization".
"""

from __future__ import annotations

import re
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from platforms.spec import Field, Mode, ModeKind, Text

SHOPS_SCOPE = "seller.authorization.info"
ORDERS_SCOPE = "seller.order.info"
SCOPES: dict[str, Text] = {
    SHOPS_SCOPE: _("Read which shops the account has."),
    ORDERS_SCOPE: _("Read orders; nothing can be changed."),
}
_YEAR = timedelta(days=365)  # where the platform does not state the date itself
_PORTAL = _("Partner Center > App & Service > your app > Basic information")

SERVICE_ID = Field(
    name="service_id",
    label=_("Service ID"),
    help=_("The long number of the application; it opens the page on which sellers agree."),
    where=_PORTAL,
    pattern=r"[\x21-\x7e]{4,60}",
    usual=r"[0-9]{15,22}",
    placeholder="7123456789012345678",
    app="service_id",
)
_READS = (
    _("Orders: goods, amounts, state, and the address as far as TikTok Shop shows it."),
    _("The shops of your account: name, country, number."),
)

MODES = (
    Mode(
        code="authorization_code",
        name=_("Agree on TikTok Shop's page"),
        kind=ModeKind.CONSENT,
        recommended=True,
        needs_region=True,
        summary=_("For every TikTok Shop seller: sign in to Seller Center once and agree."),
        prepare=(
            _("The main (owner) account of Seller Center; staff accounts cannot agree."),
            _("Whether the shop sells in the United States or in other markets."),
        ),
        reads=_READS,
        steps=(
            _("Choose the market and press the button: TikTok Shop's own page opens."),
            _("Sign in with the main account of the shop and press “Authorize”."),
            _("TikTok Shop sends you back here; check the shops and confirm."),
        ),
        costs=_("Our application may read shops and orders; it changes nothing."),
        compared=_("Take your own application only if you already run one in Partner Center."),
        warning=_(
            "The permission lasts about a year; we read the day from TikTok Shop and remind you."
            " You can cancel it in Seller Center at any time."
        ),
        scopes=tuple(SCOPES),
        consent_period=_YEAR,
    ),
    Mode(
        code="own_app",
        name=_("With your own Partner Center application"),
        kind=ModeKind.CONSENT,
        own_app=True,
        expert=True,
        needs_region=True,
        summary=_("For companies that have an application of their own in Partner Center."),
        prepare=(
            _("An application in Partner Center, in the portal of your market."),
            _("Its app key, app secret and service ID."),
            _("The main (owner) account of Seller Center."),
        ),
        reads=_READS,
        steps=(
            _("In Partner Center open App & Service and choose your application."),
            _("Under Manage API switch on the permissions for shop authorization and orders."),
            _(
                "As its redirect URL enter the address of this site, followed by"
                " /link/callback/tiktok_shop/."
            ),
            _("Copy app key, app secret and service ID here, then agree on TikTok Shop's page."),
        ),
        fields=(
            Field(
                name="app_key",
                label=_("App key"),
                where=_PORTAL,
                pattern=r"[\x21-\x7e]{4,60}",
                usual=r"[a-z0-9]{8,20}",
                placeholder="68xu9ks5p4i8",
                app="client_id",
            ),
            Field(
                name="app_secret",
                label=_("App secret"),
                where=_PORTAL,
                pattern=r"[\x21-\x7e]{8,200}",
                usual=r"[0-9a-f]{32,64}",
                secret=True,
                app="client_secret",
            ),
            SERVICE_ID,
        ),
        costs=_("You give us the secret of an application, which can do all that it may do."),
        compared=_(
            "Our own application needs nothing from Partner Center and is linked in a minute; take"
            " this way only if your company must use its own."
        ),
        warning=_(
            "Whoever changes the app secret in Partner Center ends our access until the new one is"
            " entered here."
        ),
        scopes=tuple(SCOPES),
        consent_period=_YEAR,
    ),
)

_SERVICE_ID_AS_KEY = _(
    "This looks like the service ID. The app key is the short value of letters and digits."
)
_SECRET_AS_KEY = _("This looks like the app secret. The app key is the short value above it.")
_EMAIL = _("This is an e-mail address. We never need your TikTok sign-in.")


def explain_value(field: Field, value: str) -> Text | None:
    if "@" in value:
        return _EMAIL
    if field.name == "app_key" and re.fullmatch(r"[0-9]{15,}", value):
        return _SERVICE_ID_AS_KEY
    if field.name == "app_key" and re.fullmatch(r"[0-9a-f]{32,}", value):
        return _SECRET_AS_KEY
    return None
