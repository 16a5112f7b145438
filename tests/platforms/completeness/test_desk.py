"""What support, operators of an installation and programs see of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from platforms import health
from platforms.models import DataCheck
from tenants.models import Store
from tenants.scope import tenant_scope
from tests.conftest import join_support
from tests.platforms.commands.run import run
from tests.platforms.completeness.test_pages import make_day
from tests.support.factories import make_authorization, make_stream


@pytest.fixture
def sam(world):
    join_support(world.sam)
    return world.client(world.sam)


def test_support_finds_the_days_that_differ(world, sam):
    bad = make_day(world.tea, missing=3)
    make_day(world.silk)
    address = reverse("admin:platforms_daycount_changelist")
    text = sam.get(address, {"differs": "yes"}).content.decode()
    assert "ebay/tea" in text
    assert "amazon/silk" not in text
    page = sam.get(reverse("admin:platforms_daycount_change", args=[bad.pk]))
    assert page.status_code == 200
    assert b'name="missing"' not in page.content  # nothing to type


def test_the_command_tells_by_store_and_day(world):
    make_day(world.tea, missing=2, our_count=8)
    found = run("completeness", "--tenant=lotus", "--json").json
    assert (found["at_platform"], found["here"], len(found["stores"])) == (10, 8, 3)
    one = run("completeness", "--store=lotus/ebay/tea", "--days=1", "--json").json
    (store,) = one["stores"]
    assert store["days"][0]["missing"] == 2
    assert store["uncounted"] == 0
    assert "8 of 10 orders are here." in run("completeness", "--tenant=lotus").out


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("--tenant=nobody",), ("--store=lotus/ebay/none",), ("--days=0", "--tenant=lotus"),
        ("--days=31", "--tenant=lotus"), ("--tenant=maple", "--store=lotus/ebay/tea"),
    ],
)  # fmt: skip
def test_bad_input_is_said(world, arguments):
    assert run("completeness", "--json", *arguments).code == 2


def test_health_says_what_could_not_be_healed(world):
    make_day(world.tea, missing=3, healed=1)
    make_day(world.silk, missing=3, healed=3)
    client = world.client(world.anna)
    board = client.get(reverse("health")).content.decode()
    assert "2 orders differ from the platform" in board
    page = client.get(reverse("store_health", args=[world.tea.public_id])).content.decode()
    assert "2 orders of the last days are still missing" in page
    assert reverse("store_completeness", args=[world.tea.public_id]) in page
    assert run("health", "--json", "--store=lotus/ebay/tea").json[0]["differing"] == 2
    with tenant_scope(world.lotus):
        store = Store.objects.select_related("authorization").get(pk=world.silk.pk)
        assert health.of_store(store, now=timezone.now()).differing == 0


def test_who_may_not_see_the_page_is_not_sent_there(world):
    make_day(world.tea, missing=3)
    page = world.client(world.cai).get(reverse("store_health", args=[world.tea.public_id]))
    assert reverse("store_completeness", args=[world.tea.public_id]) not in page.content.decode()


def test_the_centre_is_not_crowded_by_nightly_counts(world):
    with tenant_scope(world.lotus):
        DataCheck.objects.create(
            tenant=world.lotus, store=world.tea, kind="counts", state="done",
            asked={"since": "x", "until": "x", "nightly": True},
            created_at=timezone.now() - timedelta(hours=1), finished_at=timezone.now(),
            report={"ended": "done", "verdict": "complete", "window": None},
        )  # fmt: skip
        check = DataCheck.objects.get()
    client = world.client(world.anna)
    address = reverse("check", args=[check.public_id])
    for page in (
        reverse("checks"), reverse("checks") + "?which=attention",
        reverse("store_checks", args=[world.tea.public_id]),
        reverse("store", args=[world.tea.public_id]),
    ):  # fmt: skip
        assert address not in client.get(page).content.decode()
    assert "Tea House" in client.get(reverse("checks"), {"which": "unchecked"}).content.decode()


def test_the_next_step_of_a_working_store_that_differs_leads_there(world):
    authorization = make_authorization(world.lotus)
    now = timezone.now()
    make_stream(authorization, world.tea, watermark=now, last_success_at=now)
    with tenant_scope(world.lotus):
        Store.objects.filter(pk=world.tea.pk).update(authorization=authorization)
    make_day(world.tea, missing=3)
    assert "See the differences" in world.client(world.anna).get(reverse("health")).content.decode()
    assert (
        "An operator can see which"
        in world.client(world.cai).get(reverse("health")).content.decode()
    )
