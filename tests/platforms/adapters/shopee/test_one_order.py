"""One order by its number: the call for details that follows every list."""

from __future__ import annotations

import json

import pytest

from platforms.errors import Fault, PlatformError
from tests.platforms.adapters.one_order import HOSTILE
from tests.platforms.adapters.shopee.test_calls import LINKED, listed, shopee
from tests.support.calls import NOON, ScriptedCall

NUMBER = "201214JAJXU6G7"
ITEM = {"item_id": 5, "model_quantity_purchased": 2, "model_discounted_price": 3.5}
ORDER = {
    "order_sn": NUMBER, "order_status": "SHIPPED", "create_time": 1_795_000_000,
    "update_time": 1_795_000_100, "currency": "SGD",
    "item_list": [{**ITEM, "model_id": 1}, {**ITEM, "model_id": 2}],
}  # fmt: skip


def found(*orders):
    return 200, {"error": "", "message": "", "response": {"order_list": list(orders)}}


def said(error, message="", status=200):
    return status, {"error": error, "message": message}


def fetch(*script, number=NUMBER):
    call = ScriptedCall(shopee, LINKED, *script)
    return call, shopee.fetch_order(call, number=number, now=NOON)


def test_the_details_are_the_record():
    call, page = fetch(found(ORDER))

    sent = call.sent[0]
    assert sent.path == "/api/v2/order/get_order_detail"
    assert (sent.params["order_sn_list"], sent.params["shop_id"]) == (NUMBER, "322300222")
    assert "item_list" in sent.params["response_optional_fields"].split(",")
    assert sent.params["request_order_status_pending"] == "true"
    assert [json.loads(bytes(raw)) for raw in page.records] == [ORDER]
    order = shopee.parse_order(page.records[0], kind=page.kind)
    assert [line.number for line in order.lines] == ["5-1", "5-2"]


@pytest.mark.parametrize(
    "answer",
    [
        said("error_not_found", "Wrong parameters, detail: the order is not found."),
        said("order.error_not_found", "Wrong parameters, detail: the order is not found.", 403),
        said("error_param", "The information you queried is not found."),
        found(),
        listed("201214JAJXU6G8"),
    ],
)
def test_no_such_order_is_none(answer):
    assert fetch(answer)[1] is None


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (said("error_not_found", "", 404), Fault.INVALID_REQUEST),
        (said("error_param", "Wrong parameters, detail: order_sn_list."), Fault.INVALID_REQUEST),
        (said("error_not_found", "the order is not found", 503), Fault.PLATFORM_DOWN),
        (said("error_data", "data not exist"), Fault.PLATFORM_DOWN),
        (said("error_shop", "shopid is invalid", 403), Fault.INVALID_REQUEST),
        (said("error_auth", "No permission to current api.", 403), Fault.INSUFFICIENT_SCOPE),
        (said("error_limit", "the daily API call limit"), Fault.QUOTA_EXHAUSTED),
        ((200, {"error": ""}), Fault.BAD_RESPONSE),
        ((404, b"<html>the order is not found</html>"), Fault.INVALID_REQUEST),
    ],
)
def test_everything_else_is_a_fault(answer, fault):
    with pytest.raises(PlatformError) as caught:
        fetch(answer)

    assert caught.value.fault is fault


@pytest.mark.parametrize("number", [*HOSTILE, f"{NUMBER},{NUMBER}", f"{NUMBER}\n", "A" * 33])
def test_what_cannot_be_a_number_is_not_asked_for(number):
    assert fetch(number=number)[1] is None
