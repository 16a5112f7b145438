"""Text that stays text: a store called "@all" or "<!channel>" must not ring everybody's phone.

None of the products says fully how its markup is escaped, and one does not say it at all. So
the characters that could begin something are shown by their full-width twins, which no parser
takes for markup.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from platforms.robots.spec import Message

# People who ask for a keyword can take one of these: it is in every message.
FOOT = "Storelink 店联"
MARKS = {"good": "🟢", "warning": "🟠", "danger": "🔴"}

_MENTIONS = str.maketrans("@<>", "＠＜＞")
_MARKDOWN = str.maketrans("*`[]\\|~", "＊｀［］＼｜～")
_ENTITY = re.compile(r"&(?=#|\w{1,32};)")
_LINE_START = re.compile(r"^[#]+")
# Cc control, Cf invisible and direction-turning, Cs half a character, Zl/Zp line ends.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def plain(text: str) -> str:
    """One line without mentions, links in brackets, and characters that cannot be seen."""
    shown = "".join(" " if unicodedata.category(c) in _UNSEEN else c for c in text)
    return " ".join(shown.split()).translate(_MENTIONS)


def markdown(text: str) -> str:
    """`plain`, and nothing in it is markup."""
    calm = _ENTITY.sub("＆", plain(text).translate(_MARKDOWN))
    return _LINE_START.sub(lambda found: "＃" * len(found[0]), calm)


def clip(text: str, size: int) -> str:
    """At most `size` bytes of UTF-8, cut between characters and marked where it was cut."""
    raw = text.encode()
    if len(raw) <= size:
        return text
    return raw[: max(0, size - len("…".encode()))].decode(errors="ignore") + "…"


def fit(lines: Iterable[str], size: int, *, line_size: int = 1000) -> list[str]:
    """The first lines that fit into `size` bytes, with a line for each break; "…" if some
    were left out."""
    taken: list[str] = []
    room = size - 8
    for line in lines:
        short = clip(line, line_size)
        room -= len(short.encode()) + 2
        if room < 0:
            return [*taken, "…"]
        taken.append(short)
    return taken


def title_of(message: Message, size: int = 120) -> str:
    return f"{MARKS[message.level]} {clip(plain(message.title), size)}"


def label_of(message: Message, size: int = 60) -> str:
    return clip(plain(message.url_label), size) or FOOT
