"""A net, not a permission: masks secrets and buyer data in what is about to be logged."""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import urlsplit

MASK = "[masked]"

_SECRETS = re.compile(
    r"""v(?:\^|%5E)1\.1(?:\#|%23)[^\s"'&]+  # eBay tokens and codes
      | Atz[ar]\|[^\s"'&]+             # Amazon access and refresh tokens
      | amzn1\.oa2-cs\.v1\.[0-9a-f]+   # Amazon client secrets
      | PRD-[0-9a-f-]{20,} | SBX-[0-9a-f-]{20,}
      | \b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b
      | (?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*
      | slk_[\w-]{20,}
      | (?<=Bearer\ )[^\s"']+ | (?<=Basic\ )[A-Za-z0-9+/=]+
      | (?<=code=)[^\s&"']+ | (?<=state=)[^\s&"']+
      | (?:(?<=_token)|(?<=_secret)|(?<=[Aa]pi[-_][Kk]ey)|(?<=[Pp]assword))
        ["']?\s{0,3}[=:]\s{0,3}["']?[^\s&"',}]+
    """,
    re.VERBOSE,
)
# The look-behinds keep both linear: a platform's message may be megabytes of one word.
_PERSONAL = re.compile(r"(?<![\w.+%-])[\w.+%-]+@[\w-]+\.[\w.-]+|(?<!\w)\+\d[\d\s()-]{7,}\d")


def mask(text: str) -> str:
    return _PERSONAL.sub(MASK, _SECRETS.sub(MASK, text))


def safe_url(url: str) -> str:
    """Scheme, host and path; the query may hold codes and search words."""
    parts = urlsplit(url)
    return mask(f"{parts.scheme}://{parts.netloc}{parts.path}")


_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LineFormatter(logging.Formatter):
    """`time level event key=value ...` on one line, masked."""

    def format(self, record: logging.LogRecord) -> str:
        extra: dict[str, Any] = {k: v for k, v in vars(record).items() if k not in _STANDARD}
        # Django hands over the request and the response; their text is in the message already.
        extra.pop("request", None)
        extra.pop("response", None)
        line = " ".join(
            [
                self.formatTime(record),
                record.levelname,
                record.getMessage().replace("\n", "\\n"),
                *(f"{key}={value}" for key, value in sorted(extra.items())),
            ]
        )
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return _SECRETS.sub(MASK, line) if record.name.startswith("gunicorn") else mask(line)
