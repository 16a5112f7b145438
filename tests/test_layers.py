"""Imports point downwards only, and the network, the queue and the clock have one door each."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from platforms import registry

ROOT = Path(__file__).resolve().parent.parent
APPS = ("accounts", "tenants", "platforms")
MODULES = sorted(p for app in APPS for p in (ROOT / app).rglob("*.py"))


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def importing(path: Path, *names: str) -> set[str]:
    return {i for i in imports(path) for name in names if i == name or i.startswith(f"{name}.")}


@pytest.mark.parametrize(
    ("app", "above"), [("accounts", ("tenants", "platforms")), ("tenants", ("platforms",))]
)
def test_an_app_imports_nothing_above_it(app, above):
    upwards = {
        module_name(p): importing(p, *above) for p in MODULES if p.is_relative_to(ROOT / app)
    }
    assert {name: what for name, what in upwards.items() if what} == {}


def test_adapters_and_facts_know_neither_database_nor_network():
    facts = [*(ROOT / "platforms" / "adapters").rglob("*.py")]
    plain = ("spec", "news", "adapter", "errors", "reading")
    facts += [ROOT / "platforms" / f"{n}.py" for n in plain]
    forbidden = (
        "requests", "urllib3", "http", "socket", "django.db", "platforms.models",
        "platforms.flows", "platforms.transport", "tenants", "accounts",
    )  # fmt: skip
    found = {module_name(p): importing(p, *forbidden) for p in facts}
    assert {name: what for name, what in found.items() if what} == {}


def test_only_the_transport_calls_out():
    callers = {module_name(p) for p in MODULES if importing(p, "requests", "urllib3", "httpx")}
    assert callers == {"platforms.transport", "platforms.demo.seed"}


def test_only_tasks_and_the_worker_know_the_queue():
    users = {module_name(p) for p in MODULES if importing(p, "django_q")}
    assert {u for u in users if "admin" not in u} == {"platforms.tasks", "platforms.worker"}


def test_flows_never_see_a_request():
    flows = [p for app in APPS for p in (ROOT / app / "flows").glob("*.py")]
    assert {module_name(p) for p in flows if importing(p, "django.http")} == set()


def test_the_emulator_shares_nothing_with_the_product():
    for path in (ROOT / "platforms" / "emulator").rglob("*.py"):
        ours = {i for i in importing(path, *APPS) if not i.startswith("platforms.emulator")}
        assert ours <= {"platforms"}, module_name(path)


def test_no_platform_is_named_outside_its_own_modules():
    """`if store.platform == "ebay"` belongs into the adapter."""
    own = ("adapters", "emulator", "demo", "registry.py", "migrations")
    for path in MODULES:
        if any(part in own for part in path.parts):
            continue
        named = {
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and node.value in registry.codes()
        }
        assert not named, module_name(path)
