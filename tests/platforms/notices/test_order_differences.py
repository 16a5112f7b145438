"""Days that a store's counts leave with orders missing: told once, and when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from platforms.data_checks.day_counts import midnight, note_days
from platforms.data_checks.hold import Hold, LostLease
from platforms.flows.announce import GATHER
from platforms.flows.tell_differences import tell_differences
from platforms.flows.watch_facts import patients
from platforms.models import DataCheck, Notice, Occasion, Sending, Trouble
from platforms.notices.texts import text_of
from tenants.models import Store
from tenants.scope import all_tenants, tenant_scope
from tests.conftest import make_store
from tests.platforms.notices.conftest import NOON
from tests.platforms.notices.test_announce import told
from tests.support.together import together

DAY = timedelta(days=1)
TODAY = NOON.date()
YESTERDAY, BEFORE = TODAY - DAY, TODAY - 2 * DAY


def report(opened: Mapping[date, int], *, now: datetime, days=3, extra=0):
    """Of a count of the last `days` days that left so many orders of these open."""
    first, last = now.date() - days * DAY, now.date()
    each = [now.date() - back * DAY for back in range(days, 0, -1)]
    assert set(opened) <= set(each)
    return {
        "ended": "done", "zone": "UTC",
        "window": [midnight(day, UTC).isoformat() for day in (first, last)],
        "days": [
            # One more was missing and has been put right.
            [day.isoformat(), 20, 19 - opened.get(day, 0), opened.get(day, 0) + 1, 0,
             extra if day in opened else 0, 0, 1]
            for day in each
        ],
    }  # fmt: skip


def running(store, *, now, nightly=True) -> DataCheck:
    return DataCheck.objects.create(
        tenant_id=store.tenant_id, store=store, kind="counts", state="running", created_at=now,
        asked={"nightly": True} if nightly else {}, leased_until=now + DAY,
    )  # fmt: skip


def end(check, found, *, now) -> bool:
    """As a worker does (reconcile_counts)."""
    with transaction.atomic():
        Hold(check).finish(DataCheck.State.DONE, found, now=now)
        note_days(check, now=now)
        return tell_differences(check=check, now=now)


def night(store, opened, *, nights=0, nightly=True, **given) -> bool:
    """A count `nights` after the first one; whether it told something."""
    now = NOON + nights * DAY
    found = report(opened, now=now, **given)
    return end(running(store, now=now, nightly=nightly), found, now=now)


@pytest.fixture
def differs(lotus):
    """Two nights in a row two orders of a day could not be pulled: told in the second one."""
    assert not night(lotus.tea, {YESTERDAY: 2})
    assert night(lotus.tea, {YESTERDAY: 2}, nights=1)
    return lotus


# --- when


def test_the_first_night_is_no_news(lotus):
    night(lotus.tea, {YESTERDAY: 2})
    assert not Notice.objects.exists()


def test_the_second_night_in_a_row_is(differs):
    notice = Notice.objects.get()
    assert (notice.occasion, notice.store) == (Occasion.BROKE, differs.tea)
    assert notice.data["dates"] == [YESTERDAY.isoformat()]
    assert told() == ["anna", "bo"]


def test_another_day_in_the_second_night_is_not(lotus):
    night(lotus.tea, {YESTERDAY: 2})
    assert not night(lotus.tea, {TODAY: 2}, nights=1)


def test_a_night_that_healed_in_between_begins_anew(lotus):
    night(lotus.tea, {YESTERDAY: 2})
    night(lotus.tea, {}, nights=1)
    assert not night(lotus.tea, {YESTERDAY: 1}, nights=2)
    assert not Notice.objects.exists()


def test_a_night_in_which_the_platform_was_silent_does_not_count(lotus):
    night(lotus.tea, {YESTERDAY: 2})
    check = running(lotus.tea, now=NOON + DAY)
    Hold(check).finish(DataCheck.State.FAILED, {"ended": "failing"}, now=NOON + DAY)
    assert night(lotus.tea, {YESTERDAY: 2}, nights=2)


def test_only_the_days_that_stayed_are_named(lotus):
    night(lotus.tea, {BEFORE: 3, YESTERDAY: 2})
    night(lotus.tea, {YESTERDAY: 2, TODAY: 5}, nights=1)
    data = Notice.objects.get().data
    assert (data["dates"], data["open"]) == ([YESTERDAY.isoformat()], 2)


def test_there_is_one_notice_while_it_stays(differs):
    for nights in (2, 3, 4, 5, 6):
        opened = {YESTERDAY: 2, TODAY + (nights - 1) * DAY: 1}
        assert not night(differs.tea, opened, nights=nights, days=14)
    assert Notice.objects.count() == 1


def test_orders_only_here_are_no_reason_by_themselves(lotus):
    """They cannot be pulled, and nothing is deleted: it would never be over."""
    for nights in (0, 1):
        found = report({}, now=NOON + nights * DAY)
        found["days"][0][5] = 4
        assert not end(running(lotus.tea, now=NOON + nights * DAY), found, now=NOON + nights * DAY)


def test_a_person_who_counts_is_not_told_what_they_see(lotus):
    night(lotus.tea, {YESTERDAY: 2})
    assert not night(lotus.tea, {YESTERDAY: 2}, nightly=False)
    assert night(lotus.tea, {YESTERDAY: 2}, nights=1)


@pytest.mark.parametrize("state", ["paused", "unlinked", "needs_relink"])
def test_a_store_that_is_not_pulled_any_more_is_left_alone(lotus, state):
    night(lotus.tea, {YESTERDAY: 2})
    Store.objects.filter(pk=lotus.tea.pk).update(state=state)
    assert not night(lotus.tea, {YESTERDAY: 2}, nights=1)
    Store.objects.filter(pk=lotus.tea.pk).update(state="active")
    assert night(lotus.tea, {YESTERDAY: 2}, nights=2)


def test_a_store_unlinked_before_it_is_sent_is_not_written_about(differs):
    Store.objects.filter(pk=differs.tea.pk).update(state="unlinked")
    differs.send(NOON + DAY + GATHER)
    assert mail.outbox == []


# --- when it is over


def test_it_is_over_when_the_days_match_again(differs):
    assert night(differs.tea, {}, nights=2)
    healed = Notice.objects.get(occasion=Occasion.HEALED)
    assert told(notice=healed) == ["anna", "bo"]
    assert not night(differs.tea, {}, nights=3)
    assert Notice.objects.count() == 2


def test_a_person_who_counts_again_may_end_it(differs):
    assert night(differs.tea, {}, nights=1, nightly=False, days=2)
    assert Notice.objects.filter(occasion=Occasion.HEALED).exists()


def test_it_is_not_over_while_another_day_differs(differs):
    assert not night(differs.tea, {TODAY: 1}, nights=2)
    assert night(differs.tea, {}, nights=3)


def test_it_may_come_again(differs):
    night(differs.tea, {}, nights=2)
    later = TODAY + 2 * DAY
    assert not night(differs.tea, {later: 1}, nights=3)
    assert night(differs.tea, {later: 1}, nights=4)
    assert Notice.objects.filter(occasion=Occasion.BROKE).count() == 2


def test_days_too_old_to_be_counted_hold_up_no_news_and_are_not_called_healed(differs):
    later = TODAY + 14 * DAY
    assert not night(differs.tea, {later: 1}, nights=16)
    assert night(differs.tea, {later: 1}, nights=17)
    newest = Notice.objects.latest("pk")
    assert (newest.occasion, newest.data["dates"]) == (Occasion.BROKE, [later.isoformat()])
    assert night(differs.tea, {}, nights=18, days=5)
    page = differs.client(differs.anna).get(reverse("notices")).content.decode()
    assert page.count("match eBay again") == 1
    assert page.count("put right") == 1  # of the newer one only


def test_who_was_not_told_of_it_is_not_told_that_it_is_over(differs):
    Sending.objects.filter(membership=differs.member(differs.bo)).update(state="dropped")
    night(differs.tea, {}, nights=2)
    assert told(notice__occasion=Occasion.HEALED) == ["anna"]


def test_a_break_of_the_store_is_another_matter(differs):
    """Orders that match again must not pass for the store's working again."""
    Trouble.objects.create(
        tenant=differs.lotus, store=differs.tea, fault="token_revoked", began_at=NOON
    )
    night(differs.tea, {}, nights=2)
    (patient,) = patients(now=NOON + 2 * DAY)
    assert patient.trouble.healed_at is None


