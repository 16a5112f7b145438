"""WeCom (企业微信), the message push of a group, formerly called group robot.

Source: developer.work.weixin.qq.com/document/path/99110 (20 messages a minute; markdown of at
most 4096 bytes; `<@userid>` in it rings somebody; no signatures: the key in the address is
all). 93000 "invalid webhook url" and 40058 "exceed max length 4096" as in
wes-lin/Cloud189Checkin#175 and dromara/domain-admin#82.
"""

from __future__ import annotations

import re
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from platforms.robots import text
from platforms.robots.spec import (
    OK,
    Kind,
    Message,
    Post,
    Verdict,
    by_status,
    json_object,
    json_post,
    later,
    refused,
)
from platforms.robots.words import Reason
from platforms.spec import Limit

_CONTENT_BYTES = 4096
_CODES = {
    "-1": later(Reason.DOWN, code="-1"),
    "45009": later(Reason.TOO_FAST, code="45009"),
    "45033": later(Reason.TOO_FAST, code="45033"),
    "60020": refused(Reason.IP_NOT_ALLOWED, code="60020"),
    **{code: refused(Reason.GONE, code=code) for code in ("93000", "93004", "93008")},
    **{
        code: refused(Reason.BAD_MESSAGE, code=code)
        for code in ("40008", "40033", "40035", "40058", "44004", "45002")
    },
}


class WeCom(Kind):
    code = "wecom"
    name = _("WeCom")
    hosts = ("qyapi.weixin.qq.com",)
    pattern = (
        r"https://qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key="
        r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    )
    placeholder = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0123abcd-…"
    where = (
        _("Open the group in WeCom: … > Message Push (formerly Group Robots) > Add."),
        _("Give it a name, for example Storelink, and choose Add."),
        _("Copy the webhook address."),
    )
    help = _("WeCom robots need no secret: the address is enough. Do not show it to others.")
    # A full bucket and what drips in within a minute are 20 together.
    limits = (Limit(rate=10 / 60, burst=10),)

    def build(self, message: Message, address: str, secret: str, now: datetime) -> Post:
        ends = [text.FOOT]
        if message.url:
            ends.insert(
                0, f"[{text.markdown(text.label_of(message))}]({_in_brackets(message.url)})"
            )
        end = "\n\n".join(ends)
        title = f"### {text.markdown(text.title_of(message))}"
        room = _CONTENT_BYTES - len(f"{title}\n\n\n\n{end}".encode())
        lines = text.fit(map(text.markdown, message.lines), room)
        content = "\n\n".join([title, "\n".join(lines), end])
        return json_post(address, {"msgtype": "markdown", "markdown": {"content": content}})

    def read_answer(self, status: int, body: bytes) -> Verdict:
        answer = json_object(body)
        if answer is None or "errcode" not in answer:
            return by_status(status)
        code = str(answer["errcode"])
        if code == "0":
            return OK
        return _CODES.get(code) or later(Reason.UNKNOWN, code=code[:20])


def _in_brackets(url: str) -> str:
    """`url` as the target of a link: nothing in it ends the link."""
    return re.sub(r"[()<>\s]", lambda found: f"%{ord(found[0]):02X}", url)
