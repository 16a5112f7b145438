from __future__ import annotations

from django.db import migrations

from tenants.postgresql.row_security import disable_everywhere, enable_everywhere


class Migration(migrations.Migration):
    """The third wall between tenants; on PostgreSQL only."""

    dependencies = [
        ("tenants", "0001_initial"),
        ("platforms", "0002_initial"),
    ]

    operations = [migrations.RunPython(enable_everywhere, disable_everywhere)]
