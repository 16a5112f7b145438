"""Whether keys can be right at all, by their form alone. No value is in what is found."""

from __future__ import annotations

import re

from django.conf import settings
from django.utils import translation

from platforms.adapter import clean_value
from platforms.diagnosis.spec import Case, Found, failed, passed, skipped, warned
from platforms.errors import Fault
from platforms.spec import Environment, Field, Text

# From the worst: the first of them is what the check says.
BLANK, ENVIRONMENT, SWAPPED, EXPLAINED, WRONG_FORM = (
    "blank", "environment", "swapped", "explained", "wrong_form",
)  # fmt: skip
UNCLEAN, UNUSUAL = "unclean", "unusual"
_STOPS = (ENVIRONMENT, SWAPPED, BLANK, EXPLAINED, WRONG_FORM)


def key_format(case: Case) -> Found:
    """Typed values are judged strictly. Stored ones were accepted once: if their form is not as
    expected that is a hint only, for platforms change the form of their keys."""
    if case.unopenable:
        return failed("unopenable", Fault.UNKNOWN)
    judged = [field for field in case.mode.fields if field.name in case.values]
    problems = [
        problem
        for field in judged
        if (problem := _problem(case, field, case.values[field.name])) is not None
    ]
    if _is_sandbox(case) and not any(each["problem"] == ENVIRONMENT for each in problems):
        problems.append({"field": "", "problem": ENVIRONMENT})
    if not judged and not problems:
        return skipped("not_typed" if case.mode.fields else "no_keys")
    stops = [each for each in problems if each["problem"] in _STOPS]
    if not stops:
        only_unclean = all(each["problem"] == UNCLEAN for each in problems)
        code = UNCLEAN if only_unclean else UNUSUAL
        return warned(code, problems=problems) if problems else passed()
    stops.sort(key=lambda each: _STOPS.index(str(each["problem"])))
    wrong_place = stops[0]["problem"] == ENVIRONMENT
    if not case.typed and not wrong_place:
        return warned("stored_unusual", problems=problems)
    fault = Fault.WRONG_ENVIRONMENT if wrong_place else Fault.BAD_CREDENTIALS
    return failed(str(stops[0]["problem"]), fault, problems=problems)


def _problem(case: Case, field: Field, typed: str) -> dict[str, object] | None:
    value, changed = clean_value(typed)
    value = case.adapter.tidy_value(case.mode, field, value)
    if not value:
        return {"field": field.name, "problem": BLANK} if field.required else None
    if field.choices:
        known = {code.lower() for code, _label in field.choices}
        return None if value.lower() in known else {"field": field.name, "problem": WRONG_FORM}
    if _client_id_of_sandbox(case, field, value):
        return {"field": field.name, "problem": ENVIRONMENT}
    explained = case.adapter.explain_value(case.mode, field, value)
    fits = not field.pattern or bool(re.fullmatch(field.pattern, value))
    other = _looks_like(case, field, value)
    if other and (explained or not fits or not _usual(field, value)):
        return {"field": field.name, "problem": SWAPPED, "looks_like": other}
    if explained:
        return {"field": field.name, "problem": EXPLAINED, "told": _in_all_languages(explained)}
    if not fits:
        return {"field": field.name, "problem": WRONG_FORM}
    if not _usual(field, value):
        return {"field": field.name, "problem": UNUSUAL}
    return {"field": field.name, "problem": UNCLEAN} if changed else None


def _usual(field: Field, value: str) -> bool:
    return not field.usual or bool(re.fullmatch(field.usual, value))


def _looks_like(case: Case, field: Field, value: str) -> str:
    """The field of the same form that the value would fit in, "" for none."""
    for other in case.mode.fields:
        if other.name == field.name or other.choices:
            continue
        form = other.usual or other.pattern
        # A form of "anything printable" tells nothing about what was pasted.
        if form and r"\x21-\x7e" not in form and re.fullmatch(form, value):
            return other.name
    return ""


def _client_id_of_sandbox(case: Case, field: Field, value: str) -> bool:
    return (
        case.environment == Environment.PRODUCTION
        and bool(case.adapter.sandbox_ids)
        and (field.app == "client_id" or field.name == "client_id")
        and bool(re.fullmatch(case.adapter.sandbox_ids, value))
    )


def _is_sandbox(case: Case) -> bool:
    """Whether the application in use is one of the test environment."""
    if case.environment != Environment.PRODUCTION or case.app is None:
        return False
    if case.app.environment != Environment.PRODUCTION:
        return True
    pattern = case.adapter.sandbox_ids
    return bool(pattern) and bool(re.fullmatch(pattern, case.app.client_id))


def _in_all_languages(text: Text) -> dict[str, str]:
    """What only the adapter can say about the value, which must not be kept to ask it again."""
    told = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            told[code] = str(text)[:300]
    return told
