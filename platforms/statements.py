"""What statements written by hand need on either database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection


def marks(count: int) -> str:
    """Places for so many parameters, between commas."""
    return ", ".join(["%s"] * count)


def adapted(values: Collection[Any]) -> list[Any]:
    """Parameters with their times as the database takes them."""
    moment = connection.ops.adapt_datetimefield_value
    return [moment(each) if isinstance(each, datetime) else each for each in values]
