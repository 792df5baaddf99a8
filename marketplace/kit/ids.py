"""Keys of rows."""

from __future__ import annotations

import secrets
import threading
import time
import uuid

_lock = threading.Lock()
_last = 0


def uuid7() -> uuid.UUID:
    """A time-ordered UUID (RFC 9562, version 7), strictly increasing within one process.

    Made in Python because PostgreSQL has `uuidv7()` only from 18 and production may run 15.
    The 12 bits after the milliseconds hold a counter, so two keys of the same millisecond
    still sort in the order in which they were made.
    """
    global _last  # noqa: PLW0603 the counter is the point of this function
    with _lock:
        stamp = (time.time_ns() // 1_000_000) << 12
        _last = max(stamp, _last + 1)
        milliseconds, counter = _last >> 12, _last & 0xFFF
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76 | counter << 64 | 0b10 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)