# --- who


def test_strangers_and_those_who_answer_buyers_hear_nothing(differs):
    night(differs.silk, {YESTERDAY: 1})
    night(differs.silk, {YESTERDAY: 1}, nights=1)
    shown = {
        user.name: differs.client(user).get(reverse("notices")).content.decode().count(
            "missing or out of date</h2>"
        )
        for user in (differs.anna, differs.ada, differs.bo, differs.cai, differs.dan)
    }  # fmt: skip
    assert shown == {"Anna": 2, "Ada": 2, "Bo": 1, "Cai": 0, "Dan": 0}
    address = reverse("notice_go", args=[Notice.objects.get(store=differs.tea).public_id])
    assert differs.client(differs.cai).get(address).status_code == 404
    assert differs.client(differs.dan).get(address).status_code == 404


def test_another_company_with_the_same_trouble_has_its_own(differs, world):
    with tenant_scope(world.maple):
        night(world.syrup, {YESTERDAY: 1})
        assert night(world.syrup, {YESTERDAY: 1}, nights=1)
        assert told() == ["dan"]
        night(world.syrup, {}, nights=2)
    assert not Notice.objects.filter(occasion=Occasion.HEALED).exists()


def test_robots_that_tell_of_breaks_tell_of_it(lotus):
    lotus.robot("breaks", occasions=[Occasion.BROKE])
    lotus.robot("ends", occasions=[Occasion.ENDS_SOON])
    night(lotus.tea, {YESTERDAY: 2})
    night(lotus.tea, {YESTERDAY: 2}, nights=1)
    assert told(membership=None) == ["breaks"]
    sent = lotus.send(NOON + DAY + GATHER, (200, "ok"))
    assert b"2 orders of Tea House" in sent.sent[0][3]


