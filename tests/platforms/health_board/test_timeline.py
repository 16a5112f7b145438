"""What happened to a store: three tables told as one, nothing twice and nothing lost."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from platforms import timeline as notes
from platforms.health.timeline import BadCursor, timeline
from platforms.models import Consent, Moment, TimelineEntry
from tenants.scope import tenant_scope
from tests.platforms.health_board.scenes import linked, trouble

HOUR = timedelta(hours=1)


@pytest.fixture
def lotus(world):
    with tenant_scope(world.lotus):
        yield world.lotus


@pytest.fixture
def store(lotus):
    return linked(lotus)


@pytest.fixture
def now():
    return timezone.now()


def note(store, moment: Moment, at, *, count=1, fault="", of=None) -> TimelineEntry:
    return TimelineEntry.objects.create(
        tenant_id=store.tenant_id, authorization=store.authorization, store=of, moment=moment,
        fault=fault, first_at=at, last_at=at, count=count,
    )  # fmt: skip


def consent(store, at, **fields) -> Consent:
    given = {"by_name": "anna@lotus.example", "mode": "authorization_code"} | fields
    return Consent.objects.create(
        tenant_id=store.tenant_id, authorization=store.authorization, at=at, **given
    )


def told(store) -> list[str]:
    return [line.words for line in timeline(store).lines]


def test_the_story_of_a_store_is_told_newest_first(store, now):
    consent(store, now - 100 * HOUR)
    for _ in range(3):
        notes.note(authorization=store.authorization, moment=Moment.REFRESHED, now=now - 80 * HOUR)
    note(store, Moment.THROTTLED, now - 70 * HOUR, count=2)
    note(store, Moment.REFUSED, now - 60 * HOUR, fault="ip_not_whitelisted")
    note(store, Moment.NOT_REFRESHED, now - 50 * HOUR, count=4, fault="platform_down")
    trouble(store, now - 40 * HOUR, now - 37 * HOUR)
    consent(store, now - 30 * HOUR)
    note(store, Moment.PAUSED, now - 20 * HOUR)
    note(store, Moment.RESUMED, now - 10 * HOUR)
    assert told(store) == [
        "Resumed",
        "Paused",
        "Linked again by anna@lotus.example",
        "Works again, after 3 hours",
        "Stopped working: platform disturbed",
        "Token could not be refreshed, 4 tries: platform disturbed",
        "Pull refused: network address not allowed",
        "Slowed down 2 times",
        "Token refreshed 3 times",
        "Linked by anna@lotus.example",
    ]


def test_what_a_trouble_or_a_consent_tells_is_not_told_by_the_note_too(store, now):
    consent(store, now - 90 * HOUR)
    note(store, Moment.LINKED, now - 90 * HOUR + timedelta(seconds=2))
    trouble(store, now - 40 * HOUR, now - 30 * HOUR)
    note(store, Moment.BROKE, now - 39 * HOUR, fault="platform_down", of=store)
    note(store, Moment.HEALED, now - 30 * HOUR + timedelta(minutes=1), of=store)
    assert told(store) == [
        "Works again, after 10 hours",
        "Stopped working: platform disturbed",
        "Linked by anna@lotus.example",
    ]


def test_a_note_without_a_trouble_is_told(store, now):
    note(store, Moment.BROKE, now - HOUR, fault="token_revoked")
    note(store, Moment.HEALED, now)
    assert told(store) == ["Works again", "Stopped working: permission ended"]


def test_a_consent_by_hand_over_says_so(store, now):
    consent(store, now, handed_over=True)
    assert told(store) == ["Linked by a link that anna@lotus.example handed over"]


def test_only_lines_of_this_store_and_of_all_stores_of_its_grant(lotus, store, now):
    sister = linked(lotus)
    sister.authorization = store.authorization
    sister.save()
    note(store, Moment.REFRESHED, now)
    note(store, Moment.PAUSED, now, of=sister)
    note(linked(lotus), Moment.RESUMED, now)
    trouble(sister, now)
    assert told(store) == ["Token refreshed"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 40])
def test_paging_tells_each_line_once_whatever_the_size_of_a_page(store, now, size):
    """Many things in one moment, too: pages end in the middle of them."""
    for number in range(20):
        note(store, Moment.PAUSED, now - HOUR * (number // 6))
        trouble(store, now - HOUR * (number // 4) - 50 * HOUR, now - HOUR * (number // 4))
    consent(store, now - HOUR)
    whole = timeline(store, size=500)
    assert (len(whole.lines), whole.older) == (61, "")
    seen, cursor = [], ""
    while True:
        found = timeline(store, cursor=cursor, size=size)
        seen += [(line.source, line.pk) for line in found.lines]
        cursor = found.older
        if not cursor:
            break
    assert seen == [(line.source, line.pk) for line in whole.lines]


@pytest.mark.parametrize("cursor", ["x", "12", "12.", "'.1", "1.12345", "f" * 20 + ".1"])
def test_a_cursor_that_is_none_of_ours_is_refused(store, cursor):
    with pytest.raises(BadCursor):
        timeline(store, cursor=cursor)


def test_the_button_brings_older_lines(world, store, now):
    for number in range(70):
        note(store, Moment.PAUSED if number else Moment.RESUMED, now - HOUR * number)
    client = world.client(world.anna)
    text = client.get(reverse("store_health", args=[store.public_id])).content.decode()
    older = re.compile(r'hx-get="([^"]*timeline/\?before=[^"]*)"')
    lines = text.count('class="timeline-line')
    while match := older.search(text):
        whole = client.get(match[1]).content.decode()
        text = client.get(match[1], headers={"HX-Request": "true"}).content.decode()
        assert "<html" in whole
        assert "<html" not in text
        lines += text.count('class="timeline-line')
    assert lines == 70


def test_an_address_cut_short_shows_the_newest_lines(world, store, now):
    note(store, Moment.PAUSED, now)
    address = reverse("store_timeline", args=[store.public_id])
    answer = world.client(world.anna).get(f"{address}?before=zz")
    assert answer.status_code == 200
    assert "Paused" in answer.content.decode()
