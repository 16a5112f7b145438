"""What all templates promise: nothing a strict content security policy refuses, no icon that
is not drawn."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client

from accounts.models import User

# A mail is no page of ours: readers of mail know inline styles only, and no policy.
TEMPLATES = sorted(
    path
    for path in Path(settings.BASE_DIR, "templates").rglob("*.html")
    if path.name != "mail.html"
)
ICONS = Path(settings.BASE_DIR, "static/img/icons.svg").read_text()
REFUSED = {
    "style attribute": r"\sstyle=",
    "style element": r"<style\b",
    "inline handler": r"<[^>]*\son[a-z]+=",
    "hx-on": r"\shx-on[:-]",
    "inline script": r"<script(?![^>]*\b(src=|type=\"application/json\"))",
    "other host": r"(src|href)=\"(https?:)?//",
}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.name))
def test_a_template_keeps_to_the_content_security_policy(template: Path) -> None:
    found = [name for name, mark in REFUSED.items() if re.search(mark, template.read_text())]
    assert found == []


def test_every_icon_that_is_named_is_drawn() -> None:
    named = set()
    for template in TEMPLATES:
        named |= set(re.findall(r'icon\.html" with name="([\w-]+)"', template.read_text()))
        named |= set(re.findall(r'\bicon="([\w-]+)"', template.read_text()))
    assert [name for name in sorted(named) if f'id="{name}"' not in ICONS] == []


def test_a_state_nobody_listed_is_shown_by_its_name() -> None:
    shown = cast(str, render_to_string("components/badge.html", {"state": "half_done"}))
    assert "tone-neutral" in shown
    assert "half done" in shown


def test_an_error_page_needs_neither_request_nor_database() -> None:
    assert "500" in render_to_string("500.html")


def test_a_page_that_is_not_there_looks_like_ours(client: Client, anna: User) -> None:
    client.force_login(anna)
    answer = client.get("/no/such/page/")
    assert answer.status_code == 404
    assert b"css/app.css" in answer.content


def test_the_sidebar_leads_to_the_persons_settings(client: Client, anna: User) -> None:
    client.force_login(anna)
    page = client.get("/account/profile/").content.decode()
    assert 'href="/account/profile/" aria-current="page"' in page
    assert 'href="/support/"' not in page
