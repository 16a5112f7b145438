"""How a seller lets us into eBay, in words for the wizard. Fact sheet: docs/platforms/ebay.md."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from platforms.adapters.ebay.tokens import SCOPE as _SCOPE
from platforms.adapters.ebay.webhooks import VERIFICATION, VERIFICATION_FORM
from platforms.spec import Field, Mode, ModeKind, Text

MODES = (
    Mode(
        code="authorization_code",
        name=_("Agree on eBay's page"),
        kind=ModeKind.CONSENT,
        recommended=True,
        summary=_("For every eBay seller: sign in at eBay once and agree."),
        prepare=(
            _("The eBay user name and password of the shop."),
            _("The browser and network you always use for this shop."),
        ),
        reads=(
            _("Orders: goods, amounts, payment state, shipping address."),
            _("Messages of buyers."),
            _("The name and number of the eBay account."),
        ),
        steps=(
            _("Press the button: eBay's own sign-in page opens."),
            _("Sign in with the account of the shop you want to link, then press “Agree”."),
            _("eBay sends you back here; check the shop's name and confirm."),
        ),
        costs=_(
            "Only reading: orders, messages and your account's name. With the same permission"
            " customer service can answer messages of buyers. Prices, listings, payouts and your"
            " password stay with you, and you can take the permission back at eBay at any time."
        ),
        warning=_(
            "The permission lasts 18 months. It ends at once when you change your eBay"
            " password or user name; then link the store again."
        ),
        scopes=(
            _SCOPE,
            f"{_SCOPE}/commerce.identity.readonly",
            f"{_SCOPE}/sell.fulfillment.readonly",
            f"{_SCOPE}/commerce.message",
            f"{_SCOPE}/commerce.notification.subscription",
        ),
        consent_period=timedelta(seconds=47_304_000),
    ),
    Mode(
        code="auth_n_auth",
        name=_("Old eBay token (Auth'n'Auth)"),
        kind=ModeKind.REFUSED,
        summary=_("The older way: a window of eBay opens and a token is fetched afterwards."),
        refused_why=_(
            "eBay has replaced these tokens. They cannot be limited to reading orders, and"
            " the newer services do not accept them."
        ),
        instead=("authorization_code",),
    ),
)

SCOPES: dict[str, Text] = {
    _SCOPE: _("Public eBay data; eBay asks for it with every permission."),
    f"{_SCOPE}/commerce.identity.readonly": _("Read the name and number of the account."),
    f"{_SCOPE}/sell.fulfillment.readonly": _("Read orders; nothing can be changed."),
    f"{_SCOPE}/commerce.message": _("Read and answer messages of buyers."),
    f"{_SCOPE}/commerce.notification.subscription": _(
        "Be told at once about new orders and messages."
    ),
}

APP_FIELDS = (
    Field(
        name=VERIFICATION,
        label=_("Verification token"),
        help=_(
            "Make up 32 to 80 letters, digits, “-” and “_”, and enter the same at eBay beside the"
            " address for notifications. eBay refuses all live calls until that address answers."
        ),
        where=_("eBay Developers Program > Application Keys > Notifications"),
        pattern=VERIFICATION_FORM,
        required=False,
    ),
)
