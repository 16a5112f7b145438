from __future__ import annotations

import io

import pytest

from platforms import registry
from platforms.models import Authorization, LinkAttempt
from tenants.models import Event, Store
from tenants.scope import all_tenants, tenant_scope
from tests.platforms.commands.run import Ran, run
from tests.support.linking import keys_of, make_app


def link(account: str, *more: str, platform: str = "", mode: str = "", **changed: str) -> Ran:
    platform = platform or account.partition("-")[0]
    mode = mode or {"ozon": "api_key", "amazon": "self_authorization"}[platform]
    values = keys_of(account) | changed
    return run(
        "link_store", "--tenant=lotus", f"--platform={platform}", f"--mode={mode}",
        "--account-name=corner", *more, "--json",
        *(f"--set={name}={value}" for name, value in values.items()),
    )  # fmt: skip


def stores(world, name: str = "corner") -> list[Store]:
    with tenant_scope(world.lotus):
        return list(Store.objects.filter(account_name=name).order_by("site"))


def test_keys_that_work_link_the_store(world, market):
    ran = link("ozon-zarya")
    (store,) = stores(world)
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["store"] == str(store.public_id)
    assert ran.json["state"] == "active"
    assert ran.json["shop"]["name"] == store.external_name
    assert ran.json["fault"] is ran.json["advice"] is None


def test_without_a_site_every_shop_becomes_a_store(world, market):
    ran = link("amazon-aurora-eu")
    assert ran.code == 0
    assert len(ran.json["stores"]) == len(stores(world)) > 1
    assert ran.json["store"] == ran.json["stores"][0]["store"]


def test_with_sites_only_those_become_stores(world, market):
    sites = [store["shop"]["site"] for store in link("amazon-aurora-eu").json["stores"]][:2]
    with tenant_scope(world.lotus):
        Store.objects.filter(account_name="corner").delete()
    ran = link("amazon-aurora-eu", *(f"--site={site}" for site in sites))
    assert [store["shop"]["site"] for store in ran.json["stores"]] == sites
    assert sorted(sites) == [store.site for store in stores(world)]


def test_a_site_without_a_shop_is_named_with_those_there_are(world, market):
    ran = link("amazon-aurora-eu", "--site=TR")
    assert ran.code == 2
    assert "TR" in ran.json["detail"]
    assert "DE" in ran.json["detail"]
    assert stores(world) == []


def test_refused_keys_are_explained_and_nothing_is_kept(world, market):
    ran = link("ozon-zarya", api_key="e2e0e2e0-e2e0-4e2e-8e2e-999999999999")
    assert ran.code == 3
    assert ran.json["fault"] == "bad_credentials"
    assert ran.json["store"] is None
    assert ran.json["advice"] == ran.err
    with all_tenants("nothing was saved"):
        assert not Authorization.objects.exists()


def test_a_shop_that_is_linked_already_is_refused(world, market):
    link("ozon-zarya")
    ran = link("ozon-zarya", "--tenant=maple", "--account-name=mine")
    assert ran.code == 3
    assert ran.json["fault"] == "shop_mismatch"
    assert "lotus" not in ran.out.lower()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tenant=nobody"], "lotus, maple"),
        (["--platform=wallmart"], ", ".join(registry.codes())),
        (["--mode=magic"], "api_key"),
        (["--account-name=茶 店"], "letters, digits"),
        (["--site=Mars"], "site"),
        (["--set=colour=red"], "client_id, api_key"),
        (["--set=client_id"], "FIELD=VALUE"),
        (["--environment=moon"], "production"),
    ],
)
def test_bad_input_is_code_2_with_what_exists(world, market, arguments, said):
    ran = link("ozon-zarya", *arguments, platform="ozon")
    if arguments[0].startswith("--set"):
        ran = run("link_store", "--tenant=lotus", "--platform=ozon", "--mode=api_key", "--json",
                  "--account-name=corner", *arguments)  # fmt: skip
    assert ran.code == 2
    assert said in ran.json["detail"]
    assert said in ran.err
    with all_tenants("nothing was saved"):
        assert not LinkAttempt.objects.exists()


def test_a_mode_with_a_consent_page_is_pointed_to_link_url(world):
    ran = run("link_store", "--tenant=lotus", "--platform=ebay", "--mode=authorization_code",
              "--account-name=corner", "--json")  # fmt: skip
    assert ran.code == 2
    assert "link_url" in ran.json["detail"]


def test_a_refused_mode_says_why(world, market):
    ran = run("link_store", "--tenant=lotus", "--platform=amazon", "--mode=mws_keys",
              "--account-name=corner", "--json")  # fmt: skip
    assert ran.code == 2
    assert "2018" in ran.json["detail"]


def test_a_secret_can_come_from_standard_input(world, market, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(keys_of("ozon-zarya")["api_key"] + "\n"))
    assert link("ozon-zarya", api_key="-").code == 0


def test_a_secret_is_never_printed(world, market):
    secret = keys_of("ozon-zarya")["api_key"]
    for ran in (link("ozon-zarya"), link("ozon-zarya", client_id="wrong")):
        assert secret not in ran.out + ran.err


def test_linking_is_on_the_trail(world, market):
    link("ozon-zarya")
    with tenant_scope(world.lotus):
        assert Event.objects.get(verb="store.linked").actor_name == "system"


# --- link_url


def link_url(*more: str) -> Ran:
    return run("link_url", "--tenant=lotus", "--platform=ebay", "--mode=authorization_code",
               "--account-name=corner", "--json", *more)  # fmt: skip


def test_link_url_prints_a_link_that_opens_without_a_login(world, market, client):
    make_app("ebay")
    ran = link_url()
    assert set(ran.json) == {"url", "attempt", "expires_at"}
    assert ran.json["expires_at"].endswith("Z")
    page = client.get(ran.json["url"].removeprefix("http://127.0.0.1:8000"), follow=True)
    assert page.status_code == 200
    assert "eBay" in page.content.decode()


def test_link_url_without_an_application_says_so(world, market):
    ran = link_url()
    assert ran.code == 3
    assert ran.json["url"] is None
    assert ran.json["advice"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--hours=1000"], "168"), (["--platform=ozon", "--mode=api_key"], "link_store"),
     (["--tenant=x"], "lotus")],
)  # fmt: skip
def test_link_url_explains_bad_input(world, market, arguments, said):
    make_app("ebay")
    ran = link_url(*arguments)
    assert ran.code == 2
    assert said in ran.json["detail"]
