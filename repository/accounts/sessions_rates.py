"""How much one person or address may ask of the web, in this process: in a minute, and at once.

Failed sign-ins are counted elsewhere (`throttle`): those come from strangers, whose addresses must
be bounded in number. Here people and tokens are counted that are known, and the addresses of
whoever bears a token that may be none.

A search may hold a connection to the database for its longest time, and there are few of these: of
one person only ``SEARCHES_OF_ONE`` are under way, of all ``SEARCHES_AT_ONCE``, so that signing in,
alerts and whatever else is asked never waits for searches.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from repository.accounts.errors import AccountError
from repository.accounts.throttle import site
from repository.ledger.entry import Actor

WINDOW = timedelta(minutes=1)
SEARCHES_OF_ONE = 3
SEARCHES_AT_ONCE = 8
WAIT_S = 2.0
"""For which a search waits until fewer are under way."""
_SOON_S = 5


class Asked(StrEnum):
    """What is counted: everything, and searches once more by themselves."""

    REQUEST = "request"
    SEARCH = "search"


class TooMuchAskedError(AccountError):
    """More than the settings let one person, token or address ask in a minute."""

    def __init__(self, what: str, retry_after_s: int) -> None:
        super().__init__(f"too many {what}: try again in {retry_after_s} seconds")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class DroppedOf:
    """Requests of a person or token that were refused unrecorded since then."""

    actor: Actor
    asked: Asked
    since: datetime
    count: int


class Rates:
    """Counts what is asked; may be shared by threads."""

    def __init__(self, requests: int, searches: int, from_address: int) -> None:
        storage = MemoryStorage()
        self._people = MovingWindowRateLimiter(storage)
        self._addresses = FixedWindowRateLimiter(storage)
        self._limits = {
            Asked.REQUEST: RateLimitItemPerMinute(requests),
            Asked.SEARCH: RateLimitItemPerMinute(searches),
        }
        self._from_address = RateLimitItemPerMinute(from_address)
        self._lock = threading.Lock()
        self._dropped: dict[tuple[Actor, Asked], tuple[datetime, int]] = {}
        self._room = threading.Condition()
        self._searches = 0
        self._searches_of: Counter[str] = Counter()

    def admit_address(self, origin: str) -> None:
        """Count a request by where it comes from.

        Raises:
            TooMuchAskedError: if it is more than one address may make.
        """
        key = site(origin)
        if not self._addresses.hit(self._from_address, key):
            stats = self._addresses.get_window_stats(self._from_address, key)
            raise TooMuchAskedError(
                "requests from this address in a minute", _seconds(stats.reset_time)
            )

    def admit(self, actor: Actor, asked: Asked, now: datetime) -> None:
        """Count a request by who makes it; one that is refused is counted as dropped.

        Raises:
            TooMuchAskedError: if it is more than one person or token may make.
        """
        key = f"{actor.user_id}/{actor.name}/{asked}"
        limit = self._limits[asked]
        if self._people.hit(limit, key):
            return
        self._drop(actor, asked, now)
        what = "searches" if asked is Asked.SEARCH else "requests"
        raise TooMuchAskedError(
            f"{what} in a minute", _seconds(self._people.get_window_stats(limit, key).reset_time)
        )

    @contextmanager
    def searching(self, actor: Actor, now: datetime) -> Iterator[None]:
        """Count a search as long as it is under way; one that is refused is counted as dropped.

        Raises:
            TooMuchAskedError: if the person has too many under way, or all together have.
        """
        with self._room:
            if self._searches_of[actor.user_id] >= SEARCHES_OF_ONE:
                self._drop(actor, Asked.SEARCH, now)
                raise TooMuchAskedError("searches of yours at once", _SOON_S)
            self._searches_of[actor.user_id] += 1
        try:
            with self._room:
                if not self._room.wait_for(lambda: self._searches < SEARCHES_AT_ONCE, WAIT_S):
                    self._drop(actor, Asked.SEARCH, now)
                    raise TooMuchAskedError("searches at once", _SOON_S)
                self._searches += 1
            try:
                yield
            finally:
                with self._room:
                    self._searches -= 1
                    self._room.notify()
        finally:
            with self._room:
                self._searches_of[actor.user_id] -= 1
                if not self._searches_of[actor.user_id]:
                    del self._searches_of[actor.user_id]

    def take_ended(self, now: datetime) -> list[DroppedOf]:
        """Give, and forget, what was dropped in windows that are over."""
        with self._lock:
            ended = {
                key: each
                for key, each in self._dropped.items()
                if not timedelta(0) <= now - each[0] < WINDOW
            }
            for key in ended:
                del self._dropped[key]
        return [DroppedOf(*key, since, count) for key, (since, count) in ended.items()]

    def _drop(self, actor: Actor, asked: Asked, now: datetime) -> None:
        with self._lock:
            since, count = self._dropped.get((actor, asked), (now, 0))
            self._dropped[actor, asked] = since, count + 1


def _seconds(reset_time: float) -> int:
    return max(1, math.ceil(reset_time - time.time()))
