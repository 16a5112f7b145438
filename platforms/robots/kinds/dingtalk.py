"""DingTalk (钉钉), custom robots of a group.

Sources: open.dingtalk.com/document/robots/custom-robot-access and
.../customize-robot-security-settings (signature: milliseconds, a line end and the secret, signed
with the secret, in the query; at most an hour off; 20 messages a minute, then silence for ten
minutes). Codes that the pages do not list: 130101 "send too fast" from ccfos/nightingale#369;
460101 "message too long, exceed 20000 bytes" and 300001, 300005 "token is not exist" from
timonwong/prometheus-webhook-dingtalk#30, #91, #226; 310000 with "invalid timestamp" from
jenkinsci/dingtalk-plugin#116.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from urllib.parse import quote_plus

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
from platforms.spec import Limit

_PUNISHED = timedelta(minutes=10)
_TEXT_BYTES = 8000  # JSON may double it, and 20,000 bytes is the end

_CODES = {
    "-1": later(Reason.DOWN, code="-1"),
    "130101": later(Reason.TOO_FAST, code="130101", wait=_PUNISHED),
    "410100": later(Reason.TOO_FAST, code="410100", wait=_PUNISHED),
    **{
        code: refused(Reason.GONE, code=code)
        for code in ("300001", "300005", "400013", "400101", "400102", "400106")
    },
    **{
        code: refused(Reason.BAD_MESSAGE, code=code)
        for code in [
            "34016",
            "40035",
            "43004",
            "101002",
            "400105",
            "460101",
            "430101",
            "430102",
            "430103",
            "430104",
        ]
    },
}


def signature(secret: str, timestamp_ms: int) -> str:
    """Standard base64, not yet quoted for a query."""
    signed = hmac.new(secret.encode(), f"{timestamp_ms}\n{secret}".encode(), hashlib.sha256)
    return base64.b64encode(signed.digest()).decode()


class DingTalk(Kind):
    code = "dingtalk"
    name = _("DingTalk")
    hosts = ("oapi.dingtalk.com",)
    pattern = r"https://oapi\.dingtalk\.com/robot/send\?access_token=[0-9a-f]{64}"
    placeholder = "https://oapi.dingtalk.com/robot/send?access_token=0123abcd…"
    where = (
        _("Open the group in DingTalk on a computer: Group Settings > Robots > Add Robot."),
        _("Choose Custom, the robot with a webhook, and give it a name, for example Storelink."),
        _("Under Security Settings choose Additional Signature and copy the secret."),
        _("Choose Finish and copy the webhook address."),
    )
    where_secret = (
        _("Group Settings > Robots > the robot > Security Settings > Additional Signature."),
    )
    secret = SecretUse.OPTIONAL
    secret_label = _("Signing secret")
    secret_pattern = r"SEC[0-9A-Za-z]{32,128}"  # noqa: S105 - a pattern
    secret_placeholder = "SEC0123abcd…"  # noqa: S105 - an example
    help = _(
        "If the robot asks for a keyword instead of a signature, take Storelink as the keyword "
        "and leave the secret empty."
    )
    # A full bucket and what drips in within a minute are 20 together: more is punished.
    limits = (Limit(rate=10 / 60, burst=10),)
    advice = {
        Reason.SECURITY: _(
            "The robot's security settings ask for a keyword, a signature or certain IP "
            "addresses. In DingTalk open Group Settings > Robots > the robot > Security Settings, "
            "choose Additional Signature and enter its secret here, or add the keyword Storelink."
        ),
        Reason.SIGNATURE: _(
            "The robot's security settings ask for a signature, and ours was not accepted. In "
            "DingTalk open Group Settings > Robots > the robot > Security Settings, copy the "
            "secret under Additional Signature and enter it here."
        ),
    }

    def build(self, message: Message, address: str, secret: str, now: datetime) -> Post:
        title = text.markdown(text.title_of(message))
        lines = [f"### {title}"]
        lines += text.fit(map(text.markdown, message.lines), _TEXT_BYTES)
        said = "\n\n".join([*lines, text.FOOT])
        payload: dict[str, object] = {
            "msgtype": "markdown",
            "markdown": {"title": title, "text": said},
        }
        if message.url:
            card = {"title": title, "text": said, "btnOrientation": "0"}
            card |= {"singleTitle": text.markdown(text.label_of(message))}
            card |= {"singleURL": message.url}
            payload = {"msgtype": "actionCard", "actionCard": card}
        url = address
        if secret:
            timestamp_ms = int(now.timestamp() * 1000)
            sign = quote_plus(signature(secret, timestamp_ms))
            url += f"&timestamp={timestamp_ms}&sign={sign}"
        return json_post(url, payload)

    def read_answer(self, status: int, body: bytes) -> Verdict:
        answer = json_object(body)
        if answer is None or "errcode" not in answer:
            return by_status(status)
        code = str(answer["errcode"])
        if code == "0":
            return OK
        if code == "310000":
            return refused(_which_setting(str(answer.get("errmsg", ""))), code=code)
        return _CODES.get(code) or later(Reason.UNKNOWN, code=code[:20])


def _which_setting(told: str) -> Reason:
    """310000 is one code for all security settings; only its words tell them apart. The Chinese
    words about a wrong signature speak of the timestamp too, so they are looked for first."""
    told = told.lower()
    for words, reason in (
        (("keyword", "关键词"), Reason.KEYWORD),
        (("sign not match", "签名不匹配"), Reason.SIGNATURE),
        (("whitelist", "white list", "白名单"), Reason.IP_NOT_ALLOWED),
        (("timestamp", "时间戳"), Reason.CLOCK),
    ):
        if any(word in told for word in words):
            return reason
    return Reason.SECURITY
