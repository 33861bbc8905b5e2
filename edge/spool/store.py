"""The spool: everything that the repository has not yet receipted, durable and encrypted.

Invariants:

- ``add`` returns after the commit is on the disk; records of one ``add`` are stored all or none.
- Sequence numbers run from 1 without a gap, over restarts and crashes. The records in the spool
  are exactly those from ``receipted + 1`` to ``spooled``.
- A batch's bounds, roots and signature are on the disk before it is handed out. It is never
  sealed again, so that a resent batch is the same batch, and the chain has one shape.
- What lies on the disk of a record or a picture is its AES-256-GCM blob, bound to its place.
- A provisional read lies in the spool until its pass's final read is stored, in one transaction
  with that; ``settle`` gives those of a dead daemon their sequences. One of the two goes up.

Layout: one SQLite file, described in `edge.spool.layout`.

Acknowledgement: a receipt purges records and batches up to ``committed_through`` only if a batch
of this spool ends exactly there with exactly ``chain_root``. A receipt from before changes no
record. One that claims what was never sent, or another root, changes nothing at all. A picture
loses an owner when the owner was refused, or when the owner is receipted and a receipt says that
the picture is held; without owners it is purged. Refusals and held pictures count from old
receipts too, for the records that those receipts cover.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.contract.batch import GENESIS_ROOT, Batch, Receipt
from edge.contract.records import AnyRecord
from edge.spool import batches, places, records
from edge.spool import pictures as album
from edge.spool import provisional as provisionals
from edge.spool import withheld as withholds
from edge.spool.acknowledge import Acknowledged, apply_receipt
from edge.spool.database import (
    WriterLock,
    damaged,
    full_disk,
    open_database,
    storage_errors,
    sync_folder,
    upgrade,
)
from edge.spool.encryption import DamagedBlobError, Sealed, Vault
from edge.spool.errors import SpoolError
from edge.spool.pictures import Standing, WaitingPicture
from edge.spool.places import Place
from edge.spool.provisional import Provisional
from edge.spool.records import Owner, WaitingHit
from edge.spool.withheld import Age, Withheld, WithheldCounts

__all__ = ["Counts", "Place", "Provisional", "Spool", "WaitingHit", "WaitingPicture"]

RESERVE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals that survive restarts: ``spooled``, ``receipted`` and ``refused`` over all time."""

    spooled: int
    receipted: int
    refused: int
    waiting: int
    hits_waiting: int
    pictures_waiting: int


