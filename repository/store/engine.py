"""Opening the database: SQLite for one small site, PostgreSQL for everything else."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Dialect, Engine, ExceptionContext, event
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from repository.errors import RepositoryError
from repository.store.sphere import haversine

_BUSY_TIMEOUT_MS = 10_000
# SQLite's primary result codes for: busy, locked, read-only, I/O error, full, cannot open.
_SQLITE_UNAVAILABLE = frozenset({5, 6, 8, 10, 13, 14})
# PostgreSQL's states: a server or transaction that only reads, and those of class 57.
_READ_ONLY = "25006"
_OPERATOR_INTERVENTION = "57"
_QUERY_CANCELED = "57014"
_SQLITE_INTERRUPT = 9
# SQLite's for a file that is malformed, and for one that is no database.
_SQLITE_DAMAGED = frozenset({11, 26})
# PostgreSQL's states: a right is missing, a table is, and those of damage (class XX, data).
_NO_RIGHT = "42501"
_NO_TABLE = "42P01"
_DAMAGED = frozenset({"XX001", "XX002"})
_POOL_TIMEOUT_S = 30.0
_POOL_SIZE = 15
"""Connections of one engine, all of them kept: opening one costs more than most questions."""


class DatabaseUnavailableError(RepositoryError):
    """The database does not answer, or not now; the same work may succeed later."""


class StatementEndedError(DatabaseUnavailableError):
    """The database was told to end what it was doing, by a limit of time or by a person."""


class DatabaseDamagedError(RepositoryError):
    """The database's file is not as it was written; only a backup helps."""


class DatabaseNotMadeError(RepositoryError):
    """A table is missing: the database was never made, or not by this version."""


class DatabaseRightsError(RepositoryError):
    """The database's user may not do what was asked."""


class _Pool(QueuePool):
    """A pool that says of itself what is said of a database that does not answer."""

    def connect(self) -> PoolProxiedConnection:
        try:
            return super().connect()
        except PoolTimeoutError as error:
            raise DatabaseUnavailableError(
                f"the database: {self.checkedout()} connections are in use and none became free"
            ) from error


