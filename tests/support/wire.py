"""Networks for tests: an emulator in this process, a script of answers, or none at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

from django.test import override_settings
from werkzeug.test import Client

from platforms import transport
from platforms.emulator import robots
from platforms.emulator.app import Emulator, endpoints
from platforms.errors import Fault, platform_error
from platforms.spec import Answer

EMULATOR_URL = "http://emulator.test"
CALLBACK_BASE = "http://127.0.0.1:8000"


class Offline:
    """Refuses: a test that calls out without saying so fails."""

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        raise AssertionError(f"nobody expected {method} {url.partition('?')[0]}")


class Unplugged:
    """A network that is down."""

    def __init__(self, fault: Fault = Fault.NETWORK_UNREACHABLE) -> None:
        self.fault = fault

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        raise platform_error(self.fault, "unplugged")


class Script:
    """Answers in order and remembers what was sent: (method, url, headers, body)."""

    def __init__(
        self, *answers: tuple[int, object] | tuple[int, object, Mapping[str, str]]
    ) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, str, dict[str, str], bytes]] = []

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.sent.append((method, url, dict(headers), body))
        assert self.answers, f"nobody expected {method} {url}"
        status, content, *rest = self.answers.pop(0)
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        return Answer(status=status, headers=dict(rest[0]) if rest else {}, body=raw)


class InProcess:
    """Carries every call to an emulator in this process."""

    def __init__(self, emulator: Emulator) -> None:
        # As the real wire: a cookie goes back only where an adapter sends it.
        self.client = Client(emulator, use_cookies=False)
        self.calls: list[tuple[str, str]] = []

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.calls.append((method, urlsplit(url).path))
        response = self.client.open(
            url.removeprefix(EMULATOR_URL),
            base_url=EMULATOR_URL,
            method=method,
            headers=dict(headers),
            data=body,
        )
        return Answer(
            status=response.status_code,
            headers={k.lower(): v for k, v in response.headers.items()},
            body=response.get_data(),
        )


class World:
    """The marketplaces' side of a test: control, and the seller's browser at their pages."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.wire = InProcess(emulator)

    def control(self, action: str, **body: object) -> dict[str, object]:
        answer = self.wire.client.post(f"/control/api/{action}", json=body)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found: dict[str, object] = answer.get_json()
        return found

    def ask(self, what: str) -> dict[str, object]:
        found: dict[str, object] = self.wire.client.get(f"/control/api/{what}").get_json()
        return found

    def consent(self, url: str, *, account: str, decision: str = "agree") -> str:
        """Decide on the consent page; the address the browser is sent back to, "" if none."""
        answer = self.wire.client.post(
            url.removeprefix(EMULATOR_URL), data={"decision": decision, "account": account}
        )
        return str(answer.headers.get("location", ""))


def callback_params(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


@contextmanager
def emulated(**options: object) -> Iterator[World]:
    """All platforms answered by a fresh emulator."""
    options.setdefault("callback_base", CALLBACK_BASE)
    world = World(Emulator(**options))  # type: ignore[arg-type]
    with (
        override_settings(
            ALLOW_ENDPOINT_OVERRIDES=True,
            PLATFORM_ENDPOINTS=endpoints(EMULATOR_URL),
            ROBOT_ENDPOINTS=robots.endpoints(EMULATOR_URL),
        ),
        transport.use_wire(world.wire),
    ):
        yield world
