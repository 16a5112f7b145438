"""Refusals that a marketplace's own tables do not list: pages of what stands in between, and
codes that are new but whose words are known.

Who reads these is told to wait rather than to make something anew: a page says nothing about a
grant, and of words that mean both, the milder ones come first.
"""

from __future__ import annotations

import re

from platforms.errors import THROTTLES, Fault, PlatformError, platform_error
from platforms.spec import Answer

# Of answers that are not in the marketplace's form, by HTTP status; the others cannot be read.
_STATUSES = {
    400: Fault.INVALID_REQUEST,
    403: Fault.PLATFORM_DOWN,  # a firewall or a bot guard, not the marketplace
    404: Fault.INVALID_REQUEST,
    408: Fault.PLATFORM_DOWN,
    410: Fault.INVALID_REQUEST,
    413: Fault.INVALID_REQUEST,
    414: Fault.INVALID_REQUEST,
    429: Fault.RATE_LIMITED,
}
# What became of it, after the thing it is about.
_ENDED = (
    r"(?: (?:is|are|has|have|was|been|header|or))* (?:invalid|illegal|expired|revoked)"
    r"| (?:does not exist|not found)"
)
_IS = r"(?: has| have)? (?:is|was|been)"

# In this order; searched for in `plain` words.
_WORDS: tuple[tuple[str, Fault], ...] = (
    (r"\bdaily .{0,20}(?:limit|quota)", Fault.QUOTA_EXHAUSTED),
    (r"quota (?:is |has been )?(?:exceeded|exhausted|used up)", Fault.QUOTA_EXHAUSTED),
    (r"当日.{0,8}(?:用完|上限|超限)", Fault.QUOTA_EXHAUSTED),
    (r"too many (?:calls|requests)|too frequent|rate limit|ban will last", Fault.RATE_LIMITED),
    (r"exceeds? the limit|过于频繁|频率超限|限流", Fault.RATE_LIMITED),
    (r"\bip\b.{0,60}(?:(?:allow|white) ?list|undeclared)|ip.{0,6}白名单", Fault.IP_NOT_WHITELISTED),
    (r"time ?stamp(?: is| has)? (?:expired|out of range|too (?:early|late|old))", Fault.CLOCK_SKEW),
    (r"internal (?:\w+ )?error|system (?:is )?(?:busy|error)|timed? ?out", Fault.PLATFORM_DOWN),
    (r"(?:currently|service|temporarily) (?:is )?unavailable|again later", Fault.PLATFORM_DOWN),
    (r"系统(?:异常|繁忙|错误)|服务(?:不可用|异常|超时)|稍后", Fault.PLATFORM_DOWN),
    (rf"access ?token(?:{_ENDED})|(?:expired|illegal|invalid) access ?token", Fault.TOKEN_EXPIRED),
    (
        rf"refresh ?token(?:{_ENDED})|(?:expired|illegal|invalid) refresh ?token",
        Fault.TOKEN_REVOKED,
    ),
    # A shop that is closed may be on holiday; an account that is closed is not.
    (rf"(?<!buyer )account{_IS} closed", Fault.ACCOUNT_SUSPENDED),
    (
        rf"(?:seller|shop|store|(?<!buyer )account){_IS}"
        r" (?:banned|deactivated|frozen|inactive|suspended)",
        Fault.ACCOUNT_SUSPENDED,
    ),
    (r"\bapp(?:lication)? is (?:disabled|frozen|offline)", Fault.ACCOUNT_SUSPENDED),
)


def in_between(answer: Answer) -> PlatformError:
    """What an answer means that is not in the marketplace's own form: a page, half an answer,
    nothing. Never that a grant or a key is wrong."""
    down = answer.status >= 500
    fault = Fault.PLATFORM_DOWN if down else _STATUSES.get(answer.status, Fault.BAD_RESPONSE)
    return platform_error(fault, f"HTTP {answer.status}, not in the marketplace's form")


def plain(message: str) -> str:
    """Small letters and single blanks: "InvalidAccess_token:" as "invalid access token"."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", message[:1000])
    return re.sub(r"[\W_]+", " ", words.lower()).strip()


def by_words(message: str) -> Fault | None:
    """What a message says whose code nobody knows; None where it says nothing known."""
    said = plain(message)
    return next((fault for words, fault in _WORDS if re.search(words, said)), None)


def despite_status(fault: Fault, status: int) -> Fault:
    """The fault of a refusal with that HTTP status: "too many" is about how often we called,
    and a server in trouble says anything."""
    if fault in THROTTLES:
        return fault
    if status == 429:
        return Fault.RATE_LIMITED
    return Fault.PLATFORM_DOWN if status >= 500 else fault
