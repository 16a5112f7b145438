"""How a seller lets us into AliExpress, in words for the wizard, and what people paste wrongly.

Fact sheet: docs/platforms/aliexpress.md, "Authorization".
"""

from __future__ import annotations

import re
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from platforms.spec import Field, Mode, ModeKind, Text

# The consent page lists no permissions: what a token may do is decided by the API groups that
# the application was granted (fact sheet §1A). These names are ours.
SCOPES: dict[str, Text] = {
    "orders": _("Read orders: the list, one order with its address."),
}
_READS = (
    _("Orders: goods, amounts, state, and the address of what is still to be shipped."),
    _("The name and number of the shop."),
)
_PERIOD = timedelta(days=60)
_WARNING = _(
    "AliExpress asks for a new consent at the latest every 60 days, however often we renew the"
    " permission. We read the day from AliExpress and remind you."
)

MODES = (
    Mode(
        code="authorization_code",
        name=_("Agree on AliExpress's page"),
        kind=ModeKind.CONSENT,
        recommended=True,
        summary=_("For every seller at aliexpress.com: sign in once and agree."),
        prepare=(
            _("The main account of the shop with its password; a sub-account is not enough."),
            _("The browser and network you always use for this shop."),
        ),
        reads=_READS,
        steps=(
            _("Press the button: AliExpress's own sign-in page opens."),
            _("Sign in with the seller account of the shop, not with a buyer account, and agree."),
            _("AliExpress sends you back here; check the shop's name and confirm."),
        ),
        costs=_(
            "Our application may read the shop's orders until the permission ends or you remove it"
            " in the seller centre. It changes nothing."
        ),
        compared=_(
            "Take an application of your own only if your company must make the calls itself."
        ),
        warning=_WARNING,
        scopes=tuple(SCOPES),
        consent_period=_PERIOD,
    ),
    Mode(
        code="own_app",
        name=_("Your own application"),
        kind=ModeKind.CONSENT,
        own_app=True,
        expert=True,
        summary=_("For sellers who have a self-developed application on the Open Platform."),
        prepare=(
            _("A developer account on the AliExpress Open Platform."),
            _("A self-developed application that was approved for the order API group."),
            _("The main account of the shop with its password; a sub-account is not enough."),
        ),
        reads=_READS,
        steps=(
            _("In the App Console create an application of the self-developed category."),
            _("Set its callback URL to exactly the address shown here, character by character."),
            _("Apply for the order API group and wait for approval, one or two working days."),
            _("Copy App Key and App Secret from the application's overview and paste them here."),
            _("Press the button, sign in with the seller account of the shop and agree."),
        ),
        fields=(
            Field(
                name="app_key",
                label=_("App Key"),
                help=_("Digits only."),
                where=_("App Console > your application > App Overview > App Key"),
                pattern=r"[0-9]{1,12}",
                usual=r"[0-9]{5,8}",
                placeholder="500000",
                app="client_id",
            ),
            Field(
                name="app_secret",
                label=_("App Secret"),
                help=_("It was formerly called APP Signature, in Chinese 签名串."),
                where=_("App Console > your application > App Overview > App Secret"),
                pattern=r"[\x21-\x7e]{16,128}",
                usual=r"[0-9A-Za-z]{32}",
                secret=True,
                app="client_secret",
            ),
        ),
        costs=_("Whoever has the App Secret can ask sellers for consent in your name."),
        compared=_(
            "Agreeing on AliExpress's page needs no application and no approval. Take this way only"
            " if the calls must be made by your own application."
        ),
        warning=_(
            "While an application has the status Test, a permission ends after two days. Bring it"
            " online first; then AliExpress asks for a new consent every 60 days."
        ),
        scopes=tuple(SCOPES),
        consent_period=_PERIOD,
    ),
    Mode(
        code="old_gateway",
        name=_("APP Key and APP Signature of the old gateway"),
        kind=ModeKind.REFUSED,
        summary=_("Keys that were made at gw.api.alibaba.com or for the Taobao Open Platform."),
        refused_why=_(
            "AliExpress has switched the old gateway off, and the present platform does not accept"
            " its tokens. If your old App Key was moved over, enter it with its secret as your own"
            " application: we try at once whether it is valid."
        ),
        instead=("authorization_code", "own_app"),
    ),
    Mode(
        code="russia",
        name=_("AliExpress Russia (aliexpress.ru)"),
        kind=ModeKind.REFUSED,
        summary=_("Shops at aliexpress.ru, with a token from business.aliexpress.ru."),
        refused_why=_(
            "AliExpress Russia is another company with another interface, which we do not read"
            " yet. A shop at aliexpress.com can be linked."
        ),
        instead=("authorization_code",),
    ),
)

_EMAIL = _("This is an e-mail address. We never need your AliExpress sign-in.")
_SWAPPED_KEY = _("This looks like the App Secret. The App Key is the short number above it.")
_SWAPPED_SECRET = _("This looks like the App Key. The App Secret is the long value below it.")
_CODE = _("This is a code from the address of a consent page, not a key of an application.")


def explain_value(field: Field, value: str) -> Text | None:
    if "@" in value:
        return _EMAIL
    if re.fullmatch(r"3_[0-9]+_\w+", value):
        return _CODE
    if field.name == "app_key" and re.fullmatch(r"[0-9A-Za-z]{24,}", value):
        return _SWAPPED_KEY
    if field.name == "app_secret" and re.fullmatch(r"[0-9]{1,12}", value):
        return _SWAPPED_SECRET
    return None
