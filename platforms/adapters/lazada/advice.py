"""What Lazada's faults mean to a seller. Fact sheet: docs/platforms/lazada.md, "Errors"."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.errors import Fault
from platforms.spec import Text

ADVICE: dict[str, Text] = {
    Fault.TOKEN_REVOKED: _(
        "Lazada's permission has ended or was removed. Open the store and press “Relink”. All"
        " countries of the account are linked again at once; orders and history stay."
    ),
    Fault.BAD_CREDENTIALS: _(
        "Lazada does not accept the App Key or App Secret. With an application of your own, copy"
        " both again from the App Console; otherwise write to support."
    ),
    Fault.INSUFFICIENT_SCOPE: _(
        "The application may not read orders of this shop. Subscribe to it in Lazada's Service"
        " Marketplace; an application of your own also needs the order permission in the App"
        " Console. Then link the store again."
    ),
    Fault.INVALID_REQUEST: _(
        "Lazada's confirmation was used twice or is too old. Press the button to Lazada again. If"
        " it is refused a second time, write to support with the time of day."
    ),
    Fault.ACCOUNT_SUSPENDED: _(
        "Lazada says that this shop is not active. Settle in Seller Center what Lazada asks for,"
        " then try again."
    ),
}
