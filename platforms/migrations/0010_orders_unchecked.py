import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Orders are written while their stores are held, lines and payloads together with their
    order: looking these up for each row took a third of the database's time. A payload needs no
    number of its own."""

    dependencies = [
        ("platforms", "0009_row_security_of_completeness"),
        ("tenants", "0004_freshness"),
    ]

    operations = [
        migrations.RemoveField(model_name="orderraw", name="id"),
        migrations.AlterField(
            model_name="order",
            name="store",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="orders",
                to="tenants.store",
            ),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="order",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="lines",
                to="platforms.order",
            ),
        ),
        migrations.AlterField(
            model_name="orderraw",
            name="order",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="raw",
                serialize=False,
                to="platforms.order",
            ),
        ),
    ]
