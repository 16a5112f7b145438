from __future__ import annotations

from collections import Counter
from decimal import Decimal

from platforms.emulator.accounts import ACCOUNTS
from platforms.emulator.book import DAY_MS, Book
from platforms.emulator.control import number_of
from tests.platforms.emulator.acts import Acts
from tests.platforms.emulator.conftest import NOON, MakeEmulator


def test_the_same_seed_gives_the_same_orders_and_another_seed_others(
    make_emulator: MakeEmulator,
) -> None:
    books = [make_emulator(seed=seed).state.book("ebay-lantern").rows() for seed in (1, 1, 2)]

    assert books[0] == books[1] != books[2]


def test_two_in_five_orders_are_of_the_last_two_days_and_all_of_the_last_thirty() -> None:
    book = Book.seeded("x", count=200, start_ms=int(NOON * 1000), seed=1)

    ages = [NOON * 1000 - record.placed for record in book.records]
    assert sum(age <= 2 * DAY_MS for age in ages) == 80
    assert max(ages) <= 30 * DAY_MS
    assert all(r.placed < r.changed < NOON * 1000 for r in book.records)


def test_numbers_are_unique_over_all_accounts() -> None:
    numbers = Counter(number_of(key, serial) for key in ACCOUNTS for serial in range(1, 2000))

    assert numbers.most_common(1)[0][1] == 1


def test_order_totals_add_up(acts: Acts) -> None:
    for order in acts.ebay_page(acts.ebay_grant()["access_token"], limit="200")["orders"]:
        prices = {k: Decimal(v["value"]) for k, v in order["pricingSummary"].items()}
        parts = sum(v for k, v in prices.items() if k != "total")
        lines = sum(Decimal(line["total"]["value"]) for line in order["lineItems"])
        assert prices["total"] == parts == lines


def test_there_is_something_of_everything(acts: Acts) -> None:
    orders = acts.ebay_page(acts.ebay_grant()["access_token"], limit="200")["orders"]

    assert {o["pricingSummary"]["total"]["currency"] for o in orders} == {"GBP", "EUR", "USD"}
    assert any("convertedFromValue" in o["pricingSummary"]["total"] for o in orders)
    assert any("priceDiscount" in o["pricingSummary"] for o in orders)
    assert any(len(o["lineItems"]) > 1 for o in orders)
    assert {o["cancelStatus"]["cancelState"] for o in orders} == {"CANCELED", "NONE_REQUESTED"}
    assert {"PAID", "PENDING", "FULLY_REFUNDED"} <= {o["orderPaymentStatus"] for o in orders}


def test_orders_can_be_added_and_changed_in_the_past(acts: Acts) -> None:
    def rows() -> list[dict[str, str]]:
        return acts.client.get("/control/api/orders?account=ebay-hold").json["orders"]

    added = acts.control("orders/add", account="ebay-hold", n=5, spread_hours=2, ago_seconds=3600)
    changed = acts.control("orders/change", account="ebay-hold", n=2, stage="cancelled")

    by_number = {row["number"]: row for row in rows()}
    times = [by_number[n]["placed_at"] for n in added["numbers"]]
    assert times == sorted(times)
    assert times[-1] == "2026-11-21T11:00:00.000Z"
    assert {by_number[n]["stage"] for n in changed["numbers"]} == {"cancelled"}
    assert {by_number[n]["changed_at"] for n in changed["numbers"]} == {"2026-11-21T12:00:00.000Z"}


def test_two_postings_of_one_ozon_order_share_its_number(acts: Acts) -> None:
    postings = acts.fbs().json["postings"]

    second = [p for p in postings if p["posting_number"].endswith("-2")]
    orders = {p["order_number"] for p in postings if p["posting_number"].endswith("-1")}
    assert second
    assert any(p["order_number"] in orders for p in second)
