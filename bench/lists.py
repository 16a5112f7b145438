"""The orders list of a company with a million orders among five million, next to the usual way.

    DATABASE_URL=postgres://... python -m bench.lists [--orders 5000000] [--rounds 30]

Milliseconds. `p50`, `p95`, `cpu p95`: the slowest of a page's statements on orders, passed and of
the server's processor; `page`, `its cpu`: the whole answer, view and template included; `usual`:
the same page's statements the usual way; `times` as long as ours.

Opens the list through the product's own view for everything that people filter by, with bindings
to 3, 30 and 60 stores, on the first page, 100,000 orders deep and at the end, as a database role
that row-level security holds for. The usual way is offset paging, an exact count, bindings in a
subquery and a search in one WHERE. Whoever wants to look further keeps the database:
`--there` fills and measures the very one that DATABASE_URL names, and fills it once.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

from bench.local import database, machine

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import User
    from tenants.models import Store

ROLE = "storelink_bench_app"
DEEP = 100_000
NAIVE_ROUNDS = 3
ENOUGH_MS = 3_000
COLUMNS = ("asked", "p50", "p95", "cpu p95", "page", "its cpu", "usual", "times")


@dataclass(frozen=True, kw_only=True)
class Case:
    """What somebody opens: filters as in the address, by a person bound to some stores."""

    name: str
    who: str = "60"
    filters: dict[str, str] = field(default_factory=dict)
    at: str = "first"  # or "deep", "last"


@dataclass(frozen=True, kw_only=True)
class Person:
    user: User
    stores: list[Store]
    client: Client


@dataclass
class Watch:
    """Milliseconds of each statement that touches orders: passed, and of the server's processor.
    On a busy machine the first count also what others do meanwhile."""

    server: Path
    times: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def __call__(self, execute: Callable[..., Any], sql: Any, *rest: Any) -> Any:
        before, since = self.server_ms(), time.perf_counter()
        try:
            return execute(sql, *rest)
        finally:
            if "platforms_order" in str(sql):
                self.times.append((time.perf_counter() - since) * 1000)
                self.cpu.append(self.server_ms() - before)

    def server_ms(self) -> float:
        """Of our connection's process; 0 where the server is on another machine."""
        try:
            return int(self.server.read_text().split()[0]) / 1e6
        except OSError:
            return 0.0


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--orders", type=int, default=5_000_000)
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--only", default="", help="cases whose name has this text")
    options.add_argument("--there", action="store_true", help="in the named database, kept")
    asked = options.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    logging.disable(logging.ERROR)
    with nullcontext() if asked.there else database():
        print(f"{machine()}, load {os.getloadavg()[0]:.0f}")
        people = _people(asked.orders)
        print(_size())
        print(f"{'':<40}" + "".join(f"{each:>8}" for each in COLUMNS))
        with _as_the_app():
            for case in _cases(people):
                if asked.only in case.name:
                    print(_measure(case, people[case.who], asked.rounds), flush=True)
    return 0


# --- what there is


def _people(orders: int) -> dict[str, Person]:
    from tenants.models import Store
    from tenants.scope import all_tenants
    from tests.support.many_orders import Made, Sizes, make_orders, make_stores

    sizes = Sizes(orders=orders)
    with all_tenants("the stores of an earlier run"):
        there = list(Store.objects.select_related("tenant").order_by("pk"))
    if there:
        last = there[-1].tenant_id
        made = Made(big=there[: sizes.big_stores], small=[s for s in there if s.tenant_id == last])
    else:
        made = make_stores(sizes)
        with all_tenants("all of them get orders"):
            ids = list(Store.objects.order_by("pk").values_list("pk", flat=True))
        since = time.monotonic()
        make_orders(sizes, made, ids, in_bulk=True)
        print(f"{orders:,} orders made in {time.monotonic() - since:.0f} s")
    half = made.big[::2]
    few = [made.big[0], made.big[20], made.big[40]]
    return {
        "60": _person("sixty", made.big),
        "30": _person("thirty", half),
        "3": _person("three", few),
        "small": _person("small", made.small),
    }


