from __future__ import annotations

from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import Client
from pytest_django import Settings


@pytest.fixture
def folder(settings: Settings, tmp_path: Path, db: None) -> Path:
    settings.DEMO = True
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    return tmp_path / "mail"


def send(folder: Path, *subjects: str, body: str = "hello") -> None:
    backend = "django.core.mail.backends.filebased.EmailBackend"
    with get_connection(backend, file_path=str(folder)) as connection:
        for subject in subjects:
            message = EmailMultiAlternatives(subject, body, "a@b.test", ["cai@example.com"])
            message.connection = connection
            message.send()


def test_there_is_no_mailbox_outside_the_demo(client: Client, settings: Settings) -> None:
    settings.DEMO = False
    assert client.get("/demo/mail/").status_code == 404
    assert client.get("/demo/mail/x-0/").status_code == 404


def test_a_fresh_demo_has_an_empty_mailbox(client: Client, folder: Path) -> None:
    assert client.get("/demo/mail/").status_code == 200


def test_the_newest_mail_is_first(client: Client, folder: Path) -> None:
    send(folder, "first", "请确认您的地址")
    mails = client.get("/demo/mail/").context["mails"]
    assert [mail.subject for mail in mails] == ["请确认您的地址", "first"]


def test_links_can_be_followed_and_markup_cannot(client: Client, folder: Path) -> None:
    send(folder, "s", body="Go to http://testserver/accounts/x:1/ <script>")
    shown = client.get("/demo/mail/").context["mails"][0]
    page = client.get(f"/demo/mail/{shown.id}/").content.decode()
    assert 'href="http://testserver/accounts/x:1/"' in page
    assert "&lt;script&gt;" in page


def test_a_mail_that_is_not_there_is_not_found(client: Client, folder: Path) -> None:
    send(folder, "s")
    assert client.get("/demo/mail/..%2Fsecrets/").status_code == 404
    assert client.get("/demo/mail/nope-0/").status_code == 404
