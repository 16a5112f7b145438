"""What PostgreSQL does for every way to look at the list: how many rows it reads does not depend
on how many there are. Asked as the owner of the tables and as the application's role, for which
row-level security changes the plans."""

from __future__ import annotations

import itertools
import json
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from platforms import registry
from platforms.landing import Known, Router
from platforms.models import Order
from platforms.orders_found import Place
from platforms.orders_query import OrderFilters, find_orders, with_lines, with_summary
from tenants.flows.api_token import issue_api_token
from tenants.models import Duty, Membership, Store, Tenant
from tenants.scope import all_tenants, tenant_scope
from tests.conftest import bind, join_support, make_store, make_user
from tests.support.many_orders import LAST_DAY, Made, Sizes, make_orders, make_stores

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

SIZES = Sizes(orders=60_000, companies=60, stores=240, big_stores=12)
MOST_ROWS = 2_500  # of 12,000 in the company and 60,000 in all, that one part of a plan may read
MOST_SKIPPED = 1_000
ROLE = f"storelink_test_plans_{os.getpid()}"

SHOPS = ("all", "last", "three")
STATUSES = ("", "delivered", "on_hold")
DAYS = ({}, {"until": LAST_DAY.replace(year=2025)}, {"since": LAST_DAY.replace(day=10)})
TEXTS = ("", "00000", "000001234", "ana", "SKU-0000", "none of these")


@dataclass
class Many:
    made: Made
    user: User
    places: list[str]

    @property
    def stores(self) -> dict[str, list[Store]]:
        big = self.made.big
        return {"all": big, "last": big[-1:], "three": big[3:12:4]}


@pytest.fixture
def many(db, monkeypatch):
    """60,000 orders, and limits that are as small beside them as the real ones beside millions."""
    for name, value in (("COUNT_CAP", 1000), ("FEW", 200), ("WALK", 80), ("SLICES", 1200)):
        monkeypatch.setattr(f"platforms.orders_found.{name}", value)
    monkeypatch.setattr("platforms.views.orders.EXPORT_BATCH", 100)
    with connection.cursor() as cursor:
        # Fresh files: what an earlier test rolled back still fills the old ones, and moves plans.
        cursor.execute("TRUNCATE platforms_order CASCADE")
    made = make_stores(SIZES)
    with all_tenants("all of them get orders"):
        ids = list(Store.objects.order_by("pk").values_list("pk", flat=True))
    make_orders(SIZES, made, ids)
    user = make_user("many@lotus.example", name="Many", is_staff=True)
    join_support(user)
    tenant = made.big[0].tenant
    with tenant_scope(tenant):
        member = Membership.objects.create(tenant=tenant, user=user)
        for store in made.big:
            bind(member, store, Duty.OPERATOR)
        deep = Order.objects.order_by("-placed_at", "-id")[6000]
    places = ["", *(str(Place.beside(deep, newer=newer)) for newer in (False, True))]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS")
        call_command("grant_app_role", role=ROLE, verbosity=0)
        cursor.execute("ALTER FUNCTION lower(text) LEAKPROOF")  # as docs/operations.md says
    return Many(made=made, user=user, places=places)


@contextmanager
def as_the_app():
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {ROLE}")
        yield
        cursor.execute("RESET ROLE")


def asked_of_orders(captured: CaptureQueriesContext) -> set[str]:
    return {
        query["sql"]
        for query in captured
        if re.search(r'FROM "?platforms_order', query["sql"]) and "SELECT" in query["sql"][:9]
    }


def parts(plan: dict):
    yield plan
    for below in plan.get("Plans", []):
        yield from parts(below)


def complaints(sql: str, *, most: int = MOST_ROWS) -> list[str]:
    """What is wrong with the way the server goes about it, for the role and scope of now."""
    found = [
        f"skips {skipped}" for skipped in re.findall(r"OFFSET (\d+)", sql)
        if int(skipped) > MOST_SKIPPED
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}")
        (answer,) = cursor.fetchone()
    plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    for part in parts(plan):
        rows = part["Actual Rows"] + part.get("Rows Removed by Filter", 0)
        rows = rows * part["Actual Loops"]
        table = part.get("Relation Name", "")
        if "Seq Scan" in part["Node Type"] and table.startswith("platforms_order"):
            found.append(f"{part['Node Type']} of {table}")
        # The entries of an index that a bitmap is made of cost little; the rows do.
        if rows > most and part["Node Type"] != "Bitmap Index Scan":
            found.append(f"{part['Node Type']} {table} of {rows} rows")
    return [f"{each}: {sql[:2000]}" for each in found]


