"""The spool: everything that the repository has not yet receipted, durable and encrypted.

Invariants:

- ``add`` returns after the commit is on the disk; records of one ``add`` are stored all or none.
- Sequence numbers run from 1 without a gap, over restarts and crashes. The records in the spool
  are exactly those from ``receipted + 1`` to ``spooled``.
- A batch's bounds, roots and signature are on the disk before it is handed out. It is never
  sealed again, so that a resent batch is the same batch, and the chain has one shape.
- What lies on the disk of a record or a picture is its AES-256-GCM blob, bound to its place.

Layout: one SQLite file. ``chain`` is one row: whose spool it is, the last sequence given, the last
one receipted and the root that ended there. ``records`` holds a row for each waiting record,
``batches`` one for each batch sealed and not receipted, ``pictures`` each picture once, and
``picture_owners`` the records that name it. ``places`` holds how far each recording was read.
``refusals`` remembers by sequence what the repository put into quarantine.

Acknowledgement: a receipt purges records and batches up to ``committed_through`` only if a batch
of this spool ends exactly there with exactly ``chain_root``. A receipt from before changes no
record. One that claims what was never sent, or another root, changes nothing at all. A picture
loses an owner when the owner was refused, or when the owner is receipted and a receipt says that
the picture is held; without owners it is purged. Refusals and held pictures count from old
receipts too, for the records that those receipts cover.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Raw

from edge.contract.batch import (
    GENESIS_ROOT,
    MAX_BATCH_RECORDS,
    MAX_PICTURE_BYTES,
    Batch,
    Receipt,
    seal_batch,
)
from edge.contract.errors import ContractError
from edge.contract.records import AnyRecord, Hit, Read, ShiftCheck, encode_record
from edge.spool.acknowledge import Acknowledged, apply_receipt, receipted
from edge.spool.database import (
    WriterLock,
    damaged,
    full_disk,
    open_database,
    storage_errors,
    sync_folder,
)
from edge.spool.encryption import DamagedBlobError, Encryption
from edge.spool.errors import SpoolError, UnfitRecordError

MAX_BATCH_BYTES = 512 * 1024
RESERVE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """How far a recording is read: the source, and the last picture of it."""

    source: str
    at: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals that survive restarts: ``spooled``, ``receipted`` and ``refused`` over all time."""

    spooled: int
    receipted: int
    refused: int
    waiting: int
    hits_waiting: int
    pictures_waiting: int


@dataclass(frozen=True, slots=True)
class WaitingHit:
    """A hit of which the repository was not yet told, as its canonical bytes."""

    seq: int
    record: bytes


