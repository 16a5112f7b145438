"""Troubles, outages, timelines, notices, robots, diagnoses and checks in the support pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from platforms.models import (
    App,
    CalendarFeed,
    DataCheck,
    Diagnosis,
    Notice,
    Outage,
    Sending,
    TimelineEntry,
    Trouble,
)
from tenants.models import Membership
from tenants.scope import all_tenants
from tests.conftest import make_user
from tests.platforms.admin.conftest import APP_SECRET, NOW
from tests.support.factories import make_authorization, make_store

LISTS = (
    "trouble", "outage", "timelineentry", "notice", "sending", "chatrobot", "calendarfeed",
    "diagnosis", "datacheck",
)  # fmt: skip


def listed(client, model: str, **query: object) -> list[object]:
    page = client.get(reverse(f"admin:platforms_{model}_changelist"), query)
    assert page.status_code == 200, (model, query)
    return list(page.context["cl"].result_list)


def page_of(client, row, app: str = "platforms") -> str:
    name = row._meta.model_name
    answer = client.get(reverse(f"admin:{app}_{name}_change", args=[row.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def elsewhere(desk):
    """The same things at another platform, of another tenant."""
    maple = desk.world.maple
    with all_tenants("a second tenant"):
        grant = make_authorization(maple, platform="ozon")
        store = make_store(maple, platform="ozon", authorization=grant, account_name="fur")
        trouble = Trouble.objects.create(
            tenant=maple, store=store, authorization=grant, fault="platform_down",
            began_at=NOW, ended_at=NOW,
        )  # fmt: skip
        TimelineEntry.objects.create(
            tenant=maple, authorization=grant, moment="refreshed", first_at=NOW, last_at=NOW
        )
        Outage.objects.create(platform="ozon", fault="rate_limited", since=NOW, ended_at=NOW)
        notice = Notice.objects.create(
            tenant=maple,
            occasion="ends_soon",
            key="ends:9",
            store=store,
            authorization=grant,
            created_at=NOW,
        )
        Sending.objects.create(
            tenant=maple, notice=notice, membership=desk.world.member(desk.world.dan)
        )
        Diagnosis.objects.create(tenant=maple, store=store, verdict="ok", at=NOW)
        DataCheck.objects.create(tenant=maple, store=store, kind="counts", created_at=NOW)
    return trouble


@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("trouble", {"platform": "ebay"}),
        ("trouble", {"open": "yes"}),
        ("trouble", {"fault": "insufficient_scope"}),
        ("trouble", {"q": "lotus/ebay/tea"}),
        ("trouble", {"q": "lotus/ebay"}),
        ("trouble", {"q": "Lotus"}),
        ("outage", {"open": "yes"}),
        ("outage", {"platform": "ebay"}),
        ("outage", {"fault": "platform_down"}),
        ("timelineentry", {"platform": "ebay"}),
        ("timelineentry", {"moment__exact": "refused"}),
        ("timelineentry", {"fault": "insufficient_scope"}),
        ("timelineentry", {"q": "lotus/ebay/tea"}),
        ("notice", {"platform": "ebay"}),
        ("notice", {"occasion__exact": "broke"}),
        ("notice", {"q": "lotus/ebay/tea"}),
        ("sending", {"platform": "ebay", "standing": "late"}),
        ("sending", {"standing": "given_up"}),
        ("sending", {"q": "lotus/ebay/tea", "state__exact": "waiting"}),
        ("chatrobot", {"standing": "refused"}),
        ("diagnosis", {"platform": "ebay"}),
        ("diagnosis", {"verdict": "insufficient_scope"}),
        ("diagnosis", {"q": "lotus/ebay/tea"}),
        ("datacheck", {"platform": "ebay"}),
        ("datacheck", {"state__exact": "done"}),
        ("datacheck", {"q": "lotus/ebay/tea"}),
    ],
)
def test_lists_are_narrowed_to_the_one_that_is_meant(desk, elsewhere, model, query):
    found = listed(desk.agent, model, **query)
    assert len(found) == 1
    assert getattr(found[0], "tenant", desk.world.lotus) == desk.world.lotus


@pytest.mark.parametrize("model", [each for each in LISTS if each != "outage"])
def test_lists_stay_inside_the_tenant_that_was_chosen(desk, elsewhere, model):
    found = listed(desk.agent, model, tenant=desk.world.lotus.pk)
    assert {row.tenant for row in found} == {desk.world.lotus}


@pytest.mark.parametrize("model", LISTS)
def test_a_longer_list_costs_no_more_queries(desk, elsewhere, model):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            listed(desk.agent, model)
        return len(queries)

    cost()
    before = cost()
    with all_tenants("more of everything"):
        for number in range(3):
            more(desk, number)
    assert cost() == before


def more(desk, number: int) -> None:
    lotus = desk.world.lotus
    grant = make_authorization(lotus)
    store = make_store(lotus, authorization=grant)
    fields = {"tenant": lotus, "store": store}
    Trouble.objects.create(**fields, authorization=grant, fault="unknown", began_at=NOW)
    TimelineEntry.objects.create(
        **fields, authorization=grant, moment="broke", first_at=NOW, last_at=NOW
    )
    Outage.objects.create(platform=f"p{number}", fault="unknown", since=NOW)
    notice = Notice.objects.create(
        **fields, authorization=grant, occasion="ends_soon", key=f"n{number}", created_at=NOW
    )
    desk.robot.pk, desk.robot.public_id = None, Notice._meta.get_field("public_id").get_default()
    desk.robot.save(force_insert=True)
    Sending.objects.create(tenant=lotus, notice=notice, robot=desk.robot)
    Diagnosis.objects.create(**fields, verdict="ok", at=NOW)
    DataCheck.objects.create(**fields, kind="counts", created_at=NOW)
    user = make_user(f"feed{number}@lotus.example")
    CalendarFeed.objects.create(
        tenant=lotus, membership=Membership.objects.create(tenant=lotus, user=user),
        token_hash=f"{number}", created_at=NOW,
    )  # fmt: skip


def test_a_trouble_says_what_the_tenant_is_told(desk):
    page = page_of(desk.agent, desk.trouble)
    for shown in ("lotus/ebay/tea/", "Permission missing", "insufficient_scope", "scope missing",
                  "2 hours"):  # fmt: skip
        assert shown in page.replace("lotus/ebay/tea<", "lotus/ebay/tea/<")


def test_a_notice_is_read_as_its_reader_reads_it_with_those_it_went_to(desk):
    page = page_of(desk.agent, desk.notice)
    for shown in ("Tea House", "stopped working", "anna@lotus.example", "DingTalk: Tea room",
                  "Could not be sent"):  # fmt: skip
        assert shown in page


def test_a_robot_is_known_by_its_hint_and_says_why_it_refused(desk):
    page = page_of(desk.agent, desk.robot)
    assert "oapi.dingtalk.com …5151" in page
    assert "A store stopped working" in page
    assert "sign" in page.lower()


def test_a_diagnosis_is_told_in_words_with_its_evidence(desk):
    page = page_of(desk.agent, desk.diagnosis)
    for shown in ("Permissions", "scope-missing", "Failed", "bo@lotus.example"):
        assert shown in page


def test_a_data_check_is_told_in_words_and_downloaded(desk):
    page = page_of(desk.agent, desk.data_check)
    assert "Slow" in page
    assert "4.2 s" in page
    for name, kind in (("report_pdf", b"%PDF"), ("report_csv", b"Report")):
        address = reverse(f"admin:platforms_datacheck_{name}", args=[desk.data_check.pk])
        assert address in page
        answer = desk.agent.get(address)
        assert answer.status_code == 200
        assert kind in answer.content[:40]
        assert "attachment" in answer["Content-Disposition"]


def test_a_check_that_runs_has_no_report_yet(desk):
    with all_tenants("a check under way"):
        row = DataCheck.objects.create(
            tenant=desk.world.lotus, store=desk.world.silk, kind="counts", state="running",
            created_at=NOW, started_at=NOW,
        )  # fmt: skip
    assert "report_pdf" not in page_of(desk.agent, row)
    answer = desk.agent.get(reverse("admin:platforms_datacheck_report_pdf", args=[row.pk]))
    assert answer.status_code == 302


def test_the_order_numbers_of_a_count_are_not_on_its_page(desk):
    both = {"missing": 1, "different": 0, "extra": 0}
    report = {
        "verdict": "incomplete", "before": both, "after": both, "platform": 3, "ours": 2,
        "deleted": 0, "unreadable": 0, "unreadable_known": 0, "moved": 0, "healing": "done",
        "pages": 1, "calls": 1, "seconds": 1.0, "days": [], "zone": "UTC",
        "window": [NOW.isoformat(), NOW.isoformat()], "numbers": {"missing": ["ORDER-77-99"]},
    }  # fmt: skip
    with all_tenants("a count that is over"):
        row = DataCheck.objects.create(
            tenant=desk.world.lotus, store=desk.world.silk, kind="counts", state="done",
            created_at=NOW, started_at=NOW, finished_at=NOW, report=report,
        )  # fmt: skip
    page = page_of(desk.agent, row)
    assert "Incomplete" in page
    assert "ORDER-77-99" not in page


def test_a_store_tells_how_it_is_with_clocks_trouble_timeline_and_diagnosis(desk):
    page = page_of(desk.agent, desk.world.tea, app="tenants")
    for shown in ('<svg class="strip"', "Access", "Permission missing", "Pull refused 7 times",
                  f"/support/platforms/trouble/{desk.trouble.pk}/",
                  f"/support/platforms/diagnosis/{desk.diagnosis.pk}/",
                  "/support/platforms/timelineentry/?"):  # fmt: skip
        assert shown in page


def test_an_authorization_tells_how_its_stores_are(desk):
    page = page_of(desk.agent, desk.authorization)
    for shown in ('<svg class="strip"', "support-tag",
                  f"/support/platforms/trouble/{desk.trouble.pk}/",
                  f"/support/platforms/diagnosis/{desk.diagnosis.pk}/",
                  "/support/platforms/timelineentry/?"):  # fmt: skip
        assert shown in page


def test_a_row_of_a_platform_we_no_longer_have_still_has_its_page(desk):
    with all_tenants("what an older version left"):
        gone = make_store(desk.world.lotus, platform="gone")
        rows = [
            Trouble.objects.create(
                tenant=desk.world.lotus, store=gone, fault="unknown", began_at=NOW
            ),
            Diagnosis.objects.create(tenant=desk.world.lotus, store=gone, verdict="ok", at=NOW),
            Outage.objects.create(platform="gone", fault="unknown", since=NOW),
            DataCheck.objects.create(
                tenant=desk.world.lotus, store=gone, kind="counts", state="done", created_at=NOW,
                finished_at=NOW, report={"verdict": "complete"},
            ),
        ]  # fmt: skip
    for row in rows:
        page_of(desk.agent, row)
    assert desk.agent.get("/support/fleet/").status_code == 200


# --- until when the secret of our own application works


def secret_until(app: App) -> str:
    return reverse("admin:platforms_app_secret_until", args=[app.pk])


def test_support_dates_the_secret_of_our_own_application(desk):
    assert secret_until(desk.app) in page_of(desk.agent, desk.app)
    answer = desk.agent.post(secret_until(desk.app), {"secret_until": "2027-01-31"}, follow=True)
    assert "The day is saved." in answer.content.decode()
    desk.app.refresh_from_db()
    with timezone.override(desk.agent_user.time_zone):
        assert f"{timezone.localtime(desk.app.secret_expires_at):%Y-%m-%d %H}" == "2027-01-31 00"
    (entry,) = LogEntry.objects.all()
    assert (entry.user, entry.object_id) == (desk.agent_user, str(desk.app.pk))

    desk.agent.post(secret_until(desk.app), {"secret_until": ""})
    desk.app.refresh_from_db()
    assert desk.app.secret_expires_at is None


def test_a_day_that_stays_keeps_its_hour(desk):
    App.objects.filter(pk=desk.app.pk).update(secret_expires_at=NOW + timedelta(days=9))
    page = desk.agent.get(secret_until(desk.app)).content.decode()
    with timezone.override(desk.agent_user.time_zone):
        day = f"{timezone.localtime(NOW + timedelta(days=9)):%Y-%m-%d}"
    assert f'value="{day}"' in page
    desk.agent.post(secret_until(desk.app), {"secret_until": day})
    desk.app.refresh_from_db()
    assert desk.app.secret_expires_at == NOW + timedelta(days=9)
    assert not LogEntry.objects.exists()


def test_what_is_no_day_is_said(desk):
    page = desk.agent.post(secret_until(desk.app), {"secret_until": "soon"}).content.decode()
    assert "errorlist" in page
    desk.app.refresh_from_db()
    assert desk.app.secret_expires_at is None


def test_a_tenants_own_secret_is_dated_by_the_tenant(desk):
    own = App.objects.create(
        tenant=desk.world.lotus, platform="shopify", name="Own", client_id="c", sealed_secret=b"-"
    )
    assert secret_until(own) not in page_of(desk.agent, own)
    assert desk.agent.post(secret_until(own), {"secret_until": "2027-01-31"}).status_code == 403
    own.refresh_from_db()
    assert own.secret_expires_at is None


def test_staff_that_may_only_look_dates_nothing(desk):
    looker = make_user("looker@storelink.example", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_app"))
    client = desk.world.client(looker)
    assert secret_until(desk.app) not in page_of(client, desk.app)
    assert client.get(secret_until(desk.app)).status_code == 403
    for who in (desk.world.anna, desk.world.dan):
        assert desk.world.client(who).get(secret_until(desk.app)).status_code == 302


def test_the_day_is_written_with_the_application_by_who_may_change_it(desk):
    data = {
        "name": "Ours", "environment": "production", "client_id": "c", "secret": "",
        "redirect_uri": "RU", "active": "on", "secret_until": "2027-03-01",
    }  # fmt: skip
    url = reverse("admin:platforms_app_change", args=[desk.app.pk])
    answer = desk.chief.post(url, data)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    desk.app.refresh_from_db()
    assert desk.app.secret_expires_at is not None
    assert APP_SECRET not in desk.chief.get(url).content.decode()
