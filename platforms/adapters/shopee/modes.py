"""How a seller lets us into Shopee, in words for the wizard; docs/platforms/shopee.md."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.spec import Field, Mode, ModeKind, Site, Text

REGIONS: tuple[tuple[str, Text], ...] = (
    ("global", _("All other sellers")),
    ("cn", _("Sellers from mainland China")),
    ("br", _("Sellers from Brazil")),
)
SITES = (
    Site(code="SG", name=_("Singapore"), time_zone="Asia/Singapore"),
    Site(code="MY", name=_("Malaysia"), time_zone="Asia/Kuala_Lumpur"),
    Site(code="TH", name=_("Thailand"), time_zone="Asia/Bangkok"),
    Site(code="TW", name=_("Taiwan"), time_zone="Asia/Taipei"),
    Site(code="VN", name=_("Vietnam"), time_zone="Asia/Ho_Chi_Minh"),
    Site(code="PH", name=_("Philippines"), time_zone="Asia/Manila"),
    Site(code="ID", name=_("Indonesia"), time_zone="Asia/Jakarta"),
    Site(code="BR", name=_("Brazil"), time_zone="America/Sao_Paulo"),
    Site(code="MX", name=_("Mexico"), time_zone="America/Mexico_City"),
)
READS: tuple[Text, ...] = (
    _("Orders: goods, amounts, state, shipping address as far as Shopee shows it."),
    _("The name, country and state of the shops."),
)
LAST_STEPS: tuple[Text, ...] = (
    _("Sign in: with a shop account for one shop, with the main account for several at once."),
    _("Choose how long the permission lasts, at most a year, and confirm."),
    _("Shopee sends you back here; choose the shops to link and confirm."),
)
ENDS = _(
    "The permission lasts as long as you choose on Shopee's page, at most a year; we remind you"
    " before it ends."
)

MODES = (
    Mode(
        code="authorization_code",
        name=_("Agree on Shopee's page"),
        kind=ModeKind.CONSENT,
        recommended=True,
        needs_region=True,
        summary=_("For every Shopee seller: sign in at Shopee once and agree."),
        prepare=(_("The sign-in of the shop, or of the main account for several shops."),),
        reads=READS,
        steps=(_("Press the button: Shopee's own page opens."), *LAST_STEPS),
        costs=_("Storelink may use what its application may; it only reads."),
        compared=_("Choose your own application only if your company already has one at Shopee."),
        warning=ENDS,
    ),
    Mode(
        code="own_app",
        name=_("Your own application at Shopee"),
        kind=ModeKind.CONSENT,
        own_app=True,
        expert=True,
        needs_region=True,
        summary=_("For companies that have a “Seller In House System” application at Shopee."),
        prepare=(
            _("A live application in the Shopee Open Platform console."),
            _("The sign-in of the shop, or of the main account for several shops."),
        ),
        reads=READS,
        steps=(
            _("In the Open Platform console open App List and choose your application."),
            _("Enter the domain of the callback address shown here as redirect URL domain."),
            _("Copy Live Partner ID and Live Partner Key into the form, then press the button."),
            *LAST_STEPS,
        ),
        costs=_("Whoever holds the Partner Key can act as your application; keep it secret."),
        compared=_("Without an application of your own, agreeing on Shopee's page is simpler."),
        warning=ENDS,
        fields=(
            Field(
                name="partner_id",
                label=_("Partner ID"),
                help=_("Digits only."),
                where=_("Open Platform console > App List > Live Partner ID"),
                pattern=r"[0-9]{5,10}",
                placeholder="2001887",
                app="client_id",
            ),
            Field(
                name="partner_key",
                label=_("Partner Key"),
                where=_("Open Platform console > App List > Live API Partner Key"),
                pattern=r"[\x21-\x7e]{8,200}",
                usual=r"(shpk)?[0-9a-f]{32,128}",
                secret=True,
                app="client_secret",
            ),
        ),
    ),
)