@dataclass(frozen=True, slots=True)
class WaitingPicture:
    """A picture that a receipted record names and that is not known to be held."""

    sha256: str
    content: bytes


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
        encryption: Encryption,
        free_bytes: Callable[[], int],
        reserve_bytes: int,
    ) -> None:
        """Use ``Spool.open``."""
        self.folder = folder
        self.agency = agency
        self.unit = unit
        self._lock = lock
        self._connection = connection
        self._encryption = encryption
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
            encryption=Encryption(spool_key, random_bytes),
            free_bytes=free_bytes or (lambda: shutil.disk_usage(folder).free),
            reserve_bytes=reserve_bytes,
        )
        try:
            spool._claim()
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
    ) -> tuple[AnyRecord, ...]:
        """Store new records, with the pictures they name, durably before this returns.

        Each builder is called once, in order, with the sequence its record must carry.
        ``pictures`` are the bytes by their SHA-256 in hexadecimal: all that the records name, and
        no others. ``place`` is how far a recording is read with these records, remembered with
        them or not at all, so that after a crash nothing is read twice.

        Raises:
            UnfitRecordError: if a record or picture does not fit the contract.
            SpoolError: if the disk is full or fails. Either way nothing is stored, no sequence
                used.
        """
        _require_digests(pictures)
        with self._transaction() as connection:
            self._require_room()
            (spooled,) = connection.execute("SELECT spooled FROM chain").fetchone()
            records: list[AnyRecord] = []
            owners: list[tuple[str, int]] = []
            for seq, build in enumerate(builders, spooled + 1):
                record = _built(build, seq)
                self._store_record(connection, seq, record)
                records.append(record)
                owners.extend((sha256, seq) for sha256 in _pictures_named_by(record))
            _require_same({sha256 for sha256, _ in owners}, pictures)
            for sha256, content in pictures.items():
                connection.execute(
                    "INSERT INTO pictures VALUES (?, ?) ON CONFLICT DO NOTHING",
                    (sha256, self._encryption.seal(_picture_name(sha256), content)),
                )
            connection.executemany(
                "INSERT INTO picture_owners VALUES (?, ?) ON CONFLICT DO NOTHING", owners
            )
            connection.execute("UPDATE chain SET spooled = ?", (spooled + len(records),))
            if place is not None:
                sealed = self._encryption.seal(
                    _place_name(place.source), place.at.encode("utf-8", "surrogateescape")
                )
                connection.execute(
                    "INSERT INTO places VALUES (?, ?)"
                    " ON CONFLICT (source) DO UPDATE SET sealed = excluded.sealed",
                    (_source_digest(place.source), sealed),
                )
        return tuple(records)

    def place_in(self, source: str) -> str | None:
        """How far a recording was read when its reading broke off; None if it never did.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            row = connection.execute(
                "SELECT sealed FROM places WHERE source = ?", (_source_digest(source),)
            ).fetchone()
            return (
                None
                if row is None
                else self._open(_place_name(source), row[0]).decode("utf-8", "surrogateescape")
            )

    def forget_place(self, source: str) -> None:
        """A recording was read to its end: the next reading begins anew.

        Raises:
            SpoolError: if the spool cannot be written.
        """
        with self._transaction() as connection:
            connection.execute("DELETE FROM places WHERE source = ?", (_source_digest(source),))

    def seal(self, private_key: Ed25519PrivateKey) -> Batch | None:
        """Seal the next batch from what is in no batch yet; None where there is nothing.

        Raises:
            SpoolError: if the spool cannot be read or written.
        """
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT last_seq, root FROM batches ORDER BY last_seq DESC LIMIT 1"
            ).fetchone() or receipted(connection)
            last_seq, previous_root = row
            records = self._next_records(connection, last_seq + 1)
            if not records:
                return None
            batch = seal_batch(
                agency=self.agency,
                unit=self.unit,
                first_seq=last_seq + 1,
                previous_root=previous_root,
                records=records,
                private_key=private_key,
            )
            connection.execute(
                "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)",
                (
                    batch.first_seq,
                    batch.last_seq,
                    batch.previous_root,
                    batch.root,
                    batch.key,
                    batch.signature,
                ),
            )
        return batch

    def unreceipted_batches(self, limit: int, *, after: int = 0) -> tuple[Batch, ...]:
        """Sealed batches that no receipt covers, in order, those that start after a sequence.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT first_seq, last_seq, previous_root, root, key, signature FROM batches"
                " WHERE first_seq > ? ORDER BY first_seq LIMIT ?",
                (after, limit),
            ).fetchall()
            return tuple(
                Batch(
                    agency=self.agency,
                    unit=self.unit,
                    key=key,
                    first_seq=first_seq,
                    previous_root=previous_root,
                    root=root,
                    signature=signature,
                    records=tuple(
                        Raw(self._open_record(seq, sealed))
                        for seq, sealed in connection.execute(
                            "SELECT seq, sealed FROM records WHERE seq BETWEEN ? AND ?"
                            " ORDER BY seq",
                            (first_seq, last_seq),
                        )
                    ),
                )
                for first_seq, last_seq, previous_root, root, key, signature in rows
            )

    def waiting_hits(self, limit: int, *, skip: Collection[int] = ()) -> tuple[WaitingHit, ...]:
        """Hits, oldest first, that are neither marked sent nor receipted, but for those skipped.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT seq FROM records WHERE hit_waiting = 1 ORDER BY seq LIMIT ?",
                (limit + len(skip),),
            ).fetchall()
            wanted = [seq for (seq,) in rows if seq not in skip][:limit]
            return tuple(
                WaitingHit(seq, self._open_record(seq, sealed))
                for seq in wanted
                for (sealed,) in connection.execute(
                    "SELECT sealed FROM records WHERE seq = ?", (seq,)
                )
            )

    def mark_hit_sent(self, seq: int) -> None:
        """Remember that the repository has this hit's notice; its record still waits.

        Raises:
            SpoolError: if the spool cannot be written.
        """
        with self._transaction() as connection:
            connection.execute("UPDATE records SET hit_waiting = 0 WHERE seq = ?", (seq,))

    def waiting_pictures(
        self, limit: int, *, skip: Collection[str] = ()
    ) -> tuple[WaitingPicture, ...]:
        """Pictures that a receipted record names, oldest first, but for those skipped.

        A receipt that named them as missing may have been lost, so this does not depend on it.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT sha256, min(seq) AS first_seq FROM picture_owners"
                " WHERE seq <= (SELECT receipted FROM chain)"
                " GROUP BY sha256 ORDER BY first_seq, sha256 LIMIT ?",
                (limit + len(skip),),
            ).fetchall()
            wanted = [sha256 for sha256, _ in rows if sha256 not in skip][:limit]
            return tuple(
                WaitingPicture(sha256, self._open(_picture_name(sha256), sealed))
                for sha256 in wanted
                for (sealed,) in connection.execute(
                    "SELECT sealed FROM pictures WHERE sha256 = ?", (sha256,)
                )
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
                        self._encryption.seal("key_check", b""),
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
        try:
            self._encryption.open("key_check", key_check)
        except DamagedBlobError as error:
            raise SpoolError(
                f"{self.folder}: this spool was written with another key: restore the spool.key "
                "that was made when the unit was enrolled"
            ) from error

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

    def _store_record(self, connection: sqlite3.Connection, seq: int, record: AnyRecord) -> None:
        if (record.agency, record.unit, record.seq) != (self.agency, self.unit, seq):
            raise UnfitRecordError(
                f"{self.folder}: a record of {record.agency}/{record.unit} with sequence "
                f"{record.seq} was given for sequence {seq} of {self.agency}/{self.unit}"
            )
        try:
            encoded = encode_record(record)
        except ContractError as error:
            raise UnfitRecordError(f"{self.folder}: a record cannot be stored: {error}") from error
        connection.execute(
            "INSERT INTO records VALUES (?, ?, ?)",
            (seq, isinstance(record, Hit), self._encryption.seal(_record_name(seq), encoded)),
        )

    def _next_records(self, connection: sqlite3.Connection, first_seq: int) -> list[bytes]:
        records: list[bytes] = []
        size_bytes = 0
        for seq, sealed in connection.execute(
            "SELECT seq, sealed FROM records WHERE seq >= ? ORDER BY seq LIMIT ?",
            (first_seq, MAX_BATCH_RECORDS),
        ):
            record = self._open_record(seq, sealed)
            size_bytes += len(record)
            if records and size_bytes > MAX_BATCH_BYTES:
                break
            records.append(record)
        return records

    def _open_record(self, seq: int, sealed: bytes) -> bytes:
        return self._open(_record_name(seq), sealed)

    def _open(self, name: str, sealed: bytes) -> bytes:
        try:
            return self._encryption.open(name, sealed)
        except DamagedBlobError as error:
            raise damaged(self.folder, f"{name} cannot be decrypted") from error


def _pictures_named_by(record: AnyRecord) -> tuple[str, ...]:
    match record:
        case Read(pictures=pictures):
            return tuple(picture.sha256 for picture in pictures)
        case ShiftCheck(cameras=cameras):
            return tuple(check.picture for check in cameras if check.picture is not None)
        case _:
            return ()


def _require_digests(pictures: Mapping[str, bytes]) -> None:
    for sha256, content in pictures.items():
        if hashlib.sha256(content).hexdigest() != sha256:
            raise UnfitRecordError(f"picture {sha256}: its bytes have another digest")
        if not 0 < len(content) <= MAX_PICTURE_BYTES:
            raise UnfitRecordError(
                f"picture {sha256}: {len(content)} bytes, between 1 and {MAX_PICTURE_BYTES} can "
                "be sent: lower the picture's size or quality in the settings"
            )


def _require_same(named: set[str], given: Mapping[str, bytes]) -> None:
    if missing := named - given.keys():
        raise UnfitRecordError(f"picture {min(missing)}: named by a record, its bytes are missing")
    if foreign := given.keys() - named:
        raise UnfitRecordError(f"picture {min(foreign)}: its bytes are given, nobody names it")


def _built(build: Callable[[int], AnyRecord], seq: int) -> AnyRecord:
    try:
        return build(seq)
    except ContractError as error:
        raise UnfitRecordError(f"a record does not fit the contract: {error}") from error


def _place_name(source: str) -> str:
    return f"place/{_source_digest(source)}"


def _source_digest(source: str) -> str:
    """A source may be named after a plate: its name does not go into the file in the clear."""
    return hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()


def _record_name(seq: int) -> str:
    return f"record/{seq}"


def _picture_name(sha256: str) -> str:
    return f"picture/{sha256}"
