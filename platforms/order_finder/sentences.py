"""What a finding says to people: what is so, why, and what to do. Never anything of a buyer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from platforms import registry
from platforms.advice import advice_for, fault_words
from platforms.order_finder.reasons import Finding, Fix, Reason, Seeker, Silent
from platforms.spec import Text
from platforms.templatetags.storelink import platform_name, site_name
from tenants.models import Store

MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Told:
    """`tone` as of components/note.html; `button` is "" where nothing can be pressed. `notes`
    are what else is worth knowing."""

    title: str
    text: str
    tone: str = "warn"
    button: str = ""
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(filter(None, [self.title, self.text, *self.notes]))


BUTTONS: dict[Fix, Promise] = {
    Fix.SHOW: gettext_lazy("Open the order"),
    Fix.BIND: gettext_lazy("Give access to the store"),
    Fix.LINK: gettext_lazy("Link a store"),
    Fix.RELINK: gettext_lazy("Relink the store"),
    Fix.AGAIN: gettext_lazy("Search again"),
    Fix.GET: gettext_lazy("Get it now"),
    Fix.PULL: gettext_lazy("Pull the store now"),
    Fix.BACK_FILL: gettext_lazy("Get it and its whole day"),
    Fix.READ_AGAIN: gettext_lazy("Read it again now"),
    Fix.RESUME: gettext_lazy("Resume the store"),
}

FILTERS: dict[str, Promise] = {
    "platform": gettext_lazy("platform"),
    "status": gettext_lazy("status"),
    "from": gettext_lazy("placed from"),
    "to": gettext_lazy("placed to"),
}

GOOD, WARN, BAD, INFO, NEUTRAL = "good", "warn", "bad", "info", "neutral"


def told(found: Finding, *, seeker: Seeker, company: str) -> Told:
    """The finding in the reader's language."""
    title, text, tone = _WORDS[found.reason](found, seeker, company)
    button = str(BUTTONS[found.fix]) if found.fix else ""
    return Told(
        title=_close_up(title), text=_close_up(text), tone=tone, button=button,
        notes=tuple(_close_up(note) for note in _notes(found, seeker)),
    )  # fmt: skip


def _close_up(text: str) -> str:
    """Sentences and names are joined with blanks; after Chinese marks there is none."""
    return re.sub(r"(?<=[。！？；：，、）]) ", "", text)


Words = tuple[str, str, str]


def name_of(store: Store) -> str:
    """As people know it: name, platform and site."""
    where = " ".join(filter(None, [str(platform_name(store.platform)), str(site_name(store))]))
    return _("%(store)s (%(where)s)") % {"store": store.name, "where": where}


def _names(found: Finding) -> dict[str, object]:
    store = found.store or found.named
    return {
        "number": found.number,
        "store": name_of(store) if store else "",
        "platform": str(platform_name(store.platform)) if store else "",
    }


def _ask_managers(company: str) -> str:
    return _("Ask an owner or admin of %(company)s.") % {"company": company}


