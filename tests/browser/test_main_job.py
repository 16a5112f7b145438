"""The main job in a real browser: from nothing to orders, colleagues and a hand-over."""

from __future__ import annotations

import base64
import json
import re
import time

import pytest

from platforms.emulator.accounts import ACCOUNTS, APPS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORD = "three willow leaves 7"


def press(page, name):
    page.get_by_role("button", name=name).first.click()
    page.wait_for_load_state()


def follow(page, name):
    page.get_by_role("link", name=name).first.click()
    page.wait_for_load_state()


def newest_mail_link(page, part):
    """The address in the newest mail that holds `part`, as its reader would click it."""
    page.goto("/demo/mail/")
    mails = page.locator("main a[href*='/demo/mail/']").all()
    for address in [mail.get_attribute("href") for mail in mails]:
        page.goto(address)  # the newest may be a notice of the demo's own company
        if (links := page.locator(f"a[href*='{part}']")).count():
            return links.first.get_attribute("href")
    raise AssertionError(f"no mail holds {part}")


def sign_up(page, email, company):
    page.goto("/accounts/signup/")
    page.get_by_label("Company name").fill(company)
    page.get_by_label("Email").fill(email)
    page.locator("input[name=password1]").fill(PASSWORD)
    page.locator("main button.btn-primary").click()
    page.wait_for_load_state()
    page.goto(newest_mail_link(page, "confirm-email"))
    press(page, "Confirm")
    assert page.url.endswith("/"), page.url


def start_linking(page, platform, mode, account_name):
    page.goto("/link/")
    page.locator(f"a[href='/link/{platform}/']").first.click()
    page.locator(f"a[href='/link/{platform}/{mode}/']").first.click()
    page.get_by_label("Account name").fill(account_name)
    page.locator("main form button.btn-primary").click()
    page.wait_for_load_state()


def agree(page, account):
    page.check(f"input[value={account}]")
    page.click("button[value=agree]")
    page.wait_for_load_state()


def order_numbers(page):
    page.goto("/orders/")
    return set(page.locator("main table tbody th a").all_inner_texts())


def invite(page, email):
    page.goto("/members/invite/")
    page.locator("main textarea").first.fill(email)
    press(page, "Send invitations")
    return newest_mail_link(page, "/join/")


def make_operator(page, person, store):
    """On the bindings page, in the view of one person."""
    page.goto("/bindings/?view=person")
    chosen = page.locator("#id_member option", has_text=person).first.get_attribute("value")
    page.goto(f"/bindings/?view=person&member={chosen}")
    page.locator("tr", has_text=store).locator("input[value$=':operator']").first.check()
    press(page, "Save")


def test_from_sign_up_to_orders_colleagues_and_a_hand_over(profile, demo):
    anna = profile()
    sign_up(anna, "anna@harbour.example", "Harbour Trading")

    start_linking(anna, "ebay", "authorization_code", "magnolia")
    follow(anna, "Continue to eBay")
    agree(anna, "ebay-magnolia")
    consented = time.monotonic()
    press(anna, "Yes, link this shop")
    while not (numbers := order_numbers(anna)):
        assert time.monotonic() - consented < 10, "no orders within 10 seconds of consent"
        anna.wait_for_timeout(300)
    assert len(numbers) > 5

    link = invite(anna, "bo@harbour.example")
    bo = profile()
    bo.goto(link)
    bo.locator("input[name=password1]").fill(PASSWORD)
    press(bo, "Create my account and join")
    assert order_numbers(bo) == set()
    assert bo.goto("/orders/").status == 200

    make_operator(anna, "bo@harbour.example", "magnolia")
    assert order_numbers(bo) == order_numbers(anna)

    start_linking(anna, "ebay", "authorization_code", "harbour")
    anna.get_by_text("Send a hand-over link").click()
    press(anna, "Make the link")
    handed_over = anna.locator(".copy code").inner_text()
    attempt = anna.url
    seller = profile()
    seller.goto(handed_over)
    follow(seller, "Continue to eBay")
    agree(seller, "ebay-harbour")
    assert (
        "emu_harbour_tools" in seller.locator("main").inner_text()
        or seller.get_by_text("close this window").count()
    )
    assert seller.goto("/orders/").url != f"{demo.url}/orders/"  # still nobody to us

    anna.goto(attempt)
    assert "emu_harbour_tools" in anna.locator("main").inner_text()
    assert "another browser" in anna.locator("main").inner_text()
    press(anna, "Yes, link this shop")
    anna.goto("/stores/")
    assert anna.get_by_text("harbour").count()
    assert seller.goto(handed_over).status in (200, 404, 410)
    assert seller.get_by_role("link", name="Continue to eBay").count() == 0


