"""Order numbers as people paste them."""

from __future__ import annotations

import re
import unicodedata

from platforms.adapter import clean_value

LONGEST = 80  # as Order.number

# What may stand in the audit trail: no blanks and no @, so no name and no e-mail address.
_TOLD = re.compile(r"[#A-Za-z0-9][A-Za-z0-9._:/-]{0,79}")


def clean_number(text: str) -> str:
    """Without blanks, quotes and invisible characters, its digits and letters in ASCII."""
    cleaned, _changed = clean_value(text.encode("utf-8", "ignore").decode())
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in cleaned)


def spellings(number: str) -> list[str]:
    """The number as a marketplace may write it, the pasted one first."""
    bare = number.lstrip("#")
    every = [number, bare, bare.upper(), bare.lower(), f"#{bare}"]
    return [each for each in dict.fromkeys(every) if each]


def for_trail(number: str) -> str:
    """The number, "" if somebody pasted what looks like none: it may be a buyer's name."""
    told = _TOLD.fullmatch(number) is not None and any(c.isdigit() for c in number)
    return number if told else ""
