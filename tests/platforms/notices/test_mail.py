"""What a mail says, in the reader's language and time zone, and what it does not say."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import translation

from accounts.models import User
from platforms.errors import Fault
from platforms.flows.announce import GATHER
from platforms.models import App, Occasion, Sending, Wanted
from tenants.models import Store
from tests.conftest import make_store
from tests.platforms.notices.conftest import NOON
from tests.support.factories import make_authorization

DUE = NOON + GATHER
SINCE = {"since": NOON.isoformat()}


@pytest.fixture
def bo(lotus):
    """Only Bo, an operator, is told."""
    lotus.choose(lotus.anna, Wanted.NONE)
    return lotus


def read(lotus):
    lotus.send(DUE)
    (letter,) = mail.outbox
    return letter


def speak(user, language, zone):
    User.objects.filter(pk=user.pk).update(language=language, time_zone=zone)


def test_a_break_says_what_since_when_why_and_what_to_do(bo):
    bo.tell(fault="token_revoked", data=SINCE)
    letter = read(bo)
    assert letter.subject == ("[Storelink] Tea House (eBay, US) stopped working: Permission ended")
    for words in (
        "Hello Bo",
        "since March 4, 2026 20:00",
        "eBay no longer accepts our permission.",
        "Link the store again",
        "none is lost",
        "Asia/Shanghai",
    ):
        assert words in letter.body


def test_times_are_those_of_the_reader(bo):
    speak(bo.bo, "en", "America/New_York")
    bo.tell(data=SINCE)
    assert "since March 4, 2026 07:00" in read(bo).body


def test_a_mail_has_the_same_words_as_html(bo):
    bo.tell(fault="token_revoked", data=SINCE)
    letter = read(bo)
    ((html, kind),) = letter.alternatives
    assert kind == "text/html"
    assert "eBay no longer accepts our permission." in html
    assert letter.subject.removeprefix("[Storelink] ") in html


def test_a_name_is_text_and_not_markup(bo):
    Store.objects.filter(pk=bo.tea.pk).update(display_name="<b>Tea</b>\r\nBcc: x@y.example")
    bo.tea.refresh_from_db()
    bo.tell()
    letter = read(bo)
    assert "<b>" not in letter.alternatives[0][0]
    assert "\n" not in letter.subject
    assert "Bcc" not in letter.message().keys()  # noqa: SIM118 - headers, not a dict


def test_the_message_id_is_that_of_the_batch(bo):
    bo.tell()
    letter = read(bo)
    batch = Sending.objects.get(state="sent").batch
    assert letter.message()["Message-ID"] == f"<{batch.hex}@127.0.0.1>"
    assert letter.message()["Auto-Submitted"] == "auto-generated"


def test_a_mail_leads_to_the_settings_and_to_what_to_do(bo):
    bo.tell(fault="token_revoked")
    letter = read(bo)
    browser = bo.client(bo.bo)
    paths = [url.split("8000", 1)[1] for url in re.findall(r"http://\S+", letter.body)]
    assert len(paths) == 2
    for path in paths:
        answer = browser.get(path, follow=True)
        assert answer.status_code == 200
    assert b"Only what stopped working" in answer.content
    assert letter.message()["List-Unsubscribe"].strip("<>").endswith(paths[1])


def test_only_managers_are_asked_to_relink_by_themselves(lotus):
    lotus.tell(fault="token_revoked")
    lotus.send(DUE)
    bodies = {each.to[0].split("@")[0]: each.body for each in mail.outbox}
    assert "Link the store again: http" in bodies["anna"]
    assert "See the store: http" in bodies["bo"]


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_has_words(bo, fault):
    bo.tell(fault=fault)
    letter = read(bo)
    assert "%(" not in letter.body
    assert "None" not in letter.body


def test_an_outage_is_not_the_sellers_business(bo):
    bo.tell(fault="bad_credentials", data={"outage": True})
    body = read(bo).body
    assert "it is not you" in body
    assert "Copy each of them again" not in body


def test_healing_says_how_long_it_was_down(bo):
    later = (NOON + timedelta(hours=3)).isoformat()
    bo.tell(Occasion.HEALED, "healed:1", data=SINCE | {"until": later})
    letter = read(bo)
    assert letter.subject == "[Storelink] Tea House (eBay, US) works again"
    assert "down from March 4, 2026 20:00 until March 4, 2026 23:00" in letter.body
    assert "being pulled now" in letter.body


def ends(days, **more):
    at = NOON + timedelta(days=days)
    return {"what": "permission", "at": at.isoformat(), "days": days} | more


@pytest.mark.parametrize(
    ("days", "what", "subject"),
    [
        (7, "permission", "The permission of Tea House (eBay, US) ends in 7 days"),
        (1, "refresh_token", "The permission of Tea House (eBay, US) ends in 1 day"),
        (3, "key", "The key of Tea House (eBay, US) expires in 3 days"),
    ],
)
def test_an_end_says_what_ends_and_when(bo, days, what, subject):
    bo.tell(Occasion.ENDS_SOON, "ends:1", data=ends(days, what=what))
    letter = read(bo)
    assert letter.subject == f"[Storelink] {subject}"
    assert f"March {4 + days}, 2026" in letter.body
    assert "owner or admin" in letter.body  # Bo cannot do it himself


def test_an_end_names_the_other_stores_that_the_reader_may_know(lotus):
    row = make_authorization(lotus.lotus)
    Store.objects.filter(pk__in=[lotus.tea.pk, lotus.silk.pk]).update(authorization=row)
    lotus.tell(Occasion.ENDS_SOON, "ends:1", authorization=row, data=ends(7))
    lotus.send(DUE)
    bodies = {each.to[0].split("@")[0]: each.body for each in mail.outbox}
    assert "It also opens: silk." in bodies["anna"]
    assert "silk" not in bodies["bo"]


def test_an_applications_secret_is_told_to_those_who_manage(lotus):
    app = App.objects.create(
        tenant=lotus.lotus, platform="ozon", name="Our ERP", sealed_secret=b"-"
    )
    lotus.tell(Occasion.SECRET_ENDS, "secret:1", store=None, app=app, data=ends(14))
    lotus.send(DUE)
    assert {each.to[0] for each in mail.outbox} == {"anna@lotus.example", "ada@lotus.example"}
    assert "The secret of the application Our ERP expires in 14 days" in mail.outbox[0].subject


def test_a_chinese_reader_reads_chinese(bo):
    speak(bo.bo, "zh-hans", "Asia/Shanghai")
    bo.tell(fault="token_revoked", data=SINCE)
    letter = read(bo)
    with translation.override("zh-hans"):
        assert str(translation.gettext("Permission ended")) in letter.subject
    assert "2026年3月4日 20:00" in letter.body
    assert 'lang="zh-Hans"' in letter.alternatives[0][0]


def test_many_ends_are_one_mail_with_their_days(lotus):
    for number, days in enumerate((14, 3, 7, 30)):
        store = Store.objects.create(
            tenant=lotus.lotus, platform="ozon", account_name=f"shop_{number}", state="active"
        )
        lotus.tell(Occasion.ENDS_SOON, f"ends:{number}", store=store, data=ends(days))
    lotus.send(DUE)
    (letter,) = mail.outbox
    assert letter.subject == "[Storelink] The permissions of 4 stores at Ozon end soon"
    assert letter.body.index("shop_1 on March 7") < letter.body.index("shop_3 on April 3")


def test_stores_of_one_name_are_told_apart_by_their_sites(lotus):
    for site in ("DE", "FR", "GB", "IT"):
        store = make_store(
            lotus.world.lotus, "amazon", f"aurora_{site}", site=site, display_name="Aurora"
        )
        lotus.tell(fault="token_revoked", key=f"broke:{site}", store=store)
    letter = read(lotus)
    assert "Aurora (Amazon, Germany), Aurora (Amazon, France)" in letter.body
