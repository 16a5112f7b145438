from __future__ import annotations

import pytest

from tests.support.wire import emulated


@pytest.fixture
def market(world):
    """All platforms, played by an emulator in this process."""
    with emulated() as market:
        yield market
