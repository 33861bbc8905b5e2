"""How many failed sign-ins one address may make: a fixed window for each, in this process.

What is refused beyond the limit costs no password hash and leaves no entry of its own, so that
strangers can fill neither the processor nor the ledger; its number is handed out once the window
is over, for one entry.
"""

from __future__ import annotations

import ipaddress
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=15)
"""As long as failures count towards an account's lock."""
LIMIT = 30
"""Failures in a window: a whole shift behind one address may mistype, and six accounts' locks."""
MAX_ADDRESSES = 10_000
"""Addresses that are counted apart, a few MB; those beyond it share one count."""

_OTHERS = "other addresses"
_IPV6_SITE_BITS = 64


@dataclass(frozen=True, slots=True)
class Dropped:
    """Sign-ins from an address that were refused unrecorded in the window that began then."""

    address: str
    since: datetime
    count: int


@dataclass(slots=True)
class _Window:
    start: datetime
    failures: int = 0
    dropped: int = 0

    def over(self, now: datetime) -> bool:
        return not timedelta(0) <= now - self.start < WINDOW


class Throttle:
    """Counts failures by address; may be shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[str, _Window] = {}

    def admit(self, origin: str, now: datetime) -> bool:
        """Whether a sign-in from there is looked at; one that is not is counted as dropped."""
        with self._lock:
            window = self._windows.get(self._key(origin))
            if window is None or window.over(now) or window.failures < LIMIT:
                return True
            window.dropped += 1
            return False

    def fail(self, origin: str, now: datetime) -> bool:
        """Count a failed sign-in from there; true if it is the last that is looked at."""
        with self._lock:
            window = self._windows.setdefault(self._key(origin), _Window(now))
            window.failures += 1
            return window.failures == LIMIT

    def take_ended(self, now: datetime) -> list[Dropped]:
        """Forget windows that are over, and give what was dropped in them."""
        with self._lock:
            ended = [each for each in self._windows.items() if each[1].over(now)]
            for key, _ in ended:
                del self._windows[key]
        return [Dropped(key, each.start, each.dropped) for key, each in ended if each.dropped]

    def _key(self, origin: str) -> str:
        key = site(origin)
        return key if key in self._windows or len(self._windows) < MAX_ADDRESSES else _OTHERS


def site(origin: str) -> str:
    """An IPv6 address' network, of which one host may use every address; all else as it is."""
    try:
        address = ipaddress.ip_address(origin)
    except ValueError:
        return origin
    if address.version == 4:
        return origin
    return str(ipaddress.ip_network((int(address), _IPV6_SITE_BITS), strict=False))