def test_no_statement_of_the_list_reads_more_than_it_must(many):
    tenant = many.made.big[0].tenant
    asked = set()
    with tenant_scope(tenant), as_the_app():
        for shop, status, days, text, place in itertools.product(
            SHOPS, STATUSES, DAYS, TEXTS, many.places
        ):
            filters = OrderFilters(status=status, text=text, **days)
            with CaptureQueriesContext(connection) as captured:
                found = find_orders(filters, many.stores[shop])
                found.page(cursor=place, shape=with_lines if shop == "three" else with_summary)
                if not place:
                    found.count()
            asked |= asked_of_orders(captured)
        assert len(asked) > 500
        assert [bad for sql in sorted(asked) for bad in complaints(sql)][:5] == []
    with tenant_scope(tenant):  # as the owner of the tables
        assert [bad for sql in sorted(asked)[::10] for bad in complaints(sql)][:5] == []


def test_no_page_of_orders_asks_for_more(many):
    tenant = many.made.big[0].tenant
    browser = Client()
    browser.force_login(many.user)
    with tenant_scope(tenant):
        member = Membership.objects.get(user=many.user)
        _row, secret = issue_api_token(membership=member, name="t", now=timezone.now())
    program = Client(headers={"Authorization": f"Bearer {secret}"})
    sparse = str(many.made.big[-1].public_id)
    queries = [
        {}, {"platform": "ebay"}, {"store": sparse}, {"status": "on_hold"}, {"from": "2026-11-10"},
        {"status": "delivered", "to": "2025-06-30"}, {"q": "SKU-0000", "store": sparse},
        {"q": "000001234", "platform": "amazon", "status": "delivered", "from": "2025-01-01"},
    ]  # fmt: skip
    with as_the_app(), CaptureQueriesContext(connection) as captured:
        for query, place in itertools.product(queries, many.places):
            assert browser.get(reverse("orders"), query | {"at": place}).status_code == 200
            htmx = {"HX-Request": "true"}
            browser.get(reverse("orders"), query | {"at": place}, headers=htmx)
            api = program.get("/api/v1/orders/", query | {"cursor": place, "limit": "200"})
            assert api.status_code == 200
        for query in queries:
            pieces = browser.get(reverse("orders_export"), query).streaming_content
            list(itertools.islice(pieces, 3))
    with tenant_scope(tenant), as_the_app():
        asked = asked_of_orders(captured)
        assert len(asked) > 50
        assert [bad for sql in sorted(asked) for bad in complaints(sql)][:5] == []


def test_support_never_reads_through_the_orders_of_all_companies(many):
    browser = Client()
    browser.force_login(many.user)
    big = many.made.big
    queries = [
        {}, {"p": "20"}, {"tenant": big[0].tenant_id}, {"tenant": big[0].tenant_id, "p": "20"},
        {"tenant": big[0].tenant_id, "store": big[-1].pk}, {"store": big[-1].pk},
        {"store": big[0].pk}, {"store": big[0].pk, "p": "20"}, {"store": big[0].pk, "q": "none"},
        {"q": "0000012345"}, {"q": "none"}, {"q": "none", "tenant": big[0].tenant_id},
    ]  # fmt: skip
    with as_the_app(), CaptureQueriesContext(connection) as captured:
        for query in queries:
            answer = browser.get(reverse("admin:platforms_order_changelist"), query)
            assert answer.status_code == 200, query
    with all_tenants("support works for every tenant"), as_the_app():
        asked = asked_of_orders(captured)
        assert len(asked) > 10
        one_company = SIZES.orders // 5 + MOST_SKIPPED
        found = [bad for sql in sorted(asked) for bad in complaints(sql, most=one_company)]
        assert found[:5] == []


def test_what_a_store_linked_today_sent_before_is_found_by_number(many):
    """However little the server knows of a company that came after it last looked."""
    tenant = Tenant.objects.create(name="Late", slug="late")
    with all_tenants("a company comes late"):
        store = make_store(tenant, "ebay", "late")
        same = ", ".join(
            field.column
            for field in Order._meta.concrete_fields
            if field.column not in ("id", "public_id", "tenant_id", "store_id")
        )
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO platforms_order (public_id, tenant_id, store_id, {same})"
                f" SELECT gen_random_uuid(), %s, %s, {same} FROM platforms_order"
                " WHERE store_id = %s",
                [tenant.pk, store.pk, many.made.big[0].pk],
            )
            assert cursor.rowcount > MOST_ROWS
    with tenant_scope(tenant), as_the_app(), CaptureQueriesContext(connection) as captured:
        digests = dict(Order.objects.order_by("?").values_list("number", "raw_sha256")[:250])
        records = [msgspec.Raw(msgspec.json.encode({"orderId": number})) for number in digests]
        found = Known(registry.get("ebay"), Router([store])).of(records)
    assert found == [{digest} for digest in digests.values()]
    with tenant_scope(tenant), as_the_app():
        sql = captured.captured_queries[-1]["sql"]
        assert "raw_sha256" in sql
        assert complaints(sql) == []
