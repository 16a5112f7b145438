"""Lark, custom bots of a group: Feishu's interface at another host.

Source: open.larksuite.com/document/client-docs/bot-v3/add-custom-bot
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from platforms.robots.kinds.feishu import Feishu


class Lark(Feishu):
    code = "lark"
    name = _("Lark")
    hosts = ("open.larksuite.com",)
    pattern = r"https://open\.larksuite\.com/open-apis/bot/v2/hook/[0-9A-Za-z_-]{16,64}"
    placeholder = "https://open.larksuite.com/open-apis/bot/v2/hook/0123abcd-…"
    where = (
        _("Open the group in Lark: … > Settings > Bots > Add Bot."),
        _("Choose Custom Bot, give it a name, for example Storelink, and choose Add."),
        _("Copy the webhook address."),
        _("Turn on Signature Verification, copy the secret and choose Finish."),
    )
    where_secret = (_("Settings > Bots > the bot > Security Settings > Signature Verification."),)
