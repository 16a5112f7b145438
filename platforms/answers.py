"""Answers of token endpoints, kept on this machine's disk from receipt until they are committed.

A refresh token that works once is spent when the platform answers. If the process dies, or the
database is away, before the answer is committed, the file is all that is left of the grant. It
is sealed with the tenant's key, and removed after the commit. The holder's successor on this
machine writes it; on another machine the old token is tried once, and the seller asked.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from platforms import vault
from platforms.models import Authorization
from platforms.spec import Grant

logger = logging.getLogger(__name__)

_UNFINISHED = ".part"
_UNOPENED = ".unopened"
_SURELY_DEAD_S = 3600.0
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An answer on disk: of which authorization, and of which generation's refresh."""

    public_id: str
    generation: int
    path: Path


@dataclass(frozen=True, kw_only=True)
class Opened:
    secrets: dict[str, str] = field(repr=False)
    grant: Grant


def keep(row: Authorization, secrets: dict[str, str], grant: Grant) -> Kept | None:
    """Write down what is about to be committed for `row`; `secrets` are the merged ones.
    None where the disk does not take it: the commit must go on without."""
    plain = {
        "secrets": secrets,
        "access_token": grant.access_token,
        "access_expires_at": _text(grant.access_expires_at),
        "refresh_expires_at": _text(grant.refresh_expires_at),
        "consent_expires_at": _text(grant.consent_expires_at),
        "scopes": None if grant.scopes is None else list(grant.scopes),
    }
    sealed = vault.seal(row.tenant_id, _place(row), json.dumps(plain).encode())
    path = _folder() / f"{row.public_id}.{row.generation}"
    try:
        _write(path, sealed)
    except OSError as exc:
        logger.error("answers.not_kept", extra={"reason": type(exc).__name__})
        return None
    return Kept(public_id=str(row.public_id), generation=row.generation, path=path)


def drop(kept: Kept) -> None:
    kept.path.unlink(missing_ok=True)


def set_aside(kept: Kept) -> None:
    """Keep an answer that does not open, out of the way: a wrong key ring may be put right. Named
    like the others again (without the ending), it is taken up like them."""
    with suppress(FileNotFoundError):
        kept.path.rename(kept.path.with_name(f"{kept.path.name}{_UNOPENED}"))


def find(row: Authorization) -> Kept | None:
    """The answer to the refresh of `row`'s present credential, if one was left here."""
    path = _folder() / f"{row.public_id}.{row.generation}"
    if not os.path.exists(path):
        return None
    return Kept(public_id=str(row.public_id), generation=row.generation, path=path)


def left_behind() -> Iterator[Kept]:
    """All answers on this machine, also those that are just being committed. Sweeps away what
    nobody finished writing."""
    try:
        names = sorted(path.name for path in _folder().iterdir())
    except FileNotFoundError:
        return
    for name in names:
        if name.endswith(_UNFINISHED):
            _sweep(_folder() / name)
        public_id, _, generation = name.partition(".")
        if generation.isdecimal():
            yield Kept(
                public_id=public_id, generation=int(generation), path=_folder() / name
            )  # fmt: skip


def open_kept(kept: Kept, row: Authorization) -> Opened:
    """Raises vault.Unopenable, FileNotFoundError when it was committed meanwhile."""
    plain = json.loads(vault.unseal(row.tenant_id, _place(row), kept.path.read_bytes()))
    try:
        return _opened(plain)
    except (KeyError, TypeError, ValueError):
        raise vault.Unopenable("an answer of another form") from None


def _opened(plain: dict[str, Any]) -> Opened:
    scopes = plain["scopes"]
    return Opened(
        secrets=plain["secrets"],
        grant=Grant(
            access_token=plain["access_token"],
            access_expires_at=_moment(plain["access_expires_at"]),
            refresh_expires_at=_moment(plain["refresh_expires_at"]),
            consent_expires_at=_moment(plain["consent_expires_at"]),
            scopes=None if scopes is None else tuple(scopes),
        ),
    )


def _write(path: Path, content: bytes) -> None:
    """Under another name first: a file that is there is whole. Each call to the system is a chance
    for all other threads to take the interpreter, so there are no more than needed."""
    unfinished = f"{path}.{os.getpid()}{_UNFINISHED}"
    try:
        file = os.open(unfinished, _NEW, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(unfinished, _NEW, 0o600)
    try:
        if os.write(file, content) < len(content):
            raise OSError(errno.ENOSPC, "not all of it was taken")
        os.fsync(file)
    finally:
        os.close(file)
    os.replace(unfinished, path)


def _sweep(path: Path) -> None:
    with suppress(OSError):  # finished, or swept, at this moment
        if time.time() - path.stat().st_mtime > _SURELY_DEAD_S:
            path.unlink()


def _folder() -> Path:
    return Path(settings.ANSWERS_DIR)


def _place(row: Authorization) -> str:
    return f"authorization/{row.public_id}/answer/{row.generation}"


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
