"""What Ozon's refusals mean. Fact sheet: docs/platforms/ozon.md, "Errors"."""

from __future__ import annotations

import re

from platforms import reading
from platforms.adapters.ozon.oauth import is_cookie_test
from platforms.errors import Fault, PlatformError, platform_error
from platforms.spec import Answer, Request

_KEY = r"\b(api[ -]?(key|ключ\w*)|ключ\w* api)\b"
_WRONG = r"\b(invalid|incorrect|wrong|unknown|не(верн|действительн|правильн)\w+)\b"
_DEAD = r"(deactivated|inactive|expired|deleted|revoked|(де|не)актив\w+|ист[её]к|удал[её]н|отозван)"
# fact sheet §6: Ozon uses its codes inconsistently, so the words decide, in this order: who calls
# too fast or finds Ozon down learns nothing about the key that is named beside. Russian is what
# Ozon speaks at home.
MESSAGES: tuple[tuple[str, Fault], ...] = (
    (r"rate limit|too many requests|лимит\w* запрос|слишком много запрос", Fault.RATE_LIMITED),
    (
        r"circle is open|internal (server )?error|deadline exceeded|\bunavailable\b"
        r"|внутренн\w+ ошибк|\btemporar|\bвременно\b",
        Fault.PLATFORM_DOWN,
    ),
    (r"period_is_too_long|obsolete method|\bcors\b", Fault.INVALID_REQUEST),
    (r"\bip\b|allowed networks", Fault.IP_NOT_WHITELISTED),
    (
        r"required role|insufficient (right|permission|scope)|no access to this method"
        r"|(отсутству|необходим|нет )\w*.*\bрол[ьи]|недостаточно прав",
        Fault.INSUFFICIENT_SCOPE,
    ),
    (r"\bsubscription\b|\bподписк", Fault.INSUFFICIENT_SCOPE),
    (rf"{_KEY}.*\b{_DEAD}\b", Fault.TOKEN_REVOKED),
    (r"headers are required|client-id should be positive integer", Fault.BAD_CREDENTIALS),
    (rf"{_WRONG}.{{0,30}}{_KEY}|{_KEY}.*{_WRONG}", Fault.BAD_CREDENTIALS),
    (rf"{_KEY}.*\b(not found|does not match|не найден|не подходит)\b", Fault.BAD_CREDENTIALS),
    (r"\boffer\b.*\b(signed|accepted)\b|\baccept\b.*\boffer\b|\bоферт", Fault.ACCOUNT_SUSPENDED),
    (
        r"\b(company|seller|account) (is|was|has been) blocked\b"
        r"|\b(компани|продав|магазин)\w* (был\w* )?заблокирован",
        Fault.ACCOUNT_SUSPENDED,
    ),
)
# gRPC's numbers, and what older methods say instead.
CODES = {
    "4": Fault.PLATFORM_DOWN,
    "8": Fault.RATE_LIMITED,
    "13": Fault.PLATFORM_DOWN,
    "14": Fault.PLATFORM_DOWN,
    "ACCESS_DENIED": Fault.INSUFFICIENT_SCOPE,
}
GET_PATHS = {"fbs": "/v3/posting/fbs/get", "fbo": "/v2/posting/fbo/get"}
NO_SUCH_POSTING = r"\bpostings?[ _](is |was )?not[ _]found\b|\bотправлени\w* не найден"
# Of words nobody knows. A 403 that does not speak of a role is no reason to make a new key.
STATUSES = {
    401: Fault.TOKEN_EXPIRED,  # keys are refused with words of their own
    429: Fault.RATE_LIMITED,
} | dict.fromkeys((400, 404, 405, 409, 410), Fault.INVALID_REQUEST)
# Said of a request that could not be read: so nothing was refused.
UNREADABLE = r"syntax error|unmarshal|validation|\brequired\b|unknown field|malformed"
# What the token endpoint says; the words are OAuth's own.
OAUTH_FAULTS = {
    "invalid_grant": Fault.INVALID_REQUEST,  # a code: used twice, or too old
    "invalid_client": Fault.BAD_CREDENTIALS,
    "unauthorized_client": Fault.APP_REJECTED,
    "invalid_scope": Fault.INVALID_REQUEST,
    "invalid_request": Fault.INVALID_REQUEST,
    "unsupported_grant_type": Fault.INVALID_REQUEST,
    "server_error": Fault.PLATFORM_DOWN,
    "temporarily_unavailable": Fault.PLATFORM_DOWN,
}


