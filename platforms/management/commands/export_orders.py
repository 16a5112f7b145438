"""manage.py export_orders: normalized orders with their lines, sorted by number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.management.base import CommandParser
from django.db import connection
from django.db.models.functions import Collate
from django.utils.translation import gettext as _

from platforms import orders_csv
from platforms.flows.link_forms import BadInput
from platforms.management.doors import Door
from platforms.models import Order
from platforms.normalized import OrderDict, normalized
from platforms.store_paths import find_stores
from tenants.models import Store
from tenants.scope import tenant_scope

FORMATS = ("jsonl", "csv")
BATCH = 500


class Command(Door):
    help = "Write the normalized orders of a store to standard output, sorted by number."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--store", required=True, help="tenant/platform/account_name[/site]")
        parser.add_argument("--format", default="jsonl", help="jsonl (default) or csv")

    def answer(self, options: dict[str, Any]) -> None:
        if options["format"] not in FORMATS:
            sentence = _("There is no format %(name)s. There are: %(known)s.")
            known = ", ".join(FORMATS)
            raise BadInput({"format": sentence % {"name": options["format"], "known": known}})
        stores = find_stores(options["store"])
        as_csv = options["format"] == "csv"
        with tenant_scope(stores[0].tenant):
            if as_csv:
                self.stdout.write(orders_csv.write_rows([orders_csv.FLAT_HEADINGS]), ending="")
            for order in sorted_orders(stores):
                if as_csv:
                    text = orders_csv.write_rows(orders_csv.flat_rows(order))
                else:
                    text = json.dumps(order, ensure_ascii=False) + "\n"
                self.stdout.write(text, ending="")

    def _print(self, answer: object, options: dict[str, Any]) -> None:
        if answer is not None:
            super()._print(answer, options)


def sorted_orders(stores: Sequence[Store]) -> Iterator[OrderDict]:
    """One at a time, whatever their number; sorted by bytes, the same on every database."""
    by_id = {store.pk: store for store in stores}
    bytewise = Collate("number", "C" if connection.vendor == "postgresql" else "BINARY")
    orders = Order.objects.filter(store_id__in=list(by_id)).order_by(bytewise, "store_id")
    for order in orders.prefetch_related("lines").iterator(chunk_size=BATCH):
        order.store = by_id[order.store_id]
        yield normalized(order)
