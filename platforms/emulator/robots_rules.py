"""What each product's robots check and answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

from platforms.emulator.robots_known import KNOWN, Robot
from platforms.emulator.wire import Refused, json_answer

HOUR_S = 3600
HOOK_TOLERANCE_S = 300


@dataclass(kw_only=True)
class Said:
    """What the group would see; `rings` are the mentions that everybody's phone would ring for."""

    title: str
    text: str
    url: str
    body: dict[str, Any]
    rings: list[str]
    signed: bool
    headers: dict[str, str] = field(default_factory=dict)


def _hmac64(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


class Rules:
    """One product. `limits`: most messages, within seconds, seconds of silence for whoever sent
    them too fast."""

    kind: str
    limits: tuple[tuple[int, float, float], ...] = ()

    def find(self, path: str, request: Request) -> Robot:
        asked = f"{path}?{self.credential(request)}" if self.credential(request) else path
        for robot in KNOWN[self.kind]:
            parts = urlsplit(robot.address)
            if asked == (f"{parts.path}?{parts.query}" if parts.query else parts.path):
                return robot
        raise Refused(self.unknown(), "no such robot")

    def credential(self, request: Request) -> str:
        return ""

    def unknown(self) -> Response:
        raise NotImplementedError

    def too_fast(self) -> Response:
        raise NotImplementedError

    def success(self) -> Response:
        raise NotImplementedError

    def read(self, robot: Robot, secret: str, request: Request, now: float) -> Said:
        raise NotImplementedError

    def payload(self, request: Request, wrong: Response) -> dict[str, Any]:
        try:
            body = json.loads(request.get_data())
        except ValueError:
            body = None
        if request.method != "POST" or request.mimetype != "application/json" or not body:
            raise Refused(wrong, "no JSON")
        if not isinstance(body, dict):
            raise Refused(wrong, "no object")
        return body


def _err(code: int, words: str) -> Response:
    return json_answer({"errcode": code, "errmsg": words})


class DingTalk(Rules):
    kind = "dingtalk"
    limits = ((20, 60, 600),)

    def credential(self, request: Request) -> str:
        return f"access_token={request.args.get('access_token', '')}"

    def unknown(self) -> Response:
        return _err(300005, "token is not exist")

    def too_fast(self) -> Response:
        return _err(130101, "send too fast, exceed 20 times per minute")

    def success(self) -> Response:
        return _err(0, "ok")

    def read(self, robot: Robot, secret: str, request: Request, now: float) -> Said:
        raw = request.get_data()
        if robot.fate:
            raise Refused(_err(-1, "系统繁忙"), robot.fate)
        body = self.payload(request, _err(43004, "无效的HTTP HEADER Content-Type"))
        if len(raw) > 20_000:
            raise Refused(_err(460101, "message too long, exceed 20000 bytes"), "too long")
        self._check(robot, secret, request, raw.decode(errors="replace"), now)
        inner = body.get(str(body.get("msgtype")))
        wanted: dict[str, tuple[str, ...]] = {
            "markdown": ("title", "text"),
            "actionCard": ("title", "text", "singleTitle", "singleURL"),
        }
        fields = wanted.get(str(body.get("msgtype")))
        if fields is None or not isinstance(inner, dict) or not all(map(inner.get, fields)):
            raise Refused(_err(40035, "缺少参数 json"), "fields are missing")
        at = body.get("at", {})
        rings = ["all"] if at.get("isAtAll") else []
        return Said(
            title=inner["title"],
            text=inner["text"],
            url=inner.get("singleURL", ""),
            body=body,
            rings=rings + list(at.get("atMobiles", [])) + list(at.get("atUserIds", [])),
            signed=bool(secret),
        )

    def _check(self, robot: Robot, secret: str, request: Request, text: str, now: float) -> None:
        if robot.keyword and robot.keyword not in text:
            raise Refused(_err(310000, "keywords not in content"), "keyword")
        if robot.only_ip:
            told = f"ip {request.remote_addr or '192.0.2.1'} not in whitelist"
            raise Refused(_err(310000, told), "IP address")
        if not secret:
            return
        timestamp = request.args.get("timestamp", "")
        wanted = _hmac64(secret.encode(), f"{timestamp}\n{secret}".encode())
        if request.args.get("sign") != wanted:
            why = "description:机器人发送签名不匹配;"
            fix = "solution:请确认签名和生成签名的时间戳必须都放在调用的网址中"
            raise Refused(_err(310000, why + fix), "signature")
        if not timestamp.isdecimal() or abs(int(timestamp) / 1000 - now) > HOUR_S:
            raise Refused(_err(310000, "invalid timestamp"), "timestamp")


class Feishu(Rules):
    kind = "feishu"
    limits = ((5, 1, 0), (100, 60, 0))

    @staticmethod
    def _told(code: int, words: str) -> Response:
        return json_answer({"code": code, "data": {}, "msg": words})

    def unknown(self) -> Response:
        return self._told(19001, "param invalid: incoming webhook access token invalid")

    def too_fast(self) -> Response:
        return self._told(9499, "too many request")

    def success(self) -> Response:
        ok = {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}
        return json_answer(ok)

    def read(self, robot: Robot, secret: str, request: Request, now: float) -> Said:
        raw = request.get_data()
        if robot.fate:
            raise Refused(self._told(11232, "create message trigger frequency limit"), robot.fate)
        body = self.payload(request, self._told(9499, "Bad Request: fail to parse the body"))
        if len(raw) > 20 * 1024:
            raise Refused(self._told(9499, "Bad Request: the body is too large"), "too large")
        self._check(robot, secret, body, raw.decode(errors="replace"), now)
        card = body.get("card")
        if body.get("msg_type") != "interactive" or not isinstance(card, dict):
            raise Refused(self._told(19002, "params error, msg_type need"), "no card")
        try:
            title = card["header"]["title"]["content"]
            shown = [e["text"]["content"] for e in card["elements"] if e["tag"] == "div"]
            buttons = [a for e in card["elements"] if e["tag"] == "action" for a in e["actions"]]
            url = buttons[0]["url"] if buttons else ""
        except (KeyError, TypeError, IndexError):
            told = self._told(19002, "params error, unknown card value")
            raise Refused(told, "unreadable card") from None
        return Said(
            title=title,
            text="\n".join(shown),
            url=url,
            body=body,
            rings=re.findall(r"<at [^>]*>", raw.decode(errors="replace")),
            signed=bool(secret),
        )

    def _check(
        self, robot: Robot, secret: str, body: dict[str, Any], text: str, now: float
    ) -> None:
        if robot.keyword and robot.keyword not in text:
            raise Refused(self._told(19024, "Key Words Not Found"), "keyword")
        if robot.only_ip:
            raise Refused(self._told(19022, "Ip Not Allowed"), "IP address")
        if not secret:
            return
        timestamp = str(body.get("timestamp", ""))
        fresh = timestamp.isdecimal() and abs(int(timestamp) - now) <= HOUR_S
        if not fresh or body.get("sign") != _hmac64(f"{timestamp}\n{secret}".encode(), b""):
            told = "sign match fail or timestamp is not within one hour from current time"
            raise Refused(self._told(19021, told), "signature")


class Lark(Feishu):
    kind = "lark"


class WeCom(Rules):
    kind = "wecom"
    limits = ((20, 60, 0),)

    def credential(self, request: Request) -> str:
        return f"key={request.args.get('key', '')}"

    def unknown(self) -> Response:
        return _err(93000, "invalid webhook url, hint: [1732064547142832100935838]")

    def too_fast(self) -> Response:
        return _err(45009, "api freq out of limit")

    def success(self) -> Response:
        return _err(0, "ok")

    def read(self, robot: Robot, secret: str, request: Request, now: float) -> Said:
        if robot.fate:
            raise Refused(_err(-1, "system busy"), robot.fate)
        body = self.payload(request, _err(40035, "invalid JSON"))
        inner = body.get("markdown")
        if body.get("msgtype") != "markdown" or not isinstance(inner, dict):
            raise Refused(_err(40008, "invalid message type"), "message type")
        content = str(inner.get("content", ""))
        if not content:
            raise Refused(_err(44004, "empty content"), "empty")
        if len(content.encode()) > 4096:
            raise Refused(_err(40058, "markdown.content exceed max length 4096"), "too long")
        title, _end, text = content.partition("\n")
        links = re.findall(r"\]\(([^)]*)\)", text)
        return Said(
            title=title.lstrip("# "),
            text=text,
            url=links[-1] if links else "",
            body=body,
            rings=re.findall(r"<@[^>]*>", content),
            signed=False,
        )


class Slack(Rules):
    kind = "slack"
    limits = ((5, 5, 0),)  # one a second, with short bursts

    @staticmethod
    def _told(status: int, word: str) -> Response:
        return Response(word, status=status, content_type="text/html")

    def unknown(self) -> Response:
        return self._told(404, "no_service")

    def too_fast(self) -> Response:
        response = self._told(429, "rate_limited")
        response.headers["Retry-After"] = "5"
        return response

    def success(self) -> Response:
        return self._told(200, "ok")

    def read(self, robot: Robot, secret: str, request: Request, now: float) -> Said:
        fates = {"channel_is_archived": 410, "action_prohibited": 403, "rollup_error": 500}
        if robot.fate:
            raise Refused(self._told(fates[robot.fate], robot.fate), robot.fate)
        body = self.payload(request, self._told(400, "invalid_payload"))
        blocks = body.get("blocks", [])
        if not body.get("text") and not blocks:
            raise Refused(self._told(400, "no_text"), "no text")
        try:
            headers = [b["text"]["text"] for b in blocks if b["type"] == "header"]
            sections = [b["text"]["text"] for b in blocks if b["type"] == "section"]
            urls = [e["url"] for b in blocks if b["type"] == "actions" for e in b["elements"]]
        except (KeyError, TypeError):
            raise Refused(self._told(400, "invalid_blocks"), "unreadable blocks") from None
        too_long = any(len(h) > 150 for h in headers) or any(len(s) > 3000 for s in sections)
        if too_long or not all(headers + sections) or len(blocks) > 50:
            raise Refused(self._told(400, "invalid_blocks"), "block sizes")
        everything = "\n".join([str(body.get("text", "")), *headers, *sections])
        return Said(
            title=(headers or [str(body.get("text", ""))])[0],
            text="\n".join(sections),
            url=urls[0] if urls else "",
            body=body,
            rings=re.findall(r"<[!@][^>]*>", everything),
            signed=False,
        )


class Webhook(Rules):
    kind = "webhook"

    def find(self, path: str, request: Request) -> Robot:
        """Any path is somebody's."""
        for robot in KNOWN[self.kind]:
            if urlsplit(robot.address).path == path:
                return robot
        return Robot(name=path, address=f"https://hooks.example.com{path}")

    def success(self) -> Response:
        return Response(status=204)

    def read(self, robot: Robot, secret: str, request: Request, now: float) -> Said:
        if robot.fate == "moved":
            raise Refused(Response(status=302, headers={"Location": "/hooks/open"}), "moved")
        if robot.fate:
            raise Refused(Response(status={"gone": 410, "down": 503}[robot.fate]), robot.fate)
        body = self.payload(request, json_answer({"error": "JSON is expected"}, 400))
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        headers = {name: request.headers.get(name, "") for name in names}
        if secret:
            self._check(secret, headers, request.get_data(), now)
        data = body.get("data", {})
        return Said(
            title=str(body.get("type", "")),
            text=json.dumps(data, ensure_ascii=False, indent=1),
            url="",
            body=body,
            rings=[],
            signed=bool(secret),
            headers=headers,
        )

    def _check(self, secret: str, headers: dict[str, str], raw: bytes, now: float) -> None:
        identity, timestamp, given = headers.values()
        key = base64.b64decode(secret.removeprefix("whsec_"))
        wanted = "v1," + _hmac64(key, f"{identity}.{timestamp}.".encode() + raw)
        fresh = timestamp.isdecimal() and abs(int(timestamp) - now) <= HOOK_TOLERANCE_S
        if not identity or not fresh or wanted not in given.split(" "):
            raise Refused(json_answer({"error": "the signature is wrong"}, 401), "signature")


RULES: dict[str, Rules] = {
    rules.kind: rules for rules in (DingTalk(), Feishu(), WeCom(), Lark(), Slack(), Webhook())
}
