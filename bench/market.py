"""The marketplaces of a simulated year: the emulator with its own rules for tokens, reached
without a network, and disturbed."""

from __future__ import annotations

import io
import random
import re
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any
from urllib.parse import unquote, urlsplit

from werkzeug.wrappers import Request

from bench.weather import HOUR, Clock, Outage, Outages
from platforms.emulator.accounts import ACCOUNTS, APPS
from platforms.emulator.app import Emulator
from platforms.emulator.state import Token
from platforms.emulator.wire import MAINTENANCE
from platforms.errors import Fault, platform_error
from platforms.spec import Answer

URL = "http://emulator.test"
# Rotation as strict as the fact sheets leave open: a token works once, and then its follower.
# eBay and Amazon do not rotate, Shopify lets one be repeated until its follower is used; Shopee
# and Wish always rotate.
STRICT = ("ozon", "aliexpress", "lazada", "tiktok_shop")
CAST = {
    "ebay": "ebay-lantern", "amazon": "amazon-aurora-eu", "aliexpress": "aliexpress-harbor",
    "tiktok_shop": "tiktok_shop-lumen", "shopify": "shopify-lantern", "ozon": "ozon-zarya",
    "shopee": "shopee-lychee", "lazada": "lazada-orchid", "wish": "wish-coral",
}  # fmt: skip
_SENT = re.compile(r"""(?<!=)(?<![a-z])refresh_token["']?\s*[:=]\s*["']?([^&"',}\s]+)""")
_GARBAGE = (
    (200, MAINTENANCE.encode()), (200, b""), (200, b'{"access_token":"half an ans'),
    (502, b"<html><h1>Bad Gateway</h1></html>"), (500, b'{"error":"internal"}'),
    (404, b"<html><h1>404 Not Found</h1></html>"),
)  # fmt: skip


class Died(BaseException):
    """The worker's process is gone."""


