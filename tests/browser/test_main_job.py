"""The main job in a real browser: from nothing to orders, colleagues and a hand-over."""

from __future__ import annotations

import time

import pytest

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
    page.locator("main a[href*='/demo/mail/']").first.click()
    page.wait_for_load_state()
    return page.locator(f"a[href*='{part}']").first.get_attribute("href")


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
