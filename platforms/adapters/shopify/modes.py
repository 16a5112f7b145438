"""How a seller lets us into Shopify, in words for the wizard. Fact sheet:
docs/platforms/shopify.md."""

from __future__ import annotations

import re

from django.utils.translation import gettext_lazy as _

from platforms.spec import Field, Mode, ModeKind, Text

# ASCII only, no port, no "@": what stands between a typed address and our network (sheet §1).
SHOP_DOMAIN = r"[a-z0-9][a-z0-9-]{0,59}\.myshopify\.com"
_HANDLE = r"[a-z0-9][a-z0-9-]{0,59}"
_PRINTABLE = r"[\x21-\x7e]{8,200}"

SCOPES: dict[str, Text] = {
    "read_orders": _("Read orders of the last 60 days; nothing can be changed."),
    "read_all_orders": _("Read orders that are older than 60 days, too."),
}

_READS = (
    _("Orders: goods, amounts, payment state, shipping address, e-mail address."),
    _("The name, currency and time zone of the shop."),
)
_SHOP = Field(
    name="shop_domain",
    label=_("Shop address"),
    help=_("The name that ends in .myshopify.com; it never changes with your own domain."),
    where=_("Shopify admin > Settings > Domains"),
    pattern=SHOP_DOMAIN,
    placeholder="my-shop.myshopify.com",
)


def _client_id(*, app: str = "") -> Field:
    return Field(
        name="client_id",
        label=_("Client ID"),
        where=_("Dev Dashboard > your app > Settings"),
        pattern=r"[A-Za-z0-9_-]{8,100}",
        usual=r"[0-9a-f]{32}",
        placeholder="0123456789abcdef0123456789abcdef",
        app=app,
    )


def _client_secret(*, app: str = "") -> Field:
    return Field(
        name="client_secret",
        label=_("Client secret"),
        where=_("Dev Dashboard > your app > Settings"),
        pattern=_PRINTABLE,
        usual=r"shpss_[0-9a-f]{32}",
        secret=True,
        placeholder="shpss_...",
        app=app,
    )


