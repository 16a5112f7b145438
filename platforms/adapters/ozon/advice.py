"""What Ozon's faults mean to a seller. Fact sheet: docs/platforms/ozon.md, "Errors"."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.errors import Fault
from platforms.spec import Text

ADVICE: dict[str, Text] = {
    Fault.BAD_CREDENTIALS: _(
        "The key does not belong to this Client ID, or was not copied whole. In Ozon Seller open"
        " Settings > Seller API: the Client ID is the number above the list of keys. Ozon shows a"
        " key only once, so make a new one there and paste it here. With an application of your"
        " own, compare its client ID and secret in Ozon's developer cabinet."
    ),
    Fault.TOKEN_REVOKED: _(
        "The key has run out or was deleted: in Ozon Seller open Settings > Seller API, make a new"
        " key with the same access levels, and paste it here. If you agreed on Ozon's page instead,"
        " the application was disconnected: press the button to agree again. Nothing else changes:"
        " orders and history stay."
    ),
    Fault.INSUFFICIENT_SCOPE: _(
        "The key lacks an access level. In Ozon Seller open Settings > Seller API and make a key"
        " with the access levels for FBS and for FBO orders, then paste it here. If you agreed on"
        " Ozon's page and this comes up, link the store with a key instead."
    ),
    Fault.IP_NOT_WHITELISTED: _(
        "The key is limited to certain networks. In Ozon Seller open Settings > Seller API, edit"
        " the key, and add our addresses to its allowed networks or remove the limit. Then try"
        " again."
    ),
    Fault.ACCOUNT_SUSPENDED: _(
        "Ozon has blocked the shop, or wants you to accept its new offer. Sign in at Ozon Seller:"
        " if it shows an offer, accept it and try again here; a blocked shop can only be set free"
        " by Ozon's support. What is linked stays linked."
    ),
    "other_shop": _(
        "Nothing was changed, and the key of before goes on working if it still can. The Client ID"
        " must be the one of this store: copy it and a new key from the cabinet of this shop. To"
        " link the other shop too, begin a new linking."
    ),
}
