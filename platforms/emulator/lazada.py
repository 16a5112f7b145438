"""Lazada: consent page, token endpoint, seller, orders. Facts: fact sheet lazada §1-3, §6."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from platforms.emulator import pages
from platforms.emulator.accounts import ACCOUNTS, App, of_platform
from platforms.emulator.book import Record, unscramble
from platforms.emulator.cast.lazada import COUNTRIES, LazadaAccount, site_of
from platforms.emulator.knobs import Knobs
from platforms.emulator.lazada_payload import render, render_items
from platforms.emulator.state import State, Token
from platforms.emulator.wire import Refused, json_answer

ACCESS_TTL, REFRESH_TTL, CODE_TTL = 30 * 86_400, 180 * 86_400, 1_800
CLOCK_S = 7_200
NUMBER = re.compile(r"7[0-9]{10}")
CALLS = {  # path after /rest -> method, operation
    "/auth/token/create": ("POST", "lazada.token"),
    "/auth/token/refresh": ("POST", "lazada.token"),
    "/seller/get": ("GET", "lazada.seller"),
    "/orders/get": ("GET", "lazada.orders"),
    "/orders/items/get": ("GET", "lazada.items"),
    "/order/get": ("GET", "lazada.order"),
}


def complaint(code: str, message: str, kind: str = "ISV") -> Response:
    """Lazada's error form, with status 200."""
    return json_answer(
        {"code": code, "type": kind, "message": message, "request_id": secrets.token_hex(8)}
    )


def refused(code: str, message: str, kind: str = "ISV") -> Refused:
    return Refused(complaint(code, message, kind), message)


def success(data: Any) -> Response:
    return json_answer({"code": "0", "data": data, "request_id": secrets.token_hex(8)})