class Spool:
    """One unit's spool. Every method may be called from any thread."""

    def __init__(
        self,
        *,
        folder: Path,
        agency: str,
        unit: str,
        lock: WriterLock,
        connection: sqlite3.Connection,
        vault: Vault,
        free_bytes: Callable[[], int],
        reserve_bytes: int,
    ) -> None:
        """Use ``Spool.open``."""
        self.folder = folder
        self.agency = agency
        self.unit = unit
        self._lock = lock
        self._connection = connection
        self._owner = Owner(agency, unit)
        self._vault = vault
        self._free_bytes = free_bytes
        self._reserve_bytes = reserve_bytes
        self._guard = threading.RLock()
        self._closed = False

    @classmethod
    def open(
        cls,
        folder: Path,
        spool_key: bytes,
        *,
        agency: str,
        unit: str,
        reserve_bytes: int = RESERVE_BYTES,
        free_bytes: Callable[[], int] | None = None,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> Spool:
        """Open the unit's spool, made where there is none.

        ``reserve_bytes`` of the disk stay free, so that receipts can still be taken when it is
        full; ``free_bytes`` tells how much is free, by default on the folder's file system.

        Raises:
            SpoolError: if the folder cannot be used, another daemon uses it, it belongs to
                another unit or key, or what lies in it is damaged.
        """
        with storage_errors(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = WriterLock(folder)
            try:
                connection = open_database(folder)
            except BaseException:
                lock.release()
                raise
        spool = cls(
            folder=folder,
            agency=agency,
            unit=unit,
            lock=lock,
            connection=connection,
            vault=Vault(spool_key, random_bytes),
            free_bytes=free_bytes or (lambda: shutil.disk_usage(folder).free),
            reserve_bytes=reserve_bytes,
        )
        try:
            spool._claim()
            with storage_errors(folder):
                upgrade(connection, spool._vault)
                spool._vault.load(connection)
            spool._require_gapless()
        except BaseException:
            spool.close()
            raise
        return spool

    def close(self) -> None:
        """Let go of the files. Everything is on the disk already."""
        with self._guard:
            if not self._closed:
                self._closed = True
                self._connection.close()
                self._lock.release()

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def add(
        self,
        builders: Sequence[Callable[[int], AnyRecord]],
        pictures: Mapping[str, bytes],
        place: Place | None = None,
        *,
        provisional: Provisional | None = None,
        settles: UUID | None = None,
        withheld: Sequence[Withheld] = (),
    ) -> tuple[AnyRecord, ...]:
        """Store new records, with the pictures they name, durably before this returns.

        Each builder is called once, in order, with the sequence its record must carry.
        ``pictures`` are the bytes by their SHA-256 in hexadecimal: all that the records name, and
        no others. What follows is stored with the records or not at all:

        - ``place``: how far a recording is read with them, so that after a crash nothing is read
          twice;
        - ``provisional``: a read that rings before its pass ended, kept under its id;
        - ``settles``: the id of a provisional read whose final read is among the records;
        - ``withheld``: reads that must not leave the unit. They come back behind the others.

        Raises:
            UnfitRecordError: if a record or picture does not fit the contract.
            SpoolError: if the disk is full or fails. Either way nothing is stored, no sequence
                used.
        """
        with self._transaction() as connection:
            self._require_room()
            (spooled,) = connection.execute("SELECT spooled FROM chain").fetchone()
            added = [
                records.build_record(self._owner, build, seq)
                for seq, build in enumerate(builders, spooled + 1)
            ]
            album.require_fit(added, pictures)
            self._store(connection, added, pictures)
            if settles is not None:
                provisionals.drop(connection, settles)
            if provisional is not None:
                provisionals.store(connection, self._vault, self._owner, provisional)
            for one in withheld:
                added += withholds.store(connection, self._vault, self._owner, one)
            if place is not None:
                places.remember(connection, self._vault, place)
        return tuple(added)

    def settle(self) -> int:
        """Store every provisional read that a dead daemon left as a record; how many there were.

        To be called at the start, before anything is added.

        Raises:
            SpoolError: if the spool cannot be written. Nothing is settled then.
        """
        settled = 0
        with self._transaction() as connection:
            (spooled,) = connection.execute("SELECT spooled FROM chain").fetchone()
            for record, contents in provisionals.take(connection, self._vault, spooled + 1):
                self._store(connection, [record], contents)
                settled += 1
        return settled

    def place_in(self, source: str) -> str | None:
        """How far a recording was read when its reading broke off; None if it never did.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            sealed = places.find(connection, source)
            return (
                None
                if sealed is None
                else self._open(places.place_name(source), sealed).decode(
                    "utf-8", "surrogateescape"
                )
            )

    def forget_place(self, source: str) -> None:
        """A recording was read to its end: the next reading begins anew.

        Raises:
            SpoolError: if the spool cannot be written.
        """
        with self._transaction() as connection:
            places.forget(connection, source)

    def seal(self, private_key: Ed25519PrivateKey) -> Batch | None:
        """Seal the next batch from what is in no batch yet; None where there is nothing.

        Raises:
            SpoolError: if the spool cannot be read or written.
        """
        with self._transaction() as connection:
            return batches.seal_next(connection, self._owner, private_key, self._open_record)

    def unreceipted_batches(self, limit: int, *, after: int = 0) -> tuple[Batch, ...]:
        """Sealed batches that no receipt covers, in order, those that start after a sequence.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            return tuple(
                batches.unreceipted(connection, self._owner, limit, after, self._open_record)
            )

    def waiting_hits(self, limit: int, *, skip: Collection[int] = ()) -> tuple[WaitingHit, ...]:
        """Hits, oldest first, that are neither marked sent nor receipted, but for those skipped.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            return tuple(
                WaitingHit(seq, self._open_record(seq, sealed))
                for seq, sealed in records.waiting_hits(connection, limit, skip)
            )

    def mark_hit_sent(self, seq: int) -> None:
        """Remember that the repository has this hit's notice; its record still waits.

        Raises:
            SpoolError: if the spool cannot be written.
        """
        with self._transaction() as connection:
            connection.execute("UPDATE records SET hit_waiting = 0 WHERE seq = ?", (seq,))

    def waiting_pictures(
        self, limit: int, *, skip: Collection[str] = (), least: Standing = Standing.ORDINARY
    ) -> tuple[WaitingPicture, ...]:
        """Pictures that a receipted record names, oldest first, but for those skipped.

        ``least`` leaves those of a lower standing where they are.

        A receipt that named them as missing may have been lost, so this does not depend on it.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            return tuple(
                WaitingPicture(sha256, self._open(album.picture_name(sha256), sealed))
                for sha256, sealed in album.waiting(connection, limit, skip, least)
            )

    def acknowledge(self, receipt: Receipt) -> Acknowledged:
        """Purge what this receipt covers. Its signature and unit were checked before.

        Raises:
            SpoolError: if the spool cannot be written. Nothing is purged then.
        """
        with self._transaction() as connection:
            return apply_receipt(connection, receipt)

    def counts(self) -> Counts:
        """How much was ever stored, receipted and refused, and how much waits.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            row = connection.execute(
                "SELECT spooled, receipted, (SELECT count(*) FROM refusals), spooled - receipted,"
                " (SELECT count(*) FROM records WHERE hit_waiting = 1),"
                " (SELECT count(*) FROM pictures) FROM chain"
            ).fetchone()
        return Counts(*row)

    def withheld(self) -> WithheldCounts:
        """How many reads that must not leave the unit are kept, and how many there ever were.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            return withholds.counts(connection)

    def withheld_age(self) -> Age:
        """The age by which withheld reads are purged, as it was noted last.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            return withholds.age(connection)

    def purge_withheld(self, age: Age) -> int:
        """Note that age, and purge the withheld reads that are due by it; how many there were.

        Raises:
            SpoolError: if the spool cannot be written. Nothing is purged then.
        """
        with self._transaction() as connection:
            return withholds.purge(connection, age)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._guard, storage_errors(self.folder):
            self._require_open()
            yield self._connection

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

    def _require_open(self) -> None:
        if self._closed:
            raise SpoolError(f"{self.folder}: the spool is closed: open it again first")

    def _require_room(self) -> None:
        """What was purged leaves free pages in the file, which new records fill first."""
        (pages,) = self._connection.execute("PRAGMA freelist_count").fetchone()
        (page_bytes,) = self._connection.execute("PRAGMA page_size").fetchone()
        if self._free_bytes() + pages * page_bytes < self._reserve_bytes:
            raise full_disk(self.folder)

    def _claim(self) -> None:
        """Make the spool this unit's if it is new; else require that it is."""
        with self._transaction() as connection:
            row = connection.execute("SELECT agency, unit, key_check FROM chain").fetchone()
            if row is None:
                connection.execute(
                    "INSERT INTO chain (one, agency, unit, key_check, receipted_root)"
                    " VALUES (1, ?, ?, ?, ?)",
                    (
                        self.agency,
                        self.unit,
                        self._vault.seal_key_check(),
                        GENESIS_ROOT,
                    ),
                )
        if row is None:
            # From here on a torn log can no longer make this spool look new.
            with self._reading() as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                sync_folder(self.folder)
                sync_folder(self.folder.parent)
            return
        agency, unit, key_check = row
        if (agency, unit) != (self.agency, self.unit):
            raise SpoolError(
                f"{self.folder}: this spool belongs to unit {unit} of agency {agency}: give unit "
                f"{self.unit} of agency {self.agency} a folder of its own"
            )
        if not self._vault.opens(key_check):
            raise SpoolError(
                f"{self.folder}: this spool was written with another key: restore the spool.key "
                "that was made when the unit was enrolled"
            )

    def _require_gapless(self) -> None:
        with self._reading() as connection:
            spooled, receipted, number, first, last = connection.execute(
                "SELECT spooled, receipted, (SELECT count(*) FROM records),"
                " (SELECT min(seq) FROM records), (SELECT max(seq) FROM records) FROM chain"
            ).fetchone()
        whole = number == spooled - receipted
        if not whole or (number and (first, last) != (receipted + 1, spooled)):
            raise damaged(
                self.folder, f"records {receipted + 1} to {spooled} should be there, {number} are"
            )

    def _store(
        self,
        connection: sqlite3.Connection,
        added: Sequence[AnyRecord],
        contents: Mapping[str, bytes],
    ) -> None:
        for record in added:
            records.store(connection, self._vault, record)
        album.store(connection, self._vault, added, contents)
        connection.execute("UPDATE chain SET spooled = spooled + ?", (len(added),))

    def _open_record(self, seq: int, sealed: Sealed) -> bytes:
        return self._open(records.record_name(seq), sealed)

    def _open(self, name: str, sealed: Sealed) -> bytes:
        try:
            return self._vault.open(name, sealed)
        except DamagedBlobError as error:
            raise damaged(self.folder, f"{name} cannot be decrypted") from error
