"""A bound on bytes a second: a bucket that fills at a steady rate and is emptied by sending.

Sending may overdraw it, so that a message larger than the bucket still goes; the next one then
waits until the debt is paid.
"""

from __future__ import annotations


class Bucket:
    """Bytes that may be sent, at moments of a monotonic clock in seconds."""

    def __init__(self, bytes_per_s: float, capacity_bytes: float) -> None:
        """Begin full."""
        self._bytes_per_s = bytes_per_s
        self._capacity_bytes = capacity_bytes
        self._level_bytes = capacity_bytes
        self._at_s: float | None = None

    def level(self, now: float) -> float:
        """Bytes that may be sent now; negative while a debt is paid."""
        passed_s = 0.0 if self._at_s is None else max(0.0, now - self._at_s)
        self._at_s = now if self._at_s is None else max(self._at_s, now)
        filled = self._level_bytes + passed_s * self._bytes_per_s
        self._level_bytes = min(self._capacity_bytes, filled)
        return self._level_bytes

    def spend(self, size_bytes: int, now: float) -> None:
        """So many bytes were sent."""
        self._level_bytes = self.level(now) - size_bytes

    def reaches(self, level_bytes: float, now: float) -> float:
        """When the level will be so many bytes, at most its capacity; now, where it is."""
        missing = min(level_bytes, self._capacity_bytes) - self.level(now)
        return now + max(0.0, missing) / self._bytes_per_s
