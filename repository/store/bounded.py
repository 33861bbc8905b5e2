"""Reading within a limit of time, with PostgreSQL's planner set for many partitions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Row, Select, text

from repository.errors import RepositoryError
from repository.store.engine import StatementEndedError

_STEPS_BETWEEN_LOOKS = 10_000


class TooLongError(RepositoryError):
    """Reading was ended because it took longer than it may."""


class BoundedReader:
    """Runs queries in the caller's transaction that together take no longer than ``limit_s``.

    On PostgreSQL a query that comes again is planned once for all partitions and not anew for each
    question: planning over a year of them takes longer than answering, and compiling longer still.
    """

    def __init__(self, connection: Connection, limit_s: float) -> None:
        self.connection = connection
        self._limit_s = limit_s
        self._until = time.monotonic() + limit_s
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
            connection.exec_driver_sql("SET LOCAL jit = off")

    def rows(self, query: Select[Any]) -> list[Row[Any]]:
        """What the query finds.

        Raises:
            TooLongError: if the time is up; the transaction can only be rolled back then.
        """
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise self._too_long()
        try:
            with self._limited(left_s):
                return list(self.connection.execute(query))
        except StatementEndedError as error:
            raise self._too_long() from error

    @contextmanager
    def _limited(self, left_s: float) -> Iterator[None]:
        if self.connection.dialect.name == "postgresql":
            self.connection.execute(
                text("SELECT set_config('statement_timeout', :limit, true)"),
                {"limit": f"{max(1, int(left_s * 1000))}ms"},
            )
            yield
            return
        driver: Any = self.connection.connection.driver_connection
        until = time.monotonic() + left_s
        driver.set_progress_handler(lambda: time.monotonic() > until, _STEPS_BETWEEN_LOOKS)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)

    def _too_long(self) -> TooLongError:
        return TooLongError(f"the database took longer than {self._limit_s:g} s")
