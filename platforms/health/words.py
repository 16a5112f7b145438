"""How a store is in one sentence, and the one thing to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from platforms import advice
from platforms.errors import Fault
from platforms.health import StoreHealth
from platforms.health.condition import Condition, Group
from platforms.models import Outage
from platforms.spec import Text
from platforms.templatetags.storelink import duration, platform_name
from tenants.models import StoreState

TONES: Mapping[Condition, str] = {
    Condition.NEEDS_RELINK: "bad",
    Condition.NEEDS_SELLER: "bad",
    Condition.ENDS_SOON: "warn",
    Condition.NEEDS_SUPPORT: "warn",
    Condition.DISTURBED: "warn",
    Condition.THROTTLED: "warn",
    Condition.BEHIND: "warn",
    Condition.FIRST_PULL: "info",
    Condition.WORKING: "good",
    Condition.PAUSED: "neutral",
    Condition.UNLINKED: "neutral",
}

GROUP_WORDS: Mapping[Group, Text] = {
    Group.SELLER: gettext_lazy("Needs you"),
    Group.ENDS: gettext_lazy("Ends soon"),
    Group.WAITS: gettext_lazy("Waits, not you"),
    Group.WORKING: pgettext_lazy("store", "Working"),
    Group.PAUSED: gettext_lazy("Paused"),
}

# Where the sentence says more than the condition alone; holes: fault, platform, since, length.
_SENTENCES: Mapping[Condition, Text] = {
    Condition.NEEDS_RELINK: gettext_lazy("Needs relinking: %(fault)s"),
    Condition.NEEDS_SELLER: gettext_lazy("Waits for you: %(fault)s"),
    Condition.ENDS_SOON: gettext_lazy("Working, permission ends in %(length)s"),
    Condition.NEEDS_SUPPORT: gettext_lazy("Waits for us: %(fault)s"),
    Condition.DISTURBED: gettext_lazy("We keep trying: %(fault)s"),
    Condition.THROTTLED: gettext_lazy("Waits its turn: %(fault)s"),
    Condition.BEHIND: gettext_lazy("Catching up, %(length)s behind"),
    Condition.FIRST_PULL: gettext_lazy("First pull under way"),
    Condition.WORKING: pgettext_lazy("store", "Working"),
    Condition.PAUSED: gettext_lazy("Paused"),
    Condition.UNLINKED: gettext_lazy("Unlinked"),
}
# With an open outage: of these faults one can say that the platform is disturbed.
_DISTURBANCES = {
    Fault.PLATFORM_DOWN, Fault.NETWORK_UNREACHABLE, Fault.TLS_FAILED, Fault.BAD_RESPONSE,
}  # fmt: skip


class Next(StrEnum):
    """What is to be done; pages choose the button by it."""

    RELINK = "relink"
    RENEW = "renew"  # relinking ahead of the end
    RESUME = "resume"
    DIAGNOSE = "diagnose"
    RELEASE = "release"
    CHECK = "check"
    COMPARE = "compare"
    WAIT = "wait"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to do. `label` is on the button, "" where there is none; `words` say it where
    this reader has no button."""

    next: Next
    label: str
    words: str

    @property
    def has_button(self) -> bool:
        return bool(self.label)


# label, words for those who may not press it
_STEPS: Mapping[Next, tuple[Text, Text]] = {
    Next.RELINK: (gettext_lazy("Relink"), gettext_lazy("An owner or admin must relink it")),
    Next.RENEW: (gettext_lazy("Renew now"), gettext_lazy("An owner or admin must renew it")),
    Next.RESUME: (gettext_lazy("Resume"), gettext_lazy("An owner or admin can resume it")),
    Next.DIAGNOSE: (gettext_lazy("Find the cause"), ""),
    Next.RELEASE: (gettext_lazy("Read again"), gettext_lazy("An operator can read them again")),
    Next.CHECK: (gettext_lazy("Check the data"), gettext_lazy("All well")),
    Next.COMPARE: (gettext_lazy("See the differences"), gettext_lazy("An operator can see which")),
    Next.WAIT: ("", gettext_lazy("Nothing, it goes on by itself")),
    Next.NOTHING: ("", gettext_lazy("All well")),
}
_NEXT: Mapping[Condition, Next] = {
    Condition.NEEDS_RELINK: Next.RELINK,
    Condition.NEEDS_SELLER: Next.RELINK,
    Condition.ENDS_SOON: Next.RENEW,
    Condition.NEEDS_SUPPORT: Next.DIAGNOSE,
    Condition.DISTURBED: Next.WAIT,
    Condition.THROTTLED: Next.WAIT,
    Condition.BEHIND: Next.WAIT,
    Condition.FIRST_PULL: Next.WAIT,
    Condition.WORKING: Next.NOTHING,
    Condition.PAUSED: Next.RESUME,
    Condition.UNLINKED: Next.NOTHING,
}
# The grant is good: what is in its way has to be settled at the platform, not by relinking.
_SEE_HOW = {Fault.IP_NOT_WHITELISTED, Fault.ACCOUNT_SUSPENDED}


