from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand
from django.utils import timezone

from tenants.flows.create_tenant import create_tenant_for


class Command(BaseCommand):
    help = "Create a company and print the link by which its owner joins it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--slug", required=True, help="short name, for commands")
        parser.add_argument("--name", required=True, help="the company's name")
        parser.add_argument("--owner", required=True, metavar="E-MAIL", help="who will own it")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exits with 2, and a sentence for each thing that is wrong, on bad input."""
        try:
            created = create_tenant_for(
                slug=options["slug"],
                name=options["name"],
                owner=options["owner"].strip(),
                now=timezone.now(),
            )
        except ValidationError as exc:
            for name, sentences in exc.message_dict.items():
                self.stderr.write(f"--{name}: {' '.join(sentences)}")
            sys.exit(2)
        facts = {
            "tenant": str(created.tenant.public_id),
            "slug": created.tenant.slug,
            "name": created.tenant.name,
            "owner": created.invitation.email,
            "invitation": created.link,
        }
        if options["json"]:
            self.stdout.write(json.dumps(facts, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(f"{name}: {value}" for name, value in facts.items()))
