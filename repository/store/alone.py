"""Work that one process at a time does, whatever the number of its transactions."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

from repository.store.engine import DatabaseUnavailableError
from repository.store.locks import Turn


@contextmanager
def alone(engine: Engine, turn: Turn) -> Iterator[bool]:
    """Whether this is the only one at that work, until the block ends; nobody waits.

    The turn ends with the process that has it, however that ends. On PostgreSQL it is a lock of a
    session; on SQLite, whose processes share a disk, a lock on a file beside the database.

    Raises:
        DatabaseUnavailableError: if the database does not answer.
    """
    if engine.dialect.name != "postgresql":
        with _alone_on_file(f"{engine.url.database}.{turn.name.lower()}") as got:
            yield got
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        number = {"turn": int(turn)}
        got = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:turn)"), number))
        try:
            yield got
        finally:
            if got:
                _give_back(connection, number)


def _give_back(connection: Connection, number: dict[str, int]) -> None:
    try:
        connection.execute(text("SELECT pg_advisory_unlock(:turn)"), number)
    except BaseException as error:
        connection.invalidate()  # with the session end its locks
        if not isinstance(error, DatabaseUnavailableError):
            raise


@contextmanager
def _alone_on_file(path: str) -> Iterator[bool]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