def test_pages_fit_a_phone_in_chinese(profile):
    """No page scrolls sideways at 375 px, and none speaks English to a Chinese seller."""
    chen = profile(locale="zh-CN", width=375)
    chen.goto("/accounts/login/")
    chen.locator("input[name=login]").fill("chen@demo.test")
    chen.locator("input[name=password]").fill("storelink-demo")
    chen.locator("input[name=password]").press("Enter")
    chen.wait_for_url("**/")
    chen.goto("/stores/")
    store = chen.locator("main table a").first.get_attribute("href")
    chen.goto("/orders/")
    order = chen.locator("main table a").first.get_attribute("href")
    for path in ("/", "/stores/", store, "/orders/", order, "/health/", "/bindings/", "/members/",
                 "/events/", "/api-tokens/", "/link/", "/link/amazon/", "/accounts/2fa/",
                 "/account/profile/", "/settings/"):  # fmt: skip
        chen.goto(path)
        wide = chen.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert not wide, path
        assert any("\u4e00" <= c <= "\u9fff" for c in chen.locator("main").inner_text()), path


def test_no_secret_that_went_in_is_in_a_dump_of_the_database(demo):
    known = secrets_that_went_in(demo)
    assert len(known) > 20
    dump = dump_of(demo)
    assert b"lantern_home" in dump  # the dump has what it should have
    leaked = {
        name
        for name, secret in known.items()
        for form in (secret, secret.hex().encode(), base64.b64encode(secret)[:-4])
        if form in dump
    }
    assert leaked == set()


def secrets_that_went_in(demo) -> dict[str, bytes]:
    """Every secret the demo was given, and every token the emulator handed out."""
    given = {f"app {app.key}": app.client_secret for app in APPS.values()}
    for account in ACCOUNTS.values():
        given |= {f"key {key.key}": key.key for key in getattr(account, "keys", ())}
        if token := getattr(account, "refresh_token", ""):
            given[f"token of {account.key}"] = token
    state = (demo.folder / "emulator.json").read_text()
    minted = re.findall(r'"((?:v\^1\.1#|Atz[ar]\||EMULATOR)[^"]{8,})"', state)
    given |= {f"minted {number}": token for number, token in enumerate(set(minted))}
    given["password"] = "storelink-demo"
    keys = json.loads((demo.folder / "keys.json").read_text())
    given["vault key"] = keys["VAULT_KEYS"].partition(":")[2]
    return {name: secret.encode() for name, secret in given.items()}


def dump_of(demo) -> bytes:
    """All rows of all tables, binary columns as hex."""
    if demo.database_url.startswith("sqlite"):
        import sqlite3

        with sqlite3.connect(demo.database_url.removeprefix("sqlite:///")) as database:
            tables = [name for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            )]  # fmt: skip
            rows = [row for t in tables for row in database.execute(f'SELECT * FROM "{t}"')]
    else:
        import psycopg

        with psycopg.connect(demo.database_url) as database:
            tables = [name for (name,) in database.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )]  # fmt: skip
            rows = [row for t in tables for row in database.execute(f'SELECT * FROM "{t}"')]
    return b"\n".join(
        value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row
    )
