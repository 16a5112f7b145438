"""What the audit trail's verbs say to a reader."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tenants.models import Duty, Event, Role

# Holes: `target` is the name of what was touched, the others are keys of `Event.detail`.
VERBS: dict[str, Promise] = {
    "tenant.created": gettext_lazy("Founded the company %(target)s."),
    "tenant.changed": gettext_lazy("Changed the company's settings: %(settings)s."),
    "invitation.sent": gettext_lazy("Invited %(target)s as %(role)s."),
    "invitation.resent": gettext_lazy("Sent the invitation to %(target)s again."),
    "invitation.revoked": gettext_lazy("Revoked the invitation of %(target)s."),
    "invitation.accepted": gettext_lazy("Accepted the invitation sent to %(target)s."),
    "member.role_changed": gettext_lazy("Made %(target)s %(role)s, who was %(before)s."),
    "member.removed": gettext_lazy("Removed %(target)s; %(bindings)s duties on stores ended."),
    "member.left": gettext_lazy("Left the company; %(bindings)s duties on stores ended."),
    "binding.given": gettext_lazy("Gave %(member)s access to %(target)s as %(duty)s."),
    "binding.taken": gettext_lazy("Took from %(member)s the access to %(target)s as %(duty)s."),
    "api_token.issued": gettext_lazy("Issued the API token %(target)s."),
    "api_token.revoked": gettext_lazy("Revoked the API token %(target)s."),
    "manager.needed": gettext_lazy("Tried what only owners and admins may do: %(page)s."),
    "store.linked": gettext_lazy("Linked the store %(target)s."),
    "store.relinked": gettext_lazy("Linked the store %(target)s again."),
    "store.unlinked": gettext_lazy("Unlinked the store %(target)s."),
    "store.paused": gettext_lazy("Paused the store %(target)s."),
    "store.resumed": gettext_lazy("Resumed the store %(target)s."),
    "store.broke": gettext_lazy("The authorization of %(target)s stopped working: %(fault)s."),
    "store.healed": gettext_lazy("The store %(target)s works again; it had stopped: %(fault)s."),
    "link.started": gettext_lazy("Began to link a store: %(target)s."),
    "link.failed": gettext_lazy("Linking %(target)s failed: %(fault)s."),
    "link.cancelled": gettext_lazy("Cancelled linking %(target)s."),
    "link.handed_over": gettext_lazy("Made a hand-over link for %(target)s."),
    "link.hand_over_revoked": gettext_lazy("Withdrew the hand-over link for %(target)s."),
    "orders.exported": gettext_lazy("Exported orders."),
    "orders.read": gettext_lazy("Read orders of %(target)s by API."),
    "order.viewed": gettext_lazy("Opened the order %(target)s with its buyer's data."),
    "order.raw_viewed": gettext_lazy("Opened the order %(target)s as it was received."),
    "order.sought": gettext_lazy("Looked for the order %(number)s."),
    "order.pulled": gettext_lazy("Got the order %(number)s of %(target)s from the platform."),
    "store.diagnosed": gettext_lazy("Looked for the cause of trouble of %(target)s: %(verdict)s."),
    "store.pull_asked": gettext_lazy("Asked for the orders of %(target)s at once."),
    "authorization.refresh_asked": gettext_lazy(
        "Asked for a new access token of %(target)s at once: %(result)s."
    ),
    "check.started": gettext_lazy("Started a check of the data of %(target)s: %(check)s."),
    "check.stopped": gettext_lazy("Stopped the check of the data of %(target)s: %(check)s."),
    "replay.started": gettext_lazy("Started to do again for %(target)s: %(replay)s."),
    "replay.stopped": gettext_lazy("Stopped what was done again for %(target)s: %(replay)s."),
    "replay.finished": gettext_lazy(
        "Did again for %(target)s: %(replay)s; %(seen)s seen, %(updated)s changed."
    ),
    "quarantine.released": gettext_lazy("Read the unreadable record %(target)s again."),
    "quarantine.dismissed": gettext_lazy("Put the unreadable record %(target)s aside."),
    "quarantine.put_back": gettext_lazy("Put the unreadable record %(target)s back."),
    "quarantine.many_released": gettext_lazy(
        "Read unreadable records of %(target)s again: of %(count)s, %(landed)s are orders now."
    ),
    "quarantine.many_dismissed": gettext_lazy(
        "Put unreadable records of %(target)s aside: %(count)s."
    ),
    "quarantine.many_put_back": gettext_lazy(
        "Put unreadable records of %(target)s back: %(count)s."
    ),
    "quarantine.raw_viewed": gettext_lazy(
        "Opened the unreadable record %(target)s as it was received."
    ),
    "buyer.erased": gettext_lazy(
        "Erased a buyer's data in %(target)s, because the marketplace demands it: %(orders)s"
        " orders."
    ),
    "retention.changed": gettext_lazy(
        "Chose how long buyer data and raw data of %(marketplace)s are kept: %(kept)s."
    ),
    "retention.scrubbed": gettext_lazy(
        "Removed buyer data whose time was over. Orders: %(orders)s, raw payloads: %(raws)s,"
        " records of the quarantine: %(records)s."
    ),
    "hold.placed": gettext_lazy("Placed a legal hold on %(target)s."),
    "hold.released": gettext_lazy("Released the legal hold on %(target)s."),
    "hold.overruled": gettext_lazy(
        "The marketplace ordered a buyer's data to be erased; the legal hold on %(target)s does"
        " not stop that."
    ),
    "buyer.asked": gettext_lazy(
        "A buyer of %(target)s wants to know what is stored of them; the marketplace asks you to"
        " answer."
    ),
    "robot.added": gettext_lazy("Added the chat robot %(target)s."),
    "robot.changed": gettext_lazy("Changed the chat robot %(target)s."),
    "robot.removed": gettext_lazy("Removed the chat robot %(target)s."),
    "robot.tested": gettext_lazy("Sent a trial message to the chat robot %(target)s."),
    "robot.switched_on": gettext_lazy("Switched the chat robot %(target)s on."),
    "robot.switched_off": gettext_lazy("Switched the chat robot %(target)s off."),
    "robot.gave_up": gettext_lazy(
        "The chat robot %(target)s refused messages for a day and was switched off."
    ),
    "support.wizard_opened": gettext_lazy("Opened the linking wizard for %(target)s."),
    "support.refused": gettext_lazy("Tried %(wanted)s on %(target)s without the right to."),
    "app.secret_dated": gettext_lazy(
        "Wrote down until when the secret of %(app)s works: %(until)s."
    ),
    "trail.checked": gettext_lazy("Checked whether the audit trail is whole."),
}

# The first word of a verb, as a filter.
SUBJECTS: dict[str, Promise] = {
    "tenant": gettext_lazy("Company"),
    "member": gettext_lazy("Members"),
    "invitation": gettext_lazy("Invitations"),
    "binding": gettext_lazy("Access to stores"),
    "store": gettext_lazy("Stores"),
    "link": gettext_lazy("Linking"),
    "orders": gettext_lazy("Orders"),
    "api_token": gettext_lazy("API tokens"),
    "manager": gettext_lazy("Refused"),
    "order": gettext_lazy("Single orders"),
    "authorization": gettext_lazy("Authorizations"),
    "check": gettext_lazy("Data checks"),
    "replay": gettext_lazy("Replays"),
    "quarantine": gettext_lazy("Quarantine"),
    "buyer": gettext_lazy("Buyers' rights"),
    "retention": gettext_lazy("Retention"),
    "hold": gettext_lazy("Legal holds"),
    "robot": gettext_lazy("Chat robots"),
    "app": gettext_lazy("Applications"),
    "support": gettext_lazy("Support"),
    "trail": gettext_lazy("Audit trail"),
}

_CHECKS: dict[str, Promise] = {
    "stress": gettext_lazy("sync stress test"),
    "counts": gettext_lazy("count reconciliation"),
}

_REPLAYS: dict[str, Promise] = {
    "pull": gettext_lazy("pull from the platform"),
    "read": gettext_lazy("read what was received"),
    "pushes": gettext_lazy("work on the pushes"),
}

_SETTINGS: dict[str, Promise] = {
    "name": gettext_lazy("name"),
    "time_zone": gettext_lazy("time zone"),
    "require_mfa": gettext_lazy("two-step sign-in"),
    "retention_days": gettext_lazy("days raw order data is kept"),
    "freshness_minutes": gettext_lazy("orders are never older than, in minutes"),
}


def sentence(event: Event) -> str:
    """What happened, in the reader's language; the verb itself where it is not in the table."""
    known = VERBS.get(event.verb)
    if known is None:
        return f"{event.verb} {event.target_name}".strip()
    return str(known) % _holes(event)


