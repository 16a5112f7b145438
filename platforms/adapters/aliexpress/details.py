"""An order's detail, asked for by its number. Which method may be called depends on the
application. Fact sheet: docs/platforms/aliexpress.md, "One order by number"."""

from __future__ import annotations

import msgspec

from platforms import reading
from platforms.adapter import Call
from platforms.adapters import iop
from platforms.adapters.aliexpress import orders
from platforms.adapters.aliexpress.calls import ask, decoded, result_of, sync
from platforms.adapters.unlisted import by_words
from platforms.errors import Fault, NeedsSeller, PlatformError, platform_error

METHODS = ("aliexpress.solution.order.info.get", "aliexpress.trade.new.redefining.findorderbyid")


class _Detail(msgspec.Struct):
    data: msgspec.Raw = iop.NOTHING
    target: msgspec.Raw = iop.NOTHING
    receipt_address: msgspec.Raw = iop.NOTHING
    error_code: int | str | None = None
    error_message: str | None = None


def detailed(call: Call, rows: list[msgspec.Raw]) -> tuple[msgspec.Raw, ...]:
    """The rows, those to be shipped by the seller with their detail: only it has the address.
    Where no method for it may be called, the rows as they are."""
    methods = list(METHODS)
    records = []
    for row in rows:
        number = orders.needs_detail(row) if methods else ""
        detail = _detail_if_shown(call, methods, number) if number else None
        records.append(orders.with_detail(row, detail) if detail is not None else row)
    return tuple(records)


def ask_detail(call: Call, methods: list[str], number: str) -> msgspec.Raw | None:
    """None where the answer holds none. Takes methods that may not be called off the list, which
    must not be empty; raises INSUFFICIENT_SCOPE with the last."""
    while True:
        asked = {"param1": f'{{"order_id":{number}}}'}
        try:
            answer = ask(call, sync(methods[0], asked, "orders"))
        except NeedsSeller as exc:
            if exc.fault is not Fault.INSUFFICIENT_SCOPE:
                raise
            methods.pop(0)
            if not methods:
                raise
            continue
        result = result_of(answer)
        found = decoded(result, _Detail)
        if iop.is_stated(found.receipt_address):
            return msgspec.Raw(result.body)
        stated = next(filter(iop.is_stated, (found.data, found.target)), None)
        if stated is None and found.error_code not in (None, "", 0, "0"):
            # A refusal that does not say `success: false`.
            detail = f"{found.error_code} {found.error_message or ''}"
            fault = by_words(detail) or Fault.INVALID_REQUEST
            raise platform_error(fault, reading.short(detail))
        return stated


def _detail_if_shown(call: Call, methods: list[str], number: str) -> msgspec.Raw | None:
    """None where the list's row must do: nothing is permitted, or this one order is not shown."""
    try:
        return ask_detail(call, methods, number)
    except PlatformError as exc:
        if exc.fault not in (Fault.INSUFFICIENT_SCOPE, Fault.INVALID_REQUEST):
            raise
        return None
