"""Slack, incoming webhooks.

Sources: docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks (plain words as
answers, "ok" for success); docs.slack.dev/apis/web-api/rate-limits (one message a second, 429
with Retry-After); docs.slack.dev/messaging/formatting-message-text (&, < and > as entities in
all text objects); docs.slack.dev/reference/block-kit/blocks (header 150, section 3000
characters). No signatures: the path is all.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from platforms.robots import text
from platforms.robots.spec import (
    OK,
    Kind,
    Message,
    Post,
    Verdict,
    by_status,
    json_post,
    later,
    refused,
)
from platforms.robots.words import Reason
from platforms.spec import Limit

_TEXT_BYTES = 12_000
_SECTION_CHARACTERS = 2900
_WORDS = {
    **{
        word: refused(Reason.GONE, code=word)
        for word in ["no_service", "no_active_hooks", "no_team", "team_disabled", "invalid_token"]
    },
    **{
        word: refused(Reason.CHANNEL_CLOSED, code=word)
        for word in ("channel_is_archived", "channel_not_found")
    },
    **{
        word: refused(Reason.FORBIDDEN, code=word)
        for word in ("action_prohibited", "posting_to_general_channel_denied")
    },
    **{
        word: refused(Reason.BAD_MESSAGE, code=word)
        for word in [
            "invalid_payload",
            "invalid_blocks",
            "invalid_blocks_format",
            "no_text",
            "user_not_found",
            "too_many_attachments",
            "missing_text_or_fallback_or_attachments",
        ]
    },
    **{
        word: later(Reason.TOO_FAST, code=word, wait=timedelta(seconds=30))
        for word in ("rate_limited", "ratelimited", "message_limit_exceeded")
    },
    "rollup_error": later(Reason.DOWN, code="rollup_error"),
}


class Slack(Kind):
    code = "slack"
    name = _("Slack")
    hosts = ("hooks.slack.com",)
    pattern = (
        r"https://hooks\.slack\.com/services/T[0-9A-Z]{6,20}/B[0-9A-Z]{6,20}/[0-9A-Za-z]{16,64}"
    )
    placeholder = "https://hooks.slack.com/services/T…/B…/…"
    where = (
        _("Open api.slack.com/apps, choose Create New App > From scratch and your workspace."),
        _("Open Incoming Webhooks and turn Activate Incoming Webhooks on."),
        _("Choose Add New Webhook to Workspace and the channel, then Allow."),
        _("Copy the webhook URL."),
    )
    help = _("Slack webhooks need no secret: the address is enough. Do not show it to others.")
    limits = (Limit(rate=0.5, burst=2),)

    def check_address(self, address: str) -> str | None:
        for begin in ("https://hooks.slack.com/workflows/", "https://hooks.slack.com/triggers/"):
            if address.startswith(begin):
                return gettext(
                    "This is the address of a Slack workflow, which takes other messages. Make an "
                    "incoming webhook and enter its address."
                )
        return super().check_address(address)

    def build(self, message: Message, address: str, secret: str, now: datetime) -> Post:
        title = _escaped(text.title_of(message))
        lines = text.fit(map(text.plain, message.lines), _TEXT_BYTES)
        blocks: list[dict[str, object]] = [{"type": "header", "text": _plain_text(title)}]
        blocks += [
            {"type": "section", "text": _plain_text(part)} for part in _parts(map(_escaped, lines))
        ]
        if message.url:
            button = {"type": "button", "text": _plain_text(_escaped(text.label_of(message)))}
            blocks.append({"type": "actions", "elements": [button | {"url": message.url}]})
        blocks.append({"type": "context", "elements": [_plain_text(text.FOOT)]})
        # `text` is what the notification on a phone shows; it is the one part with mark-up.
        return json_post(address, {"text": title, "mrkdwn": False, "blocks": blocks})

    def read_answer(self, status: int, body: bytes) -> Verdict:
        word = body[:64].decode("utf-8", "replace").strip()
        if status == 200:
            return OK if word == "ok" else later(Reason.BAD_ANSWER, code="200")
        known = _WORDS.get(word)
        if known is not None and status != 429:
            return known
        if status == 403:
            return refused(Reason.FORBIDDEN, code="403")
        if status == 400:
            return refused(Reason.BAD_MESSAGE, code="400")
        return by_status(status)


def _escaped(said: str) -> str:
    """`said` without < and > already; what is left is the ampersand."""
    return said.replace("&", "&amp;")


def _plain_text(said: str) -> dict[str, object]:
    return {"type": "plain_text", "text": said, "emoji": False}


def _parts(lines: map[str]) -> list[str]:
    """Lines together, as many as one section takes."""
    parts: list[str] = []
    for line in lines:
        if parts and len(parts[-1]) + len(line) < _SECTION_CHARACTERS:
            parts[-1] += f"\n{line}"
        elif line:
            parts.append(line)
    return parts
