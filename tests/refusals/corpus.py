"""The corpus of refusals: what marketplaces answer, and the verdict an expert would give.

A case is played through the real channel and the adapter's own calls; only the network is
swapped. The files are <platform code>.json, and network.json for what no marketplace says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from platforms import registry, transport
from platforms.adapter import Adapter
from platforms.credentials import merge
from platforms.errors import Fault, PlatformError, platform_error
from platforms.models.traffic import RateBucket
from platforms.spec import Account, Answer, ModeKind, Window
from platforms.transport import Channel
from tests.refusals.accounts import account_for
from tests.support.wire import Script

HERE = Path(__file__).parent
NETWORK = "network"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WINDOW = Window(since=NOW - timedelta(hours=2), until=NOW)
MOST_PAGES = 20
CALLS = ("refresh", "exchange", "who_am_i", "orders")
# Of a good answer that only looks like a refusal.
OK = "ok"

# Verdicts on which a seller goes and deletes, pays for, or re-creates something.
DRASTIC = {
    Fault.TOKEN_REVOKED,
    Fault.BAD_CREDENTIALS,
    Fault.WRONG_ENVIRONMENT,
    Fault.APP_REJECTED,
    Fault.ACCOUNT_SUSPENDED,
    Fault.INSUFFICIENT_SCOPE,
    Fault.CONSENT_DENIED,
    Fault.SHOP_MISMATCH,
}
# What comes back from a consent page; adapters take from it what they need.
CALLBACK = {
    "code": "c0de",
    "selling_partner_id": "A3EXAMPLE00001",
    "shop": "some-shop.myshopify.com",
    "shop_id": "322300222",
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """`answers` in order, the last one to every further call; a Fault is one of the network's.

    Only where several were written down is a refused token refreshed: the verdict on a single
    answer is the one on that answer alone.
    """

    id: str
    platform: str
    mode: str
    call: str
    answers: tuple[tuple[int, bytes, Mapping[str, str]] | Fault, ...]
    expected: str
    source: str
    note: str = ""
    miss: str = ""  # why it is known to be misread, if it is


@dataclass(frozen=True, kw_only=True)
class Verdict:
    case: Case
    got: str
    detail: str = ""

    @property
    def right(self) -> bool:
        return self.got == self.case.expected

    @property
    def harmful(self) -> bool:
        """Whether somebody would be sent to re-create what is not broken."""
        return not self.right and (self.got in DRASTIC or self._ends_fixed_keys)

    @property
    def _ends_fixed_keys(self) -> bool:
        # Keys that nothing refreshes have to be made anew when they are said to have expired.
        account = account_for(self.case.platform, self.case.mode)
        fixed = not registry.get(self.case.platform).can_refresh(account)
        return fixed and self.got == Fault.TOKEN_EXPIRED

    def __str__(self) -> str:
        told = f" ({self.detail})" if self.detail else ""
        case = self.case
        return f"{case.platform} {case.id}: {case.expected} read as {self.got}{told}"


class _Refusing(Script):
    """A script whose last answer is given to every further call."""

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        upcoming: Any = self.answers[0]
        if len(self.answers) == 1:
            self.answers *= 2
        if isinstance(upcoming, Fault):
            self.answers.pop(0)
            raise platform_error(upcoming, "the network failed")
        return super().send(method, url, headers, body)


def load() -> list[Case]:
    """All cases there are. Raises ValueError naming a case that is not well formed."""
    cases = [case for path in sorted(HERE.glob("*.json")) for case in _load_file(path)]
    seen: set[tuple[str, str]] = set()
    for case in cases:
        if (case.platform, case.id) in seen:
            raise ValueError(f"{case.platform} {case.id} is there twice")
        seen.add((case.platform, case.id))
    return cases


def _load_file(path: Path) -> Iterator[Case]:
    for raw in json.loads(path.read_text(encoding="utf-8")):
        platforms = registry.codes() if path.stem == NETWORK else (path.stem,)
        for platform in platforms:
            mode = raw.get("mode") or _refreshed_mode(registry.get(platform))
            try:
                yield _case(platform, {**raw, "mode": mode})
            except (KeyError, TypeError, ValueError, AssertionError) as exc:
                raise ValueError(f"{path.name} {raw.get('id')}: {exc!r}") from exc


def _refreshed_mode(adapter: Adapter) -> str:
    return next(mode.code for mode in adapter.modes if mode.kind is ModeKind.CONSENT)


def _case(platform: str, raw: Mapping[str, Any]) -> Case:
    unknown = set(raw) - {
        "id", "mode", "call", "status", "headers", "body", "raises", "answers",
        "expected", "source", "note", "miss",
    }  # fmt: skip
    assert not unknown, f"nobody knows {unknown}"
    assert raw["call"] in CALLS, f"no call {raw['call']}"
    assert raw["expected"] in {OK, *Fault}, f"no fault {raw['expected']}"
    account_for(platform, raw["mode"])
    return Case(
        id=raw["id"],
        platform=platform,
        mode=raw["mode"],
        call=raw["call"],
        answers=tuple(_answer(each) for each in raw.get("answers") or [raw]),
        expected=raw["expected"],
        source=raw["source"],
        note=raw.get("note", ""),
        miss=raw.get("miss", ""),
    )


def _answer(raw: Mapping[str, Any]) -> tuple[int, bytes, Mapping[str, str]] | Fault:
    if "raises" in raw:
        return Fault(raw["raises"])
    headers: dict[str, str] = raw.get("headers", {})
    assert all(name == name.lower() for name in headers), "header names are in lower case"
    body = raw.get("body", "")
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return int(raw["status"]), text.encode(), headers


def play(case: Case) -> Verdict:
    """What we make of it. Needs a database, and leaves only call limits in it."""
    RateBucket.objects.all().delete()  # no case waits for another one's turn
    adapter = registry.get(case.platform)
    account = account_for(case.platform, case.mode, linked=case.call != "exchange")
    wire = _Refusing(*case.answers)  # type: ignore[arg-type]

    def renew() -> Account:
        call = Channel(adapter, channel.account)
        secrets = merge(channel.account.secrets, adapter.refresh(call, now=NOW))
        return replace(channel.account, secrets=secrets)

    renewable = len(case.answers) > 1 and adapter.can_refresh(account)
    channel = Channel(adapter, account, renew=renew if renewable else None)
    try:
        with transport.use_wire(wire):
            _do(case.call, adapter, channel)
    except PlatformError as exc:
        return Verdict(case=case, got=exc.fault, detail=exc.detail)
    return Verdict(case=case, got=OK)


def _do(call: str, adapter: Adapter, channel: Channel) -> None:
    if call == "refresh":
        adapter.refresh(channel, now=NOW)
    elif call == "exchange":
        adapter.exchange(channel, code="c0de", verifier="", params=CALLBACK, now=NOW)
    elif call == "who_am_i":
        adapter.who_am_i(channel, now=NOW)
    else:
        cursor = None
        for _page in range(MOST_PAGES):
            page = adapter.fetch_orders(channel, window=WINDOW, cursor=cursor, now=NOW)
            cursor = page.cursor
            if cursor is None:
                return
