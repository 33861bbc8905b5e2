"""The spool's SQLite file: one writer, full durability, checked at every start.

The file is opened in WAL mode with ``synchronous=FULL``, so that a commit is on the disk when it
returns, and with ``secure_delete=ON``, so that what is purged is overwritten.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge.spool import layout
from edge.spool.encryption import DamagedBlobError
from edge.spool.errors import DamagedSpoolError, FullDiskError, SpoolError, WrongKeyError
from edge.spool.layout import LAYOUT_VERSION

DATABASE_FILE = "spool.sqlite"
LOCK_FILE = "spool.lock"
_LOG_BYTES = 4 * 1024 * 1024
"""What SQLite's log is cut down to."""

_NOT_TEXT = "Could not decode"
"""What Python says of a text in the file that is none; SQLite itself does not look."""

_NO_ROOM_BYTES = 256 * 1024
"""With less free than this, what SQLite calls an error of the disk is want of room."""


class WriterLock:
    """The lock file that makes a second daemon on one spool impossible."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            SpoolError: if another process holds it.
        """
        self._descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            if not isinstance(error, BlockingIOError):
                raise
            raise SpoolError(
                f"{folder}: another daemon is using this spool: stop it first, or give this one "
                "a folder of its own"
            ) from error

    def release(self) -> None:
        """Let the next daemon have the spool."""
        os.close(self._descriptor)


def open_database(folder: Path) -> sqlite3.Connection:
    """The spool's database, made where there is none, in autocommit mode, found sound.

    Raises:
        DamagedSpoolError: if it is damaged.
        SpoolError: if it is of another version, or cannot be opened.
        sqlite3.Error: if SQLite itself fails; ``storage_errors`` says it plainly.
    """
    path = folder / DATABASE_FILE
    _refuse_orphaned_log(path)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        _configure(connection, folder)
        _require_sound(connection, folder)
        _require_layout(connection, folder)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say into a sentence for the operator.

    Raises:
        DamagedSpoolError: for a blob that does not open, and what SQLite cannot make sense of.
        FullDiskError: for want of room.
        SpoolError: for every other failure of SQLite or the file system within the block.
    """
    try:
        yield
    except DamagedBlobError as error:
        raise damaged(folder, f"{error} cannot be decrypted") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if lacks_room(error, folder):
            raise full_disk(folder) from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or _NOT_TEXT in str(error):
            raise damaged(folder, str(error)) from error
        raise SpoolError(
            f"{folder}: the spool cannot be used ({error}): check that the disk is sound, has "
            "room, and lets this user write"
        ) from error
    except OSError as error:
        if lacks_room(error, folder):
            raise full_disk(folder) from error
        raise SpoolError(
            f"{folder}: the spool cannot be used ({error.strerror}): check that the disk is "
            "there and lets this user write"
        ) from error


def lacks_room(error: sqlite3.Error | OSError, folder: Path) -> bool:
    """Whether it failed for want of room on the disk.

    SQLite says of the index of its log that the disk fails, where the disk is full.
    """
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        with suppress(OSError):
            return shutil.disk_usage(folder).free < _NO_ROOM_BYTES
    return code == sqlite3.SQLITE_FULL


def full_disk(folder: Path, limit: str | None = None) -> FullDiskError:
    """There is no room left for another record; ``limit`` says which limit was reached."""
    if limit is None:
        try:
            limit = f"{mebibytes(shutil.disk_usage(folder).free)} free"
        except OSError:
            limit = "no room on the disk"
    return FullDiskError(
        f"{folder}: the spool is full ({limit}), nothing was stored: bring the unit in reach of "
        "its repository, so that receipts free the spool, or make room on the disk"
    )


def mebibytes(size: int) -> str:
    """A size for the operator."""
    return f"{size / 2**20:.{0 if size >= 10 * 2**20 else 1}f} MiB"


def damaged(folder: Path, what: str) -> DamagedSpoolError:
    """Something in the spool is not what was written there."""
    return DamagedSpoolError(
        f"{folder}: the spool is damaged ({what}): check this unit's disk", what
    )


def wrong_key(folder: Path) -> WrongKeyError:
    """The spool is sound, and another key's."""
    return WrongKeyError(
        f"{folder}: this spool was written with another key: restore the spool.key that was made "
        "when the unit was enrolled"
    )


def _refuse_orphaned_log(path: Path) -> None:
    log = path.with_name(path.name + "-wal")
    has_database = path.exists() and path.stat().st_size > 0
    if not has_database and log.exists() and log.stat().st_size > 0:
        raise damaged(path.parent, f"{path.name} is gone, its log is there")


def _configure(connection: sqlite3.Connection, folder: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise SpoolError(f"{folder}: this file system has no shared memory: use a local disk")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    connection.execute("PRAGMA foreign_keys = ON")


def _require_sound(connection: sqlite3.Connection, folder: Path) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise damaged(folder, verdict)


def _require_layout(connection: sqlite3.Connection, folder: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version == 0 and tables == 0:
        connection.executescript(layout.CREATE)
    elif not 1 <= version <= LAYOUT_VERSION:
        raise SpoolError(
            f"{folder}: the spool has layout {version}, this software knows {LAYOUT_VERSION}: "
            "run the version that wrote it until the spool is empty"
        )


def add_indexes(connection: sqlite3.Connection) -> None:
    """Add the indexes that a spool of before has not; only its pace depends on them."""
    for statement in layout.INDEXES:
        connection.execute(statement)


def sync_folder(folder: Path) -> None:
    """Make the names of new files in this folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
