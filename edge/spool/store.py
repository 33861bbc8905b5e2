"""The spool: everything that the repository has not yet receipted, durable and encrypted.

Invariants:

- ``add`` returns after the commit is on the disk; records of one ``add`` are stored all or none.
- Sequence numbers run from 1 without a gap, over restarts and crashes. The records in the spool
  are exactly those from ``receipted + 1`` to ``spooled``.
- A batch's bounds, roots and signature are on the disk before it is handed out. It is never
  sealed again, so that a resent batch is the same batch, and the chain has one shape.
- Damage, wherever it shows, is mended once: what is sound is carried into a new file, what is
  lost is said in its place (`edge.spool.salvage`), and the call goes on.
- When room runs out, pictures give way and are counted; records never (`edge.spool.quota`).
- A full disk neither keeps the spool from opening nor receipts from freeing it: a file that is
  kept for that gives way (`edge.spool.ballast`).
- What lies on the disk of a record or a picture is its AES-256-GCM blob, bound to its place.
- A provisional read lies in the spool until its pass's final read is stored, in one transaction
  with that; ``settle`` gives those of a dead daemon their sequences. One of the two goes up.

Layout: one SQLite file, described in `edge.spool.layout`.

Acknowledgement: a receipt purges records and batches up to ``committed_through`` only if a batch
of this spool ends exactly there with exactly ``chain_root``. A receipt from before changes no
record. One that claims what was never sent, or another root, changes nothing at all, unless it
says that a batch was out of chain: then the spool has lost its place, and takes it up from there
(`edge.spool.acknowledge`). A picture
loses an owner when the owner was refused, or when the owner is receipted and a receipt says that
the picture is held; without owners it is purged. Refusals and held pictures count from old
receipts too, for the records that those receipts cover.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import structs

from edge.contract.batch import Batch, Receipt, key_id
from edge.contract.records import AnyRecord
from edge.spool import batches, places, records
from edge.spool import pictures as album
from edge.spool import provisional as provisionals
from edge.spool import withheld as withholds
from edge.spool.acknowledge import Acknowledged, apply_receipt
from edge.spool.carry import StandIn
from edge.spool.database import WriterLock, full_disk, storage_errors
from edge.spool.encryption import Sealed, Vault
from edge.spool.opened import OVERHEAD_BYTES, freeing, mending
from edge.spool.pictures import Standing, WaitingPicture
from edge.spool.places import Place
from edge.spool.provisional import Provisional
from edge.spool.quota import lacking, pictures_left
from edge.spool.records import Owner, WaitingHit
from edge.spool.salvage import KEEP_DAMAGED, taken_up
from edge.spool.stand_in import lost_record
from edge.spool.withheld import Withheld
from edge.spool.withheld_reads import WithheldReads

__all__ = ["Counts", "Place", "Provisional", "Spool", "WaitingHit", "WaitingPicture"]

RESERVE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals that survive restarts, and how much waits.

    Over all time: ``spooled``, ``receipted``, ``refused``; ``lost`` records that damage
    destroyed; ``gave_way`` pictures for which there was no room.
    """

    spooled: int
    receipted: int
    refused: int
    waiting: int
    hits_waiting: int
    pictures_waiting: int
    lost: int = 0
    gave_way: int = 0


