"""What eBay's faults mean to a seller. Fact sheet: docs/platforms/ebay.md, "Errors"."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.errors import Fault
from platforms.spec import Text

ADVICE: dict[str, Text] = {
    Fault.TOKEN_REVOKED: _(
        "The 18 months are over, you changed your eBay password or user name, or the application"
        " was removed in eBay's account settings. Link the store again: open the store and press"
        " “Relink”. Its orders and its history stay."
    ),
    Fault.INSUFFICIENT_SCOPE: _(
        "eBay says that one of the permissions is missing. Authorize once more and accept all"
        " points on eBay's page. If eBay's page itself showed “invalid_scope”, write to support:"
        " then our application lacks it."
    ),
    Fault.BAD_CREDENTIALS: _(
        "eBay refuses the keys of our own application, not yours. You need do nothing: write to"
        " support, who have to renew them."
    ),
    Fault.WRONG_ENVIRONMENT: _(
        "Our application is set up here with keys of eBay's sandbox, which opens no real shop."
        " You need do nothing: write to support, who have to enter the live keys."
    ),
    Fault.INVALID_REQUEST: _(
        "eBay's confirmation was used twice or is older than five minutes. Press the button to"
        " eBay again. If it is refused a second time, write to support with the time of day."
    ),
    Fault.ACCOUNT_SUSPENDED: _(
        "eBay has put this account on hold. Sign in at eBay, settle what its messages ask for, and"
        " try again here. What is linked stays linked."
    ),
    Fault.QUOTA_EXHAUSTED: _(
        "eBay's calls for today are used up for all shops together. Nothing is lost: we go on by"
        " ourselves when eBay's day begins, at midnight in California."
    ),
}
