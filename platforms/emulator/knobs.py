"""What can be turned at a platform, or at one of its accounts, to make it misbehave."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

GARBLES = ("", "broken_json", "html", "truncated", "empty")
ROTATIONS = ("off", "strict")
FAILURES = ("down", "throttle", "block_ip", *GARBLES[1:])

RateLimits = str | dict[str, list[float]]


@dataclass(frozen=True, kw_only=True)
class Knobs:
    """Seconds are floats. None means "as the platform does it"."""

    down: bool = False  # everything answers 503
    token_down: bool = False  # only the token endpoint does
    delay: float = 0.0  # the call takes effect, the answer comes late
    token_delay: float = 0.0
    garble: str = ""
    token_garble: str = ""
    throttle: bool = False  # every call answers 429
    retry_after: int | None = None  # Retry-After of a 429, where the platform has one
    rate_limits: RateLimits = "default"  # off, default, real, or {operation: [per second, burst]}
    skew: float = 0.0  # the platform's clock is ahead by so much
    block_ip: bool = False
    rotate: str = "off"  # strict: refresh tokens are single use and replaced
    omit_refresh: bool = False  # refresh answers carry no refresh token
    access_ttl: int | None = None
    refresh_ttl: int | None = None
    code_ttl: int | None = None
    drop_scopes: tuple[str, ...] = ()  # scopes (eBay) or roles (Amazon, Ozon) taken away
    suspended: bool = False
    secret_expired: bool = False  # Amazon: calls say the LWA secret has expired
    bad_record: bool = False  # the first record of each page is unreadable
    unknown_status: bool = False  # the first record of each page has a status nobody knows
    drift: bool = False  # eBay: an order already served changes after each page
    empty_page: bool = False  # Ozon: has_next stays true and an empty page follows
    wrong_account: str = ""  # who-am-I answers for this account key instead


NAMES = tuple(f.name for f in fields(Knobs))
_DEFAULTS = asdict(Knobs())


class BadKnob(ValueError):
    pass


def _rate_limits(value: object) -> RateLimits:
    if value in ("off", "default", "real"):
        return str(value)
    if isinstance(value, dict) and all(
        isinstance(v, list | tuple) and len(v) == 2 and v[0] > 0 and v[1] >= 1
        for v in value.values()
    ):
        return {str(k): [float(v[0]), float(v[1])] for k, v in value.items()}
    raise BadKnob("rate_limits is off, default, real or {operation: [per second, burst]}")


def _optional_int(name: str, value: object) -> int | None:
    if value in (None, ""):
        return None
    try:
        return int(str(value))
    except ValueError:
        raise BadKnob(f"{name} is a whole number or null") from None


def clean(name: str, value: Any) -> Any:
    """The value of one knob in its type. Raises BadKnob."""
    if name not in _DEFAULTS:
        raise BadKnob(f"there is no knob {name!r}; there are: {', '.join(NAMES)}")
    if value is None:
        return list(_DEFAULTS[name]) if name == "drop_scopes" else _DEFAULTS[name]
    choices = {"garble": GARBLES, "token_garble": GARBLES, "rotate": ROTATIONS}.get(name)
    if choices is not None:
        if value not in choices:
            raise BadKnob(f"{name} is one of: {', '.join(c or '(empty)' for c in choices)}")
        return value
    if name == "rate_limits":
        return _rate_limits(value)
    if name == "drop_scopes":
        parts = value.split() if isinstance(value, str) and "," not in value else value
        parts = parts.split(",") if isinstance(parts, str) else parts
        return [str(p).strip() for p in parts if str(p).strip()]
    default = _DEFAULTS[name]
    if isinstance(default, bool):
        if value in (True, False):
            return bool(value)
        raise BadKnob(f"{name} is true or false")
    if isinstance(default, float):
        try:
            return float(value)
        except (TypeError, ValueError):
            raise BadKnob(f"{name} is a number of seconds") from None
    if isinstance(default, str):
        return str(value)
    return _optional_int(name, value)


def effective(*layers: dict[str, Any]) -> Knobs:
    """The knobs in force; a later layer (the account's) wins over an earlier (the platform's)."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged.update(layer)
    if "drop_scopes" in merged:
        merged["drop_scopes"] = tuple(merged["drop_scopes"])
    return Knobs(**merged)
