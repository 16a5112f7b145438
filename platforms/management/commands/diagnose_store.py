"""manage.py diagnose_store: why a store does not work, and what to do about it."""

from __future__ import annotations

import unicodedata
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from platforms.diagnosis.report import as_json
from platforms.flows.diagnose import NotLinked, diagnose_store
from platforms.flows.link_forms import BadInput
from platforms.management.doors import Door, Failed
from platforms.store_paths import find_stores
from tenants.models import Store
from tenants.scope import tenant_scope

_SIGNS = {"pass": "✓", "warn": "!", "fail": "✗", "skip": "–"}


class Command(Door):
    help = (
        "Check a store from the name server to its orders and name the one cause. "
        "Exit codes: 0 it works, 3 a cause was found, 2 bad input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--store", required=True, help="tenant/platform/account_name[/site]")
        parser.add_argument("--language", help="of the sentences: zh-hans or en")

    def answer(self, options: dict[str, Any]) -> dict[str, object]:
        language = options["language"] or settings.LANGUAGE_CODE
        known = [code for code, _name in settings.LANGUAGES]
        if language.lower() not in known:
            raise BadInput(
                {"language": _("There is no language %(code)s. There are: %(known)s.")
                 % {"code": language, "known": ", ".join(known)}}
            )  # fmt: skip
        with translation.override(language.lower()):
            stores = find_stores(options["store"])
            answers = [_diagnosed(store) for store in stores]
            # Several sites under one name: the first that does not work speaks for all.
            answer = next((each for each in answers if each["verdict"] != "ok"), answers[0])
            if len(answers) > 1:
                answer = answer | {"stores": answers}
            if answer["verdict"] != "ok":
                raise Failed(answer, str(answer["sentence"]))
        return answer

    def told(self, answer: dict[str, Any]) -> str:
        return "\n\n".join(_table(each) for each in answer.get("stores", [answer]))


def _diagnosed(store: Store) -> dict[str, object]:
    with tenant_scope(store.tenant):
        try:
            row = diagnose_store(store=store, user=None, now=timezone.now())
        except NotLinked:
            raise BadInput(
                {"store": _("%(store)s is not linked; there is nothing to diagnose.")
                 % {"store": store.path}}
            ) from None  # fmt: skip
        return {"store": store.path, **as_json(row)}


def _table(answer: dict[str, Any]) -> str:
    checks = answer["checks"]
    width = max(_width(each["title"]) for each in checks)
    lines = [f"{answer['store']}: {answer['verdict']}", str(answer["sentence"]), ""]
    for each in checks:
        title = each["title"] + " " * (width - _width(each["title"]))
        lines.append(f"{_SIGNS[each['result']]} {title}  {each['detail']}")
        if each["advice"] and each["result"] in ("fail", "warn"):
            lines.append(f"  {' ' * width}  → {each['advice']}")
    return "\n".join(lines)


def _width(text: str) -> int:
    """In columns of a terminal, where a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
