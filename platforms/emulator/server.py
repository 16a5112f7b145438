"""Serves an emulator over HTTP."""

from __future__ import annotations

import logging

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from platforms.emulator.app import Emulator

logger = logging.getLogger(__name__)


class QuietHandler(WSGIRequestHandler):
    """Logs the path without its query: consent addresses carry states and codes."""

    protocol_version = "HTTP/1.1"

    def send_response(self, code: int, message: str | None = None) -> None:
        # The base class adds a Date of its own; the platforms' clocks may tell another time.
        self.log_request(code)
        self.send_response_only(code, message)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        path = self.path.partition("?")[0]
        logger.debug("emulator.request", extra={"path": path, "status": str(code)})


def serve(emulator: Emulator, *, host: str = "127.0.0.1", port: int = 0) -> BaseWSGIServer:
    """A threaded server that is bound but not yet running: call `serve_forever`.

    Port 0 takes a free one; the server's `port` tells which.
    """
    return make_server(host, port, emulator, threaded=True, request_handler=QuietHandler)
