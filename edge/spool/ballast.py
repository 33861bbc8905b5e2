"""Room that is kept for receipts: a file that is given up when the disk is full.

SQLite needs some room to open a file with its log, to write down a batch and to take the receipt
that frees the rest. Another program may have taken the last of it. So a file of nothing lies
beside the spool; it goes when that room is wanted, and is made again when there is some.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

BALLAST_FILE = "ballast"
BALLAST_BYTES = 6 * 1024 * 1024
"""What SQLite's log may grow to, its index, and what one receipt purges on top."""

_LEAST_BYTES = 256 * 1024


class Ballast:
    """The file of one spool; used under the spool's lock."""

    def __init__(self, folder: Path, free_bytes: Callable[[], int], reserve_bytes: int) -> None:
        """Nothing is made before ``keep``."""
        self._path = folder / BALLAST_FILE
        self._free_bytes = free_bytes
        self._reserve_bytes = reserve_bytes

    def give_up(self) -> bool:
        """Free its room; whether there was any to free."""
        try:
            there = self._path.stat().st_size > 0
            self._path.unlink()
        except OSError:
            return False
        return there

    def keep(self) -> None:
        """Make it, or make it larger, if there is room: what lies beyond the disk's reserve.

        One that is gone is made of half of what is free, though that be little: the next start
        needs little, and what it opens frees more. Where the disk refuses, there is none.
        """
        with suppress(OSError):
            held = self._path.stat().st_size if self._path.exists() else 0
            if held >= BALLAST_BYTES:
                return
            free = self._free_bytes()
            size = min(BALLAST_BYTES, held + max(free - self._reserve_bytes, 0))
            if not held:
                size = max(size, min(BALLAST_BYTES, free // 2))
            if size >= max(held + 1, _LEAST_BYTES):
                self._make(size)

    def _make(self, size: int) -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError:
            self._path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
