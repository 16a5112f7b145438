from __future__ import annotations

import pytest

from tenants.models import Event, Tenant
from tenants.scope import tenant_scope

SETTINGS = {
    "name": "Lotus 2", "time_zone": "Europe/Berlin", "retention_days": "30",
    "freshness_minutes": "10",
}  # fmt: skip


def test_settings_are_saved_and_on_the_trail(world):
    world.client(world.ada).post("/settings/", SETTINGS)
    world.lotus.refresh_from_db()
    assert (world.lotus.name, world.lotus.retention_days) == ("Lotus 2", 30)
    with tenant_scope(world.lotus):
        event = Event.objects.get()
    assert event.detail["retention_days"] == [90, 30]


@pytest.mark.parametrize(
    "wrong",
    [{"time_zone": "Mars/Base"}, {"retention_days": "6"}, {"freshness_minutes": "4"}, {"name": ""}],
)
def test_wrong_settings_are_marked_and_nothing_is_saved(world, wrong):
    page = world.client(world.anna).post("/settings/", SETTINGS | wrong)
    assert list(page.context["form"].errors) == list(wrong)
    assert Tenant.objects.get(pk=world.lotus.pk).name == "Lotus"


def test_members_do_not_change_settings(world):
    assert world.client(world.bo).post("/settings/", SETTINGS).status_code == 403


def test_required_two_step_sign_in_holds_for_pages_and_tokens(world):
    client = world.client(world.bo)
    secret = client.post("/api-tokens/", {"name": "erp"}).context["secret"]
    Tenant.objects.filter(pk=world.lotus.pk).update(require_mfa=True)
    assert client.get("/api-tokens/")["Location"] == "/accounts/2fa/"
    answer = client.get("/api/v1/bindings/", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/bindings/", "/members/", "/company/", "/api-tokens/"])
@pytest.mark.django_db
def test_visitors_are_asked_to_sign_in(client, path):
    assert client.get(path)["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("path", ["/bindings/", "/members/", "/events/", "/api-tokens/"])
def test_who_is_in_no_company_is_told_how_to_get_into_one(world, path):
    assert world.client(world.sam).get(path)["Location"] == "/company/"


@pytest.mark.parametrize(
    "path",
    ["/company/switch/", "/join/as-other/", "/invitations/%s/revoke/", "/members/%s/remove/"],
)
def test_changes_are_not_made_by_following_a_link(world, path):
    path = path.replace("%s", str(world.member(world.bo).public_id))
    assert world.client(world.anna).get(path).status_code == 405


@pytest.mark.parametrize(
    ("page", "entry"),
    [("/quarantine/", "/health/"), ("/completeness/", "/checks/"), ("/orders/", "/orders/")],
)
def test_the_menu_shows_where_one_is(world, page, entry):
    text = world.client(world.anna).get(page).content.decode()
    assert f'class="nav-entry is-open" href="{entry}"' in text
    assert text.count('"nav-entry is-open" href="/') == 1
