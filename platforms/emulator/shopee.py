"""Shopee: consent page, tokens of each shop, orders. Facts: fact sheet shopee, contracts v2.*"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from typing import Any, ClassVar, NoReturn
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from platforms.emulator import pages
from platforms.emulator.accounts import ACCOUNTS, App, of_platform
from platforms.emulator.book import Record, unscramble
from platforms.emulator.cast.shopee import REGIONS, ShopeeAccount, shop_of
from platforms.emulator.knobs import Knobs
from platforms.emulator.shopee_payload import STATUS, render
from platforms.emulator.state import Outgoing, State, Token
from platforms.emulator.wire import Refused, json_answer, pack, unpack

ACCESS_TTL, REFRESH_TTL, CODE_TTL = 14_400, 30 * 86_400, 600
CLOCK_S = 300
MOST_DAYS_S = 15 * 86_400
SERIAL = re.compile(r"261120EM([0-9]{10})")
CALLS = {  # path after /api/v2 -> method, operation
    "/auth/token/get": ("POST", "shopee.token"),
    "/auth/access_token/get": ("POST", "shopee.token"),
    "/public/get_shops_by_partner": ("GET", "shopee.partner"),
    "/push/set_app_push_config": ("POST", "shopee.push_config"),
    "/shop/get_shop_info": ("GET", "shopee.shop"),
    "/order/get_order_list": ("GET", "shopee.orders"),
    "/order/get_order_detail": ("GET", "shopee.order"),
}

PUBLIC = ("shopee.token", "shopee.partner", "shopee.push_config")


def answer(error: str = "", message: str = "", http: int = 200, **body: Any) -> Response:
    """Shopee's envelope, the same for success and refusal."""
    whole = {"error": error, "message": message, "request_id": secrets.token_hex(16), **body}
    return json_answer(whole, http)


def refuse(error: str, message: str, status: int = 200) -> NoReturn:
    raise Refused(answer(error, message, status), message)


def _hosts(key: str) -> dict[str, str]:
    return {key: "/shopee/global", **{f"{key}.{region}": f"/shopee/{region}" for region in REGIONS}}


