"""`python -m config.demo`: an environment of its own under var/demo, then `manage.py demo`.

The settings need keys before Django starts, so they are made here, once.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
DEMO_DIR = Path(os.environ.get("DEMO_DIR", BASE_DIR / "var" / "demo"))


def make_environment(port: int) -> dict[str, str]:
    """Settings of the demo; keys are made at the first start and kept."""
    DEMO_DIR.mkdir(parents=True, exist_ok=True)
    keys_file = DEMO_DIR / "keys.json"
    if not keys_file.exists():
        keys = {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "VAULT_KEYS": "demo1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        keys_file.touch(mode=0o600)
        keys_file.write_text(json.dumps(keys))
    emulator = f"http://127.0.0.1:{port + 100}"
    return {
        **json.loads(keys_file.read_text()),
        "DEMO": "1",
        "BASE_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": os.environ.get(
            "DATABASE_URL", f"sqlite:///{DEMO_DIR / 'storelink.sqlite3'}"
        ),
        # Also the queue's name, which stands in the database: never the demo's password.
        "REDIS_PREFIX": f"demo-{port}",
        "ALLOW_ENDPOINT_OVERRIDES": "1",
        "PLATFORM_ENDPOINTS": json.dumps(endpoints(emulator)),
        "ROBOT_ENDPOINTS": json.dumps(robot_endpoints(emulator)),
        "OFFER_PLATFORMS": "wish",
        "OUTGOING_ADDRESSES": "203.0.113.10",  # nobody's; what sellers allow at a marketplace
        "ENV_FILE": str(DEMO_DIR / "none"),  # an .env of the real installation must not leak in
        "LOG_LEVEL": "WARNING",
        "DEMO_DIR": str(DEMO_DIR),
        "DEMO_PORT": str(port),
    }


def endpoints(base_url: str) -> dict[str, dict[str, str]]:
    from platforms.emulator.app import endpoints as of_emulator

    return of_emulator(base_url)


def robot_endpoints(base_url: str) -> dict[str, str]:
    from platforms.emulator.robots import endpoints as of_robots

    return of_robots(base_url)


if __name__ == "__main__":
    os.environ.update(make_environment(int(os.environ.get("PORT", "8000"))))
    os.execv(sys.executable, [sys.executable, str(BASE_DIR / "manage.py"), "demo", *sys.argv[1:]])  # noqa: S606
