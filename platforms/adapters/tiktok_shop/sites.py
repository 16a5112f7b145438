"""TikTok Shop's countries, by the region code of a shop, and the portals they belong to."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.spec import Site, Text

REGIONS: tuple[tuple[str, Text], ...] = (
    ("us", _("United States")),
    ("row", _("Other markets")),
)
# A country with several time zones counts its days where most of its sellers are.
_COUNTRIES: tuple[tuple[str, Text, str], ...] = (
    ("US", _("United States"), "America/Los_Angeles"),
    ("GB", _("United Kingdom"), "Europe/London"),
    ("DE", _("Germany"), "Europe/Berlin"),
    ("FR", _("France"), "Europe/Paris"),
    ("IT", _("Italy"), "Europe/Rome"),
    ("ES", _("Spain"), "Europe/Madrid"),
    ("IE", _("Ireland"), "Europe/Dublin"),
    ("MX", _("Mexico"), "America/Mexico_City"),
    ("BR", _("Brazil"), "America/Sao_Paulo"),
    ("ID", _("Indonesia"), "Asia/Jakarta"),
    ("MY", _("Malaysia"), "Asia/Kuala_Lumpur"),
    ("PH", _("Philippines"), "Asia/Manila"),
    ("SG", _("Singapore"), "Asia/Singapore"),
    ("TH", _("Thailand"), "Asia/Bangkok"),
    ("VN", _("Vietnam"), "Asia/Ho_Chi_Minh"),
    ("JP", _("Japan"), "Asia/Tokyo"),
)
SITES = tuple(
    Site(
        code=code,
        name=name,
        region="us" if code == "US" else "row",
        external_id=code,
        time_zone=zone,
    )
    for code, name, zone in _COUNTRIES
)
