"""Everything one emulator remembers. Its owner holds the lock; nothing here locks."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from platforms.emulator import knobs as knob_rules
from platforms.emulator.accounts import ACCOUNTS, APPS, App
from platforms.emulator.book import Book
from platforms.emulator.knobs import Knobs
from platforms.emulator.limits import Limits

VERSION = 2
CALLBACK_BASE = "http://127.0.0.1:8000"


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A push on its way to the product."""

    platform: str
    topic: str
    url: str
    body: bytes
    headers: dict[str, str]
    method: str = "POST"


@dataclass(slots=True)
class Token:
    """A code, a refresh token or an access token. `expires_at` is Unix seconds by the
    platform's clock, None: no end. `account` is "" for an application token."""

    value: str
    kind: str  # code, refresh, access
    platform: str
    client_id: str
    account: str
    scopes: tuple[str, ...] = ()
    expires_at: float | None = None
    redirect_uri: str = ""
    used: bool = False
    revoked: bool = False


class State:
    """All state of one emulator; `save` writes it when something changed."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        seed: int,
        callback_base: str | None,
        path: Path | None,
        orders: dict[str, int],
    ) -> None:
        self.clock = clock
        self.platforms: dict[str, Any] = {}  # code -> app.Platform; the emulator puts them in
        self.seed = seed
        self.path = path
        self.orders = orders
        self.dirty = False
        self._first_callback_base = (callback_base or CALLBACK_BASE).rstrip("/")
        self.reset()
        if path is not None and path.exists():
            self._load(json.loads(path.read_text("utf-8")))
            if callback_base is not None:
                self.callback_base = self._first_callback_base

    def reset(self) -> None:
        """As on the first day, at the present time."""
        self.started_at = self.clock()
        self.callback_base = self._first_callback_base
        self.tokens: dict[str, Token] = {}
        self.layers: dict[str, dict[str, Any]] = {}  # platform or account key -> knobs set
        self.app_secrets: dict[str, str] = {}  # rotated client secrets by app key
        self.deactivated: set[str] = set()  # account keys whose fixed keys were deleted
        # What a platform keeps for itself, as JSON: webhook subscriptions and the like.
        self.kept: dict[str, dict[str, Any]] = {}
        self.outbox: deque[Outgoing] = deque(maxlen=1000)  # pushes not yet delivered
        self.books: dict[str, Book] = {}
        self.fail_next: list[dict[str, Any]] = []
        self.limits = Limits()
        self.counters: Counter[str] = Counter()
        self.token_calls: Counter[str] = Counter()
        self.account_calls: Counter[str] = Counter()
        self.requests: deque[dict[str, Any]] = deque(maxlen=200)
        self._add_fixed_tokens()
        self.dirty = True

    def _add_fixed_tokens(self) -> None:
        for account in ACCOUNTS.values():
            for fixed in account.fixed_tokens():
                if fixed.value not in self.tokens:
                    self.tokens[fixed.value] = Token(
                        value=fixed.value,
                        kind=fixed.kind,
                        platform=account.platform,
                        client_id=APPS[fixed.app].client_id if fixed.app else "",
                        account=account.key,
                        scopes=fixed.scopes,
                    )

    # --- time and knobs

    def now(self, platform: str) -> float:
        """Unix seconds by the platform's own clock."""
        return self.clock() + self.knobs(platform).skew

    def now_ms(self, platform: str) -> int:
        return int(self.now(platform) * 1000)

    def knobs(self, platform: str, account: str | None = None) -> Knobs:
        layers = [self.layers.get(platform, {})]
        if account:
            layers.append(self.layers.get(account, {}))
        return knob_rules.effective(*layers)

    def set_knobs(self, where: str, values: dict[str, Any]) -> None:
        """`where` is a platform or an account key. Raises BadKnob and then changes nothing."""
        cleaned = {name: knob_rules.clean(name, value) for name, value in values.items()}
        self.layers.setdefault(where, {}).update(cleaned)
        self.dirty = True

    def clear_knobs(self, where: str) -> None:
        self.layers.pop(where, None)
        self.dirty = True

    # --- applications

    def keep(self, platform: str) -> dict[str, Any]:
        """What `platform` keeps for itself; whoever changes it is about to."""
        self.dirty = True
        return self.kept.setdefault(platform, {})

    def send(self, push: Outgoing) -> None:
        self.outbox.append(push)

    def app(self, platform: str, client_id: str) -> App | None:
        for app in APPS.values():
            if app.platform == platform and app.client_id == client_id:
                secret = self.app_secrets.get(app.key)
                return replace(app, client_secret=secret) if secret else app
        return None

    def redirect_uri(self, platform: str) -> str:
        return f"{self.callback_base}/link/callback/{platform}/"

    def rotate_secret(self, key: str) -> str:
        """A new client secret of the same form; the old one stops working at once."""
        old = APPS[key].client_secret
        kept = len(old.rstrip("0123456789abcdef-"))
        self.app_secrets[key] = old[:kept] + "".join(
            "-" if c == "-" else secrets.choice("0123456789abcdef") for c in old[kept:]
        )
        self.dirty = True
        return self.app_secrets[key]

    # --- tokens

    def mint(self, token: Token) -> str:
        self.tokens[token.value] = token
        self.dirty = True
        if len(self.tokens) % 256 == 0:
            self._prune()
        return token.value

    def _prune(self) -> None:
        """Forget codes and access tokens that ended more than a day ago."""
        long_ago = self.clock() - 86_400
        self.tokens = {
            v: t
            for v, t in self.tokens.items()
            if t.kind == "refresh" or t.expires_at is None or t.expires_at > long_ago
        }

    def find_token(self, value: str | None, platform: str, kind: str) -> Token | None:
        token = self.tokens.get(value or "")
        return token if token and token.platform == platform and token.kind == kind else None

    def is_live(self, token: Token) -> bool:
        now = self.now(token.platform)
        return not token.revoked and (token.expires_at is None or now < token.expires_at)

    def expire_access(self, platform: str, account: str | None = None) -> int:
        """How many access tokens were still good and are expired now."""
        count = 0
        for token in self.tokens.values():
            if token.kind == "access" and token.platform == platform and self.is_live(token):
                if account and token.account != account:
                    continue
                token.expires_at = self.now(platform) - 1
                count += 1
        self.dirty = True
        return count

    def revoke(self, account: str) -> int:
        """The seller removes our access: all tokens of the account end, fixed keys too."""
        live = [t for t in self.tokens.values() if t.account == account and not t.revoked]
        for token in live:
            token.revoked = True
        self.deactivated.add(account)
        self.dirty = True
        return len(live)

    def restore(self, account: str) -> None:
        """Undo `revoke` for what was not obtained by consent: fixed keys and pasted tokens."""
        self.deactivated.discard(account)
        for fixed in ACCOUNTS[account].fixed_tokens():
            self.tokens[fixed.value].revoked = self.tokens[fixed.value].used = False
        self.dirty = True

    # --- orders

    def book(self, account: str) -> Book:
        """The account's orders, made at the first question for them."""
        if account not in self.books:
            self.books[account] = Book.seeded(
                account,
                count=self.orders.get(account, ACCOUNTS[account].orders),
                start_ms=int(self.started_at * 1000),
                seed=self.seed,
            )
        return self.books[account]

    # --- the file

    def save(self) -> None:
        """Write atomically if something changed; without a path nothing is written."""
        if not self.dirty or self.path is None:
            return
        body = {
            "version": VERSION,
            "seed": self.seed,
            "started_at": self.started_at,
            "callback_base": self.callback_base,
            "tokens": [asdict(t) for t in self.tokens.values()],
            "knobs": self.layers,
            "app_secrets": self.app_secrets,
            "deactivated": sorted(self.deactivated),
            "kept": self.kept,
            "books": {k: b.rows() for k, b in self.books.items() if b.touched},
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(body, file, separators=(",", ":"))
        os.replace(name, self.path)
        self.dirty = False

    def _load(self, body: dict[str, Any]) -> None:
        """Raises ValueError for a file another version wrote: better than half a state."""
        if body.get("version") != VERSION:
            raise ValueError(f"{self.path} is of another version; delete it to start afresh")
        self.seed = body["seed"]
        self.started_at = body["started_at"]
        self.callback_base = body["callback_base"]
        self.tokens = {
            t["value"]: Token(**{**t, "scopes": tuple(t["scopes"])}) for t in body["tokens"]
        }
        self.layers = body["knobs"]
        self.app_secrets = body["app_secrets"]
        self.deactivated = set(body["deactivated"])
        self.kept = body["kept"]
        self.books = {k: Book.load(k, rows) for k, rows in body["books"].items()}
        self._add_fixed_tokens()
        self.dirty = False
