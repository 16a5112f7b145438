"""What Shopee's faults mean to a seller. Fact sheet: docs/platforms/shopee.md, "Errors"."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.errors import Fault
from platforms.spec import Text

ADVICE: dict[str, Text] = {
    Fault.TOKEN_REVOKED: _(
        "The term that you chose on Shopee's page is over, or the permission was removed there."
        " Open the store and press “Relink”. Its orders and its history stay."
    ),
    Fault.BAD_CREDENTIALS: _(
        "Shopee does not accept the Partner ID or Partner Key; a live key also ends after a time."
        " With an application of your own, copy both again from the Open Platform console;"
        " otherwise write to support."
    ),
    Fault.INSUFFICIENT_SCOPE: _(
        "Shopee does not let this kind of application read orders. An application of your own must"
        " be of the category “Seller In House System” or another one with order permission."
    ),
    Fault.INVALID_REQUEST: _(
        "Shopee's confirmation was used twice or is older than ten minutes. Press the button to"
        " Shopee again. If it is refused a second time, write to support with the time of day."
    ),
    Fault.IP_NOT_WHITELISTED: _(
        "The application only answers to addresses that were declared. Add the addresses of"
        " Storelink in the Open Platform console under “IP Address Whitelist”."
    ),
    Fault.ACCOUNT_SUSPENDED: _(
        "Shopee has frozen or banned this shop or the application. Settle in Seller Centre what"
        " Shopee asks for, then try again."
    ),
    Fault.QUOTA_EXHAUSTED: _(
        "Shopee's calls for today are used up for all shops together. Nothing is lost: we go on by"
        " ourselves when Shopee's day begins, at midnight in Singapore."
    ),
}