def _person(name: str, stores: list[Store]) -> Person:
    from django.test import Client

    from accounts.models import User
    from tenants.models import Binding, Duty, Membership
    from tenants.scope import tenant_scope
    from tests.support.many_orders import LAST_DAY

    email = f"{name}@bench.example"
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User.objects.create_user(email, None, name=name, language="en")
        tenant = stores[0].tenant
        with tenant_scope(tenant):
            member = Membership.objects.create(tenant=tenant, user=user)
            Binding.objects.bulk_create(
                Binding(
                    tenant=tenant, membership=member, store=store, duty=Duty.OPERATOR,
                    given_at=LAST_DAY,
                )
                for store in stores
            )  # fmt: skip
    client = Client()
    client.force_login(user)
    return Person(user=user, stores=stores, client=client)


def _size() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE tenant_id = (SELECT min(id) FROM"
            " tenants_tenant)), pg_size_pretty(pg_table_size('platforms_order')),"
            " pg_size_pretty(pg_indexes_size('platforms_order')) FROM platforms_order"
        )
        all_orders, of_one, heap, indexes = cursor.fetchone()
    return f"{all_orders:,} orders, {of_one:,} of one company; {heap}, indexes {indexes}"


@contextmanager
def _as_the_app() -> Iterator[None]:
    """As the role that the web runs as: row-level security changes what the planner may do."""
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
        if not cursor.fetchone():
            cursor.execute(f"CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS")
        call_command("grant_app_role", role=ROLE, stdout=io.StringIO())
        cursor.execute("ALTER FUNCTION lower(text) LEAKPROOF")  # as docs/operations.md says
        cursor.execute(f"SET ROLE {ROLE}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute(f"DROP OWNED BY {ROLE}")
            cursor.execute(f"DROP ROLE {ROLE}")


def _cases(people: dict[str, Person]) -> list[Case]:
    """`q` of a number is one that is there."""
    big = people["60"].stores
    store, sparse = str(big[0].public_id), str(big[-1].public_id)
    number = _a_number(big[0])
    cases = [
        Case(name="no filter, 3 stores", who="3"),
        Case(name="no filter, 30 stores", who="30"),
        Case(name="no filter, 60 stores"),
        Case(name="no filter, small company", who="small"),
        Case(name="platform", filters={"platform": "ebay"}),
        Case(name="store", filters={"store": store}),
        Case(name="store, nearly empty", filters={"store": sparse}),
        Case(name="status, common", filters={"status": "delivered"}),
        Case(name="status, rare", filters={"status": "on_hold"}),
        Case(name="status, rare, 3 stores", who="3", filters={"status": "on_hold"}),
        Case(name="days, the last week", filters={"from": "2026-11-13"}),
        Case(name="days, a month long ago", filters={"from": "2025-01-01", "to": "2025-01-31"}),
        Case(name="status and days", filters={"status": "shipped", "to": "2025-06-30"}),
        Case(
            name="platform, status and days",
            filters={"platform": "amazon", "status": "cancelled", "from": "2025-03-01"},
        ),
        Case(name="nearly empty store, status and days",
             filters={"store": sparse, "status": "delivered", "to": "2025-06-30"}),
        Case(name="number, whole", filters={"q": number}),
        Case(name="number, few begin so", filters={"q": number[:-2]}),
        Case(name="number, many begin so", filters={"q": "00012"}),
        Case(name="buyer, rare", filters={"q": "zebulon"}),
        Case(name="buyer, common", filters={"q": "anna"}),
        Case(name="SKU, rare", filters={"q": "RARE-1"}),
        Case(name="SKU, one line in 1,200", filters={"q": "SKU-0700"}),
        Case(name="SKU, one line in 300", filters={"q": "SKU-0010"}),
        Case(name="SKU, one line in 45", filters={"q": "SKU-0000"}),
        Case(name="SKU, common, and rare status", filters={"q": "SKU-0000", "status": "on_hold"}),
        Case(name="SKU, common, nearly empty store", filters={"q": "SKU-0000", "store": sparse}),
        Case(name="SKU, common, 3 stores, days", who="3",
             filters={"q": "SKU-0000", "to": "2025-06-30"}),
    ]  # fmt: skip
    cases.append(Case(name="deep, SKU, one line in 45", at="deep", filters={"q": "SKU-0000"}))
    for at in ("deep", "last"):
        cases += [
            Case(name=f"{at}, 3 stores", who="3", at=at),
            Case(name=f"{at}, 60 stores", at=at),
            Case(name=f"{at}, status", at=at, filters={"status": "delivered"}),
        ]
    return cases


def _a_number(store: Store) -> str:
    from platforms.models import Order
    from tenants.scope import tenant_scope

    with tenant_scope(store.tenant_id):
        return str(Order.objects.filter(store=store)[777:778].get().number)


# --- measuring


def _measure(case: Case, person: Person, rounds: int) -> str:
    from django.db import connection
    from django.urls import reverse

    query = dict(case.filters)
    depth = 0
    if case.at != "first":
        query["at"], depth = _cursor(case, person)
    pages: list[float] = []
    page_cpu: list[float] = []
    asked: list[Watch] = []
    for turn in range(rounds + 2):
        watch = Watch(_server())
        before, since = watch.server_ms() + time.process_time() * 1000, time.perf_counter()
        with connection.execute_wrapper(watch):
            answer = person.client.get(reverse("orders"), query)
        took = (time.perf_counter() - since) * 1000
        assert answer.status_code == 200, answer.status_code
        if turn >= 2:  # warm
            pages.append(took)
            page_cpu.append(watch.server_ms() + time.process_time() * 1000 - before)
            asked.append(watch)
    # The slowest statement of each request: all others stay below.
    slowest = sorted(max(watch.times) for watch in asked)
    cpu = sorted(max(watch.cpu) for watch in asked)
    last = int(len(asked) * 0.95)
    usual = _usual(case, person, depth)
    ratio = usual / statistics.median(sum(watch.times) for watch in asked)
    figures = (statistics.median(slowest), slowest[last], cpu[last])
    return (
        f"{case.name:<40}{len(asked[0].times):>8}"
        + "".join(f"{each:>8.1f}" for each in figures)
        + f"{statistics.median(pages):>8.0f}{statistics.median(page_cpu):>8.0f}"
        + f"{usual:>8.0f}{ratio:>8.0f}"
    )


def _server() -> Path:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return Path(f"/proc/{cursor.fetchone()[0]}/schedstat")


def _cursor(case: Case, person: Person) -> tuple[str, int]:
    """Beside the order DEEP orders down, or beside the 51st from the end; searched or not."""
    from platforms.models import Order
    from platforms.orders_found import Place
    from tenants.scope import tenant_scope

    with tenant_scope(person.stores[0].tenant_id):
        orders = _naive_orders(case, person, searched=False)
        before_the_end = orders.count() - 51
        depth = min(DEEP, before_the_end) if case.at == "deep" else before_the_end
        order = Order.objects.get(pk=orders.values_list("pk", flat=True)[depth])
    return str(Place.beside(order, newer=False)), 0 if "q" in case.filters else depth


def _usual(case: Case, person: Person, depth: int) -> float:
    """Milliseconds in the database for the same page the usual way; its median."""
    from platforms.orders_query import with_summary
    from tenants.scope import tenant_scope

    took = []
    with tenant_scope(person.stores[0].tenant_id):
        for _ in range(NAIVE_ROUNDS):
            since = time.perf_counter()
            orders = _naive_orders(case, person)
            list(with_summary(orders)[depth : depth + 50])
            orders.count()
            took.append((time.perf_counter() - since) * 1000)
            if sum(took) > ENOUGH_MS:
                break
    return statistics.median(took)


def _naive_orders(case: Case, person: Person, *, searched: bool = True) -> Any:
    from django.db.models import Q

    from platforms.models import Order
    from tenants.models import Duty, Store

    bound = Store.objects.bound_to(person.user, Duty.OPERATOR)
    orders = Order.objects.filter(store__in=bound.values("pk")).order_by("-placed_at", "-id")
    asked = case.filters
    if "store" in asked:
        orders = orders.filter(store__public_id=asked["store"])
    for name in ("platform", "status"):
        if name in asked:
            orders = orders.filter(**{name: asked[name]})
    for name, lookup in (("from", "gte"), ("to", "lt")):
        if name in asked:
            moment = datetime.fromisoformat(asked[name]).replace(tzinfo=UTC)
            orders = orders.filter(**{f"placed_at__{lookup}": moment})
    if searched and (text := asked.get("q")):
        orders = orders.filter(
            Q(number__startswith=text) | Q(buyer_name__istartswith=text) | Q(lines__sku=text)
        ).distinct()
    return orders


if __name__ == "__main__":
    sys.exit(main())