# --- what


def test_it_says_how_many_which_days_what_was_tried_and_what_to_do(lotus):
    night(lotus.tea, {YESTERDAY: 2})
    night(lotus.tea, {YESTERDAY: 2}, nights=1, extra=3)
    lotus.send(NOON + DAY + GATHER)
    letter = next(each for each in mail.outbox if each.to == ["bo@lotus.example"])
    assert "2 orders of Tea House (eBay, US) are missing or out of date" in letter.subject
    for words in (
        "It is about these days: March 3.",
        "Two nightly counts in a row found it",
        "3 orders are only here: eBay does not list them.",
        "count a day again at once",
        "See which, and count again: http",
    ):
        assert words in " ".join(letter.body.split())


def test_its_button_leads_to_the_days(differs):
    page = differs.client(differs.bo).get(
        reverse("notice_go", args=[Notice.objects.get().public_id])
    )
    assert page.url == reverse("store_completeness", args=[differs.tea.public_id])
    assert differs.client(differs.bo).get(page.url).status_code == 200


def test_of_many_stores_one_message_counts_them(lotus):
    stores = [lotus.tea, *(make_store(lotus.lotus, "ebay", f"shop-{n}") for n in range(4))]
    for nights, opened in ((0, {YESTERDAY: 1}), (1, {YESTERDAY: 1})):
        for store in stores:
            night(store, opened, nights=nights)
    lotus.tell(key="broke:x", store="tea", at=NOON + DAY, fault="token_revoked")
    lotus.send(NOON + DAY + GATHER)
    letter = next(each for each in mail.outbox if each.to == ["anna@lotus.example"])
    assert "5 stores at eBay have orders missing or out of date" in letter.body
    assert "Tea House (eBay, US) stopped working" in letter.body
    for store in stores:
        night(store, {}, nights=2)
    mail.outbox.clear()
    lotus.send(NOON + 2 * DAY + GATHER)
    letter = next(each for each in mail.outbox if each.to == ["anna@lotus.example"])
    assert "The orders of 5 stores match eBay again" in letter.body


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_both_are_said_in_the_readers_language(differs, language):
    night(differs.tea, {}, nights=2)
    User.objects.filter(pk=differs.anna.pk).update(language=language)
    with translation.override(language):
        for notice in Notice.objects.all():
            text = text_of(notice, stores=[differs.tea], zone=UTC, can_manage=True)
            said = " ".join((text.title, *text.sentences))
            assert "%(" not in said
            assert ("March 3" if language == "en" else "3月3日") in said
    page = differs.client(differs.anna).get(reverse("notices"))
    assert page.status_code == 200


# --- many at once


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_workers_that_end_one_count_at_once_tell_once(world):
    with tenant_scope(world.lotus):
        night(world.tea, {YESTERDAY: 2})
        pk = running(world.tea, now=NOON + DAY).pk
    lost = []

    def ends(opened, now):
        with tenant_scope(world.lotus):
            check = DataCheck.objects.get(pk=pk)
            try:
                end(check, report(opened, now=now), now=now)
            except LostLease:
                lost.append(1)

    together(lambda: ends({YESTERDAY: 2}, NOON + DAY), times=3)
    assert len(lost) == 2
    assert (_found(Occasion.BROKE), _found(Occasion.HEALED)) == (1, 0)
    with all_tenants("looking"):
        assert Sending.objects.count() == 2


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_even_without_their_leases_there_would_be_one(world):
    with tenant_scope(world.lotus):
        night(world.tea, {YESTERDAY: 2})
        check = running(world.tea, now=NOON + DAY)
        Hold(check).finish("done", report({YESTERDAY: 2}, now=NOON + DAY), now=NOON + DAY)

    def tells():
        with tenant_scope(world.lotus), transaction.atomic():
            tell_differences(check=DataCheck.objects.get(pk=check.pk), now=NOON + DAY)

    together(tells, times=4)
    assert _found(Occasion.BROKE) == 1


def _found(occasion) -> int:
    with all_tenants("looking"):
        return Notice.objects.filter(occasion=occasion).count()
