"""Counts that nobody asked for: every store, once a night (platforms/flows/count_nightly.py)."""

from __future__ import annotations

from django.db.models import Q

from platforms.models import DataCheck

NIGHTLY = Q(asked__has_key="nightly")
UNDER_WAY = Q(state__in=[DataCheck.State.WAITING, DataCheck.State.RUNNING])


def is_nightly(check: DataCheck) -> bool:
    return bool(check.asked.get("nightly"))
