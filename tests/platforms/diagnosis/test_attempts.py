"""Check before you link: by the button in the wizard."""

from __future__ import annotations

import json

import pytest
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from platforms.flows import link
from platforms.models import App, Diagnosis, LinkAttempt
from tenants.scope import all_tenants, tenant_scope
from tests.platforms.diagnosis.conftest import check, results
from tests.support.linking import find_or_make_app, keys_of

OZON_KEYS = {"client_id": "2174311", "api_key": "e2e0e2e0-e2e0-4e2e-8e2e-999999999999"}


def begin(world, platform: str, mode: str, **more: str) -> LinkAttempt:
    with tenant_scope(world.lotus):
        return link.start(
            tenant=world.lotus, user=world.anna, platform=platform, mode=mode,
            account_name="corner", now=timezone.now(), **more,
        )  # fmt: skip


def press(client: Client, attempt: LinkAttempt, **typed: str):
    """The button, as htmx presses it: with what is typed on the page."""
    return client.post(
        reverse("link_check", args=[attempt.public_id]), typed, headers={"HX-Request": "true"}
    )


def newest() -> Diagnosis:
    with all_tenants("looking from outside"):
        return Diagnosis.objects.order_by("-pk")[0]


def test_keys_that_can_be_right_pass(world, net, anna):
    page = press(anna, begin(world, "ozon", "api_key"), **OZON_KEYS)
    assert "Nothing stands in the way of linking." in page.content.decode()
    assert newest().verdict == "ok"
    assert results(newest())["key_format"] == "pass"


@pytest.mark.parametrize(
    ("typed", "code", "fault"),
    [
        ({"client_id": "", "api_key": OZON_KEYS["api_key"]}, "blank", "bad_credentials"),
        (
            {"client_id": OZON_KEYS["api_key"], "api_key": OZON_KEYS["client_id"]},
            "swapped", "bad_credentials",
        ),
        ({"client_id": "shop@example.com", "api_key": OZON_KEYS["api_key"]},
         "explained", "bad_credentials"),
        ({"client_id": "02174311", "api_key": OZON_KEYS["api_key"]},
         "wrong_form", "bad_credentials"),
    ],
)  # fmt: skip
def test_keys_that_cannot_be_right_are_named(world, net, anna, typed, code, fault):
    press(anna, begin(world, "ozon", "api_key"), **typed)
    assert check(newest(), "key_format").code == code
    assert newest().verdict == fault


def test_full_width_and_invisible_characters_are_only_a_hint(world, net, anna):
    typed = {"client_id": "２１７４３１１", "api_key": f"\u200b{OZON_KEYS['api_key']} "}
    page = press(anna, begin(world, "ozon", "api_key"), **typed).content.decode()
    found = check(newest(), "key_format")
    assert (found.result, found.code) == ("warn", "unclean")
    assert [each["problem"] for each in found.facts["problems"]] == ["unclean", "unclean"]
    assert "Client ID" in page


def test_keys_of_the_test_environment_are_told(world, net, anna):
    app = find_or_make_app("ebay")
    App.objects.filter(pk=app.pk).update(client_id="Storelink-Storelin-SBX-1234-5678")
    press(anna, begin(world, "ebay", "authorization_code"))
    assert newest().verdict == "wrong_environment"


def test_an_application_is_tried_where_the_platform_allows_it(world, net, anna, market):
    typed = keys_of("aliexpress-harbor", "own_app")
    attempt = begin(world, "aliexpress", "own_app")
    press(anna, attempt, **typed)
    assert check(newest(), "application").code == "accepted"
    press(anna, attempt, **typed | {"app_secret": "EmuAeWrongSecret00123456789abcde"})
    assert check(newest(), "application").result == "fail"
    assert newest().verdict == check(newest(), "application").facts["fault"]
    with all_tenants("nothing of it is kept"):
        assert not App.objects.exists()


