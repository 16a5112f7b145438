"""One order by its number: its detail leads to its row in the list."""

from __future__ import annotations

import json

import pytest

from platforms.adapters.aliexpress import lists
from platforms.errors import Fault, PlatformError
from tests.platforms.adapters.aliexpress.test_calls import (
    ACCOUNT,
    REFUSED,
    aliexpress,
    asked,
    page,
    row,
)
from tests.platforms.adapters.one_order import HOSTILE
from tests.support.calls import NOON, ScriptedCall

PLACED = "2026-11-20 01:00:00"


def detail(status="WAIT_BUYER_ACCEPT_GOODS", placed=PLACED, **more):
    data = {"id": 7, "order_status": status, "gmt_create": placed, **more}
    return 200, {"aliexpress_solution_order_info_get_response": {"result": {"data": data}}}


def refused(**result):
    return 200, {"aliexpress_solution_order_info_get_response": {"result": result}}


def fetch(*script, number="7"):
    call = ScriptedCall(aliexpress, ACCOUNT, *script)
    return call, aliexpress.fetch_order(call, number=number, now=NOON)


def test_the_row_of_the_list_is_the_record():
    call, found = fetch(detail(), page(row(8), row(7)))

    assert [json.loads(bytes(raw)) for raw in found.records] == [row(7)]
    assert (found.kind, found.cursor) == ("", None)
    assert dict(call.sent[0].form)["param1"] == '{"order_id":7}'
    assert asked(call.sent[1]) == {
        "current_page": 1, "page_size": lists.PAGE_SIZE,
        "create_date_start": "2026-11-20 00:59:00", "create_date_end": "2026-11-20 01:01:00",
    }  # fmt: skip


def test_what_is_to_be_shipped_keeps_the_detail_that_was_read():
    address = {"receipt_address": {"city": "Portland"}}
    script = detail("WAIT_SELLER_SEND_GOODS", **address), page(row(7, "WAIT_SELLER_SEND_GOODS"))

    call, found = fetch(*script)

    assert len(call.sent) == 2
    assert aliexpress.parse_order(found.records[0]).ship_to.city == "Portland"


def test_a_finished_order_is_looked_for_among_the_finished():
    call, found = fetch(detail("FINISH"), page(row(7, "FINISH")))

    assert asked(call.sent[1])["order_status"] == "FINISH"
    assert aliexpress.order_number(found.records[0]) == "7"


def test_an_order_that_finishes_meanwhile_is_found_all_the_same():
    call, found = fetch(detail(), page(), page(row(7, "FINISH")))

    assert ["order_status" in asked(each) for each in call.sent[1:]] == [False, True]
    assert aliexpress.order_number(found.records[0]) == "7"


def test_of_an_hour_that_comes_twice_both_are_looked_through():
    call, _found = fetch(detail(placed="2026-11-01 01:30:00"), page(row(7)))

    assert asked(call.sent[1])["create_date_start"] == "2026-11-01 00:59:59"
    assert asked(call.sent[1])["create_date_end"] == "2026-11-01 02:00:00"


def test_it_may_stand_on_a_later_page():
    full = page(*(row(n) for n in range(100, 100 + lists.PAGE_SIZE)), total_page=2)

    call, found = fetch(detail(), full, page(row(7)))

    assert asked(call.sent[2])["current_page"] == 2
    assert aliexpress.order_number(found.records[0]) == "7"


@pytest.mark.parametrize(
    "answer",
    [
        refused(),
        refused(error_code=0),
        refused(success=False, error_code="15-1002", error_message="The order does not exist"),
        refused(error_code="F00-1", error_message="Order 7 not found"),
        refused(success=False, error_message="订单不存在"),
    ],
)
def test_no_such_order_is_none(answer):
    call, found = fetch(answer)

    assert found is None
    assert len(call.sent) == 1


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (refused(success=False, error_code="1", error_message="bad"), Fault.INVALID_REQUEST),
        (refused(error_code="1", error_message="parameter error"), Fault.INVALID_REQUEST),
        (refused(error_code="1", error_message="System busy"), Fault.PLATFORM_DOWN),
        ((200, {"error_response": {"code": "AppCallLimit"}}), Fault.QUOTA_EXHAUSTED),
        ((503, b"<html>The order does not exist</html>"), Fault.PLATFORM_DOWN),
        (detail(placed="yesterday"), Fault.BAD_RESPONSE),
        (refused(data={"id": 7}), Fault.BAD_RESPONSE),
    ],
)
def test_everything_else_is_a_fault(answer, fault):
    with pytest.raises(PlatformError) as caught:
        fetch(answer)

    assert caught.value.fault is fault


def test_the_other_method_is_taken_where_one_is_not_permitted():
    target = {"target": {"order_status": "FINISH", "gmt_create": PLACED}}
    call, found = fetch(REFUSED, (200, {"x_response": {"result": target}}), page(row(7, "FINISH")))

    assert call.sent[1].form["method"] == "aliexpress.trade.new.redefining.findorderbyid"
    assert found is not None


def test_without_permission_for_either_it_is_not_called_missing():
    with pytest.raises(PlatformError) as caught:
        fetch(REFUSED, REFUSED)

    assert caught.value.fault is Fault.INSUFFICIENT_SCOPE


def test_an_order_that_the_list_does_not_show_is_not_called_missing():
    with pytest.raises(PlatformError) as caught:
        fetch(detail(), page(row(8)), page())

    assert caught.value.fault is Fault.BAD_RESPONSE


def test_a_list_without_end_is_left():
    full = page(*(row(n) for n in range(100, 100 + lists.PAGE_SIZE)), total_page=9999)

    with pytest.raises(PlatformError) as caught:
        fetch(detail(), *[full] * (lists.MOST_LOOKS + 5))

    assert caught.value.fault is Fault.BAD_RESPONSE


@pytest.mark.parametrize("number", [*HOSTILE, "07", "7\n", "9" * 20])
def test_what_cannot_be_a_number_is_not_asked_for(number):
    assert fetch(number=number)[1] is None
