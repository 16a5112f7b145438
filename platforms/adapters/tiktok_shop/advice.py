"""What TikTok Shop's faults mean to a seller. Fact sheet: docs/platforms/tiktok_shop.md."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.errors import Fault
from platforms.spec import Text

ADVICE: dict[str, Text] = {
    Fault.TOKEN_REVOKED: _(
        "The authorization was cancelled in Seller Center, or is more than a year old. Link the"
        " store again: open the store and press “Relink”. Its orders and its history stay."
    ),
    Fault.INSUFFICIENT_SCOPE: _(
        "The application lacks a permission: usually the one for orders. It is switched on in"
        " Partner Center under App & Service > Manage API; after that, authorize once more."
    ),
    Fault.BAD_CREDENTIALS: _(
        "With your own application: its secret is wrong or was changed, or it belongs to the other"
        " portal (United States, or other markets). Otherwise authorize again with the seller's"
        " main account; if that is refused, too, write to support."
    ),
    Fault.CONSENT_DENIED: _(
        "You did not agree, or you agreed as a creator or partner. Sign in to Seller Center with"
        " the main account of the shop and press the button to TikTok Shop again."
    ),
    Fault.INVALID_REQUEST: _(
        "TikTok Shop's confirmation was used twice or is older than 30 minutes. Press the button"
        " to TikTok Shop again. If it is refused a second time, write to support with the time of"
        " day."
    ),
    Fault.IP_NOT_WHITELISTED: _(
        "The application only accepts calls from listed addresses. Add Storelink's addresses to its"
        " IP allow list in Partner Center."
    ),
    Fault.ACCOUNT_SUSPENDED: _(
        "The shop is not active. Open Seller Center, settle what its messages ask for, and try"
        " again here. What is linked stays linked."
    ),
}
