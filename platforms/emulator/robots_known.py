"""The robots that exist in the emulator, with the addresses that their makers would see."""

from __future__ import annotations

from dataclasses import dataclass

SEC = "SEC" + "5e" * 32
FEISHU_SECRET = "Xq3kT9vLm2Rz7PwYb8Ns4C"
WEBHOOK_SECRET = "whsec_c3RvcmVsaW5rIGVtdWxhdG9yIHdlYmhvb2sgc2VjcmV0"


@dataclass(frozen=True, kw_only=True)
class Robot:
    """`fate` is what it answers whatever it is told, "" for a healthy one."""

    name: str
    address: str
    secret: str = ""
    keyword: str = ""
    only_ip: str = ""
    fate: str = ""


def _dingtalk(pair: str, name: str, **rest: str) -> Robot:
    address = f"https://oapi.dingtalk.com/robot/send?access_token={pair * 32}"
    return Robot(name=name, address=address, **rest)


def _feishu(host: str, digit: str, name: str, **rest: str) -> Robot:
    hook = f"{digit * 8}-{digit * 4}-4{digit * 3}-8{digit * 3}-{digit * 12}"
    return Robot(name=name, address=f"https://{host}/open-apis/bot/v2/hook/{hook}", **rest)


def _feishus(host: str) -> tuple[Robot, ...]:
    return (
        _feishu(host, "1", "signed", secret=FEISHU_SECRET),
        _feishu(host, "2", "open to all"),
        _feishu(host, "3", "keyword Storelink", keyword="Storelink"),
        _feishu(host, "4", "keyword Alarm", keyword="Alarm"),
        _feishu(host, "5", "one IP address only", only_ip="198.51.100.7"),
        _feishu(host, "6", "too busy at full hours", fate="busy"),
    )


def _wecom(digit: str, name: str, **rest: str) -> Robot:
    key = f"{digit * 8}-{digit * 4}-4{digit * 3}-8{digit * 3}-{digit * 12}"
    address = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={key}"
    return Robot(name=name, address=address, **rest)


def _slack(letter: str, name: str, **rest: str) -> Robot:
    path = f"T0EMULATOR/B0{letter * 8}/{letter * 24}"
    return Robot(name=name, address=f"https://hooks.slack.com/services/{path}", **rest)


def _webhook(path: str, name: str, **rest: str) -> Robot:
    return Robot(name=name, address=f"https://hooks.example.com/hooks/{path}", **rest)


KNOWN: dict[str, tuple[Robot, ...]] = {
    "dingtalk": (
        _dingtalk("d1", "signed", secret=SEC),
        _dingtalk("d2", "keyword Storelink", keyword="Storelink"),
        _dingtalk("d3", "keyword Alarm", keyword="Alarm"),
        _dingtalk("d4", "one IP address only", only_ip="198.51.100.7"),
        _dingtalk("d5", "system busy", fate="busy"),
    ),
    "feishu": _feishus("open.feishu.cn"),
    "lark": _feishus("open.larksuite.com"),
    "wecom": (_wecom("1", "healthy"), _wecom("2", "system busy", fate="busy")),
    "slack": (
        _slack("A", "healthy"),
        _slack("C", "archived channel", fate="channel_is_archived"),
        _slack("F", "forbidden by the workspace", fate="action_prohibited"),
        _slack("D", "disturbed", fate="rollup_error"),
    ),
    "webhook": (
        _webhook("signed", "checks signatures", secret=WEBHOOK_SECRET),
        _webhook("open", "checks nothing until a secret is set"),
        _webhook("gone", "gone for good", fate="gone"),
        _webhook("moved", "moved elsewhere", fate="moved"),
        _webhook("down", "down", fate="down"),
    ),
}
