"""Shopee's signature, for calls with and without a shop. Fact sheet: docs/platforms/shopee.md."""

from __future__ import annotations

import re
from datetime import datetime

from platforms.errors import Fault, platform_error
from platforms.signing import hmac_hex
from platforms.spec import Account, AppKeys

DIGITS = re.compile(r"[0-9]{1,18}")


def signed(
    app: AppKeys, path: str, *, now: datetime, token: str = "", shop_id: str = ""
) -> dict[str, str]:
    """The system's parameters of a call, public or (with a token) of a shop."""
    stamp = str(int(now.timestamp()))
    params = {"partner_id": app.client_id, "timestamp": stamp}
    if token:
        params |= {"access_token": token, "shop_id": shop_id}
    base = f"{app.client_id}{path}{stamp}{token}{shop_id}"
    return {**params, "sign": hmac_hex(app.client_secret, base)}


def app_of(account: Account) -> AppKeys:
    if account.app is None:
        raise platform_error(Fault.INVALID_REQUEST, "no application is set up for Shopee")
    if not DIGITS.fullmatch(account.app.client_id):
        raise platform_error(Fault.BAD_CREDENTIALS, "the Partner ID is not a number")
    return account.app
