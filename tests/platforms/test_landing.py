"""Landing a page: newest wins, unchanged costs nothing, nothing is lost, exact to the digit."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from platforms import landing, reading
from platforms.adapter import Adapter
from platforms.landing import Landed, Router
from platforms.models import Order, OrderLine, OrderRaw, Quarantined
from platforms.normalized import normalized
from platforms.spec import Address, Answer, Buyer, LineData, OrderData, OrderStatus
from tenants.scope import tenant_scope
from tests.support.factories import NOON, make_authorization, make_store, make_stream


class _Line(msgspec.Struct):
    number: str = "1"
    quantity: int = 1
    sku: str | None = "SKU"
    title: str = "Lamp"
    unit_price: Decimal | None = None


class _Record(msgspec.Struct):
    number: str = "N-1"
    minute: int = 0
    status: str = "shipped"
    total: Decimal | None = None
    currency: str = "EUR"
    buyer: str | None = "Anna"
    city: str | None = "Berlin"
    shop: str = ""
    lines: list[_Line] = msgspec.field(default_factory=lambda: [_Line()])


class Bazaar(Adapter):
    """Reads records as they are; `minute` is the time of change."""

    code = "bazaar"

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        record = msgspec.json.decode(raw, type=_Record)
        return OrderData(
            number=record.number,
            status=OrderStatus(record.status),
            platform_status=record.status,
            placed_at=NOON,
            changed_at=NOON + timedelta(minutes=record.minute),
            currency=record.currency,
            total=record.total,
            buyer=Buyer(name=record.buyer),
            ship_to=Address(city=record.city),
            shop_id=record.shop,
            lines=tuple(
                LineData(**{name: getattr(line, name) for name in line.__struct_fields__})
                for line in record.lines
            ),
        )

    def order_number(self, raw: msgspec.Raw) -> str:
        found = reading.try_decode(bytes(raw), dict)
        return str((found or {}).get("number", ""))


@dataclass
class Dock:
    """A store of Lotus, and pages that land in it."""

    router: Router
    stream: object
    landings: int = 0

    def land(self, *records: object) -> Landed:
        raws = [msgspec.Raw(r if isinstance(r, bytes) else json.dumps(r).encode()) for r in records]
        batch = landing.read_records(Bazaar(), raws, kind="k", router=self.router)
        self.landings += 1
        with transaction.atomic():
            return landing.land(batch, stream=self.stream, now=NOON + timedelta(days=self.landings))


@pytest.fixture
def dock(world):
    store = make_store(world.lotus)
    stream = make_stream(make_authorization(world.lotus), store)
    with tenant_scope(world.lotus):
        yield Dock(Router([store]), stream)


def counts(landed: Landed) -> tuple[int, ...]:
    return tuple(asdict(landed).values())  # seen, created, updated, unchanged, quarantined


def only() -> Order:
    return Order.objects.get()


def record(**fields: object) -> dict[str, object]:
    return {"number": "N-1", "total": 10, **fields}


# --- what is kept


def test_payloads_of_any_size_are_kept_and_known_again_byte_for_byte(dock):
    raws = {}
    for size in (200, 2_046, 2_047, 2_048, 4_094, 4_095, 100_000):
        short = json.dumps({"number": f"N-{size}"}).encode()
        raws[f"N-{size}"] = short[:-1] + b" " * (size - len(short)) + b"}"

    dock.land(*raws.values())

    assert len(raws["N-2047"]) == 2_047
    for number, raw in raws.items():
        order = Order.objects.select_related("raw").get(number=number)
        assert order.raw_sha256 == hashlib.sha256(raw).hexdigest()
        assert landing.decompress(order.raw.body) == raw


# --- which version wins


def test_a_newer_version_replaces_order_lines_and_raw(dock):
    dock.land(record(lines=[{"title": "old"}, {"number": "2"}]))
    assert counts(dock.land(record(minute=5, status="delivered", lines=[{"title": "new"}]))) == (
        1, 0, 1, 0, 0,
    )  # fmt: skip
    assert (only().status, only().landed_at) == ("delivered", NOON + timedelta(days=2))
    assert [line.title for line in OrderLine.objects.all()] == ["new"]
    kept = OrderRaw.objects.get()
    assert json.loads(landing.decompress(kept.body))["status"] == "delivered"
    assert kept.record_kind == "k"


def test_a_stale_version_never_overwrites_a_newer_one(dock):
    dock.land(record(minute=5, status="delivered"))
    assert counts(dock.land(record(minute=4, status="shipped"))) == (1, 0, 0, 1, 0)
    assert (only().status, only().changed_at) == ("delivered", NOON + timedelta(minutes=5))


def test_at_the_same_time_of_change_other_content_wins(dock):
    dock.land(record(status="shipped"))
    assert dock.land(record(status="delivered")).updated == 1
    assert only().status == "delivered"


def test_an_unchanged_page_costs_a_few_statements_and_no_write(dock):
    page = [record(number=f"N-{n}") for n in range(40)]
    dock.land(*page)
    before = list(Order.objects.order_by("pk").values_list("pk", "landed_at"))
    with CaptureQueriesContext(connection) as seen:
        assert counts(dock.land(*page)) == (40, 0, 0, 40, 0)
    assert len([q for q in seen if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]) <= 3
    assert list(Order.objects.order_by("pk").values_list("pk", "landed_at")) == before


def test_the_same_content_in_another_form_is_unchanged(dock):
    dock.land(b'{"number": "N-1", "total": 10}')
    assert dock.land(b'{ "total":10 , "extra": [], "number":"N-1"}').unchanged == 1


def test_of_duplicates_in_a_page_the_newest_lands(dock):
    landed = dock.land(
        record(minute=2, status="delivered"), record(minute=1), record(minute=2, status="refunded"),
        record(number="N-2"), record(minute=0),
    )  # fmt: skip
    assert counts(landed) == (5, 2, 0, 3, 0)
    assert Order.objects.get(number="N-1").status == "refunded"  # of equally new ones the last
    assert OrderLine.objects.count() == 2


@pytest.mark.parametrize("seed", range(6))
def test_in_whatever_order_versions_come_the_newest_stays(dock, seed):
    """Pages at random, with repeats, against the obvious model."""
    dice = random.Random(seed)
    newest: dict[str, tuple[int, str]] = {}
    seen = 0
    for _ in range(12):
        page = []
        for _ in range(dice.randrange(8)):
            number, minute = f"N-{dice.randrange(6)}", dice.randrange(10)
            # A version is what the platform says at a minute: the same minute, the same content.
            status = ["pending", "shipped", "delivered"][(minute * 7 + len(number)) % 3]
            page.append(record(number=number, minute=minute, status=status))
            newest[number] = max(newest.get(number, (-1, "")), (minute, status))
        landed = dock.land(*page)
        assert landed.seen == landed.created + landed.updated + landed.unchanged == len(page)
        seen += landed.created
    found = {
        o.number: (int((o.changed_at - NOON).total_seconds() / 60), o.status)
        for o in Order.objects.all()
    }
    assert found == newest
    assert seen == len(newest) == OrderRaw.objects.count() == OrderLine.objects.count()


# --- personal data


def test_personal_data_that_is_gone_later_is_kept(dock):
    dock.land(record(buyer="Anna", city="Berlin"))
    dock.land(record(minute=1, buyer=None, city=None, status="delivered"))
    assert (only().buyer_name, only().ship_city, only().status) == ("Anna", "Berlin", "delivered")


def test_personal_data_that_is_masked_later_is_kept(dock):
    dock.land(record(buyer="Anna", city="Berlin"))
    dock.land(record(minute=1, buyer="A***", city="Bonn"))
    assert (only().buyer_name, only().ship_city) == ("Anna", "Bonn")
    dock.land(record(minute=2, buyer="Bea"))
    assert only().buyer_name == "Bea"


def test_personal_data_that_changes_is_changed(dock):
    dock.land(record(city="Berlin"))
    dock.land(record(minute=1, city="Bonn", buyer="Bea"))
    assert (only().buyer_name, only().ship_city) == ("Bea", "Bonn")


def test_an_amount_that_is_gone_later_is_gone(dock):
    dock.land(record(total=10))
    dock.land(record(minute=1, total=None))
    assert only().total is None


# --- amounts


@pytest.mark.parametrize(
    "stated",
    ["70.3", "70.30", "0.001", "1299.000", "89.5000", "0", "0.00", "-1.5", "-0.00", "1234567890123",
     "99999999999999999999999.12345678", "12345678901234567890123456789012"],
)  # fmt: skip
def test_amounts_come_out_as_they_went_in(dock, stated):
    text = f'{{"number": "N-1", "total": {stated}, "lines": [{{"unit_price": {stated}}}]}}'
    assert dock.land(text.encode()).created == 1
    order = Order.objects.select_related("store__tenant").get()
    told = normalized(order)
    assert (told["total"], told["lines"][0]["unit_price"]) == (stated, stated)
    assert dock.land(text.encode()).unchanged == 1


def test_another_number_of_decimals_is_another_version(dock):
    dock.land(b'{"number": "N-1", "total": 70.3}')
    assert dock.land(b'{"number": "N-1", "total": 70.30}').updated == 1
    assert format(only().total, "f") == "70.30"


@pytest.mark.parametrize(
    "stated",
    ["1" * 33, "0." + "1" * 33, "1E+40", "1E-40", "1E-999999999", "1E+999999999", '"NaN"',
     '"Infinity"', '"sNaN"'],
)  # fmt: skip
@pytest.mark.parametrize("where", ["total", "line"])
def test_an_amount_that_cannot_be_kept_is_quarantined_at_once(dock, stated, where):
    line = f', "lines": [{{"unit_price": {stated}}}]' if where == "line" else ""
    total = stated if where == "total" else "1"
    landed = dock.land(
        f'{{"number": "N-1", "total": {total}{line}}}'.encode(), record(number="N-2")
    )
    assert counts(landed) == (2, 1, 0, 0, 1)
    assert "amount" in Quarantined.objects.get().reason or where == "line"


# --- texts


def test_nul_bytes_and_long_texts_do_not_hold_up_the_page(dock):
    dock.land(
        record(
            buyer="An\x00na", city="x" * 5_000, lines=[{"title": "La\x00mp" * 500, "sku": "\x00"}]
        )
    )
    line = OrderLine.objects.get()
    assert (only().buyer_name, len(only().ship_city), only().status) == ("Anna", 120, "shipped")
    assert (len(line.title), line.sku, "\x00" in line.title) == (500, "", False)


@pytest.mark.parametrize(
    "fields",
    [
        {"number": "N" * 81},
        {"number": "N\x00"},
        {"number": ""},
        {"currency": "EURO"},
        {"currency": "E\x00"},
        {"lines": [{"number": "1\x00"}]},
        {"lines": [{"number": "1" * 81}]},
        {"lines": [{"quantity": -1}]},
        {"lines": [{"quantity": 10**12}]},
        {"lines": [{}] * 5_001},
        {"shop": "of somebody else"},
        {"status": "vanished"},
        {"minute": "soon"},
        {"minute": 10**12},
        {"lines": None},
    ],
)
def test_a_record_that_cannot_be_kept_whole_is_quarantined_whole(dock, fields):
    bad = record(**{"number": "N-bad", **fields})
    landed = dock.land(record(number="N-1"), bad, record(number="N-3"))
    assert counts(landed) == (3, 2, 0, 0, 1)
    kept = Quarantined.objects.get()
    assert json.loads(landing.decompress(kept.raw)) == bad
    assert kept.reason
    assert kept.number == bad["number"].replace("\x00", "")[:80]


@pytest.mark.parametrize(
    "bad", [b"[]", b"null", b"7", b'"x"', b"{}[", b"\xff", b'{"number": "\xff"}', b"[" * 5_000]
)
def test_garbage_in_place_of_a_record_is_quarantined_as_received(dock, bad):
    assert counts(dock.land(bad, record())) == (2, 1, 0, 0, 1)
    assert landing.decompress(Quarantined.objects.get().raw) == bad


def page_of(*records: bytes) -> list[msgspec.Raw]:
    """As an adapter cuts a page into records."""
    body = b"[" + b",".join(records) + b"]"
    return reading.decode(Answer(status=200, body=body), list[msgspec.Raw])


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        (rb"cut \ud83d", "cut �"),
        (rb"\ude00 cut", "� cut"),
        (rb"\ud83d\u0041", "�A"),
        (rb"\ud83d\ude00 \uD83D", "😀 �"),
        (rb"C:\\ud83d", "C:\\ud83d"),
        (rb"\\\ud83d", "\\�"),
        (b"tab\there", "tab here"),
        ("plain 灯".encode(), "plain 灯"),
    ],
)
def test_half_an_emoji_in_one_record_does_not_hold_up_its_page(dock, title, kept):
    bad = b'{"number": "N-1", "lines": [{"title": "' + title + b'"}]}'
    assert counts(dock.land(*map(bytes, page_of(bad, b'{"number": "N-2"}')))) == (2, 2, 0, 0, 0)
    assert OrderLine.objects.get(order__number="N-1").title == kept


class Loose(Bazaar):
    """Reads by other means than msgspec, which lets no lone surrogate through."""

    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        return msgspec.structs.replace(super().parse_order(raw), platform_status="\ud83d")


class LooseNumber(Bazaar):
    def parse_order(self, raw: msgspec.Raw, *, kind: str = "") -> OrderData:
        return msgspec.structs.replace(super().parse_order(raw), number="7\ud83d")


def test_a_lone_surrogate_that_reaches_us_costs_a_character_and_no_order(dock):
    raws = [msgspec.Raw(json.dumps(record()).encode())]
    batch = landing.read_records(Loose(), raws, kind="", router=dock.router)
    with transaction.atomic():
        landing.land(batch, stream=dock.stream, now=NOON)
    assert Order.objects.get().platform_status == "?"


def test_a_number_with_a_lone_surrogate_is_quarantined(dock):
    raws = [msgspec.Raw(json.dumps(record()).encode())]
    batch = landing.read_records(LooseNumber(), raws, kind="", router=dock.router)
    assert (len(batch.parsed), len(batch.unreadable)) == (0, 1)


@pytest.mark.postgresql
def test_nothing_lands_in_a_store_that_was_deleted_meanwhile(dock):
    batch = landing.read_records(
        Bazaar(), [msgspec.Raw(json.dumps(record()).encode())], kind="", router=dock.router
    )
    dock.router.stores[0].delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        landing.land(batch, stream=dock.stream, now=NOON)
    assert not Order.objects.exists()


# --- quarantine


def test_the_same_bad_record_met_again_is_one_case(dock):
    for _ in range(3):
        assert dock.land(b"{", b"{").quarantined == 2
    assert Quarantined.objects.count() == 1


def test_after_a_case_was_settled_the_record_is_a_new_one(dock):
    dock.land(b"{")
    Quarantined.objects.update(state="dismissed")
    dock.land(b"{")
    assert Quarantined.objects.filter(state="waiting").count() == 1


def test_reasons_name_the_field_and_never_the_value(dock):
    dock.land(record(total="anna@example.com"), record(lines=[{"quantity": "anna@example.com"}]))
    reasons = list(Quarantined.objects.values_list("reason", flat=True))
    assert not any("anna" in reason for reason in reasons)
    assert any("$.lines" in reason for reason in reasons)


# --- whose order


def test_orders_of_one_page_find_their_stores_by_shop(world):
    shops = [make_store(world.lotus, external_id=f"S:{site}", site=site) for site in ("DE", "GB")]
    stream = make_stream(make_authorization(world.lotus), None)
    with tenant_scope(world.lotus):
        landed = Dock(Router(shops), stream).land(
            record(shop="DE"), record(shop="GB"), record(number="N-2", shop="S:GB"),
            record(number="N-3", shop="FR"), record(number="N-4"),
        )  # fmt: skip
        found = set(Order.objects.values_list("store__site", "number"))
    assert counts(landed) == (5, 3, 0, 0, 2)
    assert found == {("DE", "N-1"), ("GB", "N-1"), ("GB", "N-2")}


def test_a_failed_page_leaves_nothing_behind(dock):
    def fail():
        with transaction.atomic():
            dock.land(record(), b"{")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not Order.objects.exists()
    assert not Quarantined.objects.exists()


def test_a_large_page_takes_a_fixed_number_of_statements(dock):
    def statements(*page: object) -> int:
        with CaptureQueriesContext(connection) as seen:
            dock.land(*page)
        return len(seen)

    few = statements(*[record(number=f"A-{n}") for n in range(10)])
    many = statements(*[record(number=f"B-{n}") for n in range(150)])
    # SQLite takes at most some hundreds of values in a statement.
    assert many <= few + (2 if connection.vendor == "postgresql" else 12)
