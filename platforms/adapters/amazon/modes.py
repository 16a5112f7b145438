"""How a seller lets us into Amazon, in words for the wizard, and what people paste wrongly.

Fact sheet: docs/platforms/amazon.md, "Authorization".
"""

from __future__ import annotations

import re
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from platforms.adapters.amazon.sites import BY_MARKETPLACE, REGIONS
from platforms.spec import Field, Mode, ModeKind, Text

WEBSITE = "website_authorization"
SELF = "self_authorization"

# What Amazon calls roles; they are fixed in the application, not asked for by a call.
SCOPES: dict[str, Text] = {
    "Inventory and Order Tracking": _("Read orders without personal data."),
    "Direct-to-Consumer Shipping": _("Read the recipient's name, address and phone."),
    "Tax Invoicing": _("Read tax fields of orders."),
    "Selling Partner Insights": _("See in which marketplaces the account sells."),
}
_ROLES = ("Inventory and Order Tracking", "Direct-to-Consumer Shipping", "Selling Partner Insights")

_READS = (
    _("Orders of all marketplaces of the region: goods, amounts, shipping state."),
    _("The recipient's name and address where Amazon has granted the role for it."),
    _("In which marketplaces the account sells."),
)
_PRIVATE_APP = _("Seller Central > Apps and Services > Develop Apps")

MODES = (
    Mode(
        code=WEBSITE,
        name=_("Agree in Seller Central"),
        kind=ModeKind.CONSENT,
        recommended=True,
        needs_site=True,
        summary=_("For every seller with a Professional plan: sign in at Amazon and confirm."),
        prepare=(
            _("The sign-in of the account's primary user; other users are refused."),
            _("A Professional selling plan."),
            _("The browser and network you always use for this account."),
        ),
        reads=_READS,
        steps=(
            _("Press the button: Seller Central opens. Sign in as the primary user."),
            _("Tick the box, press “Confirm” and wait until Amazon sends you back here."),
            _("Choose the marketplaces to link. Finish within 10 minutes."),
        ),
        costs=_(
            "The roles for orders and shipping of our application. We read with them: orders, and"
            " the names and addresses that belong to them. Prices, payouts and your password stay"
            " with you; you can disable the application under “Manage Your Apps” at any time."
        ),
        compared=_(
            "Better than an application of your own for nearly everybody: no secret leaves Amazon,"
            " nothing is to be copied, and your seller number arrives by itself."
        ),
        warning=_(
            "Amazon asks for this consent again every year. North America, Europe and the Far"
            " East are separate: link each region you sell in."
        ),
        scopes=_ROLES,
        consent_period=timedelta(days=365),
    ),
    Mode(
        code=SELF,
        name=_("Your own private application"),
        kind=ModeKind.KEYS,
        expert=True,
        needs_region=True,
        summary=_("For companies that run Storelink themselves and have their own Amazon app."),
        prepare=(
            _("A private developer profile that Amazon has approved."),
            _("A private application with the roles for orders."),
        ),
        reads=_READS,
        steps=(
            _("Open Seller Central > Apps and Services > Develop Apps."),
            _("At your application choose “View” under LWA credentials: copy id and secret."),
            _("Choose “Authorize app”, pick the region, press “Generate refresh token”, copy it."),
            _("Paste all three here. Each region needs a refresh token of its own."),
        ),
        fields=(
            Field(
                name="region",
                label=_("Region"),
                help=_("The region the refresh token was made for."),
                choices=REGIONS,
            ),
            Field(
                name="client_id",
                label=_("LWA client identifier"),
                where=_PRIVATE_APP,
                pattern=r"amzn1\.application-oa2-client\.[0-9A-Za-z]+",
                usual=r"amzn1\.application-oa2-client\.[0-9a-f]{32}",
                placeholder="amzn1.application-oa2-client.…",
            ),
            Field(
                name="client_secret",
                label=_("LWA client secret"),
                where=_PRIVATE_APP,
                pattern=r"[\x21-\x7e]{8,300}",
                usual=r"(amzn1\.oa2-cs\.v1\.)?[0-9a-f]{64}",
                secret=True,
            ),
            Field(
                name="refresh_token",
                label=_("Refresh token"),
                where=_("Seller Central > Apps and Services > Develop Apps > Authorize app"),
                pattern=r"Atzr\|[\x21-\x7e]{3,2043}",
                secret=True,
                placeholder="Atzr|…",
            ),
            Field(
                name="seller_id",
                label=_("Seller id (merchant token)"),
                help=_(
                    "Amazon does not tell us this number. Fill it in if your application serves"
                    " more than one seller account, so that they are not mixed up."
                ),
                where=_("Seller Central > Settings > Account Info > Merchant Token"),
                pattern=r"[A-Z0-9]{5,30}",
                usual=r"A[A-Z0-9]{9,20}",
                required=False,
            ),
        ),
        costs=_(
            "Everything that your application may do, not reading alone: whoever has its secret and"
            " the refresh token can use all its roles until you replace them."
        ),
        compared=_(
            "Take “Agree in Seller Central” unless your company has an approved application of its"
            " own: that way you copy no secret, and Amazon shows you what you allow."
        ),
        warning=_(
            "Use this only on an installation your own company runs. In 2018 Amazon closed accounts"
            " whose keys had been handed to service providers. The secret is stored sealed and"
            " never shown again."
        ),
        scopes=_ROLES,
    ),
    Mode(
        code="mws_keys",
        name=_("MWS access key and secret key"),
        kind=ModeKind.REFUSED,
        summary=_("The former way: Merchant ID, Access Key ID and Secret Key were copied here."),
        refused_why=_(
            "Amazon switched MWS off on 1 April 2024, so these keys open nothing any more. Handing"
            " them out was dangerous too: in September 2018 Amazon closed accounts without"
            " warning because their Secret Key had been given to service providers."
        ),
        instead=(WEBSITE, SELF),
    ),
    Mode(
        code="mws_auth_token",
        name=_("MWS developer number and authorization token"),
        kind=ModeKind.REFUSED,
        summary=_("The former way: a developer number was entered at Amazon, a token copied here."),
        refused_why=_(
            "This token belonged to MWS, which Amazon switched off on 1 April 2024. The consent in"
            " Seller Central takes its place; your seller id arrives by itself."
        ),
        instead=(WEBSITE, SELF),
    ),
)

