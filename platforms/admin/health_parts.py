"""Pieces of the pages of stores and authorizations: how they are, in words and drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from platforms.advice import fault_words
from platforms.diagnosis.report import report_of
from platforms.health import StoreHealth
from platforms.health import detail as health_detail
from platforms.health import timeline as health_timeline
from platforms.health import words as health_words
from platforms.health.strip import Strip
from platforms.models import Diagnosis, Trouble
from platforms.templatetags.health_tags import hour_strip, strip_words
from platforms.templatetags.storelink import duration
from tenants.admin import when
from tenants.models import Store
from tenants.support import page_address, page_link, table

LINES = 15


def tag(words: str, tone: str) -> SafeString:
    return format_html('<span class="support-tag tone-{}">{}</span>', tone, words)


def fault_in_words(fault: str) -> str | SafeString:
    """With the code that support searches by; "-" for none."""
    if not fault:
        return "-"
    return format_html('{} <code class="quiet">{}</code>', fault_words(fault), fault)


def store_link(store: Store | None) -> str | SafeString:
    """A store by its path; its tenant must be selected."""
    return "-" if store is None else page_link(store, store.path)


def state_sentence(health: StoreHealth) -> SafeString:
    """As the tenant reads it, with since when it fails."""
    said = tag(health_words.state_words(health), health_words.tone_of(health))
    if health.failing_since is None:
        return said
    since = _("since %(time)s") % {"time": health_words.moment(health.failing_since)}
    return format_html("{} {}", said, since)


def strip(hours: Strip | None) -> SafeString:
    """The last 24 hours drawn, and the same in words."""
    drawn = render_to_string("platforms/health/_strip.html", hour_strip(hours))
    return format_html('{}<div class="quiet">{}</div>', drawn, strip_words(hours))


def countdown(at: datetime | None) -> str:
    """A date with how far away it is; "-" for none."""
    if at is None:
        return "-"
    length = duration(at - timezone.now())
    words = _("in %(length)s") if at > timezone.now() else _("%(length)s ago")
    return f"{when(at)} ({words % {'length': length}})"


def clocks(store: Store) -> str | SafeString:
    rows = [[each.name, countdown(each.at), each.meaning] for each in health_detail.clocks(store)]
    return table([_("Clock"), _("Until"), _("Meaning")], rows)


def troubles(rows: Iterable[Trouble]) -> str | SafeString:
    return table(
        [_("Store"), _("Fault"), _("What the platform said"), _("Began"), _("Ended")],
        [
            [
                store_link(row.store),
                page_link(row, fault_words(row.fault)),
                row.detail or "-",
                countdown(row.began_at),
                when(row.ended_at) if row.ended_at else tag(_("Goes on"), "bad"),
            ]
            for row in rows
        ],
    )


def newest_diagnosis(stores: Sequence[Store]) -> str | SafeString:
    """The verdict of the newest diagnosis of any of `stores`, as a link to it."""
    found = Diagnosis.objects.filter(store__in=stores).select_related("store__authorization")
    newest = found.order_by("-at", "-pk").first()
    if newest is None:
        return "-"
    report = report_of(newest)
    return format_html(
        '{} <a href="{}">{}</a>', when(newest.at), page_address(newest), report.title
    )


def timeline(store: Store) -> str | SafeString:
    """The newest lines, as the tenant reads them."""
    lines = health_timeline.timeline(store, size=LINES).lines
    if not lines:
        return "-"
    return format_html(
        '<ul class="support-timeline">{}</ul>',
        format_html_join(
            "", "<li>{} <span>{}</span></li>", ((when(line.at), line.words) for line in lines)
        ),
    )


def open_troubles(stores: Iterable[Store]) -> Iterable[Trouble]:
    rows = Trouble.objects.filter(store__in=list(stores), ended_at=None)
    return rows.select_related("store__tenant").order_by("began_at")
