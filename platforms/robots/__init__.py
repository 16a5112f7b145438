"""Chat robots by code, in the order in which the settings page shows them."""

from __future__ import annotations

from platforms.robots.kinds.dingtalk import DingTalk
from platforms.robots.kinds.feishu import Feishu
from platforms.robots.kinds.lark import Lark
from platforms.robots.kinds.slack import Slack
from platforms.robots.kinds.webhook import Webhook
from platforms.robots.kinds.wecom import WeCom
from platforms.robots.spec import Kind

_ALL: tuple[Kind, ...] = (DingTalk(), Feishu(), WeCom(), Lark(), Slack(), Webhook())

KINDS: dict[str, Kind] = {kind.code: kind for kind in _ALL}