_APP_ID = _("This is the application id. The client id begins with “amzn1.application-oa2-client.”")
_CLIENT_ID = _("This is the client id. It belongs into the field of that name.")
_SECRET = _("This is the client secret. It belongs into the field of that name.")
_REFRESH = _("This is the refresh token. It belongs into the field of that name.")
_ACCESS = _(
    "This is an access token, valid for one hour only. The refresh token begins with “Atzr|”."
)
_GRANTLESS = _("This is a token without a seller behind it. The refresh token begins with “Atzr|”.")
_MWS_TOKEN = _("This is an MWS token. MWS ended on 1 April 2024: agree in Seller Central instead.")
_MWS_KEY = _(
    "This is an MWS or AWS key. MWS ended on 1 April 2024: agree in Seller Central instead."
)
_MWS_SECRET = _(
    "This looks like an MWS Secret Key. MWS ended on 1 April 2024; give this key to nobody."
)
_MWS_DEVELOPER = _("This is an MWS developer number. MWS ended on 1 April 2024.")
_MARKETPLACE = _("This is the id of a marketplace, the same for all sellers. It is not yours.")
_EMAIL = _("This is an e-mail address. We never need the sign-in of your Amazon account.")

# pattern of what was pasted, what it is, the field where it would be right
_WRONG: tuple[tuple[str, Text, str], ...] = (
    (r"amzn1\.(sp\.solution|sellerapps\.app)\..*", _APP_ID, ""),
    (r"amzn1\.application-oa2-client\..*", _CLIENT_ID, "client_id"),
    (r"amzn1\.oa2-cs\..*", _SECRET, "client_secret"),
    (r"Atza\|.*", _ACCESS, ""),
    (r"Atc\|.*", _GRANTLESS, ""),
    (r"Atzr\|.*", _REFRESH, "refresh_token"),
    (r"amzn\.mws\..*", _MWS_TOKEN, ""),
    (r"(AKIA|ASIA)[A-Z0-9]{8,}", _MWS_KEY, ""),
    (r"\d{4}-\d{4}-\d{4}|\d{12}", _MWS_DEVELOPER, ""),
    (r"(?=.*[/+A-Z])[A-Za-z0-9/+]{40}", _MWS_SECRET, ""),
    (r"[^@|]+@[^@|]+\.[^@|]+", _EMAIL, ""),
)


def explain_value(field: Field, value: str) -> Text | None:
    if field.choices:
        return None
    for pattern, explanation, right_field in _WRONG:
        if re.fullmatch(pattern, value) and field.name != right_field:
            return explanation
    if field.name == "seller_id" and value in BY_MARKETPLACE:
        return _MARKETPLACE
    return None
