"""Consents in Seller Central, begun here or there. Fact sheet: docs/platforms/amazon.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from platforms.adapters.amazon.modes import WEBSITE
from platforms.adapters.amazon.sites import SITES
from platforms.errors import Fault, platform_error
from platforms.spec import Asked, Start

SELLER_ID = r"[A-Z0-9]{5,30}"
# What Amazon hands over goes back into an address: printable ASCII, and not without an end.
_MARK = r"[!-~]{1,1024}"
# No sign-in, no port, no fragment, no backslash (some browsers read it as a slash).
_BACK = re.compile(r"(?P<base>https://[a-z0-9.-]+)(?P<rest>/[!-\"$-\[\]-~]{0,2000})?")
# The first marketplace of a host stands for its region; the shops come from the Sellers API.
_BY_HOST = {site.consent_base: site for site in reversed(SITES)}
_YES = {"1", "true", "yes", "on"}
JOURNEY = timedelta(minutes=10)


def consent_url(asked: Asked, *, base: str) -> str:
    app, given = asked.app, asked.given
    application_id = app.extra.get("application_id", "")
    back = given.get("amazon_callback_uri", "") if _is_fresh(asked) else ""
    query = {}
    if not back:
        if not application_id:
            raise platform_error(Fault.INVALID_REQUEST, "the application has no application id")
        query["application_id"] = application_id
    query["state"] = asked.state
    if app.redirect_uri:
        query["redirect_uri"] = app.redirect_uri
    # A draft without it: the seller sees only MD1000.
    if given.get("version") == "beta" or str(app.extra.get("draft", "")).lower() in _YES:
        query["version"] = "beta"
    if not back:
        return f"{base}/apps/authorize/consent?{urlencode(query)}"
    _base_of(back)  # what is kept is not trusted more than what came
    query["amazon_state"] = given.get("amazon_state", "")
    return f"{back}{'&' if '?' in back else '?'}{urlencode(query)}"


def read_start(params: Mapping[str, str], *, now: datetime) -> Start:
    """What Amazon tells our Login URI, from its app store or at the yearly renewal.

    We send the seller's browser on to an address in it, so that must be Seller Central's own.
    """
    back = params.get("amazon_callback_uri", "")
    site = _BY_HOST[_base_of(back)]
    mark, seller_id = params.get("amazon_state", ""), params.get("selling_partner_id", "")
    if not re.fullmatch(_MARK, mark):
        raise platform_error(Fault.INVALID_REQUEST, "Amazon's own state is missing")
    if not re.fullmatch(SELLER_ID, seller_id):
        raise platform_error(Fault.INVALID_REQUEST, "the seller's number is missing")
    given = {"amazon_callback_uri": back, "amazon_state": mark, "begun_at": now.isoformat()}
    if params.get("version") == "beta":
        given["version"] = "beta"
    return Start(
        mode=WEBSITE, site=site.code, region=site.region, account_id=seller_id, given=given
    )


def _is_fresh(asked: Asked) -> bool:
    """Amazon's state is good for one journey; who tries again later asks anew, from our side."""
    try:
        begun_at = datetime.fromisoformat(asked.given.get("begun_at", ""))
        return timedelta(0) <= asked.now - begun_at <= JOURNEY
    except (ValueError, TypeError):
        return False


def _base_of(back: str) -> str:
    """`https://` and the host, if that is one of Seller Central's. Raises INVALID_REQUEST."""
    found = _BACK.fullmatch(back)
    if found is None or found["base"] not in _BY_HOST:
        raise platform_error(Fault.INVALID_REQUEST, "the address to go on to is not Amazon's")
    return found["base"]