def test_an_application_entered_before_is_tried_without_typing(world, net, anna, market):
    typed = keys_of("aliexpress-harbor", "own_app")
    attempt = begin(world, "aliexpress", "own_app")
    anna.post(reverse("link_prepare", args=[attempt.public_id]), typed)
    known = App.objects.get()
    again = begin(world, "aliexpress", "own_app", site="")
    press(anna, again, known_app=str(known.public_id), app_key="", app_secret="")
    assert check(newest(), "application").code == "accepted"
    market.control("rotate_secret", app="aliexpress-own-harbor")
    press(anna, again, known_app=str(known.public_id), app_key="", app_secret="")
    assert check(newest(), "application").code == "refused"


def test_without_an_application_of_ours_there_is_no_consent(world, net, anna, market):
    find_or_make_app("ebay")
    attempt = begin(world, "ebay", "authorization_code")
    with all_tenants("as if it had been taken away"):
        LinkAttempt.objects.update(app=None)
    App.objects.all().delete()
    press(anna, attempt)
    assert newest().verdict == "app_rejected"


def test_the_page_of_consent_must_be_reachable_too(world, net, anna):
    find_or_make_app("ebay")
    press(anna, begin(world, "ebay", "authorization_code"))
    hosts = check(newest(), "connection").facts["hosts"]
    assert [each["host"] for each in hosts] == ["emulator.test"]


def test_a_missing_intermediate_keeps_sellers_from_coming_back(world, net, anna):
    find_or_make_app("ebay")
    net.broken["storelink.example"] = {
        "scheme": "https", "failed": "tls", "why": "chain_incomplete",
    }  # fmt: skip
    attempt = begin(world, "ebay", "authorization_code")
    App.objects.update(redirect_uri="RuName-of-ours")
    with override_settings(BASE_URL="https://storelink.example"):
        page = press(anna, attempt).content.decode()
    assert newest().verdict == "tls_failed"
    assert "intermediate certificate" in page


def test_nothing_typed_is_no_fault(world, net, anna):
    press(anna, begin(world, "ozon", "api_key"), client_id="", api_key="")
    assert check(newest(), "key_format").code == "not_typed"
    assert newest().verdict == "ok"


def test_without_javascript_the_answer_is_a_page_of_its_own(world, net, anna):
    attempt = begin(world, "ozon", "api_key")
    address = reverse("link_check", args=[attempt.public_id])
    assert "Check now" in anna.get(address).content.decode()
    page = anna.post(address, follow=True)
    assert page.redirect_chain == [(address, 302)]
    assert "Nothing stands in the way of linking." in page.content.decode()


def test_the_wizard_offers_it_before_and_after_a_failure(world, net, anna, market):
    attempt = begin(world, "ozon", "api_key")
    page = reverse("link_attempt", args=[attempt.public_id])
    assert "Check before you link" in anna.get(page).content.decode()
    anna.post(reverse("link_keys", args=[attempt.public_id]), OZON_KEYS)
    assert "Find the cause" in anna.get(page).content.decode()


def test_what_was_typed_is_nowhere_afterwards(world, net, anna, caplog):
    secret = "MARKER-9f8e7d6c-secret-value-0123456789"
    for platform, mode, more, typed in (
        ("ozon", "api_key", {}, {"client_id": secret, "api_key": secret}),
        ("shopify", "custom_app_token", {}, {"shop_domain": secret, "access_token": secret}),
        ("amazon", "self_authorization", {}, {"client_id": secret, "refresh_token": secret}),
        ("tiktok_shop", "own_app", {"region": "row"}, {"app_key": secret, "app_secret": secret}),
    ):
        with caplog.at_level("DEBUG"):
            page = press(anna, begin(world, platform, mode, **more), **typed)
        assert "MARKER" not in page.content.decode()
    with all_tenants("looking from outside"):
        kept = json.dumps(list(Diagnosis.objects.values_list("checks", flat=True)))
    assert "MARKER" not in kept + caplog.text
