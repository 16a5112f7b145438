"""A local server that answers with the recorded examples of one marketplace.

Every request is held against the marketplace's own specification, and against the rules that
stand there in prose only. What does not fit is answered with 400 and remembered in
`complaints`. The examples stay where they are: nothing of them is part of this repository.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec
from jsonschema.exceptions import ValidationError

from platforms.spec import Request
from tests.platforms.adapters import contract

BASES = ("api", "auth", "apiz", "consent")
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z"


@dataclass(frozen=True, kw_only=True)
class Route:
    """A path, the specification it is in, and which example answers a request for it."""

    spec: str
    example: Callable[[Request], str]
    base: str = "api"
    prose: Callable[[Request], object] = lambda request: None
    headers: tuple[str, ...] = ()


@dataclass
class Replay:
    """One marketplace. `url` is set while it is served."""

    contracts: Path
    platform: str
    url: str = ""
    keys: tuple[str, ...] = ("api",)
    calls: list[tuple[str, Request]] = field(default_factory=list)  # (base or "", request)
    complaints: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.contracts / self.platform.replace("_", "-")

    def endpoints(self, *keys: str) -> dict[str, dict[str, str]]:
        """For PLATFORM_ENDPOINTS; with "api" alone everything goes to one address."""
        self.keys = keys
        if keys == ("api",):
            return {self.platform: {"api": self.url}}
        return {self.platform: {key: f"{self.url}/{key}" for key in keys}}

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        try:
            base, request = read_request(method, target, headers, body)
            self.calls.append((base, request))
            route = ROUTES[self.platform].get((request.method, request.path))
            assert route is not None, "no such call among those recorded"
            home = route.base if route.base in self.keys else "api"
            assert base in ("", home), f"called at {base}, it lives at {home}"
            for name in ("user-agent", "accept", *route.headers):
                assert request.headers.get(name), f"no {name}"
            spec = contract.load(self.folder / f"{route.spec}.json")
            contract.check(request, spec)
            route.prose(request)
            return 200, self.example(route.example(request))
        except (AssertionError, ValidationError, LookupError, ValueError) as exc:
            self.complaints.append(f"{method} {target}: {exc!r}")
            return 400, b'{"detail": "not in the contract"}'

    def example(self, name: str) -> bytes:
        return (self.folder / "examples" / f"{name}.json").read_bytes()

    def records(self, name: str) -> list[bytes]:
        """The orders of a recorded page, as received."""
        page = msgspec.json.decode(self.example(name), type=dict[str, msgspec.Raw])
        wanted = next(key for key in ("postings", "orders", "data") if key in page)
        return [bytes(raw) for raw in msgspec.json.decode(page[wanted], type=list[msgspec.Raw])]

    def paths(self) -> list[str]:
        return [request.path for _, request in self.calls]


@contextmanager
def replayed(contracts: Path, platform: str) -> Iterator[Replay]:
    replay = Replay(contracts, platform)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, content = replay.answer(self.command, self.path, self.headers, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    replay.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield replay
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def read_request(
    method: str, target: str, headers: Mapping[str, str], body: bytes
) -> tuple[str, Request]:
    """Which base it came to, and the request as the adapters' own value."""
    parts = urlsplit(target)
    base, path = "", parts.path
    first, _, rest = path.removeprefix("/").partition("/")
    # Amazon's own paths begin with /auth/o2, Wish's with /api/v3.
    own = f"{first}/{rest}".startswith(("auth/o2/", "api/v3/"))
    if first in BASES and not own:
        base, path = first, f"/{rest}"
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    assert len(dict(pairs)) == len(pairs), "a parameter is given twice"
    kind = headers.get("content-type", "").partition(";")[0]
    form = dict(parse_qsl(body.decode(), keep_blank_values=True)) if "form" in kind else None
    return base, Request(
        method=method,
        path=path,
        params=dict(pairs),
        headers={name.lower(): value for name, value in headers.items()},
        form=form,
        json=json.loads(body) if body and form is None else None,
    )


# --- which example answers what


def _token(names: Mapping[str, str]) -> Callable[[Request], str]:
    return lambda request: names[(request.form or {})["grant_type"]]