MODES = (
    Mode(
        code="client_credentials",
        name=_("An app of your own, without a consent page"),
        kind=ModeKind.KEYS,
        recommended=True,
        summary=_("For sellers who own the shop: make a small app in Shopify and paste its keys."),
        prepare=(
            _("The shop's address that ends in .myshopify.com."),
            _("A Shopify sign-in that may develop apps in the shop's own organisation."),
        ),
        reads=_READS,
        steps=(
            _("Open Shopify's Dev Dashboard with the account of the shop's organisation."),
            _("Press “Create app”, and give it a name: Storelink."),
            _("Make a version with the access scope read_orders, and press “Release”."),
            _("Install the app on the shop you want to link."),
            _("Open the app's Settings and copy Client ID and Client secret. Paste both here."),
        ),
        fields=(_SHOP, _client_id(), _client_secret()),
        costs=_("The keys read what the app's released version allows, and only in this shop."),
        compared=_(
            "It works only if app and shop belong to the same organisation. If somebody else made"
            " the app for you, take the way through its consent page."
        ),
        warning=_(
            "If you rotate the client secret or remove the app from the shop, reading ends at once."
        ),
        scopes=("read_orders",),
    ),
    Mode(
        code="authorization_code",
        name=_("Agree on Shopify's page"),
        kind=ModeKind.CONSENT,
        summary=_("For every Shopify seller: install our app once and agree."),
        prepare=(
            _("The shop's address that ends in .myshopify.com."),
            _("A Shopify sign-in that may install apps in this shop."),
        ),
        reads=_READS,
        steps=(
            _("Type the shop's address and press the button: Shopify's own page opens."),
            _("Sign in as the shop's owner or as staff who may install apps."),
            _("Read what the app may do, and press “Install”."),
            _("Shopify sends you back here; check the shop's name and confirm."),
        ),
        fields=(_SHOP,),
        costs=_("Our app may read orders of the shop until you uninstall it."),
        compared=_(
            "Nothing has to be copied. An app of your own asks nobody but you, and is the better"
            " way if Shopify hides the buyers' names from our app."
        ),
        warning=_(
            "Shopify shows names and addresses of buyers only to apps it has approved for that;"
            " otherwise these columns stay empty."
        ),
        scopes=("read_orders",),
    ),
    Mode(
        code="custom_distribution",
        name=_("An app that was made for you, with a consent page"),
        kind=ModeKind.CONSENT,
        own_app=True,
        expert=True,
        summary=_("For sellers whose agency made a custom app for their shop."),
        prepare=(
            _("The shop's address that ends in .myshopify.com."),
            _("Client ID and Client secret of the app, from whoever made it."),
        ),
        reads=_READS,
        steps=(
            _("In the Dev Dashboard open the app and add the address shown here to its list of"
              " redirect URLs."),
            _("Give the app the access scope read_orders, and press “Release”."),
            _("Under Distribution choose “Custom distribution” and name this shop."),
            _("Paste the keys here; then Shopify's own page opens: press “Install”."),
        ),
        fields=(_SHOP, _client_id(app="client_id"), _client_secret(app="client_secret")),
        costs=_("The app may read orders of the shop until you uninstall it."),
        compared=_(
            "If app and shop belong to the same organisation, the keys alone are enough: take the"
            " way without a consent page."
        ),
        warning=_(
            "Such an app can be installed on one shop only, or on the shops of one Plus"
            " organisation."
        ),
        scopes=("read_orders",),
    ),
    Mode(
        code="custom_app_token",
        name=_("I already have a token that begins with shpat_"),
        kind=ModeKind.KEYS,
        expert=True,
        summary=_("For sellers who made a custom app in the Shopify admin before 2026."),
        prepare=(
            _("The shop's address that ends in .myshopify.com."),
            _("The Admin API access token that you kept; Shopify showed it only once."),
        ),
        reads=_READS,
        steps=(
            _("In the Shopify admin open Settings > Apps and sales channels > Develop apps."),
            _("Open your app and make sure that it has the access scope read_orders."),
            _("Paste the token that you copied when you installed the app."),
        ),
        fields=(
            _SHOP,
            Field(
                name="access_token",
                label=_("Admin API access token"),
                where=_("Shopify admin > Settings > Apps and sales channels > Develop apps"),
                pattern=_PRINTABLE,
                usual=r"shpat_[0-9a-f]{32}",
                secret=True,
                placeholder="shpat_...",
            ),
        ),
        costs=_("The token never ends and may do everything the app was allowed."),
        compared=_(
            "Shopify makes no new tokens of this kind since January 2026, and they do not tell us"
            " at once about new orders. An app of your own in the Dev Dashboard is the better way."
        ),
        warning=_("Whoever has the token can use it until you uninstall the app."),
        scopes=("read_orders",),
    ),
    Mode(
        code="private_app",
        name=_("Private app (API key and password)"),
        kind=ModeKind.REFUSED,
        summary=_("The oldest way: an API key and a password from the Shopify admin."),
        refused_why=_(
            "Shopify ended private apps in January 2023 and made custom apps of them. Their"
            " passwords are no longer given out."
        ),
        instead=("client_credentials", "authorization_code", "custom_app_token"),
    ),
)  # fmt: skip

_OWN_DOMAIN = _(
    "This is not the address we need. In the Shopify admin open Settings > Domains and copy the"
    " name that ends in .myshopify.com."
)
_EMAIL = _("This is an e-mail address. We need the name that ends in .myshopify.com.")
_TOKEN = _(
    "This is an access token, not the client secret. Copy the client secret, or choose the way"
    " “I already have a token that begins with shpat_”."
)
_SECRET = _(
    "This is a client secret, not an access token. Choose the way “An app of your own” instead."
)


def tidy_shop(value: str) -> str:
    """A pasted address as the shop's own host name; what is none stays recognizably wrong."""
    host = value.lower().removeprefix("https://").removeprefix("http://")
    admin = re.match(rf"admin\.shopify\.com/store/({_HANDLE})(?=[/?#]|$)", host)
    if admin:
        return f"{admin[1]}.myshopify.com"
    host = re.split(r"[/?#]", host, maxsplit=1)[0]
    return f"{host}.myshopify.com" if re.fullmatch(_HANDLE, host) else host


def is_shop(value: str) -> bool:
    return re.fullmatch(SHOP_DOMAIN, value) is not None


def explain_value(field: Field, value: str) -> Text | None:
    if field.name == "shop_domain" and not is_shop(value):
        return _EMAIL if re.fullmatch(r"[^@/]+@[^@/]+", value) else _OWN_DOMAIN
    if field.name == "client_secret" and value.startswith("shpat_"):
        return _TOKEN
    if field.name == "access_token" and value.startswith("shpss_"):
        return _SECRET
    return None
