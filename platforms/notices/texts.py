"""What a notice says, made when it is read, in the reader's language and time zone.

The workspace, mail, robots and digests all take their words from here. `Notice.data` may hold
`since` and `until` (of a break), `at` (when something ends), all ISO 8601 with a zone; `days`
(left when the notice was written); `outage` (many stores of the platform fail the same way);
`what` ("key", or else a permission) and `name` (of an application). Of days whose orders differ
from the platform's: `dates` (ISO 8601, of the store's clock), `open` (orders that are missing or
out of date) and `extra` (orders that are only here).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from platforms.advice import Action, Advice, advice_for, fault_words
from platforms.models import Notice, Occasion
from platforms.notices.about_orders import is_about_orders
from platforms.robots.spec import Level
from platforms.templatetags.storelink import platform_name, site_name
from tenants.models import Store, StoreState

NAMED = 10  # stores named in one sentence


@dataclass(frozen=True, kw_only=True)
class NoticeText:
    """`label` and `path` are of the button: the page of ours where to act on it."""

    title: str
    sentences: tuple[str, ...]
    label: str
    path: str
    level: Level


def text_of(
    notice: Notice, *, stores: Sequence[Store], zone: tzinfo, can_manage: bool
) -> NoticeText:
    """`stores` are those the notice is about that the reader may know; managers get buttons
    that only they may press."""
    facts = _Facts(notice=notice, stores=tuple(stores), zone=zone, can_manage=can_manage)
    texts = _ABOUT_ORDERS if is_about_orders(notice) else _TEXTS
    return texts[Occasion(notice.occasion)](facts)


def store_label(store: Store) -> str:
    """A store as it cannot be mistaken for another: "Tea House (eBay, United States)"."""
    where = [platform_name(store.platform), site_name(store)]
    return _("%(store)s (%(where)s)") % {
        "store": store.name,
        "where": _(", ").join(part for part in where if part),
    }


def listed(names: Sequence[str], *, most: int = NAMED) -> str:
    """Names in a row; of many the first ones, and how many more there are."""
    shown = _(", ").join(names[:most])
    more = len(names) - most
    if more <= 0:
        return shown
    return ngettext("%(names)s and %(count)s more", "%(names)s and %(count)s more", more) % {
        "names": shown,
        "count": more,
    }


def moment_of(notice: Notice, key: str) -> datetime | None:
    """A time among the facts of a notice, aware."""
    try:
        return datetime.fromisoformat(str(notice.data[key]))
    except (KeyError, ValueError):
        return None


@dataclass(frozen=True, kw_only=True)
class _Facts:
    notice: Notice
    stores: tuple[Store, ...]
    zone: tzinfo
    can_manage: bool

    @property
    def store(self) -> Store | None:
        own = next((row for row in self.stores if row.pk == self.notice.store_id), None)
        return own or (self.stores[0] if self.stores else None)

    @property
    def label(self) -> str:
        return store_label(self.store) if self.store else _("A store")

    @property
    def platform(self) -> str:
        if self.store:
            return self.store.platform
        return self.notice.app.platform if self.notice.app else ""

    @property
    def days(self) -> int:
        return int(self.notice.data.get("days") or 0)

    def time(self, key: str) -> str:
        """A moment in words, "" where it is not known."""
        at = moment_of(self.notice, key)
        if at is None:
            return ""
        # Not DATETIME_FORMAT: the English one ends in "p.m." in the middle of our sentences.
        local = localtime(at, self.zone)
        return f"{date_format(local, 'DATE_FORMAT')} {date_format(local, 'H:i')}"

    def day(self, key: str) -> str:
        at = moment_of(self.notice, key)
        return date_format(localtime(at, self.zone), "DATE_FORMAT") if at else ""

    @property
    def dates(self) -> str:
        """Days of the store's clock, "–" where none is known."""
        days = [date.fromisoformat(str(day)) for day in self.notice.data.get("dates") or ()]
        return listed([date_format(day, "MONTH_DAY_FORMAT") for day in days]) or "–"

    def advice(self) -> Advice:
        return advice_for(self.notice.fault, platform=self.platform)


