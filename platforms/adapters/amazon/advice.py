"""What Amazon's faults mean to a seller. Fact sheet: docs/platforms/amazon.md, "Errors"."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.errors import Fault
from platforms.spec import Text

ADVICE: dict[str, Text] = {
    Fault.TOKEN_REVOKED: _(
        "Our access was removed in Seller Central, the yearly renewal was missed, or the pasted"
        " refresh token belongs to another application. Authorize again; it takes two minutes, and"
        " orders and history stay."
    ),
    Fault.BAD_CREDENTIALS: _(
        "If you pasted keys: client identifier and secret do not belong together, or the secret"
        " was replaced (Amazon asks for that every 180 days). Copy both again from Seller Central >"
        " Apps and Services > Develop Apps > View. If you agreed in Seller Central: write to"
        " support, the keys are then ours."
    ),
    Fault.INSUFFICIENT_SCOPE: _(
        "Either a role was added to the application after you agreed: authorize again. Or the"
        " account is not active in this region: look in Seller Central at Account Health and at"
        " the region you chose here, Europe, North America and the Far East being separate."
    ),
    Fault.INVALID_REQUEST: _(
        "Either the confirmation is older than five minutes or was used twice: authorize again."
        " Or the account belongs to another region: begin a new linking and choose Europe, North"
        " America or the Far East. If you pasted a refresh token, it may belong to another"
        " application."
    ),
    Fault.CONSENT_DENIED: _(
        "Seller Central sent you back without an agreement. Sign in as the account's primary user"
        " (others see the code SPDC8143), tick the box, press “Confirm” and wait until Amazon sends"
        " you back here."
    ),
    Fault.ACCOUNT_SUSPENDED: _(
        "Amazon has deactivated this selling account. Settle it in Seller Central under Account"
        " Health, then try again here. Orders stop until then; what is linked stays linked."
    ),
    "other_shop": _(
        "Nothing was changed, and the permission of before is untouched. Sign in at Seller Central"
        " with the account and the region of this store and authorize again. If you paste keys,"
        " the seller id must be filled in as it was the first time."
    ),
    "no_shops": _(
        "Amazon reports no marketplace in this region in which the account sells. Begin a new"
        " linking for the region you sell in, or check in Seller Central that the account has the"
        " Professional selling plan."
    ),
}
