"""manage.py rotate_keys: seal everything anew after a key was put in front of VAULT_KEYS."""

from __future__ import annotations

from typing import Any

from platforms.flows.rotate_keys import rotate_keys
from platforms.management.doors import Door, Failed


class Command(Door):
    help = (
        "Wrap tenants' keys, applications' secrets and second factors with the newest key, and "
        "try to open every credential. Safe to stop and to repeat. Exit codes: 0, 3 where "
        "something does not open."
    )

    def answer(self, options: dict[str, Any]) -> dict[str, object]:
        rotated = rotate_keys()
        answer: dict[str, object] = {
            "resealed": rotated.resealed,
            "kept": rotated.kept,
            "unopenable": rotated.unopenable,
        }
        if rotated.unopenable:
            count = len(rotated.unopenable)
            raise Failed(answer, f"{count} sealed values do not open; they were left as they are.")
        return answer
