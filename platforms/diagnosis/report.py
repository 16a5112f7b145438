"""A diagnosis as a page, a command and a support bundle tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from platforms import registry
from platforms.advice import FAULTS, advice_for
from platforms.advice import Action as AdviceAction
from platforms.diagnosis.spec import Outcome, Result
from platforms.diagnosis.verdict import OK, RECREATE, Judged, judge
from platforms.diagnosis.words import Words, words_of
from platforms.errors import Fault
from platforms.models import Diagnosis


class Step(StrEnum):
    """The one thing to do; pages make a button of it."""

    NOTHING = "nothing"
    RELINK = "relink"
    AT_PLATFORM = "at_platform"
    WAIT = "wait"
    SUPPORT = "support"
    BACK = "back"  # to what was typed, in the wizard


@dataclass(frozen=True, kw_only=True)
class Line:
    outcome: Outcome
    words: Words

    @property
    def result(self) -> str:
        return str(self.outcome.result)


@dataclass(frozen=True, kw_only=True)
class Report:
    """`title` is the verdict in one sentence, `text` what to do. `tone`: good, warn, bad, info."""

    diagnosis: Diagnosis
    judged: Judged
    title: str
    text: str
    step: Step
    tone: str
    lines: tuple[Line, ...]

    @property
    def telling(self) -> tuple[Line, ...]:
        """The lines that somebody should look at."""
        return tuple(
            line for line in self.lines if line.outcome.result in (Result.WARN, Result.FAIL)
        )

    @property
    def copies(self) -> tuple[str, ...]:
        """Values that somebody has to type elsewhere."""
        cause = next((e for e in self.lines if e.outcome.name == self.judged.because), None)
        if cause is None:
            return ()
        facts = cause.outcome.facts
        if cause.outcome.name == "outgoing_address":
            told = facts.get("addresses")
            return tuple(str(each) for each in told) if isinstance(told, list) else ()
        redirect = cause.outcome.code == "other_redirect"
        return (str(facts.get("address")),) if redirect else ()

    @property
    def counts(self) -> Mapping[str, int]:
        return {
            str(result): sum(1 for line in self.lines if line.outcome.result is result)
            for result in Result
        }


def report_of(diagnosis: Diagnosis) -> Report:
    """In the language of whoever reads now."""
    outcomes = [Outcome.of(each) for each in diagnosis.checks]
    linking = diagnosis.attempt_id is not None
    judged = judge(outcomes, linking=linking)
    platform, mode = _whose(diagnosis)
    lines = tuple(
        Line(outcome=each, words=words_of(each, platform=platform, mode=mode)) for each in outcomes
    )
    title, text = _verdict(judged, lines, platform, linking=linking)
    return Report(
        diagnosis=diagnosis, judged=judged, title=title, text=text, lines=lines,
        step=_step(judged, linking=linking), tone=_tone(judged),
    )  # fmt: skip


def _whose(diagnosis: Diagnosis) -> tuple[str, str]:
    if diagnosis.attempt is not None:
        return diagnosis.attempt.platform, diagnosis.attempt.mode
    assert diagnosis.store is not None
    authorization = diagnosis.store.authorization
    return diagnosis.store.platform, authorization.mode if authorization else ""


def _verdict(
    judged: Judged, lines: tuple[Line, ...], platform: str, *, linking: bool
) -> tuple[str, str]:
    if judged.verdict == OK:
        warnings = sum(1 for line in lines if line.outcome.result is Result.WARN)
        title = _("Nothing stands in the way of linking.") if linking else _("This store works.")
        if not warnings:
            return title, ""
        return title, ngettext(
            "%(count)s point below deserves a look.",
            "%(count)s points below deserve a look.",
            warnings,
        ) % {"count": warnings}
    words = next((line.words for line in lines if line.outcome.name == judged.because), None)
    if words is None:
        told = advice_for(judged.verdict, platform=platform)
        return told.title, told.text
    return words.detail, words.advice


def _step(judged: Judged, *, linking: bool) -> Step:
    if judged.verdict == OK:
        return Step.NOTHING
    if judged.because == "outage":
        return Step.WAIT
    if judged.because in ("dns", "connection", "tls"):
        return Step.WAIT
    action = FAULTS[Fault(judged.verdict)].action
    if action in (AdviceAction.SUPPORT, AdviceAction.STOP) or judged.because == "callback":
        return Step.SUPPORT
    if action is AdviceAction.WAIT:
        return Step.WAIT
    if linking:
        return Step.BACK
    return Step.RELINK if Fault(judged.verdict) in RECREATE else Step.AT_PLATFORM


def _tone(judged: Judged) -> str:
    if judged.verdict == OK:
        return "good"
    return "info" if _step(judged, linking=False) is Step.WAIT else "bad"


def as_json(diagnosis: Diagnosis) -> dict[str, object]:
    """The stable form of `diagnose_store --json` (design §4), words in the current language."""
    report = report_of(diagnosis)
    return {
        "verdict": diagnosis.verdict,
        "because": report.judged.because or None,
        "sentence": report.title,
        "took_ms": diagnosis.took_ms,
        "checks": [
            {
                "name": line.outcome.name,
                "title": line.words.title,
                "result": line.result,
                "detail": line.words.detail,
                "advice": line.words.advice or None,
                "code": line.outcome.code or None,
                "facts": dict(line.outcome.facts),
                "took_ms": line.outcome.took_ms,
            }
            for line in report.lines
        ],
    }


def platform_page(diagnosis: Diagnosis) -> str:
    """Where the seller manages our access at the marketplace; "" where that is not known."""
    platform, _mode = _whose(diagnosis)
    return registry.get(platform).manage_url if platform in registry.codes() else ""
