"""Why a record could not be read, without what differs from record to record, in plain words.

A reason is what an adapter raised: msgspec names the field and the types, but some errors of
Python repeat the value. Values never get out of here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import gettext as _

from platforms.redaction import mask

ELLIPSIS = "…"
LONGEST_PATH = 160

_PATH = re.compile(r"\s*(?:-|–)?\s*at `(?P<path>(?:key in )?\$[^`]*)`?\s*$", re.DOTALL)
_INDEX = re.compile(r"\[[^\]]*\]?")
# From the first opening quote to the last closing one, or to the end where it was cut off.
_QUOTED = re.compile(r"(?<!\w)(?P<quote>['\"]).*(?:(?P=quote)(?!\w)|$)", re.DOTALL)
_PLACE = re.compile(r"\b(bytes?|position|line|column|char|offset|index)(\s+)\d+(?:-\d+)?")
_HEX = re.compile(r"\b0x[0-9a-fA-F]+")
_LONG_NUMBER = re.compile(r"\d{4,}")
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f\u200b-\u200f\u2028-\u202f\u2066-\u2069\ufeff]+")
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]|(?P<any>\[[^\]]*\])")


@dataclass(frozen=True, kw_only=True)
class Reason:
    """`text` and `path` are the same for all records that fail alike; "" where none is told."""

    text: str
    path: str

    @property
    def key(self) -> str:
        """For addresses."""
        return hashlib.sha256(f"{self.text}\0{self.path}".encode()).hexdigest()[:16]

    @property
    def technical(self) -> str:
        return f"{self.text} ({self.path})" if self.path else self.text

    @property
    def meaning(self) -> str:
        """What it means, in the reader's language."""
        return _explained(self)[0]

    @property
    def advice(self) -> str:
        """What can be done about it, in the reader's language."""
        return _explained(self)[1]


@lru_cache(maxsize=4096)
def normalized(raw: str) -> Reason:
    """The reason of a row, without places, numbers and values."""
    found = _PATH.search(raw)
    text = raw[: found.start()] if found else raw
    text = _QUOTED.sub(lambda m: f"{m['quote']}{ELLIPSIS}{m['quote']}", text)
    text = _PLACE.sub(rf"\1\2{ELLIPSIS}", _HEX.sub(ELLIPSIS, text))
    text = _LONG_NUMBER.sub(ELLIPSIS, mask(text))
    path = found["path"] if found else ""
    path = _INDEX.sub(f"[{ELLIPSIS}]", path.removeprefix("key in "))
    return Reason(text=_plain(text), path=_plain(mask(path))[:LONGEST_PATH])


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text).encode("utf-8", "replace").decode().strip()


def steps_to(raw: str) -> tuple[str | int | None, ...] | None:
    """The way from the record to what is wrong in it, None where the reason names no place. A
    step None stands for any index or key."""
    found = _PATH.search(raw)
    if found is None:
        return None
    path = found["path"].removeprefix("key in ").removeprefix("$")
    steps: list[str | int | None] = []
    for step in _STEP.finditer(path):
        if step["index"]:
            steps.append(int(step["index"][:9]))
        else:
            steps.append(step["name"] or None)
    return tuple(steps)


# --- in plain words

_Words = Callable[[re.Match[str], str], str]


def _field(path: str) -> str:
    return path.removeprefix("$").lstrip(".") or "$"


def _type_words(names: str) -> str:
    words = {
        "str": _("a text"), "int": _("a whole number"), "float": _("a number"),
        "decimal": _("an amount"), "bool": _("yes or no"), "null": _("nothing"),
        "array": _("a list"), "object": _("a group of fields"), "datetime": _("a time"),
    }  # fmt: skip
    parts = [part.strip() for part in names.split("|")]
    return _(" or ").join(str(words.get(part, part)) for part in parts)


def _wrong_type(match: re.Match[str], path: str) -> str:
    holes = {
        "field": _field(path), "wanted": _type_words(match[1]), "got": _type_words(match[2]),
    }  # fmt: skip
    if not path:
        return _("The whole record is %(got)s, where we expect %(wanted)s.") % holes
    if match[2] == "null":
        return _("The field %(field)s is empty, where we need %(wanted)s.") % holes
    return _("The field %(field)s holds %(got)s, where we expect %(wanted)s.") % holes


def _missing(match: re.Match[str], path: str) -> str:
    within = _field(path)
    field = match[1] if within == "$" else f"{within}.{match[1]}"
    return _("The field %(field)s is missing.") % {"field": field}


def _invalid(match: re.Match[str], path: str) -> str:
    if not path:
        return _("A value is written in a way we do not know.")
    return _("The field %(field)s is written in a way we do not know.") % {"field": _field(path)}


def _says(words: Callable[[], str]) -> _Words:
    return lambda _match, _path: words()


def _form_changed() -> str:
    return _(
        "The platform probably changed the form of its orders. We follow such changes; read the"
        " records again afterwards. They are kept whole until then."
    )


def _damaged() -> str:
    return _(
        "The answer was probably damaged on its way. Pull the store again: a whole version of the"
        " order lands by itself, and this record can be put aside."
    )


def _impossible() -> str:
    return _(
        "Look at the order on the platform. If it is all right there, tell our support; if it was"
        " a mistake and is put right, the next pull brings it."
    )


def _link_it() -> str:
    return _("Link that shop here as well, or resume it, and then read the records again.")


# (what the text looks like, what it means, what to do); the first that fits counts.
_MEANINGS: Sequence[tuple[re.Pattern[str], _Words, Callable[[], str]]] = [
    (re.compile(pattern, re.IGNORECASE), words, advice)
    for pattern, words, advice in (
        (r"missing required field `([^`]*)", _missing, _form_changed),
        (r"^Expected `([^`]*)`, got `([^`]*)", _wrong_type, _form_changed),
        (r"truncated|malformed|not readable|Extra data|Expecting|trailing|codec|surrogate",
         _says(lambda: _("The record is cut off or damaged: it is not the text it should be.")),
         _damaged),
        (r"no linked store for shop",
         _says(lambda: _("The order belongs to a shop that is not linked here, or is unlinked.")),
         _link_it),
        (r"amount|decimal",
         _says(lambda: _("An amount in the record is not a possible number.")), _impossible),
        (r"\btime\b|isoformat",
         _says(lambda: _("A time in the record is not a possible one.")), _impossible),
        (r"order number|order has no number|number is not a plain text",
         _says(lambda: _("The order number is empty, too long or not a plain text.")),
         _impossible),
        (r"quantity",
         _says(lambda: _("A quantity in the record is not a possible number.")), _impossible),
        (r"currency|currencies",
         _says(lambda: _("The record names no currency, or several.")), _impossible),
        (r"too many lines",
         _says(lambda: _("The order has more items than any order can have.")), _impossible),
        (r"^Invalid|^Expected|not a plain text", _invalid, _form_changed),
    )
]  # fmt: skip


def _explained(reason: Reason) -> tuple[str, str]:
    for pattern, words, advice in _MEANINGS:
        match = pattern.search(reason.text)
        if match:
            return words(match, reason.path), advice()
    return _("We do not know the form in which the platform sent the record."), _form_changed()
