from __future__ import annotations

from django.db import migrations

from tenants.postgresql.row_security import disable_everywhere, enable_everywhere


class Migration(migrations.Migration):
    """Row-level security for the tables of completeness and retention; on PostgreSQL only."""

    dependencies = [("platforms", "0008_completeness_and_retention")]

    operations = [migrations.RunPython(enable_everywhere, disable_everywhere)]
