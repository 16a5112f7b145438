"""eBay's Notification API: destinations, subscriptions, signed pushes.

Source: commerce_notification_v1 (error ids 195001-195027), fact sheet ebay §7. The fields of the
order topics' `data` are not published where we read; they are what an order hint must hold.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.wrappers import Request, Response

from platforms.emulator.accounts import ACCOUNTS
from platforms.emulator.book import Record
from platforms.emulator.cast.ebay import EBAY_SCOPE, EbayAccount
from platforms.emulator.ebay_orders import problem
from platforms.emulator.ebay_payload import render
from platforms.emulator.state import Outgoing, State, Token
from platforms.emulator.wire import Refused, iso, json_answer

PREFIX = "/ebay/api/commerce/notification/v1"
DELETION = "MARKETPLACE_ACCOUNT_DELETION"
REVOCATION = "AUTHORIZATION_REVOCATION"
CONFIRMED = "ORDER_CONFIRMATION"
SHIPPED = "ITEM_MARKED_SHIPPED"
APP_TOPICS = (DELETION, REVOCATION)
ORDER_TOPICS = (CONFIRMED, SHIPPED)
ORDER_SCOPES = {f"{EBAY_SCOPE}/sell.fulfillment", f"{EBAY_SCOPE}/sell.fulfillment.readonly"}
SUBSCRIBE = f"{EBAY_SCOPE}/commerce.notification.subscription"
VERIFICATION = re.compile(r"[A-Za-z0-9_-]{32,80}")

Row = dict[str, Any]


def refuse(status: int, error_id: int, message: str) -> Refused:
    return Refused(problem(status, error_id, message, domain="API_NOTIFICATION"), message)


class EbayNotices:
    def __init__(self, state: State) -> None:
        self.state = state
        # New at each start, with a name of its own: nobody may go on with a key kept from before.
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.kid = str(uuid.uuid4())

    def handle(self, request: Request, token: Token, granted: set[str]) -> Response:
        path = request.path.removeprefix(PREFIX)
        what, _, id_ = path.removeprefix("/").partition("/")
        if what == "public_key" and request.method == "GET":
            self._application_only(token)
            return self._public_key(id_)
        if what == "destination":
            self._application_only(token)
            return self._destinations(request, token, id_)
        if what == "subscription":
            if token.account and SUBSCRIBE not in granted:
                raise self._denied("the token lacks commerce.notification.subscription")
            return self._subscriptions(request, token, granted, id_)
        raise Refused(Response(status=404), "there is no such call")

    def _application_only(self, token: Token) -> None:
        if token.account:
            raise self._denied("this call takes an application token")

    def _denied(self, note: str) -> Refused:
        text = "Insufficient permissions to fulfill the request."
        return Refused(problem(403, 1100, "Access denied", text, domain="ACCESS"), note)

    def _public_key(self, kid: str) -> Response:
        if kid != self.kid:
            raise refuse(404, 195001, "The specified key id is invalid.")
        pem = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        key = pem.decode().replace("\n", "")
        return json_answer({"key": key, "algorithm": "ECDSA", "digest": "SHA1"})

    # --- destinations

    def _rows(self, kind: str) -> dict[str, Row]:
        rows: dict[str, Row] = self.state.keep("ebay").setdefault(kind, {})
        return rows

    def _destinations(self, request: Request, token: Token, id_: str) -> Response:
        mine = {
            key: row
            for key, row in self._rows("destinations").items()
            if row["client_id"] == token.client_id
        }
        if request.method == "GET" and not id_:
            _check_limit(request)
            shown = [_public(row, "destinationId", key) for key, row in mine.items()]
            return json_answer({"destinations": shown, "total": len(shown)})
        if request.method == "POST" and not id_:
            wanted = self._destination(request)
            if any(row["deliveryConfig"]["endpoint"] == wanted["deliveryConfig"]["endpoint"]
                   for row in mine.values()):  # fmt: skip
                raise refuse(409, 195021, "Destination exists for this endpoint")
            id_ = str(uuid.uuid4())
        elif request.method != "PUT" or id_ not in mine:
            raise refuse(404, 195022, "Invalid or missing destination id.")
        else:
            wanted = self._destination(request)
        self._rows("destinations")[id_] = {**wanted, "client_id": token.client_id}
        self._ask_challenge(wanted["deliveryConfig"]["endpoint"])
        return Response(status=204) if request.method == "PUT" else _created("destination", id_)

    def _destination(self, request: Request) -> Row:
        body = _body(request)
        config = body.get("deliveryConfig") or {}
        endpoint = str(config.get("endpoint", ""))
        if not 0 < len(str(body.get("name", ""))) <= 64:
            raise refuse(400, 195016, "Invalid name.")
        # eBay wants https; this very machine has none.
        if not endpoint.startswith(("https://", f"{self.state.callback_base}/")):
            raise refuse(400, 195017, "Invalid or missing endpoint.")
        if body.get("status") not in ("ENABLED", "DISABLED"):
            raise refuse(400, 195018, "Invalid or missing destination status.")
        if not VERIFICATION.fullmatch(str(config.get("verificationToken", ""))):
            raise refuse(400, 195019, "Invalid or missing verification token for this endpoint.")
        return {name: body[name] for name in ("name", "status", "deliveryConfig")}

    def _ask_challenge(self, endpoint: str) -> None:
        """eBay waits for the answer and refuses with 195020; we only ask, as an answer within
        the call would have to come from the very process that waits for it."""
        query = urlencode({"challenge_code": str(uuid.uuid4())})
        self.state.send(
            Outgoing(
                platform="ebay", topic="challenge", method="GET",
                url=f"{endpoint}?{query}", body=b"", headers={"Accept": "application/json"},
            )
        )  # fmt: skip

    # --- subscriptions

    def _subscriptions(
        self, request: Request, token: Token, granted: set[str], id_: str
    ) -> Response:
        rows = self._rows("subscriptions")
        mine = {
            key: row
            for key, row in rows.items()
            if (row["client_id"], row["account"]) == (token.client_id, token.account)
        }
        if request.method == "GET" and not id_:
            _check_limit(request)
            shown = [_public(row, "subscriptionId", key) for key, row in mine.items()]
            return json_answer({"subscriptions": shown, "total": len(shown)})
        if request.method == "POST" and not id_:
            wanted = self._subscription(request, token)
            topic = str(_body(request).get("topicId", ""))
            self._check_topic(topic, token, granted)
            if any(row["topicId"] == topic for row in mine.values()):
                raise refuse(409, 195012, "Subscription already exists")
            id_ = str(uuid.uuid4())
            rows[id_] = {
                **wanted, "topicId": topic, "client_id": token.client_id, "account": token.account
            }  # fmt: skip
            return _created("subscription", id_)
        if id_ not in mine:
            raise refuse(404, 195013, "The subscription id does not exist.")
        if request.method == "PUT":
            rows[id_] |= self._subscription(request, token)
        elif request.method == "DELETE":
            del rows[id_]
        else:
            raise Refused(Response(status=405), "there is no such method")
        return Response(status=204)

    def _subscription(self, request: Request, token: Token) -> Row:
        body = _body(request)
        payload = body.get("payload") or {}
        known = self._rows("destinations").get(str(body.get("destinationId", "")))
        if body.get("status") not in ("ENABLED", "DISABLED"):
            raise refuse(400, 195006, "Invalid or missing subscription status.")
        if known is None or known["client_id"] != token.client_id:
            raise refuse(400, 195007, "Invalid or missing destination id.")
        if payload.get("schemaVersion") != "1.0":
            raise refuse(400, 195008, "Invalid or missing schema version.")
        if payload.get("format") != "JSON":
            raise refuse(400, 195009, "Specified format is not supported for the topic.")
        if payload.get("deliveryProtocol") != "HTTPS":
            raise refuse(400, 195010, "Invalid or missing protocol")
        if known["status"] != "ENABLED" and body["status"] == "ENABLED":
            raise refuse(409, 195015, "The destination is not enabled.")
        return {name: body[name] for name in ("destinationId", "status", "payload")}

    def _check_topic(self, topic: str, token: Token, granted: set[str]) -> None:
        if topic not in APP_TOPICS + ORDER_TOPICS:
            raise refuse(400, 195027, "Invalid or missing topic id.")
        by_seller = topic in ORDER_TOPICS
        if by_seller != bool(token.account) or (by_seller and not granted & ORDER_SCOPES):
            raise refuse(403, 195011, "Not authorized for this topic.")

    # --- pushes

    def orders_changed(self, key: str, records: list[Record]) -> None:
        for record in records:
            topic = {"new": CONFIRMED, "shipped": SHIPPED, "partial": SHIPPED}.get(record.stage)
            if topic is not None:
                self._order(key, topic, record)

    def access_ended(self, key: str) -> None:
        account = _account(key)
        clients = {t.client_id for t in self.state.tokens.values() if t.account == key}
        data = _user(account) | {
            "revokeReason": "REVOKED_BY_USER",
            "revocationDate": iso(self.state.now("ebay") * 1000),
        }
        for client_id in clients:
            self._send(REVOCATION, "", data, client_id=client_id)
        rows = self._rows("subscriptions")
        for id_ in [id_ for id_, row in rows.items() if row["account"] == key]:
            del rows[id_]

    def push(self, key: str, topic: str) -> bool:
        account, record = _account(key), self.state.book(key).records[-1:]
        if topic in ORDER_TOPICS:
            return bool(record) and self._order(key, topic, record[0])
        if topic == REVOCATION:
            more = {"revokeReason": "PASSWORD_CHANGE",
                    "revocationDate": iso(self.state.now("ebay") * 1000)}  # fmt: skip
            return self._send(topic, "", _user(account) | more)
        if topic == DELETION and record:  # the buyer of the newest order closed the account
            name = self._render(account, record[0])["buyer"]["username"]
            data = {"username": name, "userId": f"EM{name}", "eiasToken": f"nY+EMULATOR{name}=="}
            return self._send(topic, "", data)
        return False

    def _render(self, account: EbayAccount, record: Record) -> Row:
        now = int(self.state.now("ebay") * 1000)
        return render(record, account, now=now, seed=self.state.seed, whole=False)

    def _order(self, key: str, topic: str, record: Record) -> bool:
        """One event for each line of the order."""
        account = _account(key)
        order = self._render(account, record)
        sent = [
            self._send(
                topic,
                key,
                {
                    "userId": account.user_id,
                    "username": account.username,
                    "orderId": order["orderId"],
                    "lineItemId": line["lineItemId"],
                },
            )
            for line in order["lineItems"]
        ]
        return any(sent)

    def _send(self, topic: str, account: str, data: Row, *, client_id: str = "") -> bool:
        """To everyone subscribed; False if nobody is."""
        destinations = self._rows("destinations")
        found = [
            destinations[row["destinationId"]]
            for row in self._rows("subscriptions").values()
            if (row["topicId"], row["account"], row["status"]) == (topic, account, "ENABLED")
            and client_id in ("", row["client_id"])
            and row["destinationId"] in destinations
        ]
        for row in found:
            body = self._envelope(topic, data)
            self.state.send(
                Outgoing(
                    platform="ebay",
                    topic=topic,
                    url=row["deliveryConfig"]["endpoint"],
                    body=body,
                    headers={
                        "Content-Type": "application/json",
                        "X-EBAY-SIGNATURE": self.signature(body),
                    },
                )
            )
        return bool(found)

    def _envelope(self, topic: str, data: Row) -> bytes:
        at = iso(self.state.now("ebay") * 1000)
        return json.dumps(
            {
                "metadata": {"topic": topic, "schemaVersion": "1.0", "deprecated": False},
                "notification": {
                    "notificationId": f"{uuid.uuid4()}_{uuid.uuid4()}",
                    "eventDate": at,
                    "publishDate": at,
                    "publishAttemptCount": 1,
                    "data": data,
                },
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()

    def signature(self, body: bytes) -> str:
        signed = self.key.sign(body, ec.ECDSA(hashes.SHA1()))  # noqa: S303 - as eBay does
        told = {
            "alg": "ecdsa",
            "kid": self.kid,
            "signature": base64.b64encode(signed).decode(),
            "digest": "SHA1",
        }
        return base64.b64encode(json.dumps(told, separators=(",", ":")).encode()).decode()


def _account(key: str) -> EbayAccount:
    account = ACCOUNTS[key]
    assert isinstance(account, EbayAccount)
    return account


def _user(account: EbayAccount) -> Row:
    return {
        "username": account.username,
        "userId": account.user_id,
        "eiasToken": f"nY+EMULATOR{account.user_id}==",
    }


def _body(request: Request) -> Row:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Refused(problem(400, 195000, "Invalid request"), "the body is not a JSON object")
    return body


def _check_limit(request: Request) -> None:
    limit = request.args.get("limit", "20")
    if not limit.isdecimal() or not 10 <= int(limit) <= 100:
        raise refuse(400, 195004, "Invalid limit. Supported ranges 10 - 100.")


def _public(row: Row, name: str, id_: str) -> Row:
    hidden = ("client_id", "account")
    return {name: id_} | {key: value for key, value in row.items() if key not in hidden}


def _created(kind: str, id_: str) -> Response:
    """Nothing but the address of what was made."""
    location = f"https://api.ebay.com/commerce/notification/v1/{kind}/{id_}"
    return Response(status=201, headers={"Location": location})