def open_engine(dsn: str) -> Engine:
    """An engine for ``sqlite:///FILE`` or ``postgresql+psycopg://…``; nothing is connected yet.

    A transaction on SQLite takes the write lock as it begins, so that none fails halfway because
    another wrote first; those of :func:`reading` take none. Whatever makes the database
    unreachable for now comes out of any use of the engine as :class:`DatabaseUnavailableError`;
    damage, missing tables and missing rights as an error of their own.

    Raises:
        RepositoryError: if the address is of neither kind, or the SQLite file's folder is missing.
    """
    try:
        url = sqlalchemy.make_url(dsn)
    except ArgumentError as error:
        raise RepositoryError(_not_an_address()) from error
    if url.drivername == "sqlite":
        engine = _open_sqlite(url)
    elif url.drivername == "postgresql+psycopg":
        engine = _open_postgresql(url)
    else:
        raise RepositoryError(_not_an_address())
    event.listen(engine, "handle_error", _translate)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads: it sees one state of the database and blocks no writer."""
    with (
        engine.connect().execution_options(
            only_reads=True, postgresql_readonly=True, isolation_level=_snapshot(engine)
        ) as connection,
        connection.begin(),
    ):
        yield connection


def _snapshot(engine: Engine) -> str:
    return "REPEATABLE READ" if engine.dialect.name == "postgresql" else "SERIALIZABLE"


def _open_sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise RepositoryError("database: SQLite needs a file, as in sqlite:////var/lib/x.sqlite")
    folder = Path(url.database).parent
    if not folder.is_dir():
        raise RepositoryError(
            f"database: the folder {folder} does not exist; to bring back a backup: "
            "`alpr-repository restore`; to begin anew: `alpr-repository init`"
        )
    engine = sqlalchemy.create_engine(
        url, poolclass=_Pool, pool_timeout=_POOL_TIMEOUT_S, hide_parameters=True
    )
    event.listen(engine, "do_connect", lambda *_: _make_private(Path(str(url.database))))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_postgresql(url: URL) -> Engine:
    engine = sqlalchemy.create_engine(
        url,
        poolclass=_Pool,
        pool_size=_POOL_SIZE,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT_S,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"connect_timeout": 10, "application_name": "plateward"},
    )
    event.listen(engine, "connect", _refuse_policies)
    return engine


def _refuse_policies(connection: Any, _record: Any) -> None:
    """Have a query fail where a table has policies, instead of running what they hold.

    There are none here; whoever owns a table could lay some over it (see `repository.store.roles`),
    and whoever reads it would run them with rights of their own.
    """
    connection.execute("SET row_security = off")
    connection.commit()


def _make_private(path: Path) -> None:
    # SQLite gives its other files the mode of this one. A file that is there is never opened
    # here: closing it would drop this process's locks on it (POSIX, fcntl(2)), and another
    # process would then take itself for the last one and delete the log under our hands.
    with suppress(OSError):  # there already; or SQLite itself says what is wrong
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; see _begin_sqlite
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.create_function("haversine", 4, haversine, deterministic=True)
    connection.execute("PRAGMA secure_delete = ON")  # what is purged is gone from the file too


def _begin_sqlite(connection: Connection) -> None:
    only_reads = connection.get_execution_options().get("only_reads", False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


@contextmanager
def at_once(connection: Connection) -> Iterator[None]:
    """Send what is written within without waiting for each answer; at the end all are there.

    Whoever waits for a row that this transaction has locked waits that much less. Nothing within
    may ask for rows, for the number that the database gives one, or for how many it changed. On
    SQLite, which is in this process, it is as ever.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    driver: Any = connection.connection.driver_connection
    try:
        with driver.pipeline():
            yield
    except driver.Error as error:  # of the end: what comes sooner went through the engine
        gone = connection.dialect.is_disconnect(error, driver, None) or _leads_elsewhere(error)
        said = _in_words(error, connection.dialect, is_disconnect=gone)
        if gone:
            connection.invalidate(error)
        raise said or DBAPIError.instance(
            "", None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


def _translate(context: ExceptionContext) -> BaseException | None:
    original = context.original_exception
    if _leads_elsewhere(original):
        context.is_disconnect = True
    return _in_words(original, context.dialect, is_disconnect=context.is_disconnect)


def _leads_elsewhere(original: BaseException) -> bool:
    """Whether another connection may lead to a server that answers, or writes."""
    state = getattr(original, "sqlstate", None) or ""
    return state != _QUERY_CANCELED and (
        state == _READ_ONLY or state.startswith(_OPERATOR_INTERVENTION)
    )


def _in_words(
    original: BaseException, dialect: Dialect, *, is_disconnect: bool
) -> RepositoryError | None:
    lasting = _lasting(original)
    if lasting is not None:
        return lasting
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorcode", 0) & 0xFF
        if code == _SQLITE_INTERRUPT:
            return StatementEndedError("the database: a statement was ended")
        unavailable = code in _SQLITE_UNAVAILABLE
    elif getattr(original, "sqlstate", None) == _QUERY_CANCELED:
        return StatementEndedError("the database: a statement was ended")
    else:
        # Covers a server that is gone, starting, stopping, full, for now read-only, or that ended
        # the transaction in favour of another: all worth another try, none the fault of what was
        # asked.
        known = (dialect.loaded_dbapi.OperationalError, dialect.loaded_dbapi.InterfaceError)
        unavailable = is_disconnect or isinstance(original, known)
    if not unavailable:
        return None
    first_line = str(original).strip().partition("\n")[0]
    return DatabaseUnavailableError(f"the database does not answer: {first_line}")


def _lasting(original: BaseException) -> RepositoryError | None:
    """What another try will not mend, in words."""
    state = getattr(original, "sqlstate", None)
    first_line = str(original).strip().partition("\n")[0]
    code = 0
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorcode", 0) & 0xFF
    if code in _SQLITE_DAMAGED or state in _DAMAGED:
        return DatabaseDamagedError(
            f"the database is damaged: {first_line}; stop the repository, keep the file, and bring "
            "the newest sound backup back with `alpr-repository restore`"
        )
    if state == _NO_TABLE or (code and first_line.startswith("no such table")):
        return DatabaseNotMadeError(
            f"the database lacks tables: {first_line}; a new one is made by `alpr-repository init`,"
            " an older one brought up by `alpr-repository db upgrade`, a lost one brought back by "
            "`alpr-repository restore`"
        )
    if state == _NO_RIGHT:
        return DatabaseRightsError(
            f"this database user may not do that: {first_line}; run it as the tables' owner or a "
            "user with the role for it: see `alpr-repository db roles --help`"
        )
    return None


def _not_an_address() -> str:
    return (
        "database: not an address the repository knows; "
        "write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
    )
