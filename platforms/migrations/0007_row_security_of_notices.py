from __future__ import annotations

from django.db import migrations

from tenants.postgresql.row_security import disable_everywhere, enable_everywhere


class Migration(migrations.Migration):
    """Row-level security for the tables of health, notices and checks; on PostgreSQL only."""

    dependencies = [("platforms", "0006_health_notices_and_checks")]

    operations = [migrations.RunPython(enable_everywhere, disable_everywhere)]
