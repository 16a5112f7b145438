"""The third wall: what the database itself refuses to a role that owns nothing."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tenants.models import Store
from tenants.postgresql.row_security import tenant_tables
from tenants.scope import all_tenants, tenant_scope

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

ROLE = "storelink_test_app"


@pytest.fixture
def as_app(world):
    """The connection acts as the application's role, which owns nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
        if not cursor.fetchone():
            cursor.execute(f"CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS")
        call_command("grant_app_role", role=ROLE, verbosity=0)
        cursor.execute(f"SET ROLE {ROLE}")
    yield world
    connection.close()


def names():
    """Every store the database shows, by SQL that forgot its WHERE."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT account_name FROM tenants_store ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def test_sql_without_where_sees_one_tenant(as_app):
    with tenant_scope(as_app.lotus):
        assert names() == ["rice", "silk", "tea"]
    with tenant_scope(as_app.maple):
        assert names() == ["syrup"]


def test_without_a_scope_there_is_nothing(as_app):
    assert names() == []


def test_all_tenants_is_all(as_app):
    with all_tenants("testing the crossing"):
        assert names() == ["rice", "silk", "syrup", "tea"]


def test_rows_of_another_tenant_are_neither_written_nor_changed_nor_deleted(as_app):
    with tenant_scope(as_app.lotus), connection.cursor() as cursor:
        cursor.execute("UPDATE tenants_store SET display_name = 'mine'")
        assert cursor.rowcount == 3
        cursor.execute("DELETE FROM tenants_binding")
        cursor.execute("DELETE FROM tenants_store WHERE account_name = 'syrup'")
        assert cursor.rowcount == 0
        with pytest.raises(DatabaseError, match="row-level security"):
            cursor.execute(
                "UPDATE tenants_store SET tenant_id = %s WHERE account_name = 'tea'",
                [as_app.maple.pk],
            )


def test_a_rollback_leaves_no_stale_scope(as_app):
    with tenant_scope(as_app.lotus):
        names()
    with tenant_scope(as_app.maple):
        with transaction.atomic():
            assert names() == ["syrup"]
            transaction.set_rollback(True)
        assert names() == ["syrup"]
    assert names() == []


def test_a_savepoint_rollback_leaves_no_stale_scope(as_app):
    with transaction.atomic():
        with tenant_scope(as_app.lotus):
            names()
        with tenant_scope(as_app.maple):
            with transaction.atomic():
                names()
                transaction.set_rollback(True)
            assert names() == ["syrup"]
        assert names() == []


def test_a_failed_statement_leaves_no_stale_scope(as_app):
    with tenant_scope(as_app.maple):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        assert names() == ["syrup"]


def test_who_dies_right_after_a_statement_leaves_no_stale_scope(as_app):
    def deadly(execute, sql, params, many, context):
        execute(sql, params, many, context)
        raise KeyboardInterrupt

    with tenant_scope(as_app.lotus):
        names()
    with (
        tenant_scope(as_app.maple),
        connection.execute_wrapper(deadly),
        pytest.raises(KeyboardInterrupt),
    ):
        names()
    with tenant_scope(as_app.lotus):
        assert names() == ["rice", "silk", "tea"]


def test_the_scope_travels_with_the_statement_and_not_into_its_log(as_app):
    with (
        tenant_scope(as_app.lotus),
        CaptureQueriesContext(connection) as captured,
        connection.cursor() as cursor,
    ):
        cursor.execute("  UPDATE tenants_store SET display_name = %s", ["100 %"])
        assert cursor.rowcount == 3
        cursor.execute("SELECT count(*), current_setting('storelink.tenant') FROM tenants_store")
        assert cursor.fetchall() == [(3, str(as_app.lotus.pk))]
        assert not cursor.nextset()
    assert captured[0]["sql"] == "  UPDATE tenants_store SET display_name = '100 %'"


def test_what_must_run_alone_in_its_message_does(as_app):
    with tenant_scope(as_app.lotus), connection.cursor() as cursor:
        cursor.execute("VACUUM tenants_store")
        cursor.execute("SELECT current_setting('storelink.tenant')")
        assert cursor.fetchone() == (str(as_app.lotus.pk),)


def test_a_new_connection_begins_without_a_scope(as_app):
    with tenant_scope(as_app.lotus):
        names()
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('storelink.tenant', true)")
        assert not cursor.fetchone()[0]


def test_rows_read_in_portions_are_all_of_the_scope_that_asked(as_app):
    with all_tenants("reading in portions"):
        stores = Store.objects.order_by("account_name").iterator(chunk_size=1)
        first = next(stores)
        with tenant_scope(as_app.maple):
            names()
            rest = [store.account_name for store in stores]
    assert [first.account_name, *rest] == ["rice", "silk", "syrup", "tea"]


def test_pages_work_for_the_application_role(as_app):
    page = as_app.client(as_app.anna).get("/bindings/")
    assert [row.store.account_name for row in page.context["rows"]] == ["silk", "tea", "rice"]


@pytest.mark.parametrize("table", tenant_tables(apps))
def test_every_tenants_table_has_the_policy(table):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relrowsecurity, (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid)"
            " FROM pg_class c WHERE relname = %s",
            [table],
        )
        assert cursor.fetchone() == (True, 1)


def test_the_migration_goes_back_and_forth():
    target = "SELECT relrowsecurity FROM pg_class WHERE relname = 'tenants_store'"
    from tenants.postgresql.row_security import disable_everywhere, enable_everywhere

    for change, expected in ((disable_everywhere, False), (enable_everywhere, True)):
        with connection.schema_editor() as editor:
            change(apps, editor)
        with connection.cursor() as cursor:
            cursor.execute(target)
            assert cursor.fetchone() == (expected,)


@pytest.mark.parametrize(("role", "why"), [("nobody_here", "no role"), ("postgres", "superuser")])
def test_a_role_that_would_see_all_is_refused(role, why):
    with pytest.raises(CommandError, match=why):
        call_command("grant_app_role", role=role)


def test_the_tables_are_those_of_the_models():
    assert {"tenants_store", "tenants_event", "platforms_order"} <= set(tenant_tables(apps))
    assert "platforms_app" not in tenant_tables(apps)