class Shopee:
    code = "shopee"
    endpoints: ClassVar[dict[str, str]] = _hosts("api") | _hosts("consent")
    real_limits: ClassVar[dict[str, tuple[float, float]]] = {"shopee.orders": (5, 5)}
    scopes: ClassVar[tuple[str, ...]] = ("Order",)
    # Cursors are opaque and do not drift; refresh tokens are always single use.
    unused_knobs: ClassVar[frozenset[str]] = frozenset(
        {"secret_expired", "empty_page", "drift", "rotate"}
    )

    def __init__(self, state: State) -> None:
        self.state = state

    def _split(self, request: Request) -> tuple[str, str]:
        region, _, rest = request.path.removeprefix("/shopee/").partition("/")
        return region, f"/{rest}"

    def operation(self, request: Request) -> str:
        region, path = self._split(request)
        if region not in REGIONS:
            return ""
        return "shopee.consent" if path == "/auth" else CALLS.get(path[7:], ("", ""))[1]

    def account(self, request: Request, operation: str) -> str | None:
        given = request.get_json(silent=True) if operation == "shopee.token" else request.args
        for name in ("access_token", "refresh_token", "code"):
            known = self.state.tokens.get(str((given or {}).get(name, "")))
            if known and known.platform == "shopee":
                return known.account
        return None

    def failure(self, kind: str, request: Request, retry_after: int | None) -> Response:
        if kind == "block_ip":
            text = "Request Source IP (203.0.113.9) is undeclared. Please declare all your IP"
            return answer("source_ip_undeclared", text, 403)
        if kind == "throttle":
            return answer("error_rate_limit", "Too many requests. Please try again later.")
        return answer("error_server", "Something wrong. Please try later.", 503)

    def handle(self, request: Request, operation: str, knobs: Knobs) -> Response:
        if not operation:
            raise Refused(answer("error_not_found", "", 404), "there is no such path")
        region, path = self._split(request)
        if operation == "shopee.consent":
            return self.consent(request, region, knobs)
        if request.method != CALLS[path[7:]][0]:
            refuse("error_param", "the request path is incorrect", 404)
        app = self._signed(request, path, operation)
        if operation == "shopee.token":
            return self.token(request, app, region, path, knobs)
        if operation == "shopee.partner":
            return answer(authed_shop_list=[], more=False)
        if operation == "shopee.push_config":
            return self.push_config(request, app)
        account, shop_id = self._authenticated(request, app, region, knobs)
        if operation == "shopee.shop":
            return self.shop(account, shop_id, knobs)
        if "Order" in knobs.drop_scopes or not account.permitted:
            refuse("error_auth", "No permission to current api.", 403)
        if operation == "shopee.orders":
            return self.orders(request, account, shop_id, knobs)
        return self.order(request, account, shop_id, knobs)

    # --- who calls

    def _signed(self, request: Request, path: str, operation: str) -> App:
        given = request.args
        for name in ("partner_id", "timestamp", "sign"):
            if not given.get(name):
                refuse("error_param", f"There is no {name} in query.", 403)
        app = self.state.app("shopee", given["partner_id"])
        if app is None:
            refuse("invalid_partner_id", "Invalid partner_id, please have a check.", 403)
        stamp = given["timestamp"]
        if not re.fullmatch(r"[0-9]{10}", stamp):
            refuse("error_param", "Invalid timestamp", 403)
        if abs(int(stamp) - self.state.now("shopee")) > CLOCK_S:
            refuse("error_param", "Timestamp is expired.", 403)
        base = f"{app.client_id}{path}{stamp}"
        if operation not in PUBLIC:
            for name in ("access_token", "shop_id"):
                if not given.get(name):
                    refuse("error_param", f"There is no {name} in query.", 403)
            base += given["access_token"] + given["shop_id"]
        wanted = hmac.new(app.client_secret.encode(), base.encode(), hashlib.sha256).hexdigest()
        if given["sign"] != wanted:
            refuse("error_sign", "Wrong sign.", 403)
        return app

    def _authenticated(
        self, request: Request, app: App, region: str, knobs: Knobs
    ) -> tuple[ShopeeAccount, str]:
        shop_id = request.args["shop_id"]
        token = self.state.find_token(request.args["access_token"], "shopee", "access")
        mine = token is not None and token.client_id == app.client_id and shop_id in token.scopes
        if token is None or not mine or not self.state.is_live(token):
            refuse("invalid_acceess_token", "Invalid access_token.", 403)
        account = ACCOUNTS[token.account]
        assert isinstance(account, ShopeeAccount)
        if account.region != region:
            refuse("error_shop", "shopid is invalid", 403)
        return account, shop_id

    # --- consent page

    def consent(self, request: Request, region: str, knobs: Knobs) -> Response:
        asked = request.args
        app = self.state.app("shopee", asked.get("partner_id", ""))
        back = asked.get("redirect_uri", "")
        if app is None or back != (app.redirect or self.state.redirect_uri("shopee")):
            refuse("error_param", "unknown partner_id, or not its redirect domain", 400)
        if (asked.get("auth_type"), asked.get("response_type")) != ("seller", "code"):
            refuse("error_param", "auth_type or response_type is wrong", 400)
        if request.method != "POST":
            here = [a for a in of_platform("shopee") if getattr(a, "region", "") == region]
            accounts = [(a.key, a.label) for a in here]
            return pages.consent(
                request, accounts=accounts, asks=list(self.scopes), app=app.client_id
            )
        state = {"state": asked["state"]} if "state" in asked else {}
        account = ACCOUNTS.get(request.form.get("account", ""))
        if request.form.get("decision") != "agree" or not isinstance(account, ShopeeAccount):
            return pages.redirect(f"{back}?{urlencode({'error': 'access_denied'} | state)}")
        if account.region != region:
            refuse("error_param", "this seller signs in at another address", 400)
        ids = tuple(shop_id for shop_id, _ in account.shops)
        code = self._mint("code", app.client_id, account.key, ids, CODE_TTL, knobs.code_ttl)
        who = {"main_account_id": account.main_id} if account.main_id else {"shop_id": ids[0]}
        return pages.redirect(f"{back}?{urlencode({'code': code} | who | state)}")

    def _mint(
        self, kind: str, client: str, key: str, shops: tuple[str, ...], ttl: int, knob: int | None
    ) -> str:
        """`shops` are those that the token is good for; of a refresh token, those not yet used."""
        return self.state.mint(
            Token(
                value=secrets.token_hex(16),
                kind=kind,
                platform="shopee",
                client_id=client,
                account=key,
                scopes=shops,
                expires_at=self.state.now("shopee") + (ttl if knob is None else knob),
            )
        )

    # --- token endpoint

    def token(self, request: Request, app: App, region: str, path: str, knobs: Knobs) -> Response:
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or body.get("partner_id") != int(app.client_id):
            refuse("error_param", "parameter invalid")
        if path.endswith("/auth/token/get"):
            return self._exchange(app, region, body, knobs)
        shop_id, token = body.get("shop_id"), self._find(app, region, body, "refresh")
        if not isinstance(shop_id, int):
            refuse("error_param", "parameter invalid")
        if token and token.revoked:
            refuse("shop_no_linked", "Partner and shop has no linked.")
        if token is None or str(shop_id) not in token.scopes:
            refuse("error_shop_refresh_token", "Your refresh token is error")
        if not self.state.is_live(token):
            refuse("refresh_token_expired", "Your refresh_token expired.")
        # Single use for each shop: the first pair of a main account begins several chains.
        token.scopes = tuple(each for each in token.scopes if each != str(shop_id))
        pair = self._pair(app, token.account, (str(shop_id),), knobs)
        if knobs.omit_refresh:
            del pair["refresh_token"]
        return answer(partner_id=int(app.client_id), shop_id=shop_id, **pair)

    def _find(self, app: App, region: str, body: dict[str, Any], kind: str) -> Token | None:
        value = str(body.get("code" if kind == "code" else "refresh_token", ""))
        token = self.state.find_token(value, "shopee", kind)
        if token is None or token.client_id != app.client_id:
            return None
        account = ACCOUNTS[token.account]
        return token if getattr(account, "region", "") == region else None

    def _exchange(self, app: App, region: str, body: dict[str, Any], knobs: Knobs) -> Response:
        code = self._find(app, region, body, "code")
        if code is None or code.used or not self.state.is_live(code):
            refuse("invalid_code", "The code is expired or used or invalid, please check the code.")
        account = ACCOUNTS[code.account]
        assert isinstance(account, ShopeeAccount)
        ids = [int(shop_id) for shop_id in code.scopes]
        if account.main_id and body.get("main_account_id") != int(account.main_id):
            refuse("invalid_main_acount_id", "The code or main_accoount_id is wrong")
        if not account.main_id and body.get("shop_id") not in ids:
            refuse("invalid_shop_id", "The code or shop_id is wrong")
        code.used = True
        other = ACCOUNTS.get(knobs.wrong_account)
        if isinstance(other, ShopeeAccount):
            account, ids = other, [int(shop_id) for shop_id, _ in other.shops]
        pair = self._pair(app, account.key, tuple(map(str, ids)), knobs)
        return answer(shop_id_list=ids, merchant_id_list=[], **pair)

    def _pair(self, app: App, key: str, shops: tuple[str, ...], knobs: Knobs) -> dict[str, Any]:
        client = app.client_id
        return {
            "access_token": self._mint("access", client, key, shops, ACCESS_TTL, knobs.access_ttl),
            "refresh_token": self._mint(
                "refresh", client, key, shops, REFRESH_TTL, knobs.refresh_ttl
            ),
            "expire_in": ACCESS_TTL if knobs.access_ttl is None else knobs.access_ttl,
        }

    # --- calls

    def shop(self, account: ShopeeAccount, shop_id: str, knobs: Knobs) -> Response:
        region = dict(account.shops)[shop_id]
        granted = int(self.state.started_at)
        return answer(
            auth_time=granted,
            expire_time=granted + 365 * 86_400,
            shop_name=f"{account.name} {region}",
            region=region,
            status="FROZEN" if knobs.suspended else account.status,
            is_cb=len(account.shops) > 1,
            merchant_id=None,
        )

    def orders(
        self, request: Request, account: ShopeeAccount, shop_id: str, knobs: Knobs
    ) -> Response:
        args = request.args
        by = args.get("time_range_field")
        size = _whole(args, "page_size")
        since, until = _whole(args, "time_from"), _whole(args, "time_to")
        if by not in ("create_time", "update_time") or not 1 <= size <= 100:
            refuse("error_param", "Wrong parameters, detail: time_range_field or page_size.")
        if since >= until or until - since > MOST_DAYS_S:
            text = "Start time must be earlier than end time and diff in 15days."
            refuse("order.order_list_invalid_time", text)

        def place(r: Record) -> list[int]:
            return [(r.placed if by == "create_time" else r.changed) // 1000, r.serial]

        seal = f"{shop_id}/{by}/{since}/{until}"
        try:
            after = unpack(args["cursor"], seal=seal) if args.get("cursor") else [0, 0]
        except ValueError:
            refuse("error_param", "Wrong parameters, detail: cursor.")
        hits = sorted(
            (
                r
                for r in self.state.book(account.key).records
                if shop_of(account, r.serial)[0] == shop_id and since <= place(r)[0] <= until
            ),
            key=place,
        )
        rest = [r for r in hits if place(r) > after]
        page = rest[:size]
        more = len(rest) > size
        told = "order_status" in args.get("response_optional_fields", "").split(",")
        listed = [
            {"order_sn": account.number(r.serial)}
            | ({"order_status": STATUS[r.stage]} if told else {})
            for r in page
        ]
        cursor = pack(place(page[-1]), seal=seal) if more else ""
        return answer(response={"more": more, "next_cursor": cursor, "order_list": listed})

    def order(
        self, request: Request, account: ShopeeAccount, shop_id: str, knobs: Knobs
    ) -> Response:
        asked = [sn for sn in request.args.get("order_sn_list", "").split(",") if sn]
        if not 1 <= len(asked) <= 50:
            refuse("error_param", "Wrong parameters, detail: order_sn_list limit [1,50].")
        wanted = set(request.args.get("response_optional_fields", "").split(","))
        found = []
        for sn in asked:
            match = SERIAL.fullmatch(sn)
            serial = unscramble(account.key, match[1]) if match else 0
            record = self.state.book(account.key).find(serial)
            if record is None or shop_of(account, serial)[0] != shop_id:
                refuse("error_not_found", "Wrong parameters, detail: the order is not found.")
            found.append(render(record, account, seed=self.state.seed, wanted=wanted))
        if knobs.unknown_status:
            found[0]["order_status"] = "TELEPORTED"
        if knobs.bad_record:
            found[0] |= {"create_time": "yesterday", "item_list": "see attachment"}
        return answer(response={"order_list": found})

    # --- pushes, switched on for all shops that the application may call for

    def push_config(self, request: Request, app: App) -> Response:
        body = request.get_json(silent=True) or {}
        url, switched = str(body.get("callback_url", "")), body.get("set_push_config_on", [])
        if not url.startswith(("https://", "http://")):
            refuse("error_param", "this callback_url is invalid, please check your callback_url.")
        self.state.keep("shopee")[app.client_id] = {"url": url, "on": switched}
        return answer(response={"result": "success"})

    def orders_changed(self, account: str, records: list[Record]) -> None:
        for record in records:
            self._push(account, 3, record)

    def access_ended(self, account: str) -> None:
        self._push(account, 2, None)

    def push(self, account: str, topic: str) -> bool:
        if topic not in ("2", "3", "4", "12"):
            return False
        book = self.state.book(account).records
        self._push(account, int(topic), book[-1] if topic in ("3", "4") and book else None)
        return True

    def _push(self, key: str, code: int, record: Record | None) -> None:
        account = ACCOUNTS[key]
        assert isinstance(account, ShopeeAccount)
        clients = {t.client_id for t in self.state.tokens.values() if t.account == key}
        data: dict[str, Any] = {"success": 1}
        shops = [shop_id for shop_id, _ in account.shops]
        if record is not None:
            number = account.number(record.serial)
            shops = [shop_of(account, record.serial)[0]]
            data = {"ordersn": number, "status": STATUS[record.stage]}
        for client in sorted(clients):
            app = self.state.app("shopee", client)
            config = self.state.keep("shopee").get(client)
            if app is None or config is None or code not in config["on"]:
                continue
            for shop_id in shops:
                self._send(
                    app, config["url"], {"code": code, "shop_id": int(shop_id), "data": data}
                )

    def _send(self, app: App, url: str, told: dict[str, Any]) -> None:
        body = json.dumps({**told, "timestamp": int(self.state.now("shopee"))}).encode()
        base = f"{url}|".encode() + body
        sign = hmac.new(app.client_secret.encode(), base, hashlib.sha256).hexdigest()
        headers = {"Authorization": sign, "Content-Type": "application/json"}
        out = Outgoing(
            platform="shopee", topic=str(told["code"]), url=url, body=body, headers=headers
        )
        self.state.send(out)


def _whole(args: Any, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", args.get(name, "")):
        refuse("error_param", f"Wrong parameters, detail: {name}.")
    return int(args[name])


PLATFORM = Shopee
