"""How many failed sign-ins one address may make: a fixed window for each, in this process.

What is refused beyond the limit costs no password hash and leaves no entry of its own, so that
strangers can fill neither the processor nor the ledger; its number is handed out once the window
is over, for one entry.

What is kept is bounded, and what a stranger sends shuts out nobody elsewhere: the windows with the
fewest failures make room for new ones, and of the 65,536 networks that begin with one IPv6 prefix
only so many are counted apart; its further ones share one window.
"""

from __future__ import annotations

import heapq
import ipaddress
import threading
from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=15)
"""As long as failures count towards an account's lock."""
LIMIT = 30
"""Failures in a window: a prefix shift behind one address may mistype, and six accounts' locks."""
MAX_ADDRESSES = 10_000
"""Windows that are kept, a few MB; a tenth of them makes room for more at once."""
MAX_NETWORKS = 16
"""IPv6 networks (/64) of one prefix (/48) that are counted apart."""
PREFIX_LIMIT = 10 * LIMIT
"""Failures in the window that a prefix's further networks share: it may be a carrier's, of many."""

_NETWORK_BITS = 64
_PREFIX_BITS = 48


@dataclass(frozen=True, slots=True)
class Dropped:
    """Sign-ins from an address that were refused unrecorded in the window that began then."""

    address: str
    since: datetime
    count: int


@dataclass(slots=True)
class _Window:
    start: datetime
    prefix: str | None
    limit: int
    failures: int = 0
    dropped: int = 0

    def over(self, now: datetime) -> bool:
        return not timedelta(0) <= now - self.start < WINDOW


class Throttle:
    """Counts failures by address; may be shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[str, _Window] = {}
        self._networks: Counter[str] = Counter()
        self._ended: deque[Dropped] = deque(maxlen=MAX_ADDRESSES)

    def admit(self, origin: str, now: datetime) -> bool:
        """Whether a sign-in from there is looked at; one that is not is counted as dropped."""
        with self._lock:
            window = self._windows.get(self._counted_as(origin)[0])
            if window is None or window.over(now) or window.failures < window.limit:
                return True
            window.dropped += 1
            return False

    def fail(self, origin: str, now: datetime) -> bool:
        """Count a failed sign-in from there; true if it is the last that is looked at."""
        with self._lock:
            key, prefix = self._counted_as(origin)
            window = self._windows.get(key)
            if window is None or window.over(now):
                limit = PREFIX_LIMIT if key == _prefix_of(origin) else LIMIT
                window = self._begin(key, _Window(now, prefix, limit))
            window.failures += 1
            return window.failures == window.limit

    def take_ended(self, now: datetime) -> list[Dropped]:
        """Forget windows that are over, and give what was dropped in them."""
        with self._lock:
            for key in [key for key, each in self._windows.items() if each.over(now)]:
                self._forget(key)
            ended = list(self._ended)
            self._ended.clear()
        return ended

    def _counted_as(self, origin: str) -> tuple[str, str | None]:
        """The key of the window that counts for the address, and the prefix that it is one of."""
        key, prefix = site(origin), _prefix_of(origin)
        if key in self._windows or prefix is None or self._networks[prefix] < MAX_NETWORKS:
            return key, prefix
        return prefix, None

    def _begin(self, key: str, window: _Window) -> _Window:
        if key in self._windows:
            self._forget(key)
        elif len(self._windows) >= MAX_ADDRESSES:
            self._make_room()
        self._windows[key] = window
        if window.prefix is not None:
            self._networks[window.prefix] += 1
        return window

    def _make_room(self) -> None:
        """Forget the windows that say least: of few failures, then those that began first."""
        count = max(1, MAX_ADDRESSES // 10)
        windows = self._windows
        least = heapq.nsmallest(
            count, windows, key=lambda key: (windows[key].failures, windows[key].start)
        )
        for key in least:
            self._forget(key)

    def _forget(self, key: str) -> None:
        window = self._windows.pop(key)
        if window.prefix is not None:
            self._networks[window.prefix] -= 1
            if not self._networks[window.prefix]:
                del self._networks[window.prefix]
        if window.dropped:
            self._ended.append(Dropped(key, window.start, window.dropped))


def site(origin: str) -> str:
    """An IPv6 address' network, of which one host may use every address; all else as it is.

    An IPv4 address in IPv6's form, as a proxy that listens on both names it, is that IPv4 address.
    """
    address = _parsed(origin)
    if isinstance(address, ipaddress.IPv6Address):
        return _network(address, _NETWORK_BITS)
    return origin if address is None else str(address)


def _prefix_of(origin: str) -> str | None:
    """The network of networks that an IPv6 address is in, which one stranger may have whole."""
    address = _parsed(origin)
    return _network(address, _PREFIX_BITS) if isinstance(address, ipaddress.IPv6Address) else None


def _parsed(origin: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(origin)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _network(address: ipaddress.IPv6Address, bits: int) -> str:
    return str(ipaddress.ip_network((int(address), bits), strict=False))
