"""What went wrong, and what the seller should do about it, in plain words.

The general words are here. What only one marketplace means by a fault, and where in its own
menus to go, is data of its adapter (`Adapter.advice`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from platforms import registry
from platforms.errors import Fault
from platforms.spec import Text


class Action(StrEnum):
    """Who acts next; pages choose their button by it."""

    TRY_AGAIN = "try_again"  # the same step once more
    RELINK = "relink"  # the store must be linked again
    AT_PLATFORM = "at_platform"  # settle it at the marketplace, then try again
    WAIT = "wait"  # nobody: we go on by ourselves
    SUPPORT = "support"  # us
    STOP = "stop"  # nothing more can be done here


@dataclass(frozen=True, kw_only=True)
class Advice:
    """`title` says what happened, `text` what to do and where, both translated. `values` are
    for copying, such as addresses to allow."""

    title: str
    text: str
    action: Action
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.title, self.text, *self.values])


@dataclass(frozen=True)
class _Entry:
    title: Text
    text: Text
    action: Action


def advice_for(fault: str, *, reason: str = "", platform: str = "") -> Advice:
    """What to say about a fault, or about the finer `reason` where one is known.

    Words nobody knows give the advice for `unknown`; they never fail.
    """
    entry = REASONS.get(reason) or FAULTS.get(fault) or FAULTS[Fault.UNKNOWN]
    refined = _refined(platform)
    text = refined.get(reason) or (refined.get(fault) if reason not in REASONS else None)
    name = {"platform": _platform_name(platform)}
    values: tuple[str, ...] = ()
    if fault == Fault.IP_NOT_WHITELISTED and not reason:
        values = tuple(settings.OUTGOING_ADDRESSES)
    return Advice(
        title=str(entry.title) % name,
        text=str(text or entry.text) % name,
        action=entry.action,
        values=values,
    )


def fault_words(fault: str) -> str:
    """A fault in a few words, for badges and tables; "" for none."""
    if not fault:
        return ""
    return str(SHORT.get(fault, SHORT[Fault.UNKNOWN]))


def _refined(platform: str) -> Mapping[str, Text]:
    return registry.get(platform).advice if platform in registry.codes() else {}


def _platform_name(platform: str) -> str:
    return str(registry.get(platform).name) if platform in registry.codes() else _("the platform")


FAULTS: dict[str, _Entry] = {
    Fault.TOKEN_EXPIRED: _Entry(
        gettext_lazy("The access to %(platform)s has expired."),
        gettext_lazy(
            "We renew it by ourselves. If this is still here in an hour, link the store again:"
            " open the store and press “Relink”."
        ),
        Action.RELINK,
    ),
    Fault.TOKEN_REVOKED: _Entry(
        gettext_lazy("%(platform)s no longer accepts our permission."),
        gettext_lazy(
            "It ran out, was withdrawn, or ended when the password was changed. Link the store"
            " again: open the store and press “Relink”. Its orders and its history stay."
        ),
        Action.RELINK,
    ),
    Fault.INSUFFICIENT_SCOPE: _Entry(
        gettext_lazy("A permission that we need is missing."),
        gettext_lazy(
            "Authorize once more and accept every point that %(platform)s shows; if you paste a"
            " key, make one with all the access levels that the guide names."
        ),
        Action.RELINK,
    ),
    Fault.BAD_CREDENTIALS: _Entry(
        gettext_lazy("%(platform)s does not accept these keys."),
        gettext_lazy(
            "Copy each of them again, whole, from the page named below its field, and check that"
            " all of them belong to the same shop."
        ),
        Action.TRY_AGAIN,
    ),
    Fault.WRONG_ENVIRONMENT: _Entry(
        gettext_lazy("These keys belong to the test environment of %(platform)s."),
        gettext_lazy(
            "They open no real shop. Copy the keys of the live environment and try again; if you"
            " were not asked for keys, write to support: the keys are then ours."
        ),
        Action.TRY_AGAIN,
    ),
    Fault.IP_NOT_WHITELISTED: _Entry(
        gettext_lazy("%(platform)s does not let our network address in."),
        gettext_lazy(
            "The key is limited to certain networks. Open the key's settings at %(platform)s and"
            " add our addresses to the allowed networks, or remove the limit. Then try again."
        ),
        Action.AT_PLATFORM,
    ),
    Fault.CLOCK_SKEW: _Entry(
        gettext_lazy("Our clock and the clock of %(platform)s differ."),
        gettext_lazy(
            "You did nothing wrong and need do nothing. Write to support if this is still here in"
            " ten minutes: the clock of the server has to be set."
        ),
        Action.SUPPORT,
    ),
    Fault.RATE_LIMITED: _Entry(
        gettext_lazy("%(platform)s asks us to slow down."),
        gettext_lazy(
            "Nothing is lost. Orders go on arriving by themselves; if you are linking a store,"
            " wait a minute and try the same step again."
        ),
        Action.WAIT,
    ),
    Fault.QUOTA_EXHAUSTED: _Entry(
        gettext_lazy("The calls that %(platform)s allows in a day are used up."),
        gettext_lazy(
            "Nothing is lost. We go on by ourselves as soon as %(platform)s lets us, at the latest"
            " tomorrow. Other programs that read the same shop use up calls too."
        ),
        Action.WAIT,
    ),
    Fault.PLATFORM_DOWN: _Entry(
        gettext_lazy("%(platform)s has a disturbance."),
        gettext_lazy(
            "It is not your fault and nothing is lost. Orders go on by themselves when it is over;"
            " if you are linking a store, try the same step again in some minutes."
        ),
        Action.WAIT,
    ),
    Fault.NETWORK_UNREACHABLE: _Entry(
        gettext_lazy("We could not reach %(platform)s."),
        gettext_lazy(
            "The network between us and %(platform)s is interrupted. We keep trying; if you are"
            " linking a store, try the same step again in some minutes."
        ),
        Action.WAIT,
    ),
    Fault.TLS_FAILED: _Entry(
        gettext_lazy("The connection to %(platform)s was not secure, so we broke it off."),
        gettext_lazy(
            "No key was sent. We keep trying; write to support if this is still here in an hour,"
            " because something may be reading along on the way."
        ),
        Action.WAIT,
    ),
    Fault.BAD_RESPONSE: _Entry(
        gettext_lazy("%(platform)s answered something that we cannot read."),
        gettext_lazy(
            "This is mostly a short disturbance. Try the same step again in some minutes; write to"
            " support if it happens again."
        ),
        Action.WAIT,
    ),
    Fault.INVALID_REQUEST: _Entry(
        gettext_lazy("%(platform)s refused what we asked."),
        gettext_lazy(
            "Take the step again from its beginning. If it is refused a second time, write to"
            " support with the time of day: then it is ours to mend."
        ),
        Action.TRY_AGAIN,
    ),
    Fault.ACCOUNT_SUSPENDED: _Entry(
        gettext_lazy("%(platform)s has suspended this account."),
        gettext_lazy(
            "Sign in at %(platform)s and settle what it asks for there, then try again here. What"
            " is linked stays linked."
        ),
        Action.AT_PLATFORM,
    ),
    Fault.APP_REJECTED: _Entry(
        gettext_lazy("%(platform)s does not accept our application at the moment."),
        gettext_lazy(
            "This is ours to mend and support has been told. Your shop is not affected; try again"
            " later, or write to support."
        ),
        Action.SUPPORT,
    ),
    Fault.CONSENT_DENIED: _Entry(
        gettext_lazy("The permission was not given, and nothing was changed."),
        gettext_lazy(
            "%(platform)s sent you back without an agreement. Press the button again, sign in with"
            " the account that owns the shop, and agree at the end."
        ),
        Action.TRY_AGAIN,
    ),
    Fault.SHOP_MISMATCH: _Entry(
        gettext_lazy("This is not the shop that was expected."),
        gettext_lazy(
            "Nothing was changed. Sign out at %(platform)s, sign in with the account of the right"
            " shop, and authorize again here."
        ),
        Action.TRY_AGAIN,
    ),
    Fault.UNKNOWN: _Entry(
        gettext_lazy("Something failed in a way that we have not seen before."),
        gettext_lazy(
            "Nothing was changed. Try the same step again; if it fails once more, write to support"
            " with the time of day."
        ),
        Action.SUPPORT,
    ),
}

REASONS: dict[str, _Entry] = {
    "attempt_closed": _Entry(
        gettext_lazy("This linking is over already."),
        gettext_lazy(
            "It was finished or cancelled, maybe in another tab. Look at your stores whether the"
            " shop is there; otherwise begin a new linking."
        ),
        Action.STOP,
    ),
    "no_app": _Entry(
        gettext_lazy("Linking %(platform)s in this way is not set up here yet."),
        gettext_lazy(
            "It needs a developer application of ours at %(platform)s. Write to support, or choose"
            " another way of linking."
        ),
        Action.SUPPORT,
    ),
    "not_prepared": _Entry(
        gettext_lazy("Something is missing before %(platform)s can be asked."),
        gettext_lazy("Fill in the form on this page first; then go on to %(platform)s."),
        Action.TRY_AGAIN,
    ),
    "claim_gone": _Entry(
        gettext_lazy("This answer of %(platform)s has waited too long."),
        gettext_lazy("It is kept for half an hour. Begin the linking again; nothing was changed."),
        Action.TRY_AGAIN,
    ),
    "state_unknown": _Entry(
        gettext_lazy("This answer of %(platform)s was used already, or is not meant for us."),
        gettext_lazy(
            "Each answer counts once, and only the newest. Go back to the linking page: it shows"
            " whether the shop has arrived. If not, press the button to %(platform)s again there."
        ),
        Action.TRY_AGAIN,
    ),
    "state_expired": _Entry(
        gettext_lazy("You came back from %(platform)s too late."),
        gettext_lazy(
            "For safety we wait 30 minutes for the answer. Nothing was changed: press the button"
            " to %(platform)s again."
        ),
        Action.TRY_AGAIN,
    ),
    "other_shop": _Entry(
        gettext_lazy("You signed in to another shop than the one to be linked again."),
        gettext_lazy(
            "Nothing was changed, and the permission of before is untouched. Sign out at"
            " %(platform)s, sign in with the account of this store, and authorize again. To link"
            " the other shop too, begin a new linking."
        ),
        Action.TRY_AGAIN,
    ),
    "already_linked": _Entry(
        gettext_lazy("This shop is linked already."),
        gettext_lazy(
            "A shop can be linked only once. If it is among your stores, open it there and press"
            " “Relink”. If it is not, ask your colleagues, or write to support: we check whose"
            " shop it is and set it free."
        ),
        Action.SUPPORT,
    ),
    "no_shops": _Entry(
        gettext_lazy("%(platform)s reports no open shop for this account."),
        gettext_lazy(
            "Check at %(platform)s that the account is open for selling, and that you signed in"
            " with the right one. Then authorize again."
        ),
        Action.AT_PLATFORM,
    ),
    "nothing_to_confirm": _Entry(
        gettext_lazy("There is no shop to confirm yet."),
        gettext_lazy("Authorize first: this page shows how. The shop appears here afterwards."),
        Action.TRY_AGAIN,
    ),
    "no_shop_chosen": _Entry(
        gettext_lazy("No shop was chosen."),
        gettext_lazy("Tick at least one shop that is still free, then confirm."),
        Action.TRY_AGAIN,
    ),
    "store_unlinked": _Entry(
        gettext_lazy("The store was unlinked in the meantime."),
        gettext_lazy("It cannot be linked again in this way: begin a new linking for it."),
        Action.STOP,
    ),
    "declined": _Entry(
        gettext_lazy("You declined at %(platform)s, and nothing was changed."),
        gettext_lazy(
            "If that was not meant, go back to the linking page and press the button to"
            " %(platform)s again."
        ),
        Action.TRY_AGAIN,
    ),
    "hand_over_unknown": _Entry(
        gettext_lazy("This link does not work any more."),
        gettext_lazy(
            "It was used already, withdrawn, or not copied whole. Ask the person who sent it to"
            " you for a new one."
        ),
        Action.STOP,
    ),
    "hand_over_expired": _Entry(
        gettext_lazy("This link has run out."),
        gettext_lazy("Ask the person who sent it to you for a new one."),
        Action.STOP,
    ),
    "hand_over_other": _Entry(
        gettext_lazy("You opened another link in the meantime."),
        gettext_lazy(
            "Nothing was sent. This page now shows what the newer link asks for; to use the older"
            " one, open it again."
        ),
        Action.TRY_AGAIN,
    ),
    "paste_unreadable": _Entry(
        gettext_lazy("This is not the address that we need."),
        gettext_lazy(
            "Copy the whole address from the address bar of the browser in which you agreed, after"
            " %(platform)s has sent it on. It contains “state=” and is rather long."
        ),
        Action.TRY_AGAIN,
    ),
    "paste_other": _Entry(
        gettext_lazy("This address belongs to another linking, or was used already."),
        gettext_lazy(
            "Press the button to %(platform)s on this page once more, agree, and copy the address"
            " that you see then."
        ),
        Action.TRY_AGAIN,
    ),
}

SHORT: dict[str, Text] = {
    Fault.TOKEN_EXPIRED: gettext_lazy("Access expired"),
    Fault.TOKEN_REVOKED: gettext_lazy("Permission ended"),
    Fault.INSUFFICIENT_SCOPE: gettext_lazy("Permission missing"),
    Fault.BAD_CREDENTIALS: gettext_lazy("Keys refused"),
    Fault.WRONG_ENVIRONMENT: gettext_lazy("Keys of the test environment"),
    Fault.IP_NOT_WHITELISTED: gettext_lazy("Network address not allowed"),
    Fault.CLOCK_SKEW: gettext_lazy("Clocks differ"),
    Fault.RATE_LIMITED: gettext_lazy("Slowed down by the platform"),
    Fault.QUOTA_EXHAUSTED: gettext_lazy("Daily quota used up"),
    Fault.PLATFORM_DOWN: gettext_lazy("Platform disturbed"),
    Fault.NETWORK_UNREACHABLE: gettext_lazy("Platform not reachable"),
    Fault.TLS_FAILED: gettext_lazy("Connection not secure"),
    Fault.BAD_RESPONSE: gettext_lazy("Unreadable answer"),
    Fault.INVALID_REQUEST: gettext_lazy("Request refused"),
    Fault.ACCOUNT_SUSPENDED: gettext_lazy("Account suspended"),
    Fault.APP_REJECTED: gettext_lazy("Application refused"),
    Fault.CONSENT_DENIED: gettext_lazy("Permission not given"),
    Fault.SHOP_MISMATCH: gettext_lazy("Another shop"),
    Fault.UNKNOWN: gettext_lazy("Unknown failure"),
}
