"""The words chat robots are written in. Plain values and one base class: no network, no database.

A robot is an address that somebody made in a chat group; whoever knows it may write there. So
addresses are secrets, as the signing secrets are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeAlias

from django.utils.translation import gettext as _

from platforms.robots.words import ADVICE, Reason
from platforms.spec import Limit, Text

Level: TypeAlias = Literal["good", "warning", "danger"]

A_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Message:
    """What a robot says: plain text in the reader's language, no markup.

    `lines` are whole sentences; names in them may be anything a seller typed. `url` is a page
    of ours, "" for none. `key` is the same when the same message is sent again; `at` is when
    it happened, aware. `event` and `data` are what programs read: the plain webhook sends them,
    `data` as JSON.
    """

    title: str
    lines: tuple[str, ...]
    url: str = ""
    url_label: str = ""
    level: Level
    key: str
    at: datetime
    event: str = "notice"
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Post:
    """A POST ready to be carried. Nothing of it is shown: the address alone lets one write."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Outcome(StrEnum):
    OK = "ok"
    LATER = "later"  # nobody's fault, or it may pass: again, not before `retry_after`
    REFUSED = "refused"  # stop until somebody changes the robot or its address here


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What an answer means. `code` is the product's own word or number, safe to show."""

    outcome: Outcome
    reason: Reason = Reason.NONE
    code: str = ""
    retry_after: timedelta | None = None


OK = Verdict(outcome=Outcome.OK)


def later(reason: Reason, *, code: str = "", wait: timedelta = A_MINUTE) -> Verdict:
    return Verdict(outcome=Outcome.LATER, reason=reason, code=code, retry_after=wait)


def refused(reason: Reason, *, code: str = "") -> Verdict:
    return Verdict(outcome=Outcome.REFUSED, reason=reason, code=code)


class SecretUse(StrEnum):
    NONE = "none"  # the product knows no signatures
    OPTIONAL = "optional"  # only if the robot's own settings ask for one
    REQUIRED = "required"


class Kind:
    """A product whose robots we can talk through. Facts, and what is different."""

    code: str
    name: Text
    where: tuple[Text, ...]  # steps to the address, in the product's own menus
    where_secret: tuple[Text, ...] = ()  # steps to the signing secret
    help: Text = ""
    hosts: tuple[str, ...]  # () for any public host
    pattern: str  # of a whole address
    placeholder: str  # an example of an address; nobody's
    secret: SecretUse = SecretUse.NONE
    secret_label: Text = ""
    secret_pattern: str = ""
    secret_placeholder: str = ""
    limits: tuple[Limit, ...]  # for one robot
    advice: Mapping[Reason, Text] = {}  # where it says more than the general words

    def check_address(self, address: str) -> str | None:
        """What is wrong with an address, in the active language; None if it may be used.

        Looks at the text alone; whether the robot lives is known once something was sent.
        """
        if re.fullmatch(self.pattern, address):
            return None
        return _(
            "This is not the address of a %(robot)s robot. It looks like %(example)s; "
            "copy all of it from the robot's own page."
        ) % {"robot": self.name, "example": self.placeholder}

    def check_secret(self, secret: str) -> str | None:
        """What is wrong with a signing secret, in the active language; None if nothing is."""
        if not secret:
            if self.secret == SecretUse.REQUIRED:
                return _("A signing secret is needed.")
            return None
        if self.secret == SecretUse.NONE:
            return _("%(robot)s robots have no signing secret. Leave it empty.") % {
                "robot": self.name
            }
        if re.fullmatch(self.secret_pattern, secret):
            return None
        return _(
            "This is not the signing secret of a %(robot)s robot. It looks like %(example)s."
        ) % {
            "robot": self.name,
            "example": self.secret_placeholder,
        }

    def new_secret(self) -> str:
        """A fresh signing secret to begin with; "" where the product makes it."""
        return ""

    def build(self, message: Message, address: str, secret: str, now: datetime) -> Post:
        """The POST that says `message`; `secret` is "" where there is none."""
        raise NotImplementedError

    def read_answer(self, status: int, body: bytes) -> Verdict:
        raise NotImplementedError

    def explain(self, reason: str) -> str:
        """What to do about a `Reason`, in the active language; "" for none. Words nobody knows
        give the advice for `unknown`; they never fail."""
        if not reason:
            return ""
        known = Reason(reason) if reason in set(Reason) else Reason.UNKNOWN
        return str(self.advice.get(known) or ADVICE[known]) % {"robot": self.name}


def json_post(url: str, payload: object, headers: Mapping[str, str] | None = None) -> Post:
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    given = {"content-type": "application/json; charset=utf-8", **(headers or {})}
    return Post(url=url, headers=given, body=body)


def json_object(body: bytes) -> dict[str, object] | None:
    """The JSON object in an answer; None if it is something else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def by_status(status: int) -> Verdict:
    """What an answer without the product's own code means."""
    code = str(status)
    if status == 429:
        return later(Reason.TOO_FAST, code=code)
    if status in (404, 410):
        return refused(Reason.GONE, code=code)
    return later(Reason.DOWN if status >= 500 else Reason.BAD_ANSWER, code=code)
