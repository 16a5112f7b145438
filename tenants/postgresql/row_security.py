"""Row-level security: which tables have it, and how a table gets it.

A migration that adds a tenant's table ends with `RunPython(enable_everywhere, disable_everywhere)`;
tests/tenants/test_row_security.py fails for a table without.
"""

from __future__ import annotations

from typing import Any

from django.apps.registry import Apps
from django.core.exceptions import FieldDoesNotExist
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

POLICY = "tenant_scope"
# In sub-selects, so that a statement asks once and keeps the answer: rows that are read while
# another scope is active (`iterator()`) are still those of the scope that asked for them.
VISIBLE = """
    (SELECT current_setting('storelink.tenant', true)) = 'all'
    OR tenant_id = (
        SELECT CASE WHEN current_setting('storelink.tenant', true) ~ '^[0-9]{1,18}$'
        THEN current_setting('storelink.tenant', true)::bigint END
    )
"""


def tenant_tables(apps: Apps) -> list[str]:
    """The tables whose every row belongs to a tenant."""
    tables = []
    for model in apps.get_models():
        try:
            field = model._meta.get_field("tenant")
        except FieldDoesNotExist:
            continue
        related = getattr(field, "related_model", None)
        is_tenant = related is not None and related._meta.label_lower == "tenants.tenant"
        if is_tenant and not field.null and model._meta.managed:
            tables.append(model._meta.db_table)
    return sorted(tables)


def enable_everywhere(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Safe to repeat. Does nothing on other databases than PostgreSQL."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in map(schema_editor.quote_name, _existing(apps, schema_editor)):
        schema_editor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", params=None)
        schema_editor.execute(f"DROP POLICY IF EXISTS {POLICY} ON {table}", params=None)
        schema_editor.execute(f"CREATE POLICY {POLICY} ON {table} USING ({VISIBLE})", params=None)


def disable_everywhere(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in map(schema_editor.quote_name, _existing(apps, schema_editor)):
        schema_editor.execute(f"DROP POLICY IF EXISTS {POLICY} ON {table}", params=None)
        schema_editor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY", params=None)


def _existing(apps: Apps, schema_editor: Any) -> list[str]:
    there = set(schema_editor.connection.introspection.table_names())
    return [table for table in tenant_tables(apps) if table in there]
