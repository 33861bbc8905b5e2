"""Reading within a limit of time, with PostgreSQL's planner set for many partitions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, select

from repository.errors import RepositoryError
from repository.store.engine import StatementEndedError

_STEPS_BETWEEN_LOOKS = 10_000
_BETWEEN_CALLS_S = 0.1
_SLACK = 0.01  # the part of the limit by which a statement's own may fall short of what is left
_SET = select(
    func.set_config("plan_cache_mode", "force_generic_plan", True),
    func.set_config("jit", "off", True),
    func.set_config("statement_timeout", bindparam("limit"), True),
)


class TooLongError(RepositoryError):
    """Reading was ended because it took longer than it may."""


class StoppedError(RepositoryError):
    """Reading was ended because nobody wants its answer any more."""

    def __init__(self) -> None:
        super().__init__("who asked has left before the answer")


class Stop:
    """Ends what a reader is doing, from another thread, in the database itself."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._wanted = False
        self._end: Callable[[], None] | None = None

    @property
    def wanted(self) -> bool:
        """Whether it was called for."""
        return self._wanted

    def call(self) -> None:
        """End the statement that runs, and let none begin; returns when it has ended."""
        with self._changed:
            self._wanted = True
            while self._end is not None:
                self._end()
                # Again: a statement that has not reached the database yet is not ended there.
                self._changed.wait(_BETWEEN_CALLS_S)

    @contextmanager
    def over(self, end: Callable[[], None]) -> Iterator[None]:
        """While within, a call runs ``end``; never after.

        Raises:
            StoppedError: if it was called for before.
        """
        with self._changed:
            if self._wanted:
                raise StoppedError
            self._end = end
        try:
            yield
        finally:
            with self._changed:
                self._end = None
                self._changed.notify_all()


class BoundedReader:
    """Runs queries in the caller's transaction that together take no longer than ``limit_s``.

    On PostgreSQL a query that comes again is planned once for all partitions and not anew for each
    question: planning over a year of them takes longer than answering, and compiling longer still.
    """

    def __init__(self, connection: Connection, limit_s: float, stop: Stop | None = None) -> None:
        self.connection = connection
        self._limit_s = limit_s
        self._until = time.monotonic() + limit_s
        self._set_until = 0.0
        self._stop = stop or Stop()
        if connection.dialect.name == "postgresql":
            self._set(limit_s)

    def rows(self, query: Select[Any], values: Mapping[str, Any] | None = None) -> list[Row[Any]]:
        """What the query finds, with these values for its parameters.

        Raises:
            TooLongError: if the time is up; the transaction can only be rolled back then.
            StoppedError: if nobody wants it any more; the same.
        """
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise self._too_long()
        try:
            with self._limited(left_s):
                return list(self.connection.execute(query, values))
        except StatementEndedError as error:
            if self._stop.wanted:
                raise StoppedError from error
            raise self._too_long() from error

    @contextmanager
    def _limited(self, left_s: float) -> Iterator[None]:
        driver: Any = self.connection.connection.driver_connection
        if self.connection.dialect.name == "postgresql":
            self._set(left_s)
            with self._stop.over(lambda: _cancel(driver)):
                yield
            return
        until = time.monotonic() + left_s
        driver.set_progress_handler(lambda: time.monotonic() > until, _STEPS_BETWEEN_LOOKS)
        try:
            with self._stop.over(driver.interrupt):
                yield
        finally:
            driver.set_progress_handler(None, 0)

    def _set(self, left_s: float) -> None:
        """Have the server end every statement in time, and plan as it should.

        It ends them a little early, so that what it was told once is good for that little while.
        """
        now = time.monotonic()
        if now < self._set_until:
            return
        slack_s = self._limit_s * _SLACK
        limit_ms = max(1, int((left_s - slack_s) * 1000))
        self.connection.execute(_SET, {"limit": f"{limit_ms}ms"})
        self._set_until = now + slack_s

    def _too_long(self) -> TooLongError:
        return TooLongError(f"the database took longer than {self._limit_s:g} s")


def _cancel(driver: Any) -> None:
    with suppress(driver.Error):  # the limit of time ends it then
        driver.cancel_safe()
