"""Amounts exactly as stated: 70.3 stays 70.3, and 89.5000 keeps its zeros."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models

MAX_LENGTH = 32


class AmountField(models.CharField):
    """A Decimal kept as its digits. A numeric column would add or drop zeros."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", MAX_LENGTH)
        kwargs.setdefault("null", True)
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: str | None, *_args: object) -> Decimal | None:
        return None if value is None else Decimal(value)

    def to_python(self, value: Any) -> Decimal | None:
        return value if value is None or isinstance(value, Decimal) else Decimal(str(value))

    def get_prep_value(self, value: Any) -> str | None:
        amount = self.to_python(value)
        return None if amount is None else format(amount, "f")