class Spool(WithheldReads):
    """One unit's spool. Every method may be called from any thread."""

    @classmethod
    def open(
        cls,
        folder: Path,
        spool_key: bytes,
        *,
        agency: str,
        unit: str,
        former_key: bytes | None = None,
        max_bytes: int | None = None,
        reserve_bytes: int = RESERVE_BYTES,
        keep_damaged: int = KEEP_DAMAGED,
        free_bytes: Callable[[], int] | None = None,
        random_bytes: Callable[[int], bytes] = os.urandom,
        stand_in: StandIn | None = None,
    ) -> Spool:
        """Open the unit's spool, made where there is none, mended where it is damaged.

        A spool written with ``former_key`` is sealed anew under ``spool_key``. ``max_bytes``
        bound what the spool holds, and ``reserve_bytes`` of the disk stay free, so that receipts
        can still be taken when it is full; ``free_bytes`` tells how much is free, by default on
        the folder's file system. ``stand_in`` makes the record for a lost one's sequence, by
        default with the system's time. ``salvages`` then says what was mended.

        Raises:
            SpoolError: if the folder cannot be used, another daemon uses it, it belongs to
                another unit or key, or there is no room to mend it.
        """
        with storage_errors(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = WriterLock(folder)
        owner = Owner(agency, unit)
        spool = cls(
            folder,
            Vault(spool_key, random_bytes),
            owner,
            lock,
            stand_in=stand_in or partial(lost_record, owner, random_bytes=random_bytes),
            max_bytes=max_bytes,
            reserve_bytes=reserve_bytes,
            free_bytes=free_bytes or (lambda: shutil.disk_usage(folder).free),
            keep_damaged=keep_damaged,
        )
        try:
            if former_key is not None:
                spool._reseal(former_key)
            spool.counts()
        except BaseException:
            spool.close()
            raise
        return spool

    @property
    def agency(self) -> str:
        """The agency whose records it takes."""
        return self._owner.agency

    @property
    def unit(self) -> str:
        """The unit whose records it takes."""
        return self._owner.unit

    @mending
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

        Each builder is called in order with the sequence its record must carry; once, unless the
        spool had to be mended meanwhile.
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
        others = [one.pictures for one in (*withheld, provisional) if one is not None]
        contents = [data for one in (pictures, *others) for data in one.values()]
        with self._transaction() as connection:
            (spooled,) = connection.execute("SELECT spooled FROM chain").fetchone()
            added = [
                records.build_record(self._owner, build, seq)
                for seq, build in enumerate(builders, spooled + 1)
            ]
            album.require_fit(added, pictures)
            self._make_room(connection, len(added) + len(others), contents)
            self._store(connection, added, pictures)
            if settles is not None:
                provisionals.drop(connection, self._vault, settles)
            if provisional is not None:
                provisionals.store(connection, self._vault, self._owner, provisional)
            for one in withheld:
                added += withholds.store(connection, self._vault, self._owner, one)
            if place is not None:
                places.remember(connection, self._vault, place)
        self.ballast.keep()
        return tuple(added)

    @mending
    @freeing
    def settle(self) -> int:
        """Store every provisional read that a dead daemon left as a record; how many there were.

        One that does not open any more is counted as lost, and said in ``salvages``.
        To be called at the start, before anything is added.

        Raises:
            SpoolError: if the spool cannot be written. Nothing is settled then.
        """
        with self._transaction() as connection:
            taken = provisionals.take(connection, self._vault)
            (spooled,) = connection.execute("SELECT spooled FROM chain").fetchone()
            for seq, (record, contents) in enumerate(taken.reads, spooled + 1):
                self._store(connection, [structs.replace(record, seq=seq)], contents)
            self._count_lost(connection, taken.lost)
        self._say_lost(taken.lost, taken.pictures_lost)
        return len(taken.reads)

    @mending
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
                else self._vault.open(places.place_name(source), sealed).decode(
                    "utf-8", "surrogateescape"
                )
            )

    @mending
    @freeing
    def forget_place(self, source: str) -> None:
        """A recording was read to its end: the next reading begins anew.

        Raises:
            SpoolError: if the spool cannot be written.
        """
        with self._transaction() as connection:
            places.forget(connection, source)

    @mending
    @freeing
    def seal(self, private_key: Ed25519PrivateKey) -> Batch | None:
        """Seal the next batch from what is in no batch yet; None where there is nothing.

        Raises:
            SpoolError: if the spool cannot be read or written.
        """
        with self._transaction() as connection:
            return batches.seal_next(connection, self._owner, private_key, self._open_record)

    @mending
    def sealed_otherwise(self, public_key: Ed25519PublicKey) -> bool:
        """Whether a batch that waits was sealed under another signing key than this one's.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            return batches.sealed_otherwise(connection, key_id(public_key))

    @mending
    @freeing
    def give_up_refused(self, first_seq: int, public_key: Ed25519PublicKey) -> bool:
        """Have the batch that begins there sealed anew if another signing key sealed it.

        To be called where the repository refused it for its signature. True if batches handed out
        before mean nothing any more, and are to be asked for anew.

        Raises:
            SpoolError: if the spool cannot be written. Nothing is given up then.
        """
        with self._transaction() as connection:
            return batches.give_up_refused(connection, first_seq, key_id(public_key))

    @mending
    def unreceipted_batches(self, limit: int, *, after: int = 0) -> tuple[Batch, ...]:
        """Sealed batches that no receipt covers, in order, those that start after a sequence.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            return tuple(
                batches.unreceipted(connection, self._owner, limit, after, self._open_record)
            )

    @mending
    def oldest_waiting(self) -> bytes | None:
        """The canonical bytes of the record that waits longest for its receipt.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            (receipted,) = connection.execute("SELECT receipted FROM chain").fetchone()
            for seq, sealed in records.between(connection, receipted + 1, receipted + 1):
                return self._open_record(seq, sealed)
        return None

    @mending
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

    @mending
    @freeing
    def mark_hit_sent(self, seq: int) -> None:
        """Remember that the repository has this hit's notice; its record still waits.

        Raises:
            SpoolError: if the spool cannot be written.
        """
        with self._transaction() as connection:
            connection.execute("UPDATE records SET hit_waiting = 0 WHERE seq = ?", (seq,))

    @mending
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
                WaitingPicture(sha256, self._vault.open(album.picture_name(sha256), sealed))
                for sha256, sealed in album.waiting(connection, limit, skip, least)
            )

    @mending
    @freeing
    def acknowledge(self, receipt: Receipt) -> Acknowledged:
        """Purge what this receipt covers. Its signature and unit were checked before.

        Raises:
            SpoolError: if the spool cannot be written. Nothing is purged then.
        """
        with self._transaction() as connection:
            done = apply_receipt(connection, self._vault, receipt)
            if done.records_purged or done.pictures_purged:
                self._vault.retire(connection)
        if done.verdict == "taken_up":
            self.salvages = (*self.salvages, taken_up(done.receipted_through))
        self._overwrite(done.records_purged + done.pictures_purged)
        self.ballast.keep()
        return done

    @mending
    def counts(self) -> Counts:
        """How much was ever stored, receipted and refused, and how much waits.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            row = connection.execute(
                "SELECT spooled, receipted, (SELECT count(*) FROM refusals), spooled - receipted,"
                " (SELECT count(*) FROM records WHERE hit_waiting = 1),"
                " (SELECT count(*) FROM pictures), lost, gave_way FROM chain"
            ).fetchone()
        return Counts(*row)

    @mending
    def lacks_room(self) -> str | None:
        """What is to be said where not even a record fits; None where one does.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        with self._reading() as connection:
            limit = lacking(connection, self._limits(), OVERHEAD_BYTES)
            if limit is None or pictures_left(connection):
                return None
        return str(full_disk(self.folder, limit))

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
        return self._vault.open(records.record_name(seq), sealed)
