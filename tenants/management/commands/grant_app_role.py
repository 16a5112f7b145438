from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

GRANTS = (
    "GRANT USAGE ON SCHEMA public TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
    # What later migrations of this same owner add.
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public"
    " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role}",
)


class Command(BaseCommand):
    help = (
        "Grant an existing PostgreSQL role what web and worker need, and no more. Run it as the"
        " owner of the tables, who also runs `migrate`."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--role", required=True, help="the role of web and worker")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses a role that row-level security would not hold for. Safe to repeat."""
        if connection.vendor != "postgresql":
            raise CommandError("Roles are PostgreSQL's; DATABASE_URL names another database.")
        role = options["role"]
        with connection.cursor() as cursor:
            self._check(cursor, role)
            for grant in GRANTS:
                cursor.execute(grant.format(role=connection.ops.quote_name(role)))
        self.stdout.write(f"{role} may now run web and worker.")

    @staticmethod
    def _check(cursor: Any, role: str) -> None:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = %s", [role])
        found = cursor.fetchone()
        if found is None:
            raise CommandError(
                f"There is no role {role}. Create it first: CREATE ROLE {role} LOGIN PASSWORD '…'."
            )
        if any(found):
            raise CommandError(f"{role} is a superuser or has BYPASSRLS: it would see all tenants.")
        # Membership counts: who may become the owner may do what the owner does.
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND pg_has_role(%s, tableowner, 'MEMBER') LIMIT 1",
            [role],
        )
        if cursor.fetchone():
            raise CommandError(f"{role} owns tables: row-level security does not bind an owner.")
