from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from werkzeug.test import Client

from platforms.emulator.app import Emulator
from tests.platforms.emulator.acts import Acts

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()

MakeEmulator = Callable[..., Emulator]


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> float:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def make_emulator(clock: Clock, slept: list[float]) -> MakeEmulator:
    def make(**options: object) -> Emulator:
        return Emulator(clock=clock, sleep=slept.append, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def emulator(make_emulator: MakeEmulator) -> Emulator:
    return make_emulator()


@pytest.fixture
def acts(emulator: Emulator) -> Acts:
    return Acts(Client(emulator))
