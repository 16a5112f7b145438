"""A network for diagnoses: the emulator's hosts answer, our own address does, others do not."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from platforms.diagnosis.probes import Looked, clock_ahead
from tests.support.wire import EMULATOR_URL, World


class Net:
    """`broken`: host -> what is to be different about what is seen of it. `looks`: what was
    looked at, as (method, url)."""

    def __init__(self, market: World) -> None:
        self.market = market
        self.broken: dict[str, dict[str, object]] = {}
        self.looks: list[tuple[str, str]] = []

    def look(self, url: str, *, method: str = "HEAD") -> Looked:
        self.looks.append((method, url))
        parts = urlsplit(url)
        host = parts.hostname or ""
        looked = Looked(
            scheme=parts.scheme, host=host, port=parts.port or 443, addresses=("192.0.2.10",),
            dns_ms=3, tcp_ms=20, tls_ms=30 if parts.scheme == "https" else None, http_ms=40,
            status=404 if "/push/" in parts.path else 200,
        )  # fmt: skip
        if url.startswith(EMULATOR_URL):
            looked = replace(looked, ahead_s=self._ahead(parts.path, method))
        return replace(looked, **self.broken.get(host, {}))

    def _ahead(self, path: str, method: str) -> float | None:
        answer = self.market.wire.client.open(path, base_url=EMULATOR_URL, method=method)
        return clock_ahead(answer.headers["Date"], self.market.emulator.state.clock())

    def break_platform(self, **difference: object) -> None:
        self.broken["emulator.test"] = difference