def _moment(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else "–"


def _here(found: Finding, seeker: Seeker, company: str) -> Words:
    title = _("The order %(number)s is here.") % _names(found)
    text = _("It is an order of %(store)s.") % _names(found)
    if found.order is not None and found.order.scrubbed_at is not None:
        text += " " + _(
            "Its buyer's data was removed when the time for keeping it was over, so a search for"
            " the buyer does not find it."
        )
    return title, text, GOOD


def _hidden(found: Finding, seeker: Seeker, company: str) -> Words:
    filters = _(", ").join(str(FILTERS[name]) for name in found.hidden_by)
    title = _("The order %(number)s is here, but your filters hide it.") % _names(found)
    text = _("What hides it: %(filters)s. Open it here, or clear these filters in the list.")
    return title, text % {"filters": filters}, INFO


def _not_bound(found: Finding, seeker: Seeker, company: str) -> Words:
    if found.store is not None and seeker.manages:
        return (
            _("The order %(number)s is here, but you are not operator of its store.")
            % _names(found),
            _(
                "It belongs to %(store)s. Only operators of a store see its orders: make yourself"
                " or a colleague operator."
            )
            % _names(found),
            WARN,
        )
    return (
        _("The order %(number)s is in a store you have no access to.") % _names(found),
        _ask_managers(company)
        + " "
        + _("They can make you operator of that store; its orders then appear at once."),
        WARN,
    )


def _quarantined(found: Finding, seeker: Seeker, company: str) -> Words:
    if found.quarantined is None:
        title = _("%(platform)s has the order %(number)s, but it cannot be read.") % _names(found)
        text = _(
            "Get it now all the same: it is kept whole for support, who will make it readable."
        )
        return title, text + " " + _why_unreadable(found.unreadable), BAD
    title = _("The order %(number)s has come, but could not be read.") % _names(found)
    text = _(
        "It is kept whole, in quarantine. Often it can be read after an update: read it again. If"
        " that does not help, support sees it and takes care of it."
    )
    return title, text + " " + _why_unreadable(found.quarantined.reason), BAD


def _why_unreadable(reason: str) -> str:
    """The technical reason in plain words; it names fields and types, never values."""
    kinds: tuple[tuple[str, Text], ...] = (
        ("no linked store", gettext_lazy("It is for a shop that is not linked here.")),
        ("missing required", gettext_lazy("Something that every order has is missing in it.")),
        ("required field", gettext_lazy("Something that every order has is missing in it.")),
        ("no number", gettext_lazy("It has no order number.")),
        ("amount", gettext_lazy("An amount in it is no number.")),
        ("too many lines", gettext_lazy("It has more lines than we take.")),
        ("Expected", gettext_lazy("A value in it has another form than the platform promises.")),
    )
    for part, words in kinds:
        if part in reason:
            return str(words)
    return _("The platform sent it in a form that we do not know yet.")


def _not_linked(found: Finding, seeker: Seeker, company: str) -> Words:
    if found.no_store:
        title = _("No store is linked here that could have the order %(number)s.") % _names(found)
        text = _("Link the store it was placed in; its orders then come by themselves.")
    elif found.platform_looked:
        title = _("The order %(number)s belongs to a shop that is not linked.") % _names(found)
        text = _(
            "%(platform)s has it for the same account, but for another of its shops or sites. Link"
            " that one too."
        ) % _names(found)
    else:
        title = _("%(store)s is not linked.") % _names(found)
        text = _("Nothing is pulled for it, so new orders do not come. Link it.")
    return title, _for_managers(text, found, company), WARN


def _needs_relink(found: Finding, seeker: Seeker, company: str) -> Words:
    if found.named is None:
        title = _("The order %(number)s may be in %(store)s, which must be linked again.")
    else:
        title = _("%(store)s must be linked again.")
    title %= _names(found)
    text = _(
        "%(platform)s no longer accepts our permission, so orders do not come. After relinking,"
        " those that were missed come by themselves."
    ) % _names(found)
    return title, _for_managers(text, found, company), BAD


def _paused(found: Finding, seeker: Seeker, company: str) -> Words:
    title = _("%(store)s is paused.") % _names(found)
    if found.platform_looked:
        text = _("%(platform)s has the order %(number)s for it.") % _names(found) + " "
    else:
        text = ""
    text += _("No orders are pulled while it is paused. Resume it: what was missed is caught up.")
    return title, _for_managers(text, found, company), WARN


def _for_managers(text: str, found: Finding, company: str) -> str:
    return text if found.fix else f"{text} {_ask_managers(company)}"


def _not_yet(found: Finding, seeker: Seeker, company: str) -> Words:
    names, stream = _names(found), found.stream
    fault = fault_words(stream.fault) if stream else ""
    if found.fix is Fix.PULL:
        title = _("The pulls of %(store)s are behind.") % names
    else:
        title = _("The order %(number)s is on its way.") % names
    if stream is not None and stream.ends_at is not None:
        text = _("A back-fill of %(store)s that is under way has not come to its day yet.")
    elif fault:
        text = _("The last pull of %(store)s failed: %(fault)s. The next try is due %(due)s.")
    elif stream is not None and stream.last_success_at is None:
        text = _("The first pull of %(store)s is not over yet.")
    else:
        text = _("It changed after the last pull of %(store)s. The next one is due %(due)s.")
    text %= names | {"fault": fault, "due": _due(stream.due_at if stream else None)}
    if found.fix is Fix.GET:
        text += " " + _("You need not wait: get it now.")
    return title, text, INFO


def _due(at: datetime | None) -> str:
    if at is None:
        return _("at no set time")
    return _("now") if at <= timezone.now() else _("at %(time)s") % {"time": _moment(at)}


def _outside(found: Finding, seeker: Seeker, company: str) -> Words:
    names = _names(found) | {
        "placed": _moment(found.placed_at), "began": _moment(found.pulls_began_at),
    }  # fmt: skip
    title = _("The order %(number)s is older than our pulls.") % names
    text = _(
        "It was placed on %(placed)s; orders of %(store)s have been pulled since %(began)s. Get it"
        " now."
    )
    return title, text % names, INFO


def _missed(found: Finding, seeker: Seeker, company: str) -> Words:
    title = _("%(platform)s has the order %(number)s, but it did not come to us.") % _names(found)
    text = _(
        "%(platform)s did not report it to %(store)s when it should have. Get it now; to be sure"
        " that no other is missing, start a count reconciliation of the store afterwards."
    )
    return title, text % _names(found), WARN


def _wrong_store(found: Finding, seeker: Seeker, company: str) -> Words:
    names = _names(found) | {"named": name_of(found.named) if found.named else ""}
    title = _("The order %(number)s belongs to another store.") % names
    if found.order is not None:
        text = _("You looked in %(named)s. It is here, in %(store)s.")
    else:
        text = _("You looked in %(named)s. It was placed in %(store)s; get it now.")
    return title, text % names, INFO


def _deleted(found: Finding, seeker: Seeker, company: str) -> Words:
    title = _("The order %(number)s was deleted at %(platform)s.") % _names(found)
    text = _("We keep it as cancelled, as an order of %(store)s. Nothing more will come for it.")
    return title, text % _names(found), NEUTRAL


def _not_there(found: Finding, seeker: Seeker, company: str) -> Words:
    names = _names(found)
    if found.named is not None and len(found.asked) <= 1:
        title = _("%(platform)s has no order %(number)s for %(store)s.") % names
    else:
        title = _("None of the stores has an order %(number)s.") % names
    text = _("Compare the number with the platform's page, digit by digit.")
    for code in dict.fromkeys(store.platform for store in found.asked):
        text += f" {withheld}" if (withheld := registry.get(code).withheld) else ""
    if not seeker.manages and not seeker.desk:
        text += " " + _("If it is right, the order may be in a store you have no access to.")
        text += " " + _ask_managers(company)
    return title, text, NEUTRAL


def _withheld(found: Finding, seeker: Seeker, company: str) -> Words:
    adapter = registry.get(found.withheld_by)
    names = {"number": found.number, "platform": str(adapter.name)}
    title = _("%(platform)s does not give us an order %(number)s.") % names
    text = _(
        "If it is one of those, look at it at %(platform)s itself; otherwise compare the number,"
        " digit by digit."
    )
    return title, f"{adapter.withheld} {text % names}", NEUTRAL


def _silent(found: Finding, seeker: Seeker, company: str) -> Words:
    if found.asked_too_often:
        title = _("The order %(number)s is not here, and you have asked often.") % _names(found)
        text = _(
            "The platforms can be asked again %(due)s. What is here is answered all the time."
        ) % {"due": _due(found.no_room_until)}
        return title, text, INFO
    title = _("The order %(number)s is not here, and the platform did not answer.") % _names(found)
    fault = found.fault
    if fault is None:
        return title, _("It took too long. Search again in a minute."), WARN
    store = next(each.stores[0] for each in found.silent if each.fault)
    advice = advice_for(fault, platform=store.platform)
    return title, f"{advice.title} {advice.text}", WARN


def _other(found: Finding, seeker: Seeker, company: str) -> Words:
    title = _("%(number)s is not like the order numbers of your platforms.") % _names(found)
    text = _(
        "Perhaps a digit is missing, or it is the number of a parcel or a payment. If the order was"
        " placed in a shop that is not linked here, link that one."
    )
    return title, _for_managers(text, found, company), INFO


_WORDS: dict[Reason, Callable[[Finding, Seeker, str], Words]] = {
    Reason.HERE: _here,
    Reason.HIDDEN_BY_FILTER: _hidden,
    Reason.NOT_BOUND: _not_bound,
    Reason.IN_QUARANTINE: _quarantined,
    Reason.STORE_NOT_LINKED: _not_linked,
    Reason.NEEDS_RELINK: _needs_relink,
    Reason.PAUSED: _paused,
    Reason.NOT_YET_DUE: _not_yet,
    Reason.OUTSIDE_BACK_FILL: _outside,
    Reason.MISSED: _missed,
    Reason.WRONG_STORE: _wrong_store,
    Reason.DELETED_AT_PLATFORM: _deleted,
    Reason.NOT_AT_PLATFORM: _not_there,
    Reason.WITHHELD: _withheld,
    Reason.PLATFORM_SILENT: _silent,
    Reason.OTHER_CHANNEL: _other,
}


def _notes(found: Finding, seeker: Seeker) -> tuple[str, ...]:
    notes = []
    if found.asked:
        notes.append(
            ngettext("%(count)s store was asked: %(names)s.",
                     "%(count)s stores were asked: %(names)s.", len(found.asked))
            % {"count": len(found.asked), "names": _listed(found.asked)}
        )  # fmt: skip
    notes += [_silence(each) for each in found.silent]
    if found.left_out:
        notes.append(
            ngettext(
                "%(count)s more store was not asked: name the store to be sure.",
                "%(count)s more stores were not asked: name the store to be sure.",
                found.left_out,
            )
            % {"count": found.left_out}
        )  # fmt: skip
    return tuple(notes)


def _silence(each: Silent) -> str:
    names = {"names": _listed(each.stores)}
    if each.fault is None:
        return _("Did not answer in time: %(names)s.") % names
    return _("Could not be asked: %(names)s (%(fault)s).") % (
        names | {"fault": fault_words(each.fault)}
    )


def _listed(stores: tuple[Store, ...]) -> str:
    names = [name_of(store) for store in stores[:MOST_NAMED]]
    return _(", ").join([*names, "…"] if len(stores) > MOST_NAMED else names)
