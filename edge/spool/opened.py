"""The spool's file, open: one connection behind one lock, found sound, mended where it is not."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar, cast

from edge.spool import first_page
from edge.spool.ballast import Ballast
from edge.spool.carry import StandIn
from edge.spool.chain import claim, require_gapless
from edge.spool.database import (
    DATABASE_FILE,
    WriterLock,
    add_indexes,
    full_disk,
    lacks_room,
    open_database,
    storage_errors,
)
from edge.spool.encryption import Vault
from edge.spool.errors import DamagedSpoolError, FullDiskError, SpoolError, WrongKeyError
from edge.spool.quota import Limits, lacking, make_room
from edge.spool.records import Owner
from edge.spool.salvage import Salvage, finish_swap, forget_oldest, left_out, salvage
from edge.spool.upgrade import upgrade

OVERHEAD_BYTES = 4096
"""Room for a record, or for what a picture needs beside its bytes."""

OVERWRITE_EVERY = 512
"""Rows purged before what they held is overwritten, while others wait."""

_P = ParamSpec("_P")
_R = TypeVar("_R")
_S = TypeVar("_S", bound="OpenedSpool")


def mending(method: Callable[Concatenate[_S, _P], _R]) -> Callable[Concatenate[_S, _P], _R]:
    """Have a method of the spool mend it where it proves damaged, and then do its work."""

    @wraps(method)
    def mended(spool: _S, *arguments: _P.args, **named: _P.kwargs) -> _R:
        with spool.guard:
            try:
                return method(spool, *arguments, **named)
            except DamagedSpoolError as error:
                spool.mend(error.what)
                return method(spool, *arguments, **named)

    return cast("Callable[Concatenate[_S, _P], _R]", mended)


def freeing(method: Callable[Concatenate[_S, _P], _R]) -> Callable[Concatenate[_S, _P], _R]:
    """Have a method that leads to room give up the ballast where the disk is full, and go on."""

    @wraps(method)
    def freed(spool: _S, *arguments: _P.args, **named: _P.kwargs) -> _R:
        with spool.guard:
            try:
                return method(spool, *arguments, **named)
            except FullDiskError:
                if not spool.ballast.give_up():
                    raise
                return method(spool, *arguments, **named)

    return cast("Callable[Concatenate[_S, _P], _R]", freed)


class OpenedSpool:
    """What every use of the spool needs; the uses themselves are `edge.spool.store.Spool`'s."""

    def __init__(
        self,
        folder: Path,
        vault: Vault,
        owner: Owner,
        lock: WriterLock,
        *,
        stand_in: StandIn,
        max_bytes: int | None,
        reserve_bytes: int,
        free_bytes: Callable[[], int],
        keep_damaged: int,
    ) -> None:
        """Use ``Spool.open``."""
        self.folder = folder
        self.salvages: tuple[Salvage, ...] = ()
        self.ballast = Ballast(folder, free_bytes, reserve_bytes)
        self._owner = owner
        self._vault = vault
        self._lock = lock
        self._stand_in = stand_in
        self._max_bytes = max_bytes
        self._reserve_bytes = reserve_bytes
        self._free_bytes = free_bytes
        self._keep_damaged = keep_damaged
        self.guard = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._purged = 0
        self._closed = False

    def close(self) -> None:
        """Let go of the files. Everything is on the disk already."""
        with self.guard:
            if not self._closed:
                self._closed = True
                self._disconnect()
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self.guard, storage_errors(self.folder):
            if self._closed:
                raise SpoolError(f"{self.folder}: the spool is closed: open it again first")
            if self._connection is None:
                self._connect_at_all()
            yield cast(sqlite3.Connection, self._connection)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # SQLite has rolled back by itself after some failures of the disk.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._vault.load(connection)
                raise

    def _connect_at_all(self) -> None:
        try:
            self._connect()
        except (sqlite3.Error, OSError) as error:
            if not lacks_room(error, self.folder) or not self.ballast.give_up():
                raise
            self._connect()

    def _connect(self) -> None:
        """Open the database, made this unit's if it is new, and find it sound."""
        finish_swap(self.folder, self._keep_damaged)
        connection = open_database(self.folder)
        try:
            claim(connection, self.folder, self._owner, self._vault)
            carried = upgrade(connection, self._vault)
            self._vault.load(connection)
            self._vault.double(connection)
            require_gapless(connection, self.folder)
            with self._if_room():
                add_indexes(connection)
            with self._if_room():
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                first_page.keep_copy(self.folder / DATABASE_FILE)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self.ballast.keep()
        if carried is not None:
            self._say_lost(carried.records_lost, carried.pictures_lost)

    @contextmanager
    def _if_room(self) -> Iterator[None]:
        """Leave for later what the disk has no room for now."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if not lacks_room(error, self.folder):
                raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def mend(self, damage: str) -> None:
        """Carry what is sound into a new file, and put that in use.

        Raises:
            SpoolError: if there is no room for it, or the spool is another key's.
        """
        self._disconnect()
        with storage_errors(self.folder):
            done = salvage(
                self.folder,
                self._vault,
                self._owner,
                self._stand_in,
                damage,
                keep_damaged=self._keep_damaged,
                room_bytes=self._free_bytes() - self._reserve_bytes,
            )
        self.salvages = (*self.salvages, done)

    def _count_lost(self, connection: sqlite3.Connection, records: int) -> None:
        if records:
            connection.execute("UPDATE chain SET lost = lost + ?", (records,))

    def _say_lost(self, records: int, pictures: int = 0) -> None:
        """Say that so much did not open any more, once it is out of the spool."""
        if records or pictures:
            self.salvages = (*self.salvages, left_out(records, pictures))

    def _reseal(self, former_key: bytes) -> None:
        """Seal the data keys under the key in use, if they are still under the former."""
        present, self._vault = self._vault, self._vault.with_key(former_key)
        try:
            self._reseal_keys(present)
        except WrongKeyError:
            return
        finally:
            self._disconnect()
            self._vault = present

    @mending
    @freeing
    def _reseal_keys(self, above: Vault) -> None:
        with self._transaction() as connection:
            self._vault.reseal_keys(connection, above)

    def _make_room(
        self, connection: sqlite3.Connection, added: int, contents: Sequence[bytes]
    ) -> None:
        needed = sum(map(len, contents)) + (added + len(contents)) * OVERHEAD_BYTES
        limits = self._limits()
        while self._free_bytes() < self._reserve_bytes + needed and forget_oldest(self.folder):
            pass
        gone = make_room(connection, limits, needed)
        if gone is None:
            raise full_disk(self.folder, lacking(connection, limits, needed))
        if gone:
            self._vault.retire(connection)
            self._purged += gone

    def _limits(self) -> Limits:
        return Limits(self._max_bytes, self._reserve_bytes, self._free_bytes)

    def _overwrite(self, purged: int) -> None:
        """Have what was purged overwritten in the files, once there is enough of it, or no more.

        Purged rows are overwritten in the log first; the checkpoint brings that to the database,
        and empties the log of what was written before.
        """
        self._purged += purged
        if not self._purged:
            return
        with self._reading() as connection:
            (something_waits,) = connection.execute(
                "SELECT spooled > receipted OR EXISTS (SELECT 1 FROM pictures) FROM chain"
            ).fetchone()
            if self._purged >= OVERWRITE_EVERY or not something_waits:
                with self._if_room():
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    self._purged = 0
