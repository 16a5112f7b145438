"""manage.py link_url where the consent needs something first."""

from __future__ import annotations

import pytest

from platforms.models import App, LinkAttempt
from tenants.scope import tenant_scope
from tests.platforms.commands.run import Ran, run
from tests.support.linking import keys_of, make_app


def link_url(platform: str, mode: str, *more: str, **values: str) -> Ran:
    return run(
        "link_url", "--tenant=lotus", f"--platform={platform}", f"--mode={mode}",
        "--account-name=corner", "--json", *more,
        *(f"--set={name}={value}" for name, value in values.items()),
    )  # fmt: skip


def attempts(world) -> list[LinkAttempt]:
    with tenant_scope(world.lotus):
        return list(LinkAttempt.objects.select_related("app"))


def test_what_is_set_prepares_the_attempt(world, market, client):
    make_app("shopify")

    ran = link_url("shopify", "authorization_code", shop_domain="emu-lantern")

    assert ran.code == 0
    (attempt,) = attempts(world)
    assert attempt.given == {"shop_domain": "emu-lantern.myshopify.com"}
    client.get(ran.json["url"].removeprefix("http://127.0.0.1:8000"), follow=True)
    assert "/admin/oauth/authorize?" in client.get("/h/go/").url


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "Shop address is missing."),
        ({"shop_domain": "shop.example.com"}, "This is not the address we need."),
        ({"shop_domain": "emu-lantern", "color": "red"}, "There is no field color"),
    ],
)
def test_what_is_missing_or_wrong_is_bad_input(world, market, values, said):
    make_app("shopify")

    ran = link_url("shopify", "authorization_code", **values)

    assert ran.code == 2
    assert said in ran.json["detail"]
    assert attempts(world) == []


def test_a_pair_without_a_name_is_bad_input(world, market):
    ran = link_url("shopify", "authorization_code", "--set=emu-lantern")

    assert ran.code == 2
    assert "emu-lantern" not in ran.out


def test_nothing_can_be_set_where_nothing_is_needed(world, market):
    make_app("ebay")

    assert link_url("ebay", "authorization_code", shop="x").code == 2


def test_an_own_application_needs_none_of_ours(world, market):
    values = keys_of("aliexpress-harbor", "own_app")

    ran = link_url("aliexpress", "own_app", **values)

    assert ran.code == 0
    (attempt,) = attempts(world)
    assert attempt.app.tenant == world.lotus
    assert values["app_secret"] not in ran.out + ran.err


def test_a_refused_application_is_explained(world, market):
    values = keys_of("aliexpress-harbor", "own_app")
    values["app_secret"] = "EmuAeWrongSecret00123456789abcde"

    ran = link_url("aliexpress", "own_app", **values)

    assert ran.code == 3
    assert ran.json["url"] is None
    (attempt,) = attempts(world)
    assert ran.json["fault"] == attempt.fault
    assert ran.json["attempt"] == str(attempt.public_id)
    assert ran.json["advice"] == ran.err
    assert not App.objects.exists()


def test_an_application_of_another_region_does_not_help(world, market):
    make_app("tiktok_shop-us")

    ran = link_url("tiktok_shop", "authorization_code", "--region=row")

    assert ran.code == 3
    assert attempts(world) == []
