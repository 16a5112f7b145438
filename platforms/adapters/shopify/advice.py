"""What Shopify's faults mean to a seller. Fact sheet: docs/platforms/shopify.md, "Refusals"."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.errors import Fault
from platforms.spec import Text

ADVICE: dict[str, Text] = {
    Fault.BAD_CREDENTIALS: _(
        "Shopify does not accept these keys for this shop. Client ID and Client secret must be of"
        " one app, the app must be installed, and app and shop must belong to the same"
        " organisation. In the Dev Dashboard open the app, check its installations, and copy both"
        " keys again from its Settings."
    ),
    Fault.TOKEN_REVOKED: _(
        "The app was removed from the shop, or its token was replaced. Install the app again and"
        " link the store again. Nothing else changes: orders and history stay."
    ),
    Fault.INSUFFICIENT_SCOPE: _(
        "The app may not read orders. In the Dev Dashboard add the access scope read_orders,"
        " release the version, approve it in the shop, and try again."
    ),
    Fault.ACCOUNT_SUSPENDED: _(
        "Shopify has closed or frozen the shop, often for an unpaid bill. Sign in at the Shopify"
        " admin: it says what to do. What is linked stays linked."
    ),
    Fault.INVALID_REQUEST: _(
        "Shopify does not know this address, or the consent was used already. Check the name that"
        " ends in .myshopify.com in Settings > Domains, and begin again."
    ),
    Fault.CLOCK_SKEW: _("The way back from Shopify took too long. Begin again."),
    "other_shop": _(
        "Nothing was changed, and the permission of before goes on working if it still can. The"
        " shop address must be the one of this store. To link the other shop too, begin a new"
        " linking."
    ),
}
