"""What is kept of a record, and how it is shown: masked, with the place of the fault marked."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import zstandard

from platforms import landing, masking
from platforms.masking import Line, Path
from platforms.models import Quarantined
from platforms.quarantine.reasons import steps_to

Steps = Sequence[str | int | None]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Lines of the record in a row; `is_fault` where the reason points at them, `is_first` at
    the first of those."""

    text: str
    is_fault: bool
    is_first: bool = False


def received(record: Quarantined) -> bytes | None:
    """As it came; b"" where it was emptied since, None where it does not unpack any more."""
    if not record.raw:
        return b""
    try:
        return landing.decompress(record.raw)
    except (zlib.error, zstandard.ZstdError, ValueError, MemoryError):
        return None


def pieces(raw: bytes, reason: str) -> list[Piece] | None:
    """The record with everything masked that may be a buyer's, None where it is not JSON."""
    lines = masking.masked_lines(raw)
    if lines is None:
        return None
    faults = _faults(lines, steps_to(reason))
    found: list[Piece] = []
    block: list[str] = []
    for place, line in enumerate(lines):
        if place in faults:
            if block:
                found.append(Piece(text="\n".join(block) + "\n", is_fault=False))
                block = []
            found.append(Piece(text=line.text, is_fault=True, is_first=place == min(faults)))
        else:
            block.append(line.text)
    if block:
        found.append(Piece(text="\n".join(block), is_fault=False))
    return found


def _faults(lines: Sequence[Line], steps: Steps | None) -> set[int]:
    """The lines that the reason names. Adapters read some parts of a record on their own; then
    the way begins further down, and everything that it may mean is marked."""
    if not steps:
        return set()
    exact = {n for n, line in enumerate(lines) if _leads(steps, line.path)}
    if exact:
        return exact
    ends = partial(_ends, steps)
    return {n for n, line in enumerate(lines) if ends(line.path)}


def _leads(steps: Steps, path: Path) -> bool:
    return len(steps) == len(path) and all(
        step is None or step == place for step, place in zip(steps, path, strict=True)
    )


def _ends(steps: Steps, path: Path) -> bool:
    return len(path) > len(steps) and _leads(steps, path[-len(steps) :])
