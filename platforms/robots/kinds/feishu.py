"""Feishu (飞书), custom robots of a group; Lark is the same product abroad.

Source: open.feishu.cn/document/client-docs/bot-v3/add-custom-bot (signature: HMAC-SHA256 of
nothing with the key "seconds, line end, secret", in the body, at most an hour off; 100 messages
a minute and 5 a second; 20 KB; 19021 signature or time, 19022 IP address, 19024 keyword, 11232
limit, likely at full hours; 9499 with what is wrong). 19001 "incoming webhook access token
invalid" is what a deleted robot answers, with status 200. Older robots answer `StatusCode`
instead of `code`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from platforms.robots import text
from platforms.robots.spec import (
    OK,
    Kind,
    Message,
    Post,
    SecretUse,
    Verdict,
    by_status,
    json_object,
    json_post,
    later,
    refused,
)
from platforms.robots.words import Reason
from platforms.spec import Limit, Text

_TEXT_BYTES = 8000  # JSON may double it, and 20 KB is the end
_COLOURS = {"good": "green", "warning": "orange", "danger": "red"}
_CODES = {
    "19021": refused(Reason.SIGNATURE, code="19021"),
    "19022": refused(Reason.IP_NOT_ALLOWED, code="19022"),
    "19024": refused(Reason.KEYWORD, code="19024"),
    "19001": refused(Reason.GONE, code="19001"),
    "19007": refused(Reason.GONE, code="19007"),
    "19002": refused(Reason.BAD_MESSAGE, code="19002"),
    "11232": later(Reason.TOO_FAST, code="11232"),
    "11233": later(Reason.TOO_FAST, code="11233"),
    "99991400": later(Reason.TOO_FAST, code="99991400"),
}


def signature(secret: str, timestamp: int) -> str:
    """The key holds everything; the signed message is empty."""
    signed = hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256)
    return base64.b64encode(signed.digest()).decode()


class Feishu(Kind):
    code = "feishu"
    name: Text = _("Feishu")
    hosts: tuple[str, ...] = ("open.feishu.cn",)
    pattern = r"https://open\.feishu\.cn/open-apis/bot/v2/hook/[0-9A-Za-z_-]{16,64}"
    placeholder = "https://open.feishu.cn/open-apis/bot/v2/hook/0123abcd-…"
    where: tuple[Text, ...] = (
        _("Open the group in Feishu: … > Settings > Group Bots > Add Bot."),
        _("Choose Custom Bot, give it a name, for example Storelink, and choose Add."),
        _("Copy the webhook address."),
        _("Turn on Signature Verification, copy the secret and choose Finish."),
    )
    where_secret: tuple[Text, ...] = (
        _("Settings > Group Bots > the bot > Security Settings > Signature Verification."),
    )
    secret = SecretUse.OPTIONAL
    secret_label = _("Signing secret")
    secret_pattern = r"[0-9A-Za-z]{16,64}"  # noqa: S105 - a pattern
    secret_placeholder = "0123abcdEFGH…"  # noqa: S105 - an example
    help: Text = _(
        "If the bot asks for a keyword instead of a signature, take Storelink as the keyword and "
        "leave the secret empty."
    )
    # A full bucket and what drips in: 5 within a second, 100 within a minute.
    limits = (
        Limit(rate=2, burst=3, name="second"),
        Limit(rate=50 / 60, burst=50, name="minute"),
    )

    def build(self, message: Message, address: str, secret: str, now: datetime) -> Post:
        lines = [*text.fit(map(text.plain, message.lines), _TEXT_BYTES), text.FOOT]
        elements: list[dict[str, object]] = [
            {"tag": "div", "text": _plain_text("\n".join(lines))},
        ]
        if message.url:
            button = {"tag": "button", "type": "primary", "url": message.url}
            button["text"] = _plain_text(text.label_of(message))  # type: ignore[assignment]
            elements.append({"tag": "action", "actions": [button]})
        card = {
            "config": {"wide_screen_mode": True},
            "header": {
                "title": _plain_text(text.title_of(message)),
                "template": _COLOURS[message.level],
            },
            "elements": elements,
        }
        payload: dict[str, object] = {"msg_type": "interactive", "card": card}
        if secret:
            timestamp = int(now.timestamp())
            payload |= {"timestamp": str(timestamp), "sign": signature(secret, timestamp)}
        return json_post(address, payload)

    def read_answer(self, status: int, body: bytes) -> Verdict:
        answer = json_object(body)
        told = None if answer is None else answer.get("code", answer.get("StatusCode"))
        if answer is None or told is None:
            return by_status(status)
        code = str(told)
        if code == "0":
            return OK
        if code == "9499":
            words = str(answer.get("msg", answer.get("StatusMessage", ""))).lower()
            fast = "too many" in words or "frequency" in words
            return (
                later(Reason.TOO_FAST, code=code)
                if fast
                else refused(Reason.BAD_MESSAGE, code=code)
            )
        return _CODES.get(code) or later(Reason.UNKNOWN, code=code[:20])


def _plain_text(content: str) -> dict[str, str]:
    return {"tag": "plain_text", "content": content}
