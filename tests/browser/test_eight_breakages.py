"""Eight stores break in eight ways: each is named rightly wherever its people look, in both
languages; healed, they are told so, and the orders of the meantime are there."""

from __future__ import annotations

import re
import time

import pytest

from platforms.emulator.accounts import ACCOUNTS
from tests.browser.breakages import BREAKAGES, Breakage, Said
from tests.browser.demo_world import (
    THREE_HOURS_LATER,
    WATCH_AND_TELL,
    Emulator,
    run_inside,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_S = 90  # a job that the queue lost is made good within a minute
GOOD = Said(en="Working", zh="正常")
WORKS = Said(en="This store works.", zh="该店铺运行正常。")
HEALED = Said(en="works again", zh="已恢复正常")
NEW_ORDERS = 2
AGO_S = 240  # older than any platform's lag, younger than what a pull looks back


@pytest.fixture
def emulator(demo):
    found = Emulator(demo.emulator_url)
    yield found
    for each in BREAKAGES:
        found.do(*each.heals)


@pytest.fixture
def chen(profile):
    """The owner, who also reads all orders."""
    page = profile(locale="en-GB")
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill("chen@demo.test")
    page.locator("input[name=password]").fill("storelink-demo")
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url("**/")
    speak(page, "en")
    page.goto("/bindings/?view=person")
    own = page.locator("#id_member option", has_text="陈安").first.get_attribute("value")
    page.goto(f"/bindings/?view=person&member={own}")
    for box in page.locator("input[type=checkbox][value$=':operator']").all():
        box.check()
    page.locator("button[value=save]").first.click()
    page.wait_for_load_state()
    return page


def speak(page, language):
    """With the switch in the menu of the account."""
    if page.locator("html").get_attribute("lang") == ("en" if language == "en" else "zh-Hans"):
        return
    page.locator("#account-menu summary").first.click()
    page.locator(f"#account-menu button[value='{language}']").first.click()
    page.wait_for_load_state()


def row_of(page, breakage: Breakage, language):
    rows = page.locator("#health-board tbody tr", has_text=breakage.store)
    site = breakage.site.of(language)
    return rows.filter(has_text=site) if site else rows


def page_of(page, breakage: Breakage) -> str:
    """The address of the store's page; the board must be open, in English."""
    health = row_of(page, breakage, "en").locator("th a").get_attribute("href")
    return health.removesuffix("health/")


def until(fact, page):
    deadline = time.monotonic() + PATIENCE_S
    while not (found := fact()):
        assert time.monotonic() < deadline, f"{page.url}: {page.locator('main').inner_text()}"
        page.wait_for_timeout(400)
    return found


def pull_now(page, store):
    page.goto(store)
    page.locator("form[action$='/pull/'] button").click()
    page.wait_for_load_state()


def tries(page, store) -> int:
    """How often in a row the store's pull has failed, as its health page says."""
    page.goto(f"{store}health/")
    found = re.search(r"(\d+) (?:try|tries in a row)\b", page.locator("main").inner_text())
    return int(found[1]) if found else 0


def is_dead(page, store) -> bool:
    page.goto(store)
    return page.locator("form[action$='/pull/']").count() == 0


def letters_to(page, person="chen@demo.test") -> list[str]:
    """Every mail to `person`, the newest first, as the demo's mail page shows them."""
    page.goto("/demo/mail/")
    rows = page.locator("main tr", has_text=person)
    links = [row.locator("a").first.get_attribute("href") for row in rows.all()]
    texts = []
    for link in links:
        page.goto(link)
        texts.append(page.locator("main").inner_text())
    return texts


def break_all(page, emulator, stores) -> dict[str, str]:
    """The secrets that are new now, by account.

    One refusal may be chance: of what does not end the permission, the second one counts.
    """
    new = {}
    for each in stores:
        for answer in emulator.do(*each.breaks):
            if secret := answer.get("client_secret"):
                new[each.account] = secret
    for store in stores.values():
        pull_now(page, store)
    lasting = {each: store for each, store in stores.items() if not each.relinks_by}
    for store in lasting.values():
        until(lambda s=store: tries(page, s) >= 1, page)
        pull_now(page, store)
    for store in lasting.values():
        until(lambda s=store: tries(page, s) >= 2, page)
    for each in stores.keys() - lasting.keys():
        until(lambda s=stores[each]: is_dead(page, s), page)
    return new


def check_board(page, language):
    page.goto("/health/")
    for each in BREAKAGES:
        row = row_of(page, each, language)
        assert row.locator(".tag").inner_text() == each.state.of(language)
        to_do = row.locator(".to-do").inner_text()
        assert to_do.startswith(each.button.of(language)), (each.store, to_do)


def check_notices(page, language, occasion, ending):
    page.goto(f"/notices/?occasion={occasion}")
    titles = page.locator(".notice-entry h2").all_inner_texts()
    for each in BREAKAGES:
        # A shop with several sites has a notice for each of them.
        own = [title for title in titles if each.store in title]
        assert own, (each.store, titles)
        assert all(each.platform in title for title in own), own
        assert all(title.strip().endswith(ending(each)) for title in own), own


def check_diagnoses(page, stores, language, verdict, *, again=False):
    for each, store in stores.items():
        page.goto(f"{store}diagnosis/")
        if again or not page.locator("#verdict-heading").count():
            page.locator("form.check-form button").first.click()
            page.wait_for_load_state()
        assert page.locator("#verdict-heading").inner_text() == verdict(each).of(language)


def relink(page, breakage, store, secrets):
    """As the store's page offers it, in the way in which it was linked before."""
    page.goto(store)
    page.locator("a[href$='/relink/']").first.click()
    page.wait_for_load_state()
    page.locator(f"form:has(input[value={breakage.relinks_by}]) button").first.click()
    page.wait_for_load_state()
    if breakage.account in secrets:
        typed = ACCOUNTS[breakage.account].ways()[breakage.relinks_by]
        typed |= {"client_secret": secrets[breakage.account]}
        for name, value in typed.items():
            if (box := page.locator(f"main input[name={name}]:not([type=hidden])")).count():
                box.first.fill(value)
        page.locator("form[action$='/keys/'] button.btn-primary").click()
    else:
        page.get_by_role("link", name=f"Continue to {breakage.platform}").first.click()
        page.wait_for_load_state()
        page.check(f"input[value={breakage.account}]")
        page.click("button[value=agree]")
    page.wait_for_load_state()
    page.locator("#confirm-form button.btn-primary").first.click()
    page.wait_for_load_state()


def heal_all(page, emulator, stores, secrets):
    for each, store in stores.items():
        emulator.do(*each.heals)
        if each.relinks_by:
            relink(page, each, store, secrets)
        else:
            pull_now(page, store)


def state_of(page, store) -> str:
    page.goto(f"{store}health/")
    return page.locator(".state-line .tag").inner_text()


def wait_for(page, messages, words):
    """The messages, once each store and each of `words(breakage)` is in one of them: a worker of
    the demo may have them under way."""

    def told():
        texts = messages()
        told = "\n".join(texts)
        wanted = [word for each in BREAKAGES for word in (each.store, *words(each))]
        return texts if all(re.search(word, told) for word in wanted) else None

    return until(told, page)


def test_eight_broken_stores_are_named_rightly_and_told_healed(chen, demo, emulator):
    chen.goto("/health/")
    stores = {each: page_of(chen, each) for each in BREAKAGES}
    secrets = break_all(chen, emulator, stores)
    arrived = {
        each: emulator.do(
            ("orders/add", {"account": each.account, "n": NEW_ORDERS, "ago_seconds": AGO_S})
        )
        for each in BREAKAGES
    }
    speak(chen, "zh-hans")  # whose mail is in it too
    run_inside(demo, THREE_HOURS_LATER + WATCH_AND_TELL)

    for language in ("zh-hans", "en"):
        speak(chen, language)
        check_board(chen, language)
        check_notices(chen, language, "broke", lambda each: each.title(language))  # noqa: B023
        check_diagnoses(chen, stores, language, lambda each: each.verdict)
    mails = wait_for(chen, lambda: letters_to(chen), lambda each: [each.fault.zh])
    told = wait_for(chen, emulator.told_robots, lambda each: [each.fault.zh])

    heal_all(chen, emulator, stores, secrets)
    for store in stores.values():
        until(lambda s=store: state_of(chen, s).startswith(GOOD.en), chen)
    run_inside(demo, WATCH_AND_TELL)
    wait_for(chen, lambda: letters_to(chen)[: -len(mails)], lambda each: ["works? again"])
    wait_for(chen, lambda: emulator.told_robots()[len(told) :], lambda each: [HEALED.zh])

    check_diagnoses(chen, stores, "en", lambda each: WORKS, again=True)
    for language in ("en", "zh-hans"):
        speak(chen, language)
        check_notices(chen, language, "healed", lambda each: HEALED.of(language))  # noqa: B023
        check_diagnoses(chen, stores, language, lambda each: WORKS)
    for each, (answer,) in arrived.items():
        for number in answer["numbers"]:
            chen.goto(f"/orders/?q={number}")
            assert number in chen.locator("main table").inner_text(), (each.store, number)
