"""What ends when: the list, the month, and the private feed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar

from platforms.flows.calendar_feed import make_feed
from platforms.models import App, CalendarFeed
from tenants.models import Event, Membership, Store
from tenants.scope import tenant_scope
from tests.support.factories import make_authorization
from tests.support.together import together


def end_permission(world, store, at, **fields):
    row = make_authorization(
        world.lotus, platform=store.platform, consent_expires_at=at, **fields
    )  # fmt: skip
    with tenant_scope(world.lotus):
        Store.objects.filter(pk=store.pk).update(authorization=row)
    return row


@pytest.fixture
def ending(world):
    """The tea store's permission ends in ten days, the silk store's in two months."""
    now = timezone.now()
    end_permission(world, world.tea, now + timedelta(days=10))
    end_permission(world, world.silk, now + timedelta(days=60), mode="website_authorization")
    return now


def page(world, user, query=""):
    answer = world.client(user).get(reverse("expiries") + query)
    assert answer.status_code == 200
    return answer.content.decode()


def feed_of(world, user):
    """The address as the page shows it, once."""
    client = world.client(user)
    answer = client.post(reverse("calendar_feed_make"), follow=True)
    address = answer.context["feed_address"]
    assert address in answer.content.decode()
    assert client.get(reverse("expiries")).context["feed_address"] == ""
    return address


def read(client, address):
    answer = client.get(address.removeprefix("http://testserver"))
    assert answer.status_code == 200, answer.status_code
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    return Calendar.from_ical(answer.content)


def events(file):
    return {str(event["summary"]): event for event in file.walk("VEVENT")}


class TestTheList:
    def test_the_nearest_stands_first_with_what_to_do(self, world, ending):
        text = page(world, world.anna)
        assert text.index("Tea House") < text.index("silk")
        assert "in 10 days" in text
        assert "Link the store again before that day" in text

    def test_a_member_sees_the_stores_he_is_bound_to_only(self, world, ending):
        text = page(world, world.bo)
        assert "Tea House" in text
        assert "silk" not in text

    def test_another_company_sees_nothing_of_it(self, world, ending):
        assert "Tea House" not in page(world, world.dan)

    def test_one_platform_can_be_chosen(self, world, ending):
        text = page(world, world.anna, "?platform=amazon")
        assert "silk" in text
        assert "Tea House" not in text

    @pytest.mark.parametrize(
        "query", ["?platform=nonsense", "?page=99999", "?page=x", "?view=month&month=x",
                  "?view=month&month=0001-01", "?view=month&month=9999-12", "?month=2026-13"]
    )  # fmt: skip
    def test_nonsense_in_the_address_is_no_failure(self, world, ending, query):
        page(world, world.anna, query)

    def test_nothing_ends_is_said(self, world):
        assert "Nothing ends" in page(world, world.dan)

    def test_the_number_of_queries_does_not_grow_with_the_stores(
        self, world, ending, django_assert_max_num_queries
    ):
        for n in range(30):
            with tenant_scope(world.lotus):
                store = Store.objects.create(
                    tenant=world.lotus, platform="ebay", account_name=f"s{n}", state="active",
                    external_id=f"x{n}",
                )  # fmt: skip
            end_permission(world, store, ending + timedelta(days=n + 1))
        client = world.client(world.anna)
        with django_assert_max_num_queries(16):
            client.get(reverse("expiries"))


class TestTheMonth:
    def test_an_end_stands_on_its_day_in_the_companys_time_zone(self, world):
        world.lotus.time_zone = "Asia/Shanghai"
        world.lotus.save()
        # 17:00 UTC on the 14th is the 15th in Shanghai.
        end_permission(world, world.tea, datetime(2027, 1, 14, 17, tzinfo=UTC))
        answer = world.client(world.anna).get(reverse("expiries") + "?view=month&month=2027-01")
        days = {
            d.day.isoformat(): d.ends for week in answer.context["weeks"] for d in week if d.ends
        }
        assert list(days) == ["2027-01-15"]

    def test_many_on_one_day_are_counted(self, world):
        at = datetime(2027, 1, 14, 4, tzinfo=UTC)
        for n in range(5):
            with tenant_scope(world.lotus):
                store = Store.objects.create(
                    tenant=world.lotus, platform="ebay", account_name=f"s{n}", state="active",
                    external_id=f"x{n}",
                )  # fmt: skip
            end_permission(world, store, at)
        assert "2 more" in page(world, world.anna, "?view=month&month=2027-01")


class TestTheFeed:
    def test_it_holds_what_the_member_may_know_with_a_reminder(self, world, ending, client):
        found = events(read(client, feed_of(world, world.anna)))
        assert set(found) == {
            "Tea House (eBay): Permission of the platform ends",
            "silk (Amazon): Permission of the platform ends",
        }
        tea = found["Tea House (eBay): Permission of the platform ends"]
        day = (ending + timedelta(days=10)).astimezone(world.lotus.zone).date()
        assert tea["dtstart"].dt == day
        assert tea["url"].endswith(f"/stores/{world.tea.public_id}/")
        (alarm,) = tea.walk("VALARM")
        assert alarm["trigger"].dt == timedelta(days=-7)

    def test_a_members_feed_holds_his_stores_only(self, world, ending, client):
        found = events(read(client, feed_of(world, world.bo)))
        assert [name.split(" (")[0] for name in found] == ["Tea House"]

    def test_it_speaks_the_members_language(self, world, ending, client):
        world.anna.language = "zh-hans"
        world.anna.save()
        found = events(read(client, feed_of(world, world.anna)))
        assert not any("Permission" in name for name in found)

    def test_a_date_that_moves_on_moves_the_same_entry(self, world, ending, client):
        address = feed_of(world, world.bo)
        (before,) = events(read(client, address)).values()
        with tenant_scope(world.lotus):
            row = Store.objects.get(pk=world.tea.pk).authorization
            row.consent_expires_at += timedelta(days=365)
            row.save()
        (after,) = events(read(client, address)).values()
        assert before["uid"] == after["uid"]
        assert before["dtstart"].dt != after["dtstart"].dt

    def test_a_new_address_ends_the_one_before(self, world, ending, client):
        first = feed_of(world, world.anna)
        second = feed_of(world, world.anna)
        assert client.get(first.removeprefix("http://testserver")).status_code == 404
        read(client, second)
        world.client(world.anna).post(reverse("calendar_feed_end"))
        assert client.get(second.removeprefix("http://testserver")).status_code == 404

    def test_the_page_that_shows_the_address_is_kept_by_no_cache(self, world, client):
        answer = world.client(world.anna).post(reverse("calendar_feed_make"), follow=True)
        assert answer.context["feed_address"]
        assert "no-store" in answer["Cache-Control"]

    @pytest.mark.django_db(transaction=True)
    def test_two_made_at_once_are_one(self, world, ending, client):
        member = world.member(world.anna)

        def make():
            with tenant_scope(world.lotus):
                tokens.append(make_feed(membership=member, now=timezone.now()))

        tokens: list[str] = []
        together(make, times=4)
        answers = [client.get(reverse("calendar_file", args=[token])) for token in tokens]
        assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]

    @pytest.mark.parametrize("gone", ["left", "inactive"])
    def test_who_left_reads_no_more(self, world, ending, client, gone):
        address = feed_of(world, world.bo)
        if gone == "left":
            with tenant_scope(world.lotus):
                Membership.objects.filter(user=world.bo).update(left_at=timezone.now())
        else:
            world.bo.is_active = False
            world.bo.save()
        assert client.get(address.removeprefix("http://testserver")).status_code == 404

    def test_the_token_is_kept_hashed(self, world, client):
        address = feed_of(world, world.anna)
        with tenant_scope(world.lotus):
            feed = CalendarFeed.objects.get()
        assert feed.token_hash not in address

    def test_hostile_names_break_no_line(self, world, ending, client):
        with tenant_scope(world.lotus):
            Store.objects.filter(pk=world.tea.pk).update(
                display_name="Tea\r\nATTENDEE:mailto:x@evil.test\\;,🍵" + "长" * 60
            )
        found = events(read(client, feed_of(world, world.bo)))
        assert len(found) == 1
        (event,) = found.values()
        assert "attendee" not in event


class TestSecrets:
    @pytest.fixture
    def app(self, world):
        return App.objects.create(
            tenant=world.lotus, platform="shopify", name="Our Shopify app", client_id="c",
            sealed_secret=b"-",
        )  # fmt: skip

    def test_a_day_written_down_stands_in_the_calendar_and_in_the_trail(self, world, app):
        day = (timezone.now() + timedelta(days=40)).date().isoformat()
        client = world.client(world.anna)
        client.post(reverse("secret_until", args=[app.public_id]), {"until": day})
        assert "Secret of the application" in page(world, world.anna)
        assert "Our Shopify app" not in page(world, world.bo)
        with tenant_scope(world.lotus):
            assert Event.objects.get(verb="app.secret_dated").detail["until"] == day
        client.post(reverse("secret_until", args=[app.public_id]), {"until": ""})
        assert "Secret of the application" not in page(world, world.anna)

    @pytest.mark.parametrize("day", ["soon", "0001-01-01", "9999-12-31"])
    def test_nonsense_is_refused_in_words(self, world, app, day):
        answer = world.client(world.anna).post(
            reverse("secret_until", args=[app.public_id]), {"until": day}, follow=True
        )
        assert "Write the day like" in answer.content.decode()
        app.refresh_from_db()
        assert app.secret_expires_at is None

    def test_an_application_of_ours_is_nobodys_business(self, world):
        ours = App.objects.create(
            platform="ebay", name="Ours", client_id="c", sealed_secret=b"-", region="x"
        )
        answer = world.client(world.anna).post(
            reverse("secret_until", args=[ours.public_id]), {"until": "2027-01-01"}
        )
        assert answer.status_code == 404