def _paged(where: Callable[[Request], str], pages: Mapping[str, str]) -> Callable[[Request], str]:
    """KeyError for a page that nobody was told of."""
    return lambda request: pages[where(request)]


def _json(request: Request) -> dict:
    assert isinstance(request.json, dict)
    return request.json


def _ebay_filter(request: Request) -> None:
    found = re.fullmatch(
        rf"lastmodifieddate:\[({MOMENT})\.\.({MOMENT})\]", request.params["filter"]
    )
    assert found, "the filter is not a range of lastmodifieddate"
    assert found[1] < found[3], "the range is empty"
    assert 1 <= int(request.params["limit"]) <= 200, "limit is 1 to 200"


def _amazon_times(request: Request) -> None:
    given = request.params
    assert ("createdAfter" in given) != ("lastUpdatedAfter" in given), "exactly one of the two"
    assert given["lastUpdatedAfter"] < given["lastUpdatedBefore"], "the range is empty"
    assert len(given.get("marketplaceIds", "x").split(",")) <= 50


def _tiktok_times(request: Request) -> None:
    asked = _json(request)
    assert asked["update_time_ge"] < asked["update_time_lt"], "the range is empty"


def _ozon_times(request: Request) -> None:
    asked = _json(request)["filter"]
    assert asked["since"] < asked["to"], "the range is empty"
    changed = asked.get("last_changed_status_date", {"from": "a", "to": "b"})
    assert changed["from"] < changed["to"], "the range of changes is empty"


def _wish_times(request: Request) -> None:
    given = request.params
    assert given["updated_at_min"] <= given["updated_at_max"], "the range is empty"
    assert given["sort_by"] == "updated_at.asc", "without a cursor only rising times can be paged"


def _signed(request: Request) -> None:
    """AliExpress looks at the signature before anything else, so it must be right."""
    form = dict(request.form or {})
    given = form.pop("sign")
    path = request.path.removeprefix("/rest") if request.path.startswith("/rest") else ""
    text = path + "".join(f"{name}{form[name]}" for name in sorted(form))
    secret = b"TestSecret0123456789abcdef"
    assert hmac.new(secret, text.encode(), hashlib.sha256).hexdigest().upper() == given
    assert re.fullmatch(r"\d{13}", form["timestamp"]), "timestamp is not in milliseconds"
    assert form["sign_method"] == "sha256"


def _aliexpress_method(request: Request) -> str:
    form = request.form or {}
    method = form["method"]
    if not method.endswith("orderlist.get"):
        return {
            "aliexpress.solution.merchant.profile.get": "vendor_merchant_profile_get",
            "aliexpress.solution.order.info.get": "order_info_get",
        }[method]
    query = json.loads(form["param_aeop_order_query"])
    assert query["page_size"] <= 50, "page_size is 50 at most"
    for name in ("create_date", "modified_date"):
        assert query.get(f"{name}_start", "a") < query.get(f"{name}_end", "b"), "an empty range"
    if "order_status" in query:
        return "solution_order_get_empty"
    return {1: "orderlist_page1", 2: "orderlist_page2_last"}[query["current_page"]]


_EBAY_TOKENS = {
    "authorization_code": "token_authorization_code_200",
    "refresh_token": "token_refresh_200",
}
_LWA_TOKENS = {
    "authorization_code": "lwa_authorization_code_200",
    "refresh_token": "lwa_refresh_200",
}
_TIKTOK = "tiktok-shop.openapi"
_TIKTOK_PAGES = {
    "": "orders_search_page",
    "6AsPQsUMvH3RkchNUPPh22NROHkE0D8pmq/N5M1kHYcZmtRyv9aVrNv65W7Q6tFA+7D1ud64MPNz5OaT":
        "order_detail",  # of the same form, and without a next page
}  # fmt: skip
_WISH = "wish-v3.openapi"
_OZON = "seller-api.trimmed.openapi"
_OZON_KEYS = ("client-id", "api-key")