def tone_of(health: StoreHealth) -> str:
    return TONES[health.condition]


def state_words(health: StoreHealth) -> str:
    """The store's state in one sentence, such as "Needs relinking: permission ended"."""
    condition = health.condition
    if health.outage is not None and condition in (Condition.DISTURBED, Condition.THROTTLED):
        return outage_short(health.outage)
    if condition == Condition.PAUSED and health.grant_is_dead:
        return _("Paused, and needs relinking to go on")
    if condition == Condition.NEEDS_RELINK and not health.fault:
        return _("Needs relinking")
    if health.state == StoreState.LINKING:
        return _("Being linked")
    return str(_SENTENCES[condition]) % {
        "fault": inside(advice.fault_words(health.fault)),
        "length": _length(health),
    }


def next_step(health: StoreHealth, *, manages: bool, operates: bool) -> Step:
    """The one thing to do about the store, for a reader with these rights on it."""
    what = _next(health)
    label, words = _STEPS[what]
    if what in (Next.RELINK, Next.RENEW, Next.RESUME):
        allowed = manages
    elif what in (Next.RELEASE, Next.CHECK, Next.COMPARE):
        allowed = manages or operates
    else:
        allowed = True
    if what == Next.DIAGNOSE and health.fault in _SEE_HOW:
        label = gettext_lazy("See how to settle it")
    if health.condition == Condition.UNLINKED:
        words = ""  # not well, not ill: gone
    return Step(next=what, label=str(label) if allowed else "", words=str(words))


def _next(health: StoreHealth) -> Next:
    condition = health.condition
    if condition == Condition.NEEDS_SELLER and health.fault in _SEE_HOW:
        return Next.DIAGNOSE
    if condition == Condition.PAUSED and health.grant_is_dead:
        return Next.RELINK
    if condition == Condition.WORKING and health.quarantined:
        return Next.RELEASE
    if condition == Condition.WORKING and health.differing:
        return Next.COMPARE
    if condition == Condition.WORKING and health.never_checked:
        return Next.CHECK
    return _NEXT[condition]


def outage_short(outage: Outage) -> str:
    """For a table: "eBay is disturbed since 14:05, not you"."""
    holes = _outage_holes(outage)
    if outage.fault in _DISTURBANCES:
        return _("%(platform)s is disturbed since %(time)s, not you") % holes
    return _("Many stores at %(platform)s fail since %(time)s, not you") % holes


def outage_sentence(outage: Outage) -> str:
    """For a banner."""
    return _(
        "Since %(time)s many stores at %(platform)s fail the same way (%(fault)s). It is not"
        " you; we keep trying and miss no order."
    ) % _outage_holes(outage)


def _outage_holes(outage: Outage) -> dict[str, str]:
    return {
        "platform": platform_name(outage.platform),
        "time": moment(outage.since),
        "fault": inside(advice.fault_words(outage.fault)),
    }


def moment(at: datetime) -> str:
    """A time in the reader's zone: the hour alone today, else with its day."""
    local, today = timezone.localtime(at), timezone.localdate()
    hour = date_format(local, "H:i")
    if local.date() == today:
        return hour
    return f"{date_format(local, 'MONTH_DAY_FORMAT')} {hour}"


def inside(words: str) -> str:
    """Words that stood alone, to stand within a sentence. "IP address" stays as it is."""
    if words[1:2].isupper():
        return words
    return words[:1].lower() + words[1:]


def _length(health: StoreHealth) -> str:
    if health.condition == Condition.ENDS_SOON and health.ends_at is not None:
        return duration(max(0.0, (health.ends_at - timezone.now()).total_seconds() + 30))
    return duration(health.lag_s)