class Lazada:
    code = "lazada"
    endpoints: ClassVar[dict[str, str]] = {
        "api": "/lazada/sg",
        **{f"api.{country}": f"/lazada/{country}" for country in COUNTRIES},
        "auth": "/lazada/auth",
        "consent": "/lazada/auth",
    }
    real_limits: ClassVar[dict[str, tuple[float, float]]] = {"lazada.orders": (5, 5)}
    scopes: ClassVar[tuple[str, ...]] = ("Order", "Seller")
    unused_knobs: ClassVar[frozenset[str]] = frozenset({"secret_expired", "empty_page"})

    def __init__(self, state: State) -> None:
        self.state = state

    def operation(self, request: Request) -> str:
        if request.path == "/lazada/auth/oauth/authorize":
            return "lazada.consent"
        host, path = self._split(request)
        if (host == "auth") != path.startswith("/auth/"):
            return ""
        return CALLS[path][1] if path in CALLS else ""

    def _split(self, request: Request) -> tuple[str, str]:
        host, _, rest = request.path.removeprefix("/lazada/").partition("/rest/")
        return host, f"/{rest}"

    def account(self, request: Request, operation: str) -> str | None:
        given = request.values
        for name in ("access_token", "refresh_token", "code"):
            known = self.state.tokens.get(given.get(name, ""))
            if known and known.platform == "lazada":
                return known.account
        return None

    def failure(self, kind: str, request: Request, retry_after: int | None) -> Response:
        if kind == "block_ip":
            return complaint("AppWhiteIpLimit", "Request source IP is not in the white list")
        if kind == "throttle":
            text = "The request is too frequent"
            if retry_after is not None:
                text += f", this ban will last {retry_after} seconds"
            return complaint("ApiCallLimit", text)
        return complaint("ServiceUnavailable", "Service temporarily unavailable", "SYSTEM")

    def handle(self, request: Request, operation: str, knobs: Knobs) -> Response:
        if operation == "lazada.consent":
            return self.consent(request, knobs)
        if not operation:
            raise refused("InvalidApiPath", "The specified API path is invalid")
        host, path = self._split(request)
        if request.method != CALLS[path][0]:
            raise refused("InvalidApi", f"{path} is called with {CALLS[path][0]}")
        app = self._signed(request, path)
        if operation == "lazada.token":
            return self.token(request, app, path, knobs)
        account = self._authenticated(request, app, operation, knobs)
        if host not in account.sellers:
            raise refused("IllegalAccessToken", "The token is not for this country")
        if operation == "lazada.seller":
            return success(self.seller(account, host, knobs))
        if operation == "lazada.items":
            return self.items(request, account, host)
        if operation == "lazada.order":
            return self.order(request, account, host, knobs)
        return self.orders(request, account, host, knobs)

    # --- who calls

    def _signed(self, request: Request, path: str) -> App:
        given = request.values.to_dict()
        for name in ("app_key", "timestamp", "sign_method", "sign"):
            if not given.get(name):
                raise refused("MissingParameter", f"The parameter {name} is missing")
        app = self.state.app("lazada", given["app_key"])
        if app is None:
            raise refused("InvalidAppKey", "The app key is invalid")
        stamp = given["timestamp"]
        late = not re.fullmatch(r"\d{13}", stamp) or (
            abs(int(stamp) - self.state.now_ms("lazada")) > CLOCK_S * 1000
        )
        if late:
            raise refused("IllegalTimestamp", "The timestamp is invalid or expired")
        sign = given.pop("sign")
        base = path + "".join(name + given[name] for name in sorted(given))
        digest = hmac.new(app.client_secret.encode(), base.encode(), hashlib.sha256).hexdigest()
        if given["sign_method"] != "sha256" or sign != digest.upper():
            raise refused("IncompleteSignature", "The request signature does not conform")
        return app

    def _authenticated(
        self, request: Request, app: App, operation: str, knobs: Knobs
    ) -> LazadaAccount:
        token = self.state.find_token(request.args.get("access_token"), "lazada", "access")
        if token is None or token.client_id != app.client_id or not self.state.is_live(token):
            raise refused("IllegalAccessToken", "The specified access token is invalid or expired")
        needed = "Seller" if operation == "lazada.seller" else "Order"
        if needed in knobs.drop_scopes:
            raise refused("InsufficientPermission", "The app has no permission to this API")
        account = ACCOUNTS[token.account]
        assert isinstance(account, LazadaAccount)
        if not account.subscribed:
            text = "Please subscribe to the app in the Service Marketplace"
            raise refused("AppNotSubscribed", text)
        return account

    # --- consent page

    def consent(self, request: Request, knobs: Knobs) -> Response:
        asked = request.args
        app = self.state.app("lazada", asked.get("client_id", ""))
        back = asked.get("redirect_uri", "")
        if app is None or back != (app.redirect or self.state.redirect_uri("lazada")):
            answer = json_answer({"error": "unauthorized_client"}, 400)
            raise Refused(answer, "unknown client_id, or not its callback address")
        if asked.get("response_type") != "code":
            answer = json_answer({"error": "unsupported_response_type"}, 400)
            raise Refused(answer, "response_type is not code")
        if request.method != "POST":
            return pages.consent(
                request,
                accounts=[(a.key, a.label) for a in of_platform("lazada")],
                asks=list(self.scopes),
                app=app.client_id,
            )
        state = {"state": asked["state"]} if "state" in asked else {}
        account = ACCOUNTS.get(request.form.get("account", ""))
        if request.form.get("decision") != "agree" or not isinstance(account, LazadaAccount):
            return pages.redirect(f"{back}?{urlencode({'error': 'access_denied'} | state)}")
        code = self._mint("code", app, account.key, CODE_TTL, knobs.code_ttl)
        return pages.redirect(f"{back}?{urlencode({'code': code} | state)}")

    def _mint(self, kind: str, app: App, account: str, ttl: float, knob: int | None) -> str:
        ttl = ttl if knob is None else knob
        return self.state.mint(
            Token(
                value=f"0_{kind}EMULATOR{secrets.token_urlsafe(24)}",
                kind=kind,
                platform="lazada",
                client_id=app.client_id,
                account=account,
                expires_at=self.state.now("lazada") + ttl,
            )
        )

    # --- token endpoint

    def token(self, request: Request, app: App, path: str, knobs: Knobs) -> Response:
        kind, name, error = (
            ("code", "code", "InvalidCode")
            if path.endswith("create")
            else ("refresh", "refresh_token", "IllegalRefreshToken")
        )
        given = self.state.find_token(request.values.get(name), "lazada", kind)
        if not request.values.get(name):
            raise refused("MissingParameter", f"The parameter {name} is missing")
        live = given and given.client_id == app.client_id and not given.used
        if not given or not live or not self.state.is_live(given):
            raise refused(error, f"The {name} is invalid or expired")
        refresh, ends = given.value, given.expires_at or 0.0
        if kind == "code" or knobs.rotate == "strict":
            given.used = True
            left = REFRESH_TTL if kind == "code" else ends - self.state.now("lazada")
            ttl = knobs.refresh_ttl if kind == "code" else None
            refresh = self._mint("refresh", app, given.account, left, ttl)
            ends = self.state.tokens[refresh].expires_at or 0.0
        access = self._mint("access", app, given.account, ACCESS_TTL, knobs.access_ttl)
        account = self._shown(ACCOUNTS[given.account], knobs)
        body = {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": ACCESS_TTL if knobs.access_ttl is None else knobs.access_ttl,
            "refresh_expires_in": int(ends - self.state.now("lazada")),
            "country": next(iter(account.sellers)) if len(account.sellers) == 1 else "cb",
            "account": f"{account.key}@seller.example",
            "account_id": account.user_id,
            "account_platform": "seller_center",
            "country_user_info": [
                {"country": c, "seller_id": s, "user_id": account.user_id, "short_code": f"E{s}"}
                for c, s in account.sellers.items()
            ],
            "code": "0",
            "request_id": secrets.token_hex(8),
        }
        if knobs.omit_refresh and kind == "refresh":
            del body["refresh_token"]
        return json_answer(body)

    def _shown(self, account: object, knobs: Knobs) -> LazadaAccount:
        other = ACCOUNTS.get(knobs.wrong_account)
        shown = other if isinstance(other, LazadaAccount) else account
        assert isinstance(shown, LazadaAccount)
        return shown

    # --- calls

    def seller(self, account: LazadaAccount, country: str, knobs: Knobs) -> dict[str, Any]:
        shown = self._shown(account, knobs)
        seller_id = shown.sellers.get(country) or next(iter(shown.sellers.values()))
        return {
            "name": f"{shown.name} {country.upper()}",
            "seller_id": int(seller_id),
            "short_code": f"E{seller_id}",
            "email": f"{shown.key}@seller.example",
            "location": "Shenzhen",
            "cb": len(shown.sellers) > 1,
            "status": "INACTIVE" if knobs.suspended else shown.status,
            "verified": True,
        }

    def orders(
        self, request: Request, account: LazadaAccount, country: str, knobs: Knobs
    ) -> Response:
        args = request.args
        if not args.get("created_after") and not args.get("update_after"):
            raise refused("MissingParameter", "created_after or update_after is mandatory")
        limit, offset = _whole(args, "limit", 1, 100, 100), _whole(args, "offset", 0, 5000, 0)
        by = args.get("sort_by", "created_at")
        direction = args.get("sort_direction", "DESC")
        if by not in ("created_at", "updated_at") or direction not in ("ASC", "DESC"):
            raise refused("17", 'E017: "Invalid sort filter"')
        placed = _time(args, "created_after"), _time(args, "created_before")
        changed = _time(args, "update_after"), _time(args, "update_before")
        hits = [
            r
            for r in self.state.book(account.key).records
            if site_of(account, r.serial) == country
            and _within(r.placed, *placed)
            and _within(r.changed, *changed)
        ]
        hits.sort(
            key=lambda r: (r.placed if by == "created_at" else r.changed, r.serial),
            reverse=direction == "DESC",
        )
        page = hits[offset : offset + limit]
        found = [render(r, account, country, seed=self.state.seed) for r in page]
        _spoil(found, knobs)
        if knobs.drift and page:
            # Moves to the end of an ascending list: everything behind it moves up.
            self.state.book(account.key).touch(page[0], now_ms=self.state.now_ms("lazada"))
            self.state.dirty = True
        return success({"count": len(found), "countTotal": len(hits), "orders": found})

    def items(self, request: Request, account: LazadaAccount, country: str) -> Response:
        try:
            asked = [str(each) for each in json.loads(request.args.get("order_ids", ""))]
        except (ValueError, TypeError):
            raise refused("37", 'E037: "One or more order id in the list are incorrect"') from None
        if not 1 <= len(asked) <= 50:
            raise refused("56", 'E056: "Invalid OrdersIdList format", 1 to 50 orders')
        found = []
        for number in asked:
            record = self._find(account, country, number)
            if record is None:
                raise refused("37", 'E037: "One or more order id in the list are incorrect"')
            items = render_items(record, account, country, seed=self.state.seed)
            ids = {"order_id": int(number), "order_number": int(number)}
            found.append({**ids, "order_items": items})
        return success(found)

    def order(
        self, request: Request, account: LazadaAccount, country: str, knobs: Knobs
    ) -> Response:
        number = request.args.get("order_id")
        if not number:
            raise refused("MissingParameter", "The parameter order_id is missing")
        record = self._find(account, country, number)
        if record is None:
            raise refused("16", 'E016: "Invalid Order ID"')
        found = render(record, account, country, seed=self.state.seed)
        _spoil([found], knobs)
        return success(found)

    def _find(self, account: LazadaAccount, country: str, number: str) -> Record | None:
        if not NUMBER.fullmatch(number):
            return None
        serial = unscramble(account.key, number[1:])
        record = self.state.book(account.key).find(serial)
        return record if record and site_of(account, serial) == country else None

    # --- pushes: none are written down for Lazada in the fact sheet

    def orders_changed(self, account: str, records: list[Record]) -> None:
        pass

    def access_ended(self, account: str) -> None:
        pass

    def push(self, account: str, topic: str) -> bool:
        return False


def _spoil(found: list[dict[str, Any]], knobs: Knobs) -> None:
    if found and knobs.unknown_status:
        found[0]["statuses"] = ["teleported"]
    if found and knobs.bad_record:
        found[0] |= {"price": "twelve", "statuses": "see attachment"}


def _whole(args: Any, name: str, least: int, most: int, default: int) -> int:
    text = args.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,6}", text) or not least <= int(text) <= most:
        raise refused("14" if name == "offset" else "19", f"Invalid {name}")
    return int(text)


def _time(args: Any, name: str) -> float | None:
    """Unix milliseconds of an ISO 8601 time with an offset."""
    text = args.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or "T" not in text:
        raise refused("20", f"Invalid date format: {name}")
    return at.timestamp() * 1000


def _within(ms: int, since: float | None, until: float | None) -> bool:
    second = ms // 1000 * 1000
    return (since is None or since <= second) and (until is None or second <= until)


PLATFORM = Lazada