ROUTES: dict[str, dict[tuple[str, str], Route]] = {
    "ebay": {
        ("POST", "/identity/v1/oauth2/token"): Route(
            spec="ebay_oauth_token_openapi", base="auth", example=_token(_EBAY_TOKENS)
        ),
        ("GET", "/commerce/identity/v1/user/"): Route(
            spec="specs/commerce_identity_v1_oas3", base="apiz",
            example=lambda _: "identity_user_200",
        ),
        ("GET", "/sell/fulfillment/v1/order"): Route(
            spec="specs/sell_fulfillment_v1_oas3", prose=_ebay_filter,
            example=_paged(
                lambda r: r.params["offset"], {"0": "orders_page1", "2": "orders_page2_last"}
            ),
        ),
    },
    "amazon": {
        ("POST", "/auth/o2/token"): Route(
            spec="lwa_token_openapi", base="auth", example=_token(_LWA_TOKENS)
        ),
        ("GET", "/sellers/v1/marketplaceParticipations"): Route(
            spec="models/sellers", headers=("x-amz-access-token", "x-amz-date"),
            example=lambda _: "sellers_participations_eu_200",
        ),
        ("GET", "/orders/2026-01-01/orders"): Route(
            spec="models/orders_2026-01-01", headers=("x-amz-access-token", "x-amz-date"),
            prose=_amazon_times,
            example=_paged(
                lambda r: r.params.get("paginationToken", ""),
                {
                    "": "orders_2026_search_page1",
                    "eyJwYWdlIjoyfQ==": "orders_2026_search_page2_last",
                },
            ),
        ),
    },
    "ozon": {
        ("POST", "/v1/roles"): Route(spec=_OZON, headers=_OZON_KEYS, example=lambda _: "roles"),
        ("POST", "/v1/seller/info"): Route(
            spec=_OZON, headers=_OZON_KEYS, example=lambda _: "seller_info"
        ),
        ("POST", "/v4/posting/fbs/list"): Route(
            spec=_OZON, headers=_OZON_KEYS, prose=_ozon_times,
            example=_paged(
                lambda r: _json(r).get("cursor", ""),
                {"": "fbs_list_page1", "eyJpZCI6Mn0=": "fbs_list_page2_last"},
            ),
        ),
        ("POST", "/v3/posting/fbo/list"): Route(
            spec=_OZON, headers=_OZON_KEYS, prose=_ozon_times, example=lambda _: "fbo_list"
        ),
    },
    "tiktok_shop": {
        ("GET", "/api/v2/token/get"): Route(
            spec=_TIKTOK, base="auth", example=lambda _: "token_get"
        ),
        ("GET", "/api/v2/token/refresh"): Route(
            spec=_TIKTOK, base="auth", example=lambda _: "token_get"
        ),
        ("GET", "/authorization/202309/shops"): Route(
            spec=_TIKTOK, headers=("x-tts-access-token",), example=lambda _: "shops"
        ),
        ("POST", "/order/202309/orders/search"): Route(
            spec=_TIKTOK, headers=("x-tts-access-token",), prose=_tiktok_times,
            example=_paged(lambda r: r.params.get("page_token", ""), _TIKTOK_PAGES),
        ),
    },
    "wish": {
        ("POST", "/api/v3/oauth/access_token"): Route(
            spec=_WISH, base="auth", example=lambda _: "token"
        ),
        ("GET", "/api/v3/oauth/refresh_token"): Route(
            spec=_WISH, base="auth", example=lambda _: "token"
        ),
        ("GET", "/api/v3/oauth/test"): Route(spec=_WISH, example=lambda _: "oauth_test"),
        # Of these two nothing is recorded: an answer that tells neither name nor currency.
        ("GET", "/api/v3/merchant/settings"): Route(spec=_WISH, example=lambda _: "oauth_test"),
        ("GET", "/api/v3/merchant/currency_settings"): Route(
            spec=_WISH, example=lambda _: "oauth_test"
        ),
        ("GET", "/api/v3/orders"): Route(
            spec=_WISH, prose=_wish_times, example=lambda _: "orders_page"
        ),
    },
    "aliexpress": {
        ("POST", "/rest/auth/token/create"): Route(
            spec="iop-gateway.openapi", base="auth", prose=_signed,
            example=lambda _: "token_create_online_app",
        ),
        ("POST", "/rest/auth/token/refresh"): Route(
            spec="iop-gateway.openapi", base="auth", prose=_signed,
            example=lambda _: "token_refresh",
        ),
        ("POST", "/sync"): Route(
            spec="iop-gateway.openapi", prose=_signed, example=_aliexpress_method
        ),
    },
}  # fmt: skip
