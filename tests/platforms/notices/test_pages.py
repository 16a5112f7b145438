"""The notice centre, the bell and a member's own settings."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from platforms.models import Notice, NoticeChoice, NoticeRead, Occasion, Wanted
from tenants.models import Membership, Role, Store
from tenants.scope import tenant_scope
from tests.support.factories import make_authorization


@pytest.fixture
def now(lotus):
    """All joined two months ago; what is told now is unread."""
    now = timezone.now()
    Membership.objects.update(joined_at=now - timedelta(days=60))
    return now


def page(lotus, user, address="notices", **query):
    answer = lotus.client(user).get(reverse(address), query)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def count(lotus, user):
    found = re.search(r'bell-count"[^>]*>([^<]+)<', page(lotus, user, "notices_bell"))
    return found[1] if found else ""


def test_members_read_of_the_stores_they_may_know(lotus, now):
    lotus.tell(at=now)
    lotus.tell(key="broke:2", store="silk", at=now)
    lotus.tell(Occasion.SECRET_ENDS, "secret:1", store=None, at=now, data={"name": "ERP"})
    for user, sees in ((lotus.ada, "Tea silk ERP"), (lotus.bo, "Tea"), (lotus.cai, "Tea")):
        shown = page(lotus, user)
        assert [word for word in ("Tea", "silk", "ERP") if word in shown] == sees.split()
    assert "Tea" not in page(lotus, lotus.dan)


def test_a_suggestion_is_for_those_who_can_follow_it(lotus, now):
    lotus.tell(Occasion.CHECK_SUGGESTED, "check:1", at=now)
    assert "Check the data" in page(lotus, lotus.bo)
    assert "Check the data" not in page(lotus, lotus.cai)


def test_the_bell_counts_what_is_unread(lotus, now):
    assert count(lotus, lotus.bo) == ""
    lotus.tell(at=now)
    lotus.tell(Occasion.CHECK_SUGGESTED, "check:1", at=now)  # rings no bell
    assert count(lotus, lotus.bo) == "1"
    lotus.client(lotus.bo).get(reverse("notice_go", args=[Notice.objects.first().public_id]))
    assert count(lotus, lotus.bo) == ""
    assert count(lotus, lotus.anna) == "1"


def test_the_bell_is_on_every_page_of_the_workspace(lotus, now):
    lotus.tell(at=now)
    assert page(lotus, lotus.bo, "home").count('bell-count"') == 2  # narrow and wide screens


def test_many_unread_ones_are_not_counted_to_the_end(lotus, now):
    for number in range(120):
        lotus.tell(key=f"broke:{number}", at=now)
    assert count(lotus, lotus.bo) == "99+"


def test_who_joined_later_has_nothing_old_to_read(lotus, now):
    lotus.tell(at=now - timedelta(days=1))
    Membership.objects.filter(user=lotus.bo).update(joined_at=now)
    assert count(lotus, lotus.bo) == ""
    assert "Tea" in page(lotus, lotus.bo)


def test_what_is_old_counts_as_read(lotus, now):
    lotus.tell(at=now - timedelta(days=31))
    assert count(lotus, lotus.bo) == ""


def test_all_are_marked_read_for_the_reader_alone(lotus, now):
    for number in range(3):
        lotus.tell(key=f"broke:{number}", at=now)
    lotus.tell(key="broke:silk", store="silk", at=now)
    browser = lotus.client(lotus.bo)
    assert browser.post(reverse("notices_read_all")).status_code == 302
    assert (count(lotus, lotus.bo), count(lotus, lotus.anna)) == ("", "4")
    assert NoticeRead.objects.count() == 3  # not the one that Bo may not see


def test_one_is_marked_read_and_twice_does_no_harm(lotus, now):
    lotus.tell(at=now)
    address = reverse("notice_read", args=[Notice.objects.get().public_id])
    for _ in range(2):
        answer = lotus.client(lotus.bo).post(address, {"next": "/notices/?unread=1"})
        assert answer.url == "/notices/?unread=1"
    assert NoticeRead.objects.count() == 1


def test_the_way_back_stays_with_us(lotus, now):
    lotus.tell(at=now)
    address = reverse("notice_read", args=[Notice.objects.get().public_id])
    for away in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert lotus.client(lotus.bo).post(address, {"next": away}).url == reverse("notices")


def test_the_list_is_filtered_and_paged(lotus, now):
    for number in range(35):
        lotus.tell(key=f"broke:{number}", at=now - timedelta(minutes=number))
    lotus.tell(Occasion.HEALED, "healed:x", at=now)
    first = lotus.client(lotus.bo).get(reverse("notices"))
    assert first.content.count(b'<li class="notice-entry') == 30
    second = lotus.client(lotus.bo).get(first.context["older"])
    assert second.content.count(b'<li class="notice-entry') == 6
    assert b"notice-entry" in lotus.client(lotus.bo).get(second.context["newest"]).content
    healed = page(lotus, lotus.bo, occasion="healed")
    assert ("House (eBay, US) works again" in healed, "US) stopped working" in healed) == (
        True,
        False,
    )
    lotus.client(lotus.bo).post(reverse("notices_read_all"))
    assert "No notice matches" in page(lotus, lotus.bo, unread="1")


def test_a_break_that_is_over_says_so(lotus, now):
    lotus.tell(at=now - timedelta(hours=2))
    lotus.tell(key="broke:2", at=now - timedelta(hours=2))
    lotus.tell(Occasion.HEALED, "healed:1", at=now)
    rows = re.findall(r'<li class="notice-entry.*?</li>', page(lotus, lotus.bo), re.S)
    assert ['tone-good"' in row and ">Works again<" in row for row in rows].count(True) == 1


def test_going_there_leads_to_what_the_reader_may_do(lotus, now):
    Store.objects.update(state="needs_relink", authorization=make_authorization(lotus.lotus))
    lotus.tell(fault="token_revoked", at=now)
    address = reverse("notice_go", args=[Notice.objects.get().public_id])
    of_store = [lotus.tea.public_id]
    assert lotus.client(lotus.anna).get(address).url == reverse("relink", args=of_store)
    assert lotus.client(lotus.bo).get(address).url == reverse("store", args=of_store)


def test_a_link_opens_in_the_company_it_is_about(lotus, now):
    lotus.tell(at=now)
    with tenant_scope(lotus.maple):
        Membership.objects.create(tenant=lotus.maple, user=lotus.bo, role=Role.OWNER)
        Membership.objects.filter(user=lotus.bo).update(joined_at=now - timedelta(days=90))
    browser = lotus.client(lotus.bo)
    assert "Maple" in browser.get(reverse("home")).content.decode()
    address = reverse("notice_go", args=[Notice.objects.get().public_id])
    assert browser.get(address).status_code == 404
    followed = browser.get(f"{address}?company={lotus.lotus.public_id}", follow=True)
    assert followed.status_code == 200
    assert "Tea House" in followed.content.decode()


def test_a_stranger_is_not_let_into_a_company_by_a_link(lotus, now):
    lotus.tell(at=now)
    address = reverse("notice_go", args=[Notice.objects.get().public_id])
    answer = lotus.client(lotus.dan).get(f"{address}?company={lotus.lotus.public_id}", follow=True)
    assert answer.status_code == 404


def test_a_reader_who_must_sign_in_first_arrives_all_the_same(lotus):
    address = f"{reverse('notices')}?company={lotus.lotus.public_id}"
    answer = lotus.client().get(address)
    assert answer.status_code == 302
    assert str(lotus.lotus.public_id) in answer.url


def test_the_page_speaks_chinese_to_chinese_readers(lotus, now, settings):
    settings.LANGUAGE_CODE = "zh-hans"
    User.objects.filter(pk=lotus.bo.pk).update(language="zh-hans")
    lotus.tell(at=now, data={"since": "2026-03-04T12:00:00+00:00"})
    assert "2026年3月4日 20:00" in page(lotus, lotus.bo)


def test_pages_ask_a_fixed_number_of_questions(lotus, now, django_assert_max_num_queries):
    for number in range(30):
        lotus.tell(key=f"broke:{number}", at=now)
    browser = lotus.client(lotus.anna)
    with django_assert_max_num_queries(20):
        browser.get(reverse("notices"))
    with django_assert_max_num_queries(10):
        browser.get(reverse("notices_bell"))


# --- a member's choice


def choices(lotus, user):
    rows = NoticeChoice.objects.filter(membership=lotus.member(user))
    return {row.store and row.store.account_name: row.wanted for row in rows}


def test_the_general_choice_is_kept(lotus):
    browser = lotus.client(lotus.bo)
    for wanted in ("urgent", "none"):
        browser.post(reverse("notice_settings"), {"wanted": wanted})
        assert choices(lotus, lotus.bo) == {None: wanted}
    assert re.search(r'value="none"[^>]*checked', page(lotus, lotus.bo, "notice_settings"))


def test_a_choice_for_a_store_is_kept_and_taken_back(lotus):
    browser, field = lotus.client(lotus.anna), f"store-{lotus.silk.public_id}"
    browser.post(reverse("notice_settings"), {field: "none"})
    assert choices(lotus, lotus.anna) == {"silk": "none"}
    browser.post(reverse("notice_settings"), {field: ""})
    assert choices(lotus, lotus.anna) == {}


def test_nobody_chooses_for_a_store_they_may_not_know(lotus):
    for store in (lotus.silk, lotus.syrup):
        answer = lotus.client(lotus.bo).post(
            reverse("notice_settings"), {f"store-{store.public_id}": "none"}
        )
        assert answer.status_code == 404
    assert NoticeChoice.objects.count() == 0


def test_a_word_that_is_no_choice_changes_nothing(lotus):
    browser = lotus.client(lotus.anna)
    assert browser.post(reverse("notice_settings"), {"wanted": "loud"}).status_code == 200
    browser.post(reverse("notice_settings"), {f"store-{lotus.tea.public_id}": "loud"})
    assert NoticeChoice.objects.count() == 0


def test_the_table_has_the_stores_one_is_told_of(lotus):
    assert "silk" in page(lotus, lotus.anna, "notice_settings")
    assert "silk" not in page(lotus, lotus.bo, "notice_settings")
    assert "You are told of no store yet" in page(lotus, lotus.ada, "notice_settings")
    searched = page(lotus, lotus.anna, "notice_settings", q="sil")
    assert ("silk" in searched, "Tea House" in searched) == (True, False)


def test_many_stores_are_paged_and_saved_page_by_page(lotus):
    for number in range(60):
        Store.objects.create(
            tenant=lotus.lotus, platform="ozon", account_name=f"shop_{number:02}", state="active"
        )
    browser = lotus.client(lotus.anna)
    first = browser.get(reverse("notice_settings"))
    assert first.content.count(b'<select class="form-select form-select-sm notice-choice"') == 50
    second = browser.get(reverse("notice_settings") + first.context["next"])
    (store, _choice) = second.context["rows"][-1]
    answer = browser.post(second.request["PATH_INFO"], {f"store-{store.public_id}": Wanted.NONE})
    assert answer.status_code == 302
    assert choices(lotus, lotus.anna) == {store.account_name: "none"}
