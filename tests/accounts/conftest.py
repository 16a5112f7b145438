from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone, translation

from accounts.models import User
from tests.conftest import make_user


@pytest.fixture(autouse=True)
def _nothing_left_over() -> Iterator[None]:
    """A request leaves its language and time zone in the thread."""
    yield
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture
def anna(db: None) -> User:
    return make_user("anna@example.com", name="Anna")
