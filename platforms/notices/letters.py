"""Notices put together into one message for one reader: each in full while they are few, else
counted by platform and fault, so that a flood is one message that can be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from platforms.advice import Action, advice_for, fault_words
from platforms.models import Notice, Occasion
from platforms.notices.about_orders import is_about_orders
from platforms.notices.texts import (
    NAMED,
    listed,
    moment_of,
    outage_words,
    still_differs,
    store_label,
    text_of,
    what_next,
)
from platforms.robots.spec import Level, Message
from platforms.templatetags.storelink import platform_name
from tenants.models import Store, Tenant

IN_FULL = 3  # more than these are counted

_LEVELS: tuple[Level, ...] = ("danger", "warning", "good")  # the worst first
_ORDER = (Occasion.BROKE, Occasion.ENDS_SOON, Occasion.SECRET_ENDS, Occasion.HEALED)


@dataclass(frozen=True, kw_only=True)
class Item:
    """A notice and the stores of it that the reader may know."""

    notice: Notice
    stores: tuple[Store, ...]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One notice, or `count` of the same kind. `url` is whole."""

    title: str
    sentences: tuple[str, ...]
    label: str
    url: str
    level: Level
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What one message says."""

    title: str
    parts: tuple[Part, ...]
    level: Level


def letter_of(items: Sequence[Item], *, tenant: Tenant, zone: tzinfo, can_manage: bool) -> Letter:
    """The letter about `items` (at least one), in the active language."""
    groups = _grouped(items) if len(items) > IN_FULL else [[item] for item in items]
    parts = tuple(
        _in_full(group[0], tenant, zone, can_manage)
        if len(group) == 1
        else _counted(group, tenant, zone)
        for group in groups
    )
    title, more = parts[0].title, len(items) - parts[0].count
    if more:
        title = ngettext(
            "%(title)s; %(count)s more notice", "%(title)s; %(count)s more notices", more
        ) % {"title": title, "count": more}
    level = min((part.level for part in parts), key=_LEVELS.index)
    return Letter(title=title, parts=parts, level=level)


def message_of(letter: Letter, items: Sequence[Item], *, tenant: Tenant, key: str) -> Message:
    """The letter as a robot says it. Programs find all the facts in `data`."""
    only = letter.parts[0] if len(letter.parts) == 1 else None
    if only is not None:
        lines = only.sentences
    else:
        lines = tuple(line for part in letter.parts for line in (part.title, *part.sentences))
    return Message(
        title=letter.title,
        lines=lines,
        url=only.url if only else page_url("notices", tenant=tenant),
        url_label=only.label if only else _("See the notices"),
        level=letter.level,
        key=key,
        at=max(item.notice.created_at for item in items),
        event=f"notice.{items[0].notice.occasion}" if len(items) == 1 else "notices",
        data={
            "company": {"id": str(tenant.public_id), "name": tenant.name},
            "notices": [_facts(item, tenant) for item in items],
        },
    )


def page_url(name: str, *args: object, tenant: Tenant, **query: str) -> str:
    """A page of ours, in this company also for readers who belong to several."""
    query = {**query, "company": str(tenant.public_id)}
    return f"{settings.BASE_URL}{reverse(name, args=args)}?{urlencode(query)}"


def _in_full(item: Item, tenant: Tenant, zone: tzinfo, can_manage: bool) -> Part:
    text = text_of(item.notice, stores=item.stores, zone=zone, can_manage=can_manage)
    return Part(
        title=text.title,
        sentences=text.sentences,
        label=text.label,
        url=page_url("notice_go", item.notice.public_id, tenant=tenant),
        level=text.level,
    )


def _grouped(items: Iterable[Item]) -> list[list[Item]]:
    groups: dict[tuple[object, ...], list[Item]] = {}
    for item in items:
        groups.setdefault(_kind(item), []).append(item)
    return sorted(groups.values(), key=lambda group: (_rank(group[0].notice), -len(group)))


def _kind(item: Item) -> tuple[object, ...]:
    notice = item.notice
    if notice.occasion == Occasion.SECRET_ENDS or not item.stores:
        return (notice.pk,)  # each application has its own words
    outage = bool(notice.data.get("outage"))
    about_orders = is_about_orders(notice)
    return notice.occasion, item.stores[0].platform, notice.fault, outage, about_orders


def _rank(notice: Notice) -> int:
    return _ORDER.index(Occasion(notice.occasion)) if notice.occasion in _ORDER else len(_ORDER)


def _counted(group: Sequence[Item], tenant: Tenant, zone: tzinfo) -> Part:
    occasion = Occasion(group[0].notice.occasion)
    # Stores are counted, not notices: one store may be in several.
    stores = list({store.pk: store for item in group for store in item.stores}.values())
    if is_about_orders(group[0].notice):
        title, sentences, level = _many_about_orders(occasion, stores)
    elif occasion == Occasion.HEALED:
        title, sentences, level = _many_healed(stores)
    elif occasion == Occasion.ENDS_SOON:
        title, sentences, level = _many_end(group, stores, zone)
    else:
        title, sentences, level = _many_broke(group[0].notice, stores)
    return Part(
        title=title,
        sentences=tuple(sentences),
        label=_("See the notices"),
        url=page_url("notices", tenant=tenant, occasion=occasion),
        level=level,
        count=len(group),
    )


def _many_healed(stores: Sequence[Store]) -> tuple[str, list[str], Level]:
    title = ngettext(
        "%(count)s store at %(platform)s works again",
        "%(count)s stores at %(platform)s work again",
        len(stores),
    )
    sentences = [_names(stores), _("The orders of the meantime are being pulled now.")]
    return title % _holes(stores), sentences, "good"


def _many_about_orders(occasion: Occasion, stores: Sequence[Store]) -> tuple[str, list[str], Level]:
    if occasion == Occasion.HEALED:
        title = ngettext(
            "The orders of %(count)s store match %(platform)s again",
            "The orders of %(count)s stores match %(platform)s again",
            len(stores),
        )
        return title % _holes(stores), [_names(stores)], "good"
    title = ngettext(
        "%(count)s store at %(platform)s has orders missing or out of date",
        "%(count)s stores at %(platform)s have orders missing or out of date",
        len(stores),
    )
    sentences = [_names(stores), still_differs(stores[0].platform), what_next()]
    return title % _holes(stores), sentences, "warning"


def _many_end(
    group: Sequence[Item], stores: Sequence[Store], zone: tzinfo
) -> tuple[str, list[str], Level]:
    title = ngettext(
        "The permission of %(count)s store at %(platform)s ends soon",
        "The permissions of %(count)s stores at %(platform)s end soon",
        len(stores),
    )
    sentences = [
        listed([_ending(item, zone) for item in _by_end(group)]),
        _("Link them again before that day: open a store and press “Relink”."),
    ]
    return title % _holes(stores), sentences, "warning"


def _many_broke(notice: Notice, stores: Sequence[Store]) -> tuple[str, list[str], Level]:
    platform, outage = stores[0].platform, bool(notice.data.get("outage"))
    advice = advice_for(notice.fault, platform=platform)
    holes = {**_holes(stores), "fault": fault_words(notice.fault)}
    if outage or advice.action == Action.WAIT:
        title = ngettext(
            "%(count)s store at %(platform)s waits: %(fault)s",
            "%(count)s stores at %(platform)s wait: %(fault)s",
            len(stores),
        )
        words = outage_words(platform) if outage else advice.text
        return title % holes, [_names(stores), words], "warning"
    title = ngettext(
        "%(count)s store at %(platform)s stopped working: %(fault)s",
        "%(count)s stores at %(platform)s stopped working: %(fault)s",
        len(stores),
    )
    sentences = [_names(stores), advice.title, advice.text, *advice.values]
    return title % holes, sentences, "danger"


def _holes(stores: Sequence[Store]) -> dict[str, object]:
    return {"count": len(stores), "platform": platform_name(stores[0].platform)}


def _names(stores: Sequence[Store], *, most: int = NAMED) -> str:
    """Names in a row; of those that are the same, such as one shop at four sites, whole labels."""
    times = Counter(store.name for store in stores)
    names = [row.name if times[row.name] == 1 else store_label(row) for row in stores]
    return listed(names, most=most)


def _by_end(group: Sequence[Item]) -> list[Item]:
    return sorted(group, key=lambda item: str(item.notice.data.get("at", "")))


def _ending(item: Item, zone: tzinfo) -> str:
    at = moment_of(item.notice, "at")
    if at is None:
        return item.stores[0].name
    return _("%(store)s on %(day)s") % {
        "store": _names(item.stores, most=3),
        "day": date_format(localtime(at, zone), "DATE_FORMAT"),
    }


def _facts(item: Item, tenant: Tenant) -> dict[str, object]:
    notice = item.notice
    told = ("since", "until", "at", "days", "outage", "what", "name", "dates", "open", "extra")
    return {
        "id": str(notice.public_id),
        "occasion": notice.occasion,
        "fault": notice.fault or None,
        "created_at": notice.created_at.isoformat(),
        "url": page_url("notice_go", notice.public_id, tenant=tenant),
        "stores": [
            {
                "id": str(store.public_id),
                "name": store_label(store),
                "platform": store.platform,
                "site": store.site or None,
                "account_name": store.account_name,
            }
            for store in item.stores
        ],
        **{key: notice.data[key] for key in told if key in notice.data},
    }