def _broke(facts: _Facts) -> NoticeText:
    advice = facts.advice()
    holes = {"store": facts.label, "fault": fault_words(facts.notice.fault)}
    outage = bool(facts.notice.data.get("outage"))
    waits = outage or advice.action == Action.WAIT
    title = _("%(store)s waits: %(fault)s") if waits else _("%(store)s stopped working: %(fault)s")
    sentences = [_since(facts), advice.title]
    if outage:  # what one seller would do about the fault is wrong then
        sentences.append(outage_words(facts.platform))
    else:
        sentences += [advice.text, *advice.values]
    if advice.action == Action.RELINK and not outage and not facts.can_manage:
        sentences.append(_ask_a_manager())
    if not waits:
        sentences.append(_("Orders of the meantime are pulled afterwards; none is lost."))
    label, path = _button(facts, advice.action, outage=outage)
    return NoticeText(
        title=title % holes,
        sentences=tuple(filter(None, sentences)),
        label=label,
        path=path,
        level="warning" if waits else "danger",
    )


def outage_words(platform: str) -> str:
    return _(
        "Many stores at %(platform)s fail in the same way at the moment: it is not you. We keep"
        " trying and pull afterwards what was missed."
    ) % {"platform": platform_name(platform)}


def _since(facts: _Facts) -> str:
    since = facts.time("since")
    if not since:
        return _("No new orders arrive from it.")
    return _("No new orders have arrived from it since %(time)s.") % {"time": since}


def _button(facts: _Facts, action: Action, *, outage: bool) -> tuple[str, str]:
    store = facts.store
    if store is None:
        return _("See the stores"), reverse("stores")
    broken = store.state == StoreState.NEEDS_RELINK or action == Action.RELINK
    if broken and not outage and facts.can_manage:
        return _("Link the store again"), reverse("relink", args=[store.public_id])
    if outage or action == Action.WAIT or broken:
        return _("See the store"), reverse("store", args=[store.public_id])
    return _("Find the cause"), _page("store_diagnosis", store)


def _healed(facts: _Facts) -> NoticeText:
    since, until = facts.time("since"), facts.time("until")
    down = ""
    if since and until:
        down = _("It was down from %(since)s until %(until)s.") % {"since": since, "until": until}
    elif since:
        down = _("It had been down since %(since)s.") % {"since": since}
    orders = _("The orders of the meantime are being pulled now. You need not do anything.")
    return NoticeText(
        title=_("%(store)s works again") % {"store": facts.label},
        sentences=tuple(filter(None, (down, orders))),
        label=_("See the store"),
        path=_page("store", facts.store),
        level="good",
    )


def _ends_soon(facts: _Facts) -> NoticeText:
    is_key = facts.notice.data.get("what") == "key"
    holes = {"store": facts.label, "count": facts.days, "day": facts.day("at")}
    if is_key:
        title = ngettext(
            "The key of %(store)s expires in %(count)s day",
            "The key of %(store)s expires in %(count)s days",
            facts.days,
        )
    else:
        title = ngettext(
            "The permission of %(store)s ends in %(count)s day",
            "The permission of %(store)s ends in %(count)s days",
            facts.days,
        )
    return NoticeText(
        title=title % holes,
        sentences=tuple(filter(None, _about_the_end(facts, is_key=is_key))),
        label=_("Link the store again") if facts.can_manage else _("See the store"),
        path=_page("relink" if facts.can_manage else "store", facts.store),
        level="danger" if facts.days <= 3 else "warning",
    )


def _about_the_end(facts: _Facts, *, is_key: bool) -> list[str]:
    day, platform = facts.day("at"), platform_name(facts.platform)
    what = (
        _("The key that opens it at %(platform)s works until %(day)s.")
        if is_key
        else _("The permission given to us at %(platform)s ends on %(day)s; then no more orders"
               " arrive.")
    )  # fmt: skip
    others = [row.name for row in facts.stores if facts.store and row.pk != facts.store.pk]
    also = _("It also opens: %(stores)s.") % {"stores": listed(others)} if others else ""
    todo = (
        _(
            "Make a new key there before that day and link the store again with it. Its orders"
            " and its history stay."
        )
        if is_key
        else _(
            "Link the store again before that day: agree once more, and the time begins anew."
            " Its orders and its history stay."
        )
    )
    ask = "" if facts.can_manage else _ask_a_manager()
    return [what % {"platform": platform, "day": day} if day else "", also, todo, ask]