def is_missing(request: Request, answer: Answer) -> bool:
    """Whether the answer says that the cabinet has no posting of the number asked for.

    The words are not published: a 404 in Ozon's form whose words mean nothing else.
    """
    if request.path not in GET_PATHS.values() or answer.status not in (400, 404):
        return False
    code, message = _said(answer)
    said = f"{code} {message}".lower()
    if re.search(NO_SUCH_POSTING, said):
        return True
    known = reading.first_match(said, MESSAGES) or CODES.get(code)
    return answer.status == 404 and bool(said.strip()) and known is None


def read_fault(request: Request, answer: Answer) -> PlatformError | None:
    if is_cookie_test(request, answer):
        return None
    if _is_bare_success(request, answer) or is_missing(request, answer):
        return None
    code, message = _said(answer)
    said = f"{code} {message}".strip()
    detail = reading.short(said)
    if answer.status == 429:
        return platform_error(Fault.RATE_LIMITED, detail)
    if answer.status >= 500:
        return platform_error(Fault.PLATFORM_DOWN, detail or f"HTTP {answer.status}")
    if not said:
        return _bare_fault(request, answer)
    known = reading.first_match(said, MESSAGES) or CODES.get(code)
    if known is None and request.endpoint == "auth":
        known = _token_fault(request, answer.status, code, message)
    return platform_error(known or STATUSES.get(answer.status, Fault.UNKNOWN), detail)


def _is_bare_success(request: Request, answer: Answer) -> bool:
    """The notification methods are said to answer with nothing at all."""
    quiet = request.path.startswith("/v1/notification/") and not request.path.endswith("/list")
    return quiet and 200 <= answer.status < 300 and not answer.body.strip()


def _token_fault(request: Request, status: int, error: str, message: str) -> Fault | None:
    """A refused refresh that does not blame the application is the end of the grant: the seller
    has removed it in the cabinet, and Ozon's words for that are not published."""
    body = request.json if isinstance(request.json, dict) else {}
    known = OAUTH_FAULTS.get(error.lower())
    refreshing = body.get("grant_type") == "refresh_token" and status in (400, 401)
    if refreshing and error.lower() == "invalid_grant":
        return Fault.TOKEN_REVOKED
    if known is not None:
        return known
    if re.search(UNREADABLE, message.lower()):
        return Fault.INVALID_REQUEST
    if refreshing:
        return Fault.TOKEN_REVOKED
    return Fault.BAD_CREDENTIALS if status == 401 else None


def _said(answer: Answer) -> tuple[str, str]:
    """Code and message, also out of a 200; "" and "" where nothing is complained about."""
    for each in reading.complaints(answer, top=("code", "message", "error", "error_description")):
        word = each.get("error")  # older methods wrap an object; a word at the token endpoint
        code = word if isinstance(word, str) else each.get("code")
        message = each.get("message") or each.get("error_description")
        if code not in (None, 0, "", "0") or message:
            return str(code or ""), str(message or "")
    return "", ""


def _bare_fault(request: Request, answer: Answer) -> PlatformError | None:
    """No error form: a success, or HTML or nothing from the gateway."""
    if 200 <= answer.status < 300:
        if reading.is_json(answer):
            return None
        return platform_error(Fault.BAD_RESPONSE, "the answer is not JSON")
    faults = dict.fromkeys((302, 307), Fault.PLATFORM_DOWN)
    if request.endpoint == "auth":
        faults[401] = Fault.BAD_RESPONSE  # without Ozon's words: not the token
    return reading.unexplained(answer, faults)
