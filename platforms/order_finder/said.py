"""What is said after the one button was pressed (platforms/flows/fix_order.py)."""

from __future__ import annotations

from django.contrib.messages import constants
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

# The result, and the level it is told at.
SAID: dict[str, tuple[int, Promise]] = {
    "here": (constants.SUCCESS, gettext_lazy("The order %(number)s is here now.")),
    "filling": (
        constants.SUCCESS,
        gettext_lazy("The order %(number)s is here now; the others of its day follow."),
    ),
    "asked": (
        constants.SUCCESS,
        gettext_lazy("The pull of %(store)s starts now; search again in a moment."),
    ),
    "resumed": (
        constants.SUCCESS,
        gettext_lazy("%(store)s goes on, and what was missed is caught up."),
    ),
    "gone": (
        constants.WARNING,
        gettext_lazy("The platform does not have the order %(number)s for %(store)s."),
    ),
    "unreadable": (
        constants.WARNING,
        gettext_lazy(
            "The order %(number)s still cannot be read. It is kept whole, and support sees it."
        ),
    ),
    "nothing": (
        constants.INFO,
        gettext_lazy("Nothing was waiting under %(number)s any more. Search again."),
    ),
}
