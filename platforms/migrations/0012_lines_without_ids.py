from django.db import migrations, models


def key_by_place(apps, schema_editor):
    """Django cannot change a table's key to a composite one."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "ALTER TABLE platforms_orderline DROP CONSTRAINT line_once, DROP COLUMN id,"
            " ADD PRIMARY KEY (tenant_id, order_id, position)"
        )
        return
    line = apps.get_model("platforms", "OrderLine")
    columns = ", ".join(field.column for field in line._meta.concrete_fields if field.column)
    schema_editor.execute("DROP INDEX line_by_sku")
    schema_editor.execute("ALTER TABLE platforms_orderline RENAME TO platforms_orderline_before")
    schema_editor.create_model(line)
    schema_editor.execute(
        f"INSERT INTO platforms_orderline ({columns})"  # noqa: S608
        f" SELECT {columns} FROM platforms_orderline_before"
    )
    schema_editor.execute("DROP TABLE platforms_orderline_before")


class Migration(migrations.Migration):
    """A line is known by its place in its order: an index less to write for each. The numbers of
    their own are given up, so there is no way back but a backup."""

    dependencies = [("platforms", "0011_quarantine_lists")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint(model_name="orderline", name="line_once"),
                migrations.RemoveField(model_name="orderline", name="id"),
                migrations.AddField(
                    model_name="orderline",
                    name="pk",
                    field=models.CompositePrimaryKey(
                        "tenant_id",
                        "order_id",
                        "position",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
        ),
        migrations.RunPython(key_by_place),
    ]