def _holes(event: Event) -> Mapping[str, object]:
    holes: defaultdict[str, object] = defaultdict(lambda: "–", event.detail)
    # "anna@lotus.example @ Lotus" says the company again.
    holes["target"] = event.target_name.partition(" @ ")[0]
    for key in ("role", "before"):
        if event.detail.get(key) in Role.values:
            holes[key] = Role(event.detail[key]).label
    if event.detail.get("duty") in Duty.values:
        holes["duty"] = Duty(event.detail["duty"]).label
    if event.detail.get("kind") in _CHECKS:
        holes["check"] = _CHECKS[event.detail["kind"]]
    if event.verb.startswith("replay.") and event.detail.get("kind") in _REPLAYS:
        holes["replay"] = _REPLAYS[event.detail["kind"]]
    if event.verb == "retention.changed":
        holes["kept"] = _(", ").join(_days(event, key) for key in ("buyer_days", "raw_days"))
    if event.verb == "tenant.changed":
        names = [str(_SETTINGS[key]) for key in event.detail if key in _SETTINGS]
        holes["settings"] = _(", ").join(names)
    return holes


def _days(event: Event, key: str) -> str:
    """The number of days chosen last; none is the default."""
    days = (event.detail.get(key) or [None])[-1]
    if days is None:
        return _("as by default")
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
