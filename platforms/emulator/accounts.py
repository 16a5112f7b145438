"""Who lives in the emulator: developer applications and seller accounts with fixed ids.

Everything here is invented and opens nothing but this emulator. The values have the form the
platforms use, so that they pass the same checks as real ones. Each platform's own are in `cast`.
"""

from __future__ import annotations

import importlib
import pkgutil

from platforms.emulator import cast
from platforms.emulator.actors import DAY, Account, App, FixedToken

__all__ = ["ACCOUNTS", "APPS", "DAY", "Account", "App", "FixedToken", "of_platform"]

_FIRST = ("ebay", "amazon", "ozon")  # in the lists on pages
_CODES = [found.name for found in pkgutil.iter_modules(cast.__path__)]
_CAST = [
    importlib.import_module(f"{cast.__name__}.{code}") for code in dict.fromkeys([*_FIRST, *_CODES])
]

APPS: dict[str, App] = {app.key: app for module in _CAST for app in module.APPS}
ACCOUNTS: dict[str, Account] = {a.key: a for module in _CAST for a in module.ACCOUNTS}


def of_platform(platform: str) -> tuple[Account, ...]:
    return tuple(a for a in ACCOUNTS.values() if a.platform == platform)
