"""How a seller lets us into Wish, in words for the wizard. Fact sheet: docs/platforms/wish.md."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.spec import Field, Mode, ModeKind, Text

ORDERS_SCOPE = "orders:read"
MERCHANT_SCOPE = "merchant:read"
# What both modes ask for; the others of SCOPES are welcome and not missed.
ASKED = (ORDERS_SCOPE, "tickets:read", "tickets:write")
SCOPES: dict[str, Text] = {
    ORDERS_SCOPE: _("Read orders; nothing can be changed."),
    "tickets:read": _("Read messages of buyers."),
    "tickets:write": _("Answer messages of buyers."),
    MERCHANT_SCOPE: _("Read the name and currency of the shop."),
    "webhook:read": _("See what Storelink is told at once."),
    "webhook:write": _("Be told at once about new orders."),
}
_WHERE = _("Wish merchant dashboard > API settings > your private application")
_MAIN_ACCOUNT = _("The main account of the shop: sub-accounts cannot agree.")
_READS = (
    _("Orders: goods, prices, what Wish pays you, state, shipping address."),
    _("Messages of buyers (tickets)."),
    _("The name and currency of the shop, where that is permitted."),
)
_UNCERTAIN_PAYOUTS = _(
    "Sellers report unpaid balances at Wish since 2024. Look at what you are owed before you send"
    " goods."
)

MODES = (
    Mode(
        code="private_app",
        name=_("Your own Wish application"),
        kind=ModeKind.CONSENT,
        own_app=True,
        recommended=True,
        summary=_("For every Wish seller: make a private application at Wish and agree to it."),
        prepare=(
            _MAIN_ACCOUNT,
            _("Ten minutes for making the application in the Wish merchant dashboard."),
        ),
        reads=_READS,
        steps=(
            _(
                "In the Wish merchant dashboard create a private application, for instance with the"
                " name “Storelink”. Do not use one that another tool works with."
            ),
            _(
                "Copy the redirect address that is shown here into the application, character by"
                " character."
            ),
            _(
                "Tick the permissions orders:read, tickets:read and tickets:write. With"
                " merchant:read we also read the shop's name, with webhook:read and webhook:write"
                " Wish tells us of orders at once."
            ),
            _("Save. Copy the client ID and the client secret of the application to here."),
            _("Press the button, sign in with the main account and agree."),
            _("Wish sends you back here; check the shop and confirm."),
        ),
        fields=(
            Field(
                name="client_id",
                label=_("Client ID"),
                where=_WHERE,
                help=_("Usually 24 digits and letters from a to f."),
                pattern=r"[\x21-\x7e]{1,100}",
                usual=r"[0-9a-f]{24}",
                placeholder="5f1a2b3c4d5e6f7081920a1b",
                app="client_id",
            ),
            Field(
                name="client_secret",
                label=_("Client secret"),
                where=_WHERE,
                pattern=r"[\x21-\x7e]{8,200}",
                secret=True,
                app="client_secret",
            ),
        ),
        compared=_(
            "Where Storelink's public application is set up, agreeing on Wish's page needs no"
            " application of your own."
        ),
        costs=_(
            "An application of your own that only Storelink uses. It can read orders, and read and"
            " answer messages; it can change neither goods nor prices."
        ),
        warning=_UNCERTAIN_PAYOUTS,
        scopes=ASKED,
    ),
    Mode(
        code="authorization_code",
        name=_("Our Wish application"),
        kind=ModeKind.CONSENT,
        summary=_("For sellers who do not want to make an application: agree to ours at Wish."),
        prepare=(_MAIN_ACCOUNT, _("The browser and network you always use for this shop.")),
        reads=_READS,
        steps=(
            _("Sign in at the Wish merchant dashboard with the main account, in this browser."),
            _("Press the button: Wish's page opens. Agree there."),
            _("Wish sends you back here; check the shop and confirm."),
        ),
        costs=_("Our application can read orders, and read and answer messages of your shop."),
        compared=_(
            "A private application of your own is the safer way: it does not depend on our"
            " application being accepted by Wish, and Wish tells us of new orders at once."
        ),
        warning=_UNCERTAIN_PAYOUTS,
        scopes=ASKED,
    ),
    Mode(
        code="api_v2",
        name=_("Wish API V2"),
        kind=ModeKind.REFUSED,
        summary=_("The older interface, where an access token was made by hand."),
        refused_why=_(
            "Wish has replaced it by V3. Guides that ask you to choose V2, to make an exception for"
            " a certificate in the browser, or to press “get Access Token” are out of date: never"
            " let a browser accept a certificate that is not valid."
        ),
        instead=("private_app", "authorization_code"),
    ),
)
EMAIL = _("This is an e-mail address. We never need your Wish sign-in.")
