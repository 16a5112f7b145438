from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User

LOGIN = "/accounts/login/"
SWITCH = "/account/language/"


def language_of(client: Client, **headers: str) -> str:
    return client.get(LOGIN, headers=headers)["Content-Language"]


@pytest.mark.parametrize(
    ("accepted", "shown"),
    [
        ("", "zh-hans"),
        ("zh-CN,zh;q=0.9", "zh-hans"),
        ("zh-TW", "zh-hans"),
        ("en-GB,en;q=0.8", "en"),
        ("fr,de", "zh-hans"),
        ("fr,en;q=0.5", "en"),
    ],
)
def test_a_stranger_is_met_in_the_browsers_language(
    client: Client, db: None, accepted: str, shown: str
) -> None:
    assert language_of(client, accept_language=accepted) == shown


def test_the_switch_outlasts_the_browsers_wish(client: Client, db: None) -> None:
    client.post(SWITCH, {"language": "en"})
    assert language_of(client, accept_language="zh-CN") == "en"


def test_the_switch_is_kept_with_the_account(client: Client, anna: User) -> None:
    client.force_login(anna)
    client.post(SWITCH, {"language": "zh-hans"})
    anna.refresh_from_db()
    assert anna.language == "zh-hans"


def test_the_account_decides_over_cookie_and_browser(client: Client, anna: User) -> None:
    client.post(SWITCH, {"language": "zh-hans"})
    client.force_login(anna)
    answer = client.get("/account/profile/", headers={"accept-language": "zh-CN"})
    assert answer["Content-Language"] == "en"


def test_an_unknown_language_changes_nothing(client: Client, anna: User) -> None:
    client.force_login(anna)
    assert client.post(SWITCH, {"language": "tlh"}).status_code == 302
    anna.refresh_from_db()
    assert anna.language == "en"


@pytest.mark.parametrize("foreign", ["https://evil.test/", "//evil.test", "javascript:alert(1)"])
def test_the_switch_never_leads_to_another_host(client: Client, db: None, foreign: str) -> None:
    answer = client.post(SWITCH, {"language": "en", "next": foreign}, headers={"referer": foreign})
    assert answer["Location"] == "/"


def test_the_switch_goes_back_to_where_it_was_asked(client: Client, db: None) -> None:
    answer = client.post(SWITCH, {"language": "en", "next": "/accounts/signup/?a=1"})
    assert answer["Location"] == "/accounts/signup/?a=1"


def test_a_link_cannot_switch(client: Client, db: None) -> None:
    assert client.get(SWITCH).status_code == 405


@pytest.mark.parametrize(
    ("zone", "active"), [("Europe/Berlin", "Europe/Berlin"), ("Mars/Phobos", "UTC")]
)
def test_times_are_shown_in_the_persons_zone(
    client: Client, anna: User, zone: str, active: str
) -> None:
    User.objects.filter(pk=anna.pk).update(time_zone=zone)
    client.force_login(anna)
    client.get("/account/profile/")
    assert timezone.get_current_timezone_name() == active


def test_the_profile_is_for_the_signed_in(client: Client, db: None) -> None:
    assert client.get("/account/profile/").status_code == 302


def test_the_profile_is_saved(client: Client, anna: User) -> None:
    client.force_login(anna)
    form = {"name": "王安娜", "language": "zh-hans", "time_zone": "America/New_York"}
    client.post("/account/profile/", form)
    anna.refresh_from_db()
    assert (anna.name, anna.language, anna.time_zone) == tuple(form.values())


def test_an_unknown_zone_is_refused_next_to_its_field(client: Client, anna: User) -> None:
    client.force_login(anna)
    form = {"name": "A", "language": "en", "time_zone": "Mars/Phobos"}
    answer = client.post("/account/profile/", form)
    assert b'id="id_time_zone_error" role="alert"' in answer.content