def _ask_a_manager() -> str:
    return _("An owner or admin of your company can do that.")


def _secret_ends(facts: _Facts) -> NoticeText:
    name = str(facts.notice.data.get("name") or (facts.notice.app and facts.notice.app.name) or "–")
    holes = {"app": name, "count": facts.days, "day": facts.day("at")}
    holes["platform"] = platform_name(facts.platform)
    title = ngettext(
        "The secret of the application %(app)s expires in %(count)s day",
        "The secret of the application %(app)s expires in %(count)s days",
        facts.days,
    )
    sentences = (
        _("%(platform)s accepts it until %(day)s; then every store linked through it stops."),
        _("Make a new secret at %(platform)s and link one of its stores again with it."),
    )
    return NoticeText(
        title=title % holes,
        sentences=tuple(each % holes for each in sentences),
        label=_("See its stores"),
        path=f"{reverse('stores')}?platform={facts.platform}",
        level="danger" if facts.days <= 3 else "warning",
    )


def _check_suggested(facts: _Facts) -> NoticeText:
    return NoticeText(
        title=_("Check the data of %(store)s") % {"store": facts.label},
        sentences=(
            _("It was linked a short while ago."),
            _(
                "Compare its orders with those at %(platform)s, and see how many can be pulled in"
                " an hour. It takes a minute or two."
            )
            % {"platform": platform_name(facts.platform)},
        ),
        label=_("Check now"),
        path=_page("store_checks", facts.store),
        level="good",
    )


def _orders_differ(facts: _Facts) -> NoticeText:
    data = facts.notice.data
    count, extra = int(data.get("open") or 0), int(data.get("extra") or 0)
    title = ngettext(
        "%(count)s order of %(store)s is missing or out of date",
        "%(count)s orders of %(store)s are missing or out of date",
        count,
    )
    only_here = ngettext(
        "%(count)s order is only here: %(platform)s does not list it. We delete nothing.",
        "%(count)s orders are only here: %(platform)s does not list them. We delete nothing.",
        extra,
    ) % {"count": extra, "platform": platform_name(facts.platform)}
    sentences = (
        _("It is about these days: %(days)s.") % {"days": facts.dates},
        still_differs(facts.platform),
        only_here if extra else "",
        what_next(),
    )
    return NoticeText(
        title=title % {"count": count, "store": facts.label},
        sentences=tuple(filter(None, sentences)),
        label=_("See which, and count again"),
        path=_page("store_completeness", facts.store),
        level="warning",
    )


def still_differs(platform: str) -> str:
    """What was tried."""
    return _(
        "Two nightly counts in a row found it. Each time we pulled these days from %(platform)s"
        " again and compared once more, and the difference stayed."
    ) % {"platform": platform_name(platform)}


def what_next() -> str:
    return _(
        "See which days and orders they are, and count a day again at once. We try again every"
        " night and tell you when nothing is missing any more."
    )


def _orders_match(facts: _Facts) -> NoticeText:
    holes = {"store": facts.label, "platform": platform_name(facts.platform)}
    return NoticeText(
        title=_("The orders of %(store)s match %(platform)s again") % holes,
        sentences=(
            _("They were counted again, and none is missing or out of date any more. It was about"
              " these days: %(days)s.") % {"days": facts.dates},
        ),
        label=_("See the days"),
        path=_page("store_completeness", facts.store),
        level="good",
    )  # fmt: skip


def _page(name: str, store: Store | None) -> str:
    return reverse(name, args=[store.public_id]) if store else reverse("stores")


_TEXTS: dict[Occasion, Callable[[_Facts], NoticeText]] = {
    Occasion.BROKE: _broke,
    Occasion.HEALED: _healed,
    Occasion.ENDS_SOON: _ends_soon,
    Occasion.SECRET_ENDS: _secret_ends,
    Occasion.CHECK_SUGGESTED: _check_suggested,
}

_ABOUT_ORDERS: dict[Occasion, Callable[[_Facts], NoticeText]] = {
    Occasion.BROKE: _orders_differ,
    Occasion.HEALED: _orders_match,
}
