"""Values as columns hold them: what may be cut is cut, what must not be is refused."""

from __future__ import annotations

from decimal import Decimal

from platforms.models.amount import MAX_LENGTH


def cut(text: str, most: int) -> str:
    if text.isprintable():
        return text if len(text) <= most else text[:most]
    # PostgreSQL takes no NUL in a text; lone surrogates cannot be encoded at all.
    clean = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return clean[:most]


def whole(name: str, value: str | None, most: int) -> str:
    """A text that must not be cut: a number, a currency. Raises ValueError."""
    if value is None:
        return ""
    if len(value) > most or not (value.isprintable() or value == cut(value, most)):
        raise ValueError(f"{name} is not a plain text of at most {most} characters")
    return value


def amount(name: str, value: Decimal | None) -> str | None:
    """As it is kept. Raises ValueError for what is no amount, or is too long."""
    if value is None:
        return None
    text = str(value)
    if len(text) <= MAX_LENGTH and "E" not in text and value.is_finite():
        return text
    try:
        return _digits(value)
    except ValueError:
        raise ValueError(f"{name} is not an amount") from None


def _digits(amount: Decimal) -> str:
    # The exponent first: written out, 1E-999999999 is a gigabyte.
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MAX_LENGTH:
        raise ValueError("it is not an amount")
    text = format(amount, "f")
    if len(text) > MAX_LENGTH:
        raise ValueError("it has too many digits")
    return text
