from __future__ import annotations

from typing import Any

from django.db import migrations, models


def index_buyers(apps: Any, schema_editor: Any) -> None:
    # Of an expression with an operator class, which SQLite does not know.
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE INDEX order_by_buyer ON platforms_order "
            "(tenant_id, lower(buyer_name) text_pattern_ops)"
        )


def forget_buyers(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS order_by_buyer")


class Migration(migrations.Migration):
    dependencies = [
        ("platforms", "0002_initial"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="order", name="order_by_number"),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                fields=["tenant", "number"],
                opclasses=["int8_ops", "varchar_pattern_ops"],
                name="order_by_number_prefix",
            ),
        ),
        migrations.AddIndex(
            model_name="orderline",
            index=models.Index(fields=["tenant", "sku"], name="line_by_sku"),
        ),
        migrations.RunPython(index_buyers, forget_buyers, elidable=False),
    ]
