from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.signals import user_signed_up
from django.core import mail
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from tests.conftest import PASSWORD

FORM = {"email": "cai@example.com", "password1": PASSWORD, "company": "菜花贸易"}
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}


def sign_up(client: Client, **changed: str) -> HttpResponse:
    return client.post("/accounts/signup/", FORM | changed, **ENGLISH)


def link_in_last_mail() -> str:
    found = re.search(r"https?://[^/]+(/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_a_newcomer_signs_up_confirms_and_is_in(client: Client, db: None) -> None:
    assert sign_up(client).status_code == 302
    assert "_auth_user_id" not in client.session

    client.post(link_in_last_mail())

    assert client.session["_auth_user_id"] == str(User.objects.get(email="cai@example.com").pk)


def test_nobody_is_let_in_before_the_address_is_confirmed(client: Client, db: None) -> None:
    sign_up(client)
    client.post("/accounts/login/", {"login": FORM["email"], "password": PASSWORD})
    assert "_auth_user_id" not in client.session


def test_language_and_time_zone_of_the_browser_are_kept(client: Client, db: None) -> None:
    sign_up(client, time_zone="Europe/Berlin")
    user = User.objects.get(email="cai@example.com")
    assert (user.language, user.time_zone) == ("en", "Europe/Berlin")


def test_a_nonsense_time_zone_stops_nobody(client: Client, db: None) -> None:
    sign_up(client, time_zone="../../etc/passwd")
    assert User.objects.get(email="cai@example.com").time_zone == "Asia/Shanghai"


@pytest.fixture
def companies() -> Any:
    named: list[str] = []

    def note(user: Any, **_kwargs: object) -> None:
        named.append(user.signup_company)

    user_signed_up.connect(note)
    yield named
    user_signed_up.disconnect(note)


def test_listeners_hear_the_company(client: Client, db: None, companies: list[str]) -> None:
    sign_up(client)
    assert companies == ["菜花贸易"]


def test_a_company_must_be_named(client: Client, db: None) -> None:
    answer = sign_up(client, company=" ")
    assert answer.status_code == 200
    assert b"id_company_error" in answer.content
    assert not User.objects.exists()


def test_the_invited_are_not_asked_for_a_company(client: Client, db: None) -> None:
    session = client.session
    session["invitation"] = "token"
    session.save()
    assert b'name="company"' not in client.get("/accounts/signup/").content


def test_a_known_address_gets_the_same_answer_and_no_second_account(
    client: Client, anna: User
) -> None:
    known = sign_up(client, email="ANNA@example.com")
    unknown = sign_up(Client(), email="new@example.com")

    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert User.objects.filter(email__iexact=anna.email).count() == 1
    assert mail.outbox[0].to == ["anna@example.com"]
    assert "already exists" in str(mail.outbox[0].body)


def test_a_reset_answers_the_same_for_known_and_unknown_addresses(
    client: Client, anna: User
) -> None:
    known = client.post("/accounts/password/reset/", {"email": anna.email})
    unknown = client.post("/accounts/password/reset/", {"email": "who@example.com"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])


def test_a_wrong_password_says_what_an_unknown_address_says(client: Client, anna: User) -> None:
    def complaint(email: str) -> list[str]:
        answer = client.post("/accounts/login/", {"login": email, "password": "wrong"})
        return list(answer.context["form"].non_field_errors())

    assert complaint(anna.email) == complaint("who@example.com") != []


def test_a_password_is_reset_by_mail(client: Client, anna: User) -> None:
    client.post("/accounts/password/reset/", {"email": anna.email})
    page = client.get(link_in_last_mail(), follow=True)
    new = {"password1": "spring-tea-88", "password2": "spring-tea-88"}
    client.post(page.redirect_chain[-1][0], new)
    anna.refresh_from_db()
    assert anna.check_password("spring-tea-88")


def test_mail_speaks_the_language_of_the_account(client: Client, anna: User) -> None:
    client.post("/accounts/password/reset/", {"email": anna.email}, HTTP_ACCEPT_LANGUAGE="zh-CN")
    assert mail.outbox[-1].subject == "Password Reset Email"


def test_the_page_in_chinese_sends_chinese_mail(client: Client, db: None) -> None:
    client.post("/accounts/signup/", FORM, HTTP_ACCEPT_LANGUAGE="zh-CN")
    assert "请" in mail.outbox[-1].subject
