"""Developer applications: what is typed in, what is kept, what never comes back."""

from __future__ import annotations

import pytest
from django.urls import reverse

from platforms import credentials
from platforms.models import App
from platforms.push_addresses import address_of
from tests.platforms.admin.conftest import APP_SECRET

ADD = reverse("admin:platforms_app_add")
SOLUTION = "amzn1.sp.solution.0a1b2c3d-0000-4000-8000-000000000000"


def form_of(**changes: str) -> dict[str, str]:
    return {
        "name": "Ours",
        "environment": "production",
        "client_id": "client",
        "secret": "a-secret-of-some-length",
        "redirect_uri": "https://example.test/",
        "active": "on",
    } | changes


def change_url(app: App) -> str:
    return reverse("admin:platforms_app_change", args=[app.pk])


def test_the_platform_is_chosen_first(desk):
    page = desk.chief.get(ADD).content.decode()
    assert 'href="?platform=amazon"' in page
    page = desk.chief.get(ADD, {"platform": "nowhere"}).content.decode()
    assert 'href="?platform=amazon"' in page


def test_the_form_asks_what_the_platform_needs_and_names_the_callback(desk):
    page = desk.chief.get(ADD, {"platform": "amazon"}).content.decode()
    assert 'name="extra_application_id"' in page
    assert "/link/callback/amazon/" in page
    page = desk.chief.get(ADD, {"platform": "ebay"}).content.decode()
    assert "extra_application_id" not in page


def test_a_new_application_is_sealed(desk):
    data = form_of(extra_application_id=SOLUTION, secret=" “amzn-secret-of-length” ")
    answer = desk.chief.post(f"{ADD}?platform=amazon", data)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    app = App.objects.get(platform="amazon")
    assert (app.tenant, app.extra) == (None, {"application_id": SOLUTION})
    assert b"amzn-secret" not in bytes(app.sealed_secret)
    assert credentials.app_keys(app).client_secret == "amzn-secret-of-length"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"secret": ""}, "secret"),
        ({"extra_application_id": "amzn1.nonsense"}, "extra_application_id"),
        ({"extra_application_id": ""}, "extra_application_id"),
        ({"environment": "moon"}, "environment"),
        ({"client_id": " "}, "client_id"),
    ],
)
def test_what_cannot_be_right_is_said_at_its_field(desk, change, field):
    data = form_of(extra_application_id=SOLUTION) | change
    answer = desk.chief.post(f"{ADD}?platform=amazon", data)
    assert list(answer.context["adminform"].form.errors) == [field]
    assert "a-secret-of-some-length" not in answer.content.decode()
    assert not App.objects.filter(platform="amazon").exists()


def test_an_empty_secret_keeps_the_old_one(desk):
    answer = desk.chief.post(change_url(desk.app), form_of(secret="", name="Renamed"))
    assert answer.status_code == 302
    app = App.objects.get(pk=desk.app.pk)
    assert app.name == "Renamed"
    assert credentials.app_keys(app).client_secret == APP_SECRET


def test_a_typed_secret_replaces_the_old_one(desk):
    desk.chief.post(change_url(desk.app), form_of(secret="another-long-secret"))
    app = App.objects.get(pk=desk.app.pk)
    assert credentials.app_keys(app).client_secret == "another-long-secret"
    assert app.secret_hint == "cret"
    page = desk.chief.get(change_url(app)).content.decode()
    assert "…cret" in page
    assert "another-long-secret" not in page


def test_only_one_of_ours_is_active_per_platform_and_environment(desk):
    answer = desk.chief.post(f"{ADD}?platform=ebay", form_of())
    assert "active" in answer.context["adminform"].form.errors
    assert desk.chief.post(f"{ADD}?platform=ebay", form_of(active="")).status_code == 302
    sandbox = form_of(environment="sandbox")
    assert desk.chief.post(f"{ADD}?platform=ebay", sandbox).status_code == 302
    assert App.objects.filter(platform="ebay").count() == 3


def test_support_sees_applications_and_changes_none(desk):
    page = desk.agent.get(change_url(desk.app))
    assert page.status_code == 200
    assert 'name="secret"' not in page.content.decode()
    assert desk.agent.post(change_url(desk.app), form_of()).status_code == 403
    assert desk.agent.get(ADD, {"platform": "ebay"}).status_code == 403


def test_an_application_in_use_cannot_be_deleted(desk):
    url = reverse("admin:platforms_app_delete", args=[desk.app.pk])
    desk.chief.post(url, {"post": "yes"})
    assert App.objects.filter(pk=desk.app.pk).exists()


def test_each_portal_of_a_marketplace_has_an_application_of_its_own(desk):
    for region in ("us", "row"):
        data = form_of(region=region, extra_service_id="7123456789012345678", client_id=region)
        answer = desk.chief.post(f"{ADD}?platform=tiktok_shop", data)
        assert answer.status_code == 302, answer.context["adminform"].form.errors
    ours = App.objects.filter(platform="tiktok_shop")
    assert sorted(ours.values_list("region", flat=True)) == ["row", "us"]
    again = desk.chief.post(
        f"{ADD}?platform=tiktok_shop", form_of(region="us", extra_service_id="7123456789012345678")
    )
    assert "active" in again.context["adminform"].form.errors


def test_an_application_names_the_address_for_its_pushes(desk):
    app = App.objects.get(platform="ebay")
    page = desk.chief.get(change_url(app)).content.decode()
    assert address_of(app) in page
