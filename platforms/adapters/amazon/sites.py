"""Amazon's marketplaces and regions. Fact sheet: docs/platforms/amazon.md, "Regions"."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.spec import Site, Text

REGIONS: tuple[tuple[str, Text], ...] = (
    ("NA", _("North America and Brazil")),
    ("EU", _("Europe, Middle East, Africa and India")),
    ("FE", _("Japan, Australia and Singapore")),
)

_EUROPE = "sellercentral-europe.amazon.com"

_ROWS: tuple[tuple[str, Text, str, str, str, str], ...] = (
    # code, name, marketplace id, region, Seller Central host, time zone
    ("US", _("United States"), "ATVPDKIKX0DER", "NA", "sellercentral.amazon.com",
     "America/Los_Angeles"),
    ("CA", _("Canada"), "A2EUQ1WTGCTBG2", "NA", "sellercentral.amazon.ca", "America/Toronto"),
    ("MX", _("Mexico"), "A1AM78C64UM0Y8", "NA", "sellercentral.amazon.com.mx",
     "America/Mexico_City"),
    ("BR", _("Brazil"), "A2Q3Y263D00KWC", "NA", "sellercentral.amazon.com.br",
     "America/Sao_Paulo"),
    ("GB", _("United Kingdom"), "A1F83G8C2ARO7P", "EU", _EUROPE, "Europe/London"),
    ("DE", _("Germany"), "A1PA6795UKMFR9", "EU", _EUROPE, "Europe/Berlin"),
    ("FR", _("France"), "A13V1IB3VIYZZH", "EU", _EUROPE, "Europe/Paris"),
    ("IT", _("Italy"), "APJ6JRA9NG5V4", "EU", _EUROPE, "Europe/Rome"),
    ("ES", _("Spain"), "A1RKKUPIHCS9HS", "EU", _EUROPE, "Europe/Madrid"),
    ("NL", _("Netherlands"), "A1805IZSGTT6HS", "EU", "sellercentral.amazon.nl",
     "Europe/Amsterdam"),
    ("BE", _("Belgium"), "AMEN7PMS3EDWL", "EU", "sellercentral.amazon.com.be",
     "Europe/Brussels"),
    ("SE", _("Sweden"), "A2NODRKZP88ZB9", "EU", "sellercentral.amazon.se", "Europe/Stockholm"),
    ("PL", _("Poland"), "A1C3SOZRARQ6R3", "EU", "sellercentral.amazon.pl", "Europe/Warsaw"),
    ("IE", _("Ireland"), "A28R8C7NBKEWEA", "EU", "sellercentral.amazon.ie", "Europe/Dublin"),
    ("TR", _("Türkiye"), "A33AVAJ2PDY3EV", "EU", "sellercentral.amazon.com.tr",
     "Europe/Istanbul"),
    ("AE", _("United Arab Emirates"), "A2VIGQ35RCS4UG", "EU", "sellercentral.amazon.ae",
     "Asia/Dubai"),
    ("SA", _("Saudi Arabia"), "A17E79C6D8DWNP", "EU", "sellercentral.amazon.sa", "Asia/Riyadh"),
    ("EG", _("Egypt"), "ARBP9OOSHTCHU", "EU", "sellercentral.amazon.eg", "Africa/Cairo"),
    ("ZA", _("South Africa"), "AE08WJ6YKNBMC", "EU", "sellercentral.amazon.co.za",
     "Africa/Johannesburg"),
    ("IN", _("India"), "A21TJRUUN4KGV", "EU", "sellercentral.amazon.in", "Asia/Kolkata"),
    ("JP", _("Japan"), "A1VC38T7YXB528", "FE", "sellercentral.amazon.co.jp", "Asia/Tokyo"),
    ("AU", _("Australia"), "A39IBJ37TRP1C6", "FE", "sellercentral.amazon.com.au",
     "Australia/Sydney"),
    ("SG", _("Singapore"), "A19VAU5U5O7RUS", "FE", "sellercentral.amazon.sg", "Asia/Singapore"),
)  # fmt: skip

SITES = tuple(
    Site(
        code=code,
        name=name,
        external_id=marketplace,
        region=region,
        time_zone=zone,
        consent_base=f"https://{host}",
    )
    for code, name, marketplace, region, host, zone in _ROWS
)
BY_MARKETPLACE = {site.external_id: site for site in SITES}
