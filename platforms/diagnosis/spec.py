"""What a check is, what it is given, and what it finds. Plain values: no words, no secrets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from platforms.adapter import Adapter
from platforms.diagnosis.probes import Looked
from platforms.errors import Fault, PlatformError
from platforms.models import App, Authorization, LinkAttempt
from platforms.spec import Account, AppKeys, Identity, Mode
from tenants.models import Store


class Result(StrEnum):
    PASS = "pass"  # noqa: S105 - a word, not a password
    WARN = "warn"  # works, but somebody should look at it
    FAIL = "fail"
    SKIP = "skip"  # could not be tried, or is none of this marketplace's business


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one check found. `code` says which of its findings it is, for the words.

    `facts` is JSON: the evidence, and for a failure its Fault under "fault". Never a secret and
    never anything of a buyer.
    """

    result: Result
    code: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A check as it is kept and shown; `as_dict` is the form in Diagnosis.checks."""

    name: str
    result: Result
    code: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    took_ms: int = 0

    @property
    def fault(self) -> Fault | None:
        told = self.facts.get("fault")
        return Fault(str(told)) if told else None

    def as_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "result": str(self.result),
            "code": self.code,
            "facts": dict(self.facts),
            "took_ms": self.took_ms,
        }

    @classmethod
    def of(cls, kept: Mapping[str, object]) -> Outcome:
        """Out of Diagnosis.checks."""
        facts, took_ms = kept.get("facts"), kept.get("took_ms")
        return cls(
            name=str(kept["name"]),
            result=Result(str(kept["result"])),
            code=str(kept.get("code", "")),
            facts=facts if isinstance(facts, dict) else {},
            took_ms=took_ms if isinstance(took_ms, int) else 0,
        )


@dataclass(kw_only=True)
class Case:
    """What is looked into: a linked store, or a linking under way, and what was learnt so far.

    `secrets`, `app_keys` and `values` are unsealed for the checks only; they are in no outcome.
    `values` are the mode's fields as typed just now (`typed`), or as stored.
    """

    tenant_id: int
    adapter: Adapter
    mode: Mode
    now: datetime
    store: Store | None = None
    authorization: Authorization | None = None
    attempt: LinkAttempt | None = None
    app: App | None = None
    environment: str = "production"
    region: str = ""
    typed: bool = False
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    app_keys: AppKeys | None = field(default=None, repr=False)
    unopenable: bool = False  # the stored credential or the application's secret does not open

    # learnt on the way
    hosts: dict[str, Looked] = field(default_factory=dict)  # by endpoint key
    callback: Looked | None = None
    webhook: Looked | None = None
    identity: Identity | None = None
    refusals: list[PlatformError] = field(default_factory=list)

    def account(self) -> Account:
        """Who calls would be made for. Of a linked store `open_channel` makes its own."""
        return Account(
            mode=self.mode.code,
            environment=self.environment,
            region=self.region,
            account_id=self.authorization.account_id if self.authorization else "",
            secrets=self.secrets,
            app=self.app_keys,
        )


@dataclass(frozen=True, kw_only=True)
class Check:
    """`needs`: names of checks; where one of them did not pass, this one is skipped. `calls`:
    it asks the marketplace, and may take as long as a call may."""

    name: str
    run: Callable[[Case], Found]
    needs: tuple[str, ...] = ()
    calls: bool = False


class Budget:
    """How much of the time for everything is left."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        return max(0.0, self._ends - time.monotonic())


def passed(code: str = "", **facts: object) -> Found:
    return Found(result=Result.PASS, code=code, facts=facts)


def warned(code: str, **facts: object) -> Found:
    return Found(result=Result.WARN, code=code, facts=facts)


def failed(code: str, fault: Fault, **facts: object) -> Found:
    return Found(result=Result.FAIL, code=code, facts={"fault": str(fault), **facts})


def skipped(code: str, **facts: object) -> Found:
    return Found(result=Result.SKIP, code=code, facts=facts)
