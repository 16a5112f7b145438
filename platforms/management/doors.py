"""What our commands have in common: JSON on request, exit codes, no tracebacks for the expected."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from platforms.flows.link_forms import BadInput
from platforms.spec import Environment

BAD_INPUT = 2
REFUSED = 3


class Failed(Exception):
    """The work ended badly; `answer` is still printed, `sentence` goes to stderr."""

    def __init__(self, answer: object, sentence: str, *, returncode: int = REFUSED) -> None:
        super().__init__(sentence)
        self.answer = answer
        self.returncode = returncode


class Door(BaseCommand):
    """A command that gives one answer. Subclasses implement `answer`, and `told` for people.

    Exit codes: 0 done, 2 bad input, 3 refused by the platform.
    """

    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def answer(self, options: dict[str, Any]) -> object:
        """What is printed. Raises BadInput, or Failed with an answer of its own."""
        raise NotImplementedError

    def told(self, answer: Any) -> str:
        """The answer without --json."""
        if isinstance(answer, dict):
            return "\n".join(f"{name}: {_word(value)}" for name, value in answer.items())
        return json.dumps(answer, ensure_ascii=False, indent=2, default=str)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._print(self.answer(options), options)
        except BadInput as exc:
            sentence = " ".join(exc.errors.values())
            if options.get("json"):
                self._print({"detail": sentence, "fault": "invalid_request"}, options)
            raise CommandError(sentence, returncode=BAD_INPUT) from None
        except Failed as exc:
            self._print(exc.answer, options)
            raise CommandError(str(exc), returncode=exc.returncode) from None
        except BrokenPipeError:
            # The reader (head, less) has had enough; Python must not complain when it flushes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _print(self, answer: object, options: dict[str, Any]) -> None:
        if options.get("json"):
            self.stdout.write(json.dumps(answer, ensure_ascii=False, default=str))
        else:
            self.stdout.write(self.told(answer))


def add_link_arguments(parser: CommandParser) -> None:
    """What every command that links a store is told, but for the site."""
    parser.add_argument("--tenant", required=True, metavar="SLUG")
    parser.add_argument("--platform", required=True)
    parser.add_argument("--mode", required=True)
    parser.add_argument("--account-name", required=True)
    parser.add_argument("--display-name", default="")
    parser.add_argument("--region", default="")
    parser.add_argument(
        "--environment", default=Environment.PRODUCTION.value, help="production or sandbox"
    )


def add_set_argument(parser: CommandParser) -> None:
    """What is typed for a mode; see read_values."""
    parser.add_argument(
        "--set", action="append", default=[], dest="values", metavar="FIELD=VALUE",
        help="a field of the mode; FIELD=- reads the value from a line of standard input",
    )  # fmt: skip


def read_values(pairs: Sequence[str]) -> dict[str, str]:
    """FIELD=VALUE pairs; "-" stands for the next line of standard input. Raises BadInput."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            # The pair is not quoted: it may hold a secret.
            raise BadInput({"set": _("Write --set FIELD=VALUE, for example --set client_id=123.")})
        if value == "-":
            value = sys.stdin.readline().rstrip("\r\n")
        values[name.strip()] = value
    return values


def _word(value: object) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
