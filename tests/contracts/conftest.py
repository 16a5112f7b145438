"""Recorded marketplaces, and the commands by which an operator links and pulls from them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.utils import timezone

from tests.support.factories import json_lines
from tests.support.replay import Replay, replayed

EXAMPLES_SINCE = datetime(2026, 11, 19, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.contracts)


@pytest.fixture(scope="session")
def contracts() -> Path:
    directory = Path(django_settings.CONTRACTS_DIR)
    if not directory.is_dir():
        if os.environ.get("REQUIRE_ALL_TESTS") == "1":
            pytest.fail(f"CONTRACTS_DIR {directory} is missing and REQUIRE_ALL_TESTS=1")
        pytest.skip(f"CONTRACTS_DIR {directory} is missing")
    return directory


@pytest.fixture
def replay(contracts: Path, settings) -> Callable[..., AbstractContextManager[Replay]]:
    """replay(platform, *keys): its endpoints, by these keys, are answered from the recording.
    A request that the contract does not allow fails the test, whatever became of it."""

    @contextmanager
    def start(platform: str, *keys: str) -> Iterator[Replay]:
        with replayed(contracts, platform) as found:
            settings.ALLOW_ENDPOINT_OVERRIDES = True
            settings.PLATFORM_ENDPOINTS = found.endpoints(*keys)
            yield found
        assert found.complaints == []

    return start


def run(*words: str) -> str:
    """A command's standard output."""
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def run_json(*words: str) -> dict:
    found: dict = json.loads(run(*words, "--json"))
    return found


def create_tenant(slug: str = "harbor") -> None:
    made = run_json(
        "create_tenant", "--slug", slug, "--name", "Harbor Lane", "--owner", "ann@harbor.example"
    )
    assert made["slug"] == slug


def pull(store: str) -> dict:
    """The recorded days; the same number of them later, when no platform reaches back so far."""
    since = max(EXAMPLES_SINCE, timezone.now() - timedelta(days=300))
    since = min(since, timezone.now() - timedelta(days=2))
    until = since + timedelta(days=2)
    return run_json(
        "pull_orders", "--store", store, "--since", since.isoformat(), "--until", until.isoformat()
    )


def export(store: str) -> list[dict]:
    return json_lines(run("export_orders", "--store", store, "--format", "jsonl"))
