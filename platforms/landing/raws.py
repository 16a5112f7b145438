"""Payloads as received, small enough to keep."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Sequence

import zstandard

# A quarter larger than zlib would make them, for a fifth of its processor (docs/performance.md).
_LEVEL = -1
_ZSTD = zstandard.FRAME_HEADER
MOST_BYTES = 64 * 1024 * 1024
_local = threading.local()


def compress(raw: bytes) -> bytes:
    return _compressor().compress(raw)


def compress_all(raws: Sequence[bytes]) -> list[bytes]:
    """Other threads have the interpreter meanwhile, and are not asked for it at each payload."""
    if not any(raws):  # which the library refuses
        return [compress(raw) for raw in raws]
    bodies = _compressor().multi_compress_to_buffer(list(raws))
    return [bodies[at].tobytes() for at in range(len(bodies))]


def _compressor() -> zstandard.ZstdCompressor:
    compressor: zstandard.ZstdCompressor | None = getattr(_local, "compressor", None)
    if compressor is None:  # not to be shared by threads, and dear to make
        compressor = _local.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    return compressor


def decompress(body: bytes | memoryview) -> bytes:
    """Also what was kept before zstd came, by zlib."""
    kept = bytes(body)
    if not kept.startswith(_ZSTD):
        return zlib.decompress(kept)
    decompressor: zstandard.ZstdDecompressor | None = getattr(_local, "decompressor", None)
    if decompressor is None:
        decompressor = _local.decompressor = zstandard.ZstdDecompressor()
    return decompressor.decompress(kept, max_output_size=MOST_BYTES)
