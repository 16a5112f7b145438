"""How a seller lets us into Lazada, in words for the wizard; docs/platforms/lazada.md."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.spec import Field, Mode, ModeKind, Site, Text

SITES = (
    Site(code="SG", name=_("Singapore"), time_zone="Asia/Singapore"),
    Site(code="MY", name=_("Malaysia"), time_zone="Asia/Kuala_Lumpur"),
    Site(code="TH", name=_("Thailand"), time_zone="Asia/Bangkok"),
    Site(code="VN", name=_("Vietnam"), time_zone="Asia/Ho_Chi_Minh"),
    Site(code="PH", name=_("Philippines"), time_zone="Asia/Manila"),
    Site(code="ID", name=_("Indonesia"), time_zone="Asia/Jakarta"),
)
READS: tuple[Text, ...] = (
    _("Orders: goods, amounts, state, shipping address as far as Lazada shows it."),
    _("The name and state of the shop in each country."),
)
LAST_STEPS: tuple[Text, ...] = (
    _("Sign in with the Seller Center account of the shop and confirm the permission."),
    _("Lazada sends you back here; choose the countries to link and confirm."),
)
ENDS = _(
    "The permission has an end date, which the store's page shows. Link the store again before it."
)

MODES = (
    Mode(
        code="authorization_code",
        name=_("Agree on Lazada's page"),
        kind=ModeKind.CONSENT,
        recommended=True,
        summary=_("For every Lazada seller: sign in at Lazada once and agree."),
        prepare=(
            _("The main account of your Lazada Seller Center."),
            _("If Lazada asks for it: a subscription to Storelink in the Service Marketplace."),
        ),
        reads=READS,
        steps=(_("Press the button: Lazada's own page opens."), *LAST_STEPS),
        costs=_("Storelink may use what its application may; it only reads."),
        compared=_("Choose your own application only if your company already has one at Lazada."),
        warning=ENDS,
    ),
    Mode(
        code="own_app",
        name=_("Your own application at Lazada"),
        kind=ModeKind.CONSENT,
        own_app=True,
        expert=True,
        summary=_("For companies that have an application in Lazada's App Console."),
        prepare=(
            _("An application in the App Console of Lazada Open Platform with order permission."),
            _("The main account of your Lazada Seller Center."),
        ),
        reads=READS,
        steps=(
            _("In Lazada Open Platform open App Console > App Overview."),
            _("Enter the callback address that is shown here as “Callback URL”."),
            _("Copy App Key and App Secret into the form, then press the button to Lazada."),
            *LAST_STEPS,
        ),
        costs=_("Whoever holds the App Secret can act as your application; keep it secret."),
        compared=_("Without an application of your own, agreeing on Lazada's page is simpler."),
        warning=ENDS,
        fields=(
            Field(
                name="app_key",
                label=_("App Key"),
                help=_("Digits only."),
                where=_("App Console > App Overview > App Key"),
                pattern=r"[0-9]{4,12}",
                placeholder="100240",
                app="client_id",
            ),
            Field(
                name="app_secret",
                label=_("App Secret"),
                where=_("App Console > App Overview > App Secret"),
                pattern=r"[\x21-\x7e]{8,100}",
                usual=r"[0-9A-Za-z]{32}",
                secret=True,
                app="client_secret",
            ),
        ),
    ),
)
