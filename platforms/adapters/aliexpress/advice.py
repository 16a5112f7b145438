"""What AliExpress's faults mean to a seller. Fact sheet: docs/platforms/aliexpress.md, "Errors"."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.errors import Fault
from platforms.spec import Text

ADVICE: dict[str, Text] = {
    Fault.TOKEN_REVOKED: _(
        "The permission has ended. AliExpress asks for a new consent at the latest every 60 days,"
        " and at once when the password changes. Link the store again: orders and history stay."
    ),
    Fault.TOKEN_EXPIRED: _(
        "The permission has ended. AliExpress asks for a new consent at the latest every 60 days."
        " Link the store again: orders and history stay."
    ),
    Fault.BAD_CREDENTIALS: _(
        "App Key and App Secret do not belong together, or this App Key does not exist on the"
        " Open Platform. Keys of the old gateway are not valid any more. Copy both again from the"
        " App Console."
    ),
    Fault.INSUFFICIENT_SCOPE: _(
        "The application has no permission for orders. In the App Console apply for the order API"
        " group, wait until it is approved, and try again."
    ),
    Fault.IP_NOT_WHITELISTED: _(
        "The application accepts calls from certain addresses only. In the App Console add our"
        " addresses to its IP white list, then try again."
    ),
    Fault.ACCOUNT_SUSPENDED: _(
        "AliExpress has closed the shop or taken the application offline. Sign in to the seller"
        " centre and read the notice there. What is linked stays linked."
    ),
    Fault.CONSENT_DENIED: _(
        "No permission was given. Sign out of AliExpress, then press the button again and sign in"
        " with the seller account of the shop: a buyer account cannot give it."
    ),
    Fault.QUOTA_EXHAUSTED: _(
        "The application has used up its calls of today. We go on by ourselves as soon as"
        " AliExpress allows it; nothing is lost."
    ),
}
