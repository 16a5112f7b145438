"""What Wish's faults mean to a seller. Fact sheet: docs/platforms/wish.md, "Refusals"."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.errors import Fault
from platforms.spec import Text

ADVICE: dict[str, Text] = {
    Fault.TOKEN_REVOKED: _(
        "The access was withdrawn at Wish or replaced there. Link the store again: open the store"
        " and press “Relink”. If another tool uses the same Wish application, the two take the"
        " access away from each other: make an application of its own for Storelink."
    ),
    Fault.BAD_CREDENTIALS: _(
        "The client ID, the client secret or the redirect address differ from those in the"
        " settings of your Wish application. Compare all three, correct them, and authorize"
        " again."
    ),
    Fault.INSUFFICIENT_SCOPE: _(
        "Your Wish application lacks a permission. Tick it in the settings of the application at"
        " Wish, save, and authorize again: without a new authorization it has no effect."
    ),
    Fault.INVALID_REQUEST: _(
        "Wish's confirmation was used twice, is too old, or was not accepted. Start the"
        " authorization again. If it is refused a second time, write to support."
    ),
    Fault.ACCOUNT_SUSPENDED: _(
        "Wish has disabled the merchant account. Sign in at Wish and settle what its messages ask"
        " for. What is linked here stays linked."
    ),
    Fault.PLATFORM_DOWN: _(
        "Wish is unavailable. We keep trying by ourselves. Should it last for days, Wish may have"
        " closed down: orders that were fetched already stay here."
    ),
    Fault.CONSENT_DENIED: _(
        "Wish sent you back without an agreement. Authorize again, signed in with the main"
        " account: sub-accounts cannot agree."
    ),
}
