"""A finding in the reader's language: made when it is shown, never stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from platforms import registry
from platforms.advice import advice_for, fault_words
from platforms.diagnosis.sentences import CHECK_AGAIN, HOSTING, NAMES, SAYINGS
from platforms.diagnosis.spec import Outcome, Result
from platforms.spec import Field
from platforms.templatetags.storelink import duration

# Codes that say no more than the platform's own fault does.
_AS_ADVICE = ("refused", "not_usable", "not_allowed")

_OF_PLATFORM = ("credentials", "orders", "application", "outgoing_address")


@dataclass(frozen=True, kw_only=True)
class Words:
    """`detail` says what was found, `advice` what to do ("" for nothing), `evidence` what that
    rests on: labels and values."""

    title: str
    detail: str
    advice: str
    evidence: tuple[tuple[str, str], ...] = ()


def words_of(outcome: Outcome, *, platform: str, mode: str = "") -> Words:
    """Never fails: a code that this version does not know gets the words of its fault."""
    title = str(NAMES.get(outcome.name, outcome.name))
    evidence = tuple((label, value) for label, value in _evidence(outcome) if value)
    said = SAYINGS.get(f"{outcome.name}.{outcome.code}") or SAYINGS.get(f"*.{outcome.code}")
    if said is None or outcome.code in _AS_ADVICE:
        fault = outcome.fault
        if said is None and fault is None:
            return Words(title=title, detail="–", advice="", evidence=evidence)
        if outcome.name in _OF_PLATFORM or said is None:
            told = advice_for(str(fault or ""), platform=platform)
            return Words(title=title, detail=told.title, advice=told.text, evidence=evidence)
    assert said is not None
    holes = _Holes(outcome, platform, mode)
    detail, advice = (str(text) % holes if text else "" for text in said)
    return Words(title=title, detail=detail, advice=advice, evidence=evidence)


class _Holes(dict[str, str]):
    """Fills the holes of a saying out of the facts; a fact that is not there is a dash."""

    def __init__(self, outcome: Outcome, platform: str, mode: str) -> None:
        super().__init__(_common(outcome, platform) | _of_keys(outcome, platform, mode))

    def __missing__(self, name: str) -> str:
        return "–"


def _common(outcome: Outcome, platform: str) -> dict[str, str]:
    facts = outcome.facts
    known = platform in registry.codes()
    holes = {
        name: _text(value)
        for name, value in facts.items()
        if isinstance(value, str | int | float) or _is_words(value)
    }
    holes |= {
        "platform": str(registry.get(platform).name) if known else _("the platform"),
        "hosting": str(HOSTING),
        "check_again": str(CHECK_AGAIN),
        "of": str(NAMES.get(str(facts.get("of")), facts.get("of"))),
        "what": fault_words(str(facts.get("last_fault") or facts.get("fault") or "")),
        "wait": duration(_number(facts.get("wait_s")) or 60),
        "thing": _thing(str(facts.get("what", ""))),
        "missing": _scopes(facts.get("missing"), platform),
    }
    for name, key in (
        ("since", "since"), ("until", "until"), ("last", "last_at"), ("access", "access_ends"),
        ("refresh", "refresh_ends"), ("in_flight", "in_flight_since"),
    ):  # fmt: skip
        holes[name] = _moment(facts.get(key))
    holes["day"] = _day(facts.get("at"))
    holes["length"] = duration(timedelta(days=_number(facts.get("days")) or 0))
    if "seconds" in facts:
        holes["off"] = _off(facts)
        holes["limit"] = duration(_number(facts.get("limit_s")))
    hosts = facts.get("hosts")
    if isinstance(hosts, list) and hosts and isinstance(hosts[0], dict):
        wrong = next((each for each in hosts if each.get("why")), hosts[0])
        holes["issuer"] = str(wrong.get("issuer") or "–")
    return holes


def _of_keys(outcome: Outcome, platform: str, mode: str) -> dict[str, str]:
    problems = outcome.facts.get("problems")
    if outcome.name != "key_format" or not isinstance(problems, list):
        return {}
    fields = _fields(platform, mode)

    def label(name: object) -> str:
        field = fields.get(str(name))
        return str(field.label) if field else str(name)

    first = next((each for each in problems if each["problem"] == outcome.code), problems[0])
    told = first.get("told") or {}
    return {
        "fields": _listed(label(each["field"]) for each in problems if each["field"]) or "–",
        "field": label(first["field"]),
        "other": label(first.get("looks_like", "")),
        "told": told.get(get_language() or "") or told.get(settings.LANGUAGE_CODE) or "–",
    }


def _fields(platform: str, mode: str) -> dict[str, Field]:
    try:
        declared = registry.get(platform).mode(mode)
    except KeyError:
        return {}
    return {field.name: field for field in declared.fields}


# --- evidence


def _evidence(outcome: Outcome) -> list[tuple[str, str]]:
    facts = outcome.facts
    found: list[tuple[str, str]] = []
    hosts = facts.get("hosts")
    if isinstance(hosts, list):
        found += [(str(each["host"]), _host_line(each)) for each in hosts if isinstance(each, dict)]
    if outcome.name == "outgoing_address" and outcome.result is Result.FAIL:
        found.append((_("Our addresses"), _listed(facts.get("addresses") or ())))
    if outcome.name in ("credentials", "orders", "application", "token_state"):
        found.append((_("In the platform's words"), str(facts.get("told") or "")))
    if outcome.name == "scopes":
        for label, name in ((_("Asked"), "asked"), (_("Granted"), "granted")):
            found.append((label, _listed(facts.get(name) or ())))
    if outcome.name == "token_state":
        found += [
            (_("Access until"), _moment(facts.get("access_ends"), nothing="")),
            (_("Refresh token until"), _moment(facts.get("refresh_ends"), nothing="")),
            (_("Permission until"), _moment(facts.get("consent_ends"), nothing="")),
            (_("Last renewed"), _moment(facts.get("refreshed_at"), nothing="")),
        ]
    if outcome.name == "callback":
        found.append((_("Address"), str(facts.get("address") or "")))
        found.append((_("Certificate"), _certificate_line(facts)))
    if outcome.name == "rate_limit" and outcome.result is not Result.PASS:
        found.append((_("Calls left"), _text(facts.get("left"))))
        found.append((_("Room again at"), _moment(facts.get("until"), nothing="")))
    if outcome.name == "webhook":
        found.append((_("Last genuine push"), _moment(facts.get("last_at"), nothing="")))
    return found


def _host_line(host: Mapping[str, object]) -> str:
    parts = [_listed(host["addresses"]) if "addresses" in host else ""]
    parts += [_certificate_line(host)]
    parts += [f"{host['ms']} ms" if host.get("ms") is not None else ""]
    return " · ".join(part for part in parts if part)


def _certificate_line(facts: Mapping[str, object]) -> str:
    parts = [str(facts.get("protocol") or ""), str(facts.get("issuer") or "")]
    days = facts.get("days")
    if isinstance(days, int) and "issuer" in facts:
        parts.append(_("%(days)s days left") % {"days": days})
    return " · ".join(part for part in parts if part)


# --- small words


def _off(facts: Mapping[str, object]) -> str:
    if (_number(facts["seconds"]) or 0) < 1:
        return _("less than a second apart")
    apart = _number(facts["seconds"]) or 0
    if apart >= 120:
        # Half a minute more: 3 hours less a moment are not 2 hours.
        length = {"length": duration(apart + 30)}
        if facts.get("ahead"):
            return pgettext("clock", "%(length)s ahead") % length
        return pgettext("clock", "%(length)s behind") % length
    seconds = {"seconds": _text(facts["seconds"])}
    if facts.get("ahead"):
        return _("%(seconds)s seconds ahead") % seconds
    return _("%(seconds)s seconds behind") % seconds


def _thing(what: str) -> str:
    return _("The application's secret") if what == "app_secret" else _("The permission")


def _scopes(missing: object, platform: str) -> str:
    """Each missing scope with what it opens."""
    known = registry.get(platform).scopes if platform in registry.codes() else {}
    if not isinstance(missing, list):
        return "–"
    return _listed(
        f"{scope} ({known[scope]})" if known.get(scope) else str(scope) for scope in missing
    )


def _moment(value: object, *, nothing: str = "–") -> str:
    at = _time(value)
    return date_format(timezone.localtime(at), "DATETIME_FORMAT") if at else nothing


def _day(value: object) -> str:
    at = _time(value)
    return date_format(timezone.localtime(at), "DATE_FORMAT") if at else "–"


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _is_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _listed(values: object) -> str:
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        return _text(values)
    return ", ".join(str(each) for each in values)


def _text(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(str(each) for each in value) or "–"
    return "" if value is None else str(value)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
