"""What the robots are told in these tests, and to which addresses."""

from __future__ import annotations

from datetime import UTC, datetime

from platforms.robots.spec import Message

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

ADDRESSES = {
    "dingtalk": "https://oapi.dingtalk.com/robot/send?access_token=" + "0123abcd" * 8,
    "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook/0123abcd-0123-4567-89ab-0123456789ab",
    "lark": "https://open.larksuite.com/open-apis/bot/v2/hook/0123abcd-0123-4567-89ab-0123456789ab",
    "wecom": (
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0123abcd-0123-4567-89ab-0123456789ab"
    ),
    "slack": "https://hooks.slack.com/services/T0123ABCD/B0123ABCD/abcdefghijklmnopqrstuvwx",
    "webhook": "https://hooks.example.com/storelink?team=1",
}
SECRETS = {
    "dingtalk": "SEC" + "f0" * 32,
    "feishu": "Xq3kT9vLm2Rz7PwYb8Ns4C",
    "lark": "Xq3kT9vLm2Rz7PwYb8Ns4C",
    "wecom": "",
    "slack": "",
    "webhook": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}


def message(**changed: object) -> Message:
    given: dict[str, object] = {
        "title": "Tea House needs you",
        "lines": ("eBay no longer accepts our permission.", "Link the store again."),
        "url": "https://storelink.example/stores/1/?a=1&b=(2)",
        "url_label": "Open the store",
        "level": "danger",
        "key": "notice:1",
        "at": NOW,
        "data": {"store": "Tea House", "fault": "token_revoked"},
    }
    return Message(**{**given, **changed})  # type: ignore[arg-type]