@dataclass(eq=False)
class Chain:
    """The tokens that one consent has led to, newest last, as the platform has them."""

    platform: str
    account: str
    refusals: deque[float] = field(default_factory=deque)  # when it is refused by mistake
    refresh: deque[str] = field(default_factory=deque)
    access: deque[str] = field(default_factory=deque)
    ended: str = ""  # why no token of it works any more, where that is known

    @property
    def newest(self) -> str:
        return self.refresh[-1]


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How often things go wrong, by refresh that the platform has answered."""

    crash: float = 0.01  # between the answer and our commit
    early: float = 0.0002  # of these: before the answer is on our disk
    lost: float = 0.000002  # answers that never arrive, though the platform has acted


class Market:
    """A wire. `asked` are the chains that calls were made for since it was last emptied."""

    def __init__(
        self, clock: Clock, outages: Mapping[str, Outages], *, dice: random.Random, rates: Rates,
        access_hours: float,
    ) -> None:  # fmt: skip
        self.clock, self.outages, self.dice, self.rates = clock, outages, dice, rates
        self.emulator = Emulator(clock=lambda: clock.at)
        self.state = self.emulator.state
        self.calls: Counter[str] = Counter()
        self.happened: Counter[tuple[str, str]] = Counter()  # (platform, what)
        self.asked: set[Chain] = set()
        self.dies_at_commit = False
        self.single_use = dict.fromkeys(CAST, True)  # whether a lost answer is the end
        self._owner: dict[str, Chain] = {}
        self._minted: list[Token] = []
        self._mint = self.state.mint
        self.state.mint = self._note_minted  # type: ignore[method-assign]
        for code in CAST:
            knobs: dict[str, Any] = {"skew": dice.uniform(-30, 30)}
            if code in STRICT:
                knobs["rotate"] = "strict"
            if access_hours * HOUR > life_of(code):
                knobs["access_ttl"] = int(access_hours * HOUR)
            self.state.set_knobs(code, knobs)

    # --- the seller's side

    def consent(self, code: str, number: int, *, shop_id: str, region: str = "") -> Chain:
        """A new chain with one refresh token, as after a consent."""
        account = CAST[code]
        if code == "wish":  # where a refresh ends all other access tokens of the merchant
            account = f"wish-simulated-{number}"
            ACCOUNTS.setdefault(account, replace(ACCOUNTS[CAST[code]], key=account))  # type: ignore[type-var]
        app = APPS.get(f"{code}-{region}") or APPS[code]
        module = import_module(f"platforms.emulator.{code}")
        life = getattr(module, "REFRESH_TTL", None)
        value = f"{_prefix(code, app.client_id)}{self.dice.getrandbits(160):040x}"
        chain = Chain(platform=code, account=account)
        self._mint(
            Token(
                value=value, kind="refresh", platform=code, client_id=app.client_id,
                account=account, scopes=(shop_id,) if code == "shopee" else app.scopes,
                expires_at=self.state.now(code) + life if life else None,
            )
        )  # fmt: skip
        self._keep(chain, chain.refresh, value)
        return chain

    def revoke(self, chain: Chain) -> None:
        chain.ended = "the seller took it back"
        for value in (*chain.refresh, *chain.access):
            if value in self.state.tokens:  # the emulator forgets access tokens long over
                self.state.tokens[value].revoked = True

    def access_until(self, chain: Chain, value: str) -> float:
        """Until when an access token works, in seconds of true time; 0 if it does not."""
        token = self.state.tokens.get(value)
        if token is None or token.revoked or value not in chain.access:
            return 0.0
        return (token.expires_at or 1e18) - self.state.knobs(chain.platform).skew

    def is_live(self, value: str) -> bool:
        token = self.state.tokens.get(value)
        usable = token is not None and not token.used and self.state.is_live(token)
        return bool(usable and (token.platform != "shopee" or token.scopes))

    # --- the wire

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        code = url.removeprefix(URL).split("/")[1]
        self.calls[code] += 1
        found = _SENT.search(unquote(f"{urlsplit(url).query} {body.decode()}"))
        chain = self._owner.get(found.group(1)) if found else None
        if chain is not None:
            self.asked.add(chain)
        if outage := self.outages[code].at(self.clock.at):
            self.happened[code, "calls during an outage"] += 1
            return self._down(outage)
        if chain is not None and chain.refusals and chain.refusals[0] <= self.clock.at:
            chain.refusals.popleft()
            return self._refused_by_mistake(chain, method, url, headers, body)
        answer = self._deliver(method, url, headers, body)
        if self._minted and chain is not None:
            self._note_answered(chain)
            self._disturb(chain)
        elif chain is not None:
            self.happened[code, "refused rightly"] += 1
        return answer

    def _disturb(self, chain: Chain) -> None:
        """The platform has acted; now something may happen to the answer, or to us."""
        code = chain.platform
        if self.dice.random() < self.rates.lost:
            self._lose(chain, "answers lost on the way")
            raise platform_error(Fault.PLATFORM_DOWN, "no answer in time")
        if self.dice.random() < self.rates.crash:
            if self.dice.random() < self.rates.early:
                self._lose(chain, "crashes before the answer was on disk")
                raise Died
            self.happened[code, "crashes between answer and commit"] += 1
            self.dies_at_commit = True

    def _lose(self, chain: Chain, what: str) -> None:
        self.happened[chain.platform, what] += 1
        if self.single_use[chain.platform]:
            chain.ended = what

    def _down(self, outage: Outage) -> Answer:
        kind = outage.kind if outage.kind != "all of these" else self.dice.choice(
            ("unavailable", "no answer in time", "refused connections", "garbage")
        )  # fmt: skip
        if kind == "no answer in time":
            raise platform_error(Fault.PLATFORM_DOWN, kind)
        if kind == "refused connections":
            raise platform_error(Fault.NETWORK_UNREACHABLE, kind)
        status, body = self.dice.choice(_GARBAGE) if kind == "garbage" else (503, b"")
        return Answer(status=status, headers={"content-type": "text/html"}, body=body)

    def _refused_by_mistake(self, chain: Chain, *request: Any) -> Answer:
        self.happened[chain.platform, "refused by mistake"] += 1
        token = self.state.tokens[chain.newest]
        token.revoked = True
        try:
            return self._deliver(*request)
        finally:
            token.revoked = False

    def _deliver(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = urlsplit(url)
        environ = {
            "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": unquote(parts.path),
            "QUERY_STRING": parts.query, "SERVER_NAME": "emulator.test", "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "HTTP_HOST": "emulator.test",
            "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)),
        }  # fmt: skip
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        self._minted.clear()
        response, _delay = self.emulator.answer(Request(environ))
        told = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status_code, headers=told, body=response.get_data())

    # --- whose token is whose

    def _note_minted(self, token: Token) -> str:
        self._minted.append(token)
        return self._mint(token)

    def _note_answered(self, chain: Chain) -> None:
        for token in self._minted:
            kept = chain.refresh if token.kind == "refresh" else chain.access
            self._keep(chain, kept, token.value)

    def _keep(self, chain: Chain, kept: deque[str], value: str) -> None:
        """The last few of each: an older token is as unknown as it is used up."""
        kept.append(value)
        self._owner[value] = chain
        while len(kept) > 6:
            self._owner.pop(kept[0], None)
            self.state.tokens.pop(kept.popleft(), None)


def life_of(code: str) -> float:
    """Seconds that an access token of the platform lives."""
    name = "ozon_oauth" if code == "ozon" else code
    return float(import_module(f"platforms.emulator.{name}").ACCESS_TTL)


def _prefix(code: str, client_id: str) -> str:
    return {"aliexpress": "50001", "amazon": "Atzr|", "shopify": "shprt_"}.get(code, "sim")
