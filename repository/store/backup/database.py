"""The database's part of a backup: PostgreSQL by pg_dump, SQLite by its own backup.

A dump holds no picture's key and does not say at which migration it is: keys are kept apart, and a
database that was restored opens for nobody until that is put in last (see `restore`).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, Engine, inspect, text

from repository.store.backup.manifest import BackupError
from repository.store.engine import DatabaseDamagedError, open_engine, reading

_LEFT_OUT = ("picture_keys", "held_picture_keys", "alembic_version")
_FILES = {"postgresql": "database.dump", "sqlite": "database.sqlite"}
_NOT_OURS = {"spatial_ref_sys"}  # PostGIS brings it into an empty database


def file_of(engine: Engine) -> str:
    """The name of the dump in a backup's folder."""
    return _FILES[engine.dialect.name]


@contextmanager
def dumped(engine: Engine, folder: Path) -> Iterator[Connection]:
    """Write the dump into the folder; gives a connection that sees exactly what is in it.

    The dump is finished when this ends.

    Raises:
        BackupError: if pg_dump fails or is not installed, the database's user may not read all of
            it, or the disk refuses.
        DatabaseUnavailableError: if the database does not answer.
    """
    file = folder / file_of(engine)
    if engine.dialect.name == "postgresql":
        with reading(engine) as connection:
            _require_all_readable(connection)
            snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
            left_out = [f"--exclude-table-data={table}" for table in _LEFT_OUT]
            _run(
                engine, "pg_dump", "--format=custom", "--no-owner", "--no-privileges",
                "--no-comments", f"--snapshot={snapshot}", *left_out, f"--file={file}",
            )  # fmt: skip
            yield connection
        return
    _copy_sqlite(engine, file)
    copy = open_engine(f"sqlite:///{file}")
    try:
        with reading(copy) as connection:
            yield connection
    finally:
        copy.dispose()
    _strip_sqlite(file)


def _require_all_readable(connection: Connection) -> None:
    closed = connection.scalar(
        text(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
            " AND relnamespace = current_schema()::regnamespace"
            " AND NOT has_table_privilege(oid, 'SELECT') ORDER BY relname LIMIT 1"
        )
    )
    if closed is not None:
        user = connection.scalar(text("SELECT current_user"))
        raise BackupError(
            f"backup: the database's user {user} may not read the table {closed}; make backups "
            "with settings that name the owner of the tables"
        )


def require_empty(engine: Engine) -> None:
    """Refuse a database that has a table, or a file in its place that is none.

    Raises:
        BackupError: naming what to do.
        DatabaseUnavailableError: if it does not answer.
    """
    if not _is_empty(engine):
        raise BackupError(
            "restore: the database is not empty; name a new one in the settings. Where it holds "
            "only what `alpr-repository init` made after the loss, or what a restore that was cut "
            "off left, move it, the keys and the pictures beside it away and restore again: a "
            "restore needs no init before it"
        )


def _is_empty(engine: Engine) -> bool:
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
        return True  # to look into it would make it
    try:
        with reading(engine) as connection:
            return not set(inspect(connection).get_table_names()) - _NOT_OURS
    except DatabaseDamagedError:
        return False


def load(engine: Engine, folder: Path) -> None:
    """Put the dump into the empty database.

    Raises:
        BackupError: if the dump does not go in, or the database is not empty; an empty one is so
            then still.
    """
    file = folder / file_of(engine)
    if engine.dialect.name == "postgresql":
        _run(
            engine, "pg_restore", "--no-owner", "--no-privileges", "--no-comments",
            "--single-transaction", "--exit-on-error", str(file),
        )  # fmt: skip
        return
    require_empty(engine)
    engine.dispose()
    target = Path(str(engine.url.database))
    for suffix in ("", "-wal", "-shm"):  # a command that found no database has made an empty one
        Path(f"{target}{suffix}").unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as source:
            _into(source, target)
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"restore: {file} does not go into {target}: {error}") from error


def _copy_sqlite(engine: Engine, file: Path) -> None:
    borrowed = engine.raw_connection()
    try:
        source = borrowed.driver_connection
        if not isinstance(source, sqlite3.Connection):
            raise TypeError("the engine is not over SQLite")
        _into(source, file)
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"backup: {file}: {error}") from error
    finally:
        borrowed.close()


def _into(source: sqlite3.Connection, file: Path) -> None:
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(file)) as target:
            source.backup(target)  # at once: in steps, each write of others would begin it anew
    except (sqlite3.Error, OSError):
        file.unlink(missing_ok=True)
        raise


def _strip_sqlite(file: Path) -> None:
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as copy:
            copy.execute("PRAGMA secure_delete = ON")
            for table in _LEFT_OUT:
                copy.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
            copy.execute("VACUUM")
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise BackupError(f"backup: {file}: {error}") from error


def _run(engine: Engine, program: str, *arguments: str) -> None:
    url = engine.url
    parts = url.translate_connect_args(username="user", database="dbname")
    password = parts.pop("password", None)
    address = make_conninfo(**parts, **{key: str(value) for key, value in url.query.items()})
    environment = dict(os.environ) if password is None else os.environ | {"PGPASSWORD": password}
    found = shutil.which(program)
    if found is None:
        raise BackupError(
            f"{program}: not installed; install PostgreSQL's client programs, "
            "of the server's version or later"
        )
    done = subprocess.run(  # noqa: S603 - a program of that name, no shell
        [found, f"--dbname={address}", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise BackupError(f"{program} failed: {said}")
