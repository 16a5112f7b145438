"""Order numbers as people paste them."""

from __future__ import annotations

import re
import unicodedata

from platforms.adapter import clean_value

LONGEST = 80  # as Order.number

# What may stand in the audit trail: no blanks and no @, so no name and no e-mail address.
_TOLD = re.compile(r"[#A-Za-z0-9][A-Za-z0-9._:/-]{0,79}")

# What a marketplace's page writes before the number and a double click copies along. English words
# only where they cannot be a seller's own prefix, such as Shopify's "ORDER1001".
_LABEL = re.compile(
    r"(?:[\u4e00-\u9fff]*[单號号][\u4e00-\u9fff]*(?:id|no\.?)?|order(?:number|id|no\.?)|order(?=[:#]))"
    r":?(?=#?[0-9a-z][0-9a-z._/-]*[0-9])",
    re.IGNORECASE,
)


def clean_number(text: str) -> str:
    """Without blanks, quotes, invisible characters and the label before it ("订单号：…"), its
    digits and letters in ASCII."""
    cleaned, _changed = clean_value(text.encode("utf-8", "ignore").decode())
    cleaned = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in cleaned)
    label = _LABEL.match(cleaned)
    return cleaned[label.end() :] if label else cleaned


def spellings(number: str) -> list[str]:
    """The number as a marketplace may write it, the pasted one first."""
    bare = number.lstrip("#")
    every = [number, bare, bare.upper(), bare.lower(), f"#{bare}"]
    return [each for each in dict.fromkeys(every) if each]


def for_trail(number: str) -> str:
    """The number, "" if somebody pasted what looks like none: it may be a buyer's name."""
    told = _TOLD.fullmatch(number) is not None and any(c.isdigit() for c in number)
    return number if told else ""
