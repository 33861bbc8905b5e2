"""Rows out of a damaged database into a new one's open transaction: the rules of a salvage.

They stand at the head of `edge.spool.salvage`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.contract.batch import GENESIS_ROOT, leaf_hashes
from edge.contract.errors import ContractError
from edge.contract.merkle import root as merkle_root
from edge.contract.records import AnyRecord, decode_record, encode_record
from edge.spool import records
from edge.spool.batches import digest
from edge.spool.carry_apart import CarriedApart
from edge.spool.encryption import DamagedBlobError, Sealed, Vault
from edge.spool.loose_rows import PAGE_BYTES, LooseRows
from edge.spool.pictures import Standing, named_by, picture_name
from edge.spool.places import name_of_digest
from edge.spool.records import Owner, record_name
from edge.spool.sound_rows import Row, insert_row, sound_rows

StandIn = Callable[[int, str], AnyRecord]
"""Makes the record that takes a lost one's sequence, from that sequence and a sentence."""

_BATCH_COLUMNS = ("first_seq", "last_seq", "previous_root", "root", "key", "signature")
_RECORD_COLUMNS = (("seq", None), ("hit_waiting", int), ("sealed", bytes), ("data_key", int))
_PICTURE_COLUMNS = (("sha256", str), ("sealed", bytes), ("data_key", int), ("standing", int))
_MAX_LOST_AT_THE_END = 10_000
_GREATEST = 1 << 62
_RECEIPTED_READ = 0
"""Owner of a picture whose read is receipted: which one it was does not matter any more."""


@dataclass(frozen=True, slots=True)
class _Start:
    """The last sequence that a receipt covered, and the root that ended there."""

    receipted: int
    root: str


class Carrier:
    """Carries what is sound from ``old`` to ``new``, and counts what is not."""

    def __init__(
        self,
        old: sqlite3.Connection,
        new: sqlite3.Connection,
        vault: Vault,
        owner: Owner,
        stand_in: StandIn,
        file: Path,
        room_bytes: int,
        least: Standing = Standing.ORDINARY,
    ) -> None:
        """``new`` has the tables of the present layout, empty, and a transaction under way.

        ``file`` is what ``old`` is open on; ``room_bytes`` are what pictures may take, ``least``
        the standing from which on they are carried.
        """
        self.records_lost = 0
        self.pictures_lost = 0
        self.place_lost = False
        self._old = old
        self._new = new
        self._vault = vault
        self._owner = owner
        self._stand_in = stand_in
        self._loose_records = LooseRows(file, _RECORD_COLUMNS)
        self._loose_pictures = LooseRows(file, _PICTURE_COLUMNS)
        self._room_bytes = room_bytes
        self._least = least

    def carry(self) -> None:
        """Do it.

        Raises:
            sqlite3.Error: if the new database cannot be written.
        """
        self._vault.carry_keys(self._old, self._new)
        if self._is_of_layout_1():
            self._vault.adopt(self._new, 1, self._vault.spool_key)
        chain = next(sound_rows(self._old, "chain", "one"), None)
        batches = list(sound_rows(self._old, "batches", "first_seq"))
        believed = [row for row in batches if _is_as_noted(row)]
        start = self._start(chain, believed)
        if start is None:
            self.place_lost = True
            start, batches, believed = _Start(0, GENESIS_ROOT), [], []
        spooled = self._records(start, believed, chain)
        self._batches(start, batches)
        self._pictures()
        self._kept_apart()
        self._copy("places", lambda row: name_of_digest(row["source"]))
        self._copy("refusals", None)
        self._copy("given_up", None)
        self._new.execute(
            "INSERT INTO chain VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._owner.agency,
                self._owner.unit,
                self._vault.seal_key_check(),
                spooled,
                start.receipted,
                start.root,
                self.records_lost + (chain.get("lost", 0) if chain else 0),
                chain.get("gave_way", 0) if chain else 0,
            ),
        )

    def _is_of_layout_1(self) -> bool:
        try:
            (version,) = self._old.execute("PRAGMA user_version").fetchone()
        except sqlite3.DatabaseError:
            return False
        return bool(version == 1)

    def _start(self, chain: Row | None, batches: list[Row]) -> _Start | None:
        """Where the chain stands; None where nothing says it. No sound record may lie before."""
        first = next((seq for seq, _, _ in self._sound_records()), None)
        if chain is not None and 0 <= chain["receipted"] < (first or _GREATEST):
            return _Start(chain["receipted"], chain["receipted_root"])
        if batches and (first is None or batches[0]["first_seq"] <= first):
            return _Start(batches[0]["first_seq"] - 1, batches[0]["previous_root"])
        return None

    def _sound_records(self) -> Iterator[tuple[int, Row, AnyRecord]]:
        for row in sound_rows(self._old, "records", "seq", self._loose_records):
            record = self._record(row)
            if record is not None:
                yield row["seq"], row, record

    def _record(self, row: Row) -> AnyRecord | None:
        content = self._opened(record_name(row["seq"]), row)
        try:
            return None if content is None else decode_record(content)
        except ContractError:
            return None

    def _records(self, start: _Start, batches: list[Row], chain: Row | None) -> int:
        """Carry records, lost ones replaced; the last sequence that there is then."""
        if self.place_lost:
            return self._records_from_one()
        last = start.receipted
        for seq, row, record in self._sound_records():
            self._replace(last + 1, seq - 1)
            insert_row(self._new, "records", row)
            self._own(seq, record)
            last = seq
        end: int = max([last, *(row["last_seq"] for row in batches)])
        if chain is not None and end < chain["spooled"] <= end + _MAX_LOST_AT_THE_END:
            end = chain["spooled"]
        self._replace(last + 1, end)
        return end

    def _records_from_one(self) -> int:
        """The same where nothing says how they were numbered.

        Between two sound records all that is missing is lost. Before the first and behind the last
        that can be told of those alone whose rows are there and do not open; what their rows say
        of their sequence is not proven.
        """
        last = unopened = 0
        before: int | None = None
        for row in sound_rows(self._old, "records", "seq", self._loose_records):
            record = self._record(row)
            if record is None:
                unopened += 1
                continue
            lost = unopened if before is None else row["seq"] - before - 1
            self._replace(last + 1, last + lost)
            last += lost + 1
            self._renumber(last, row, record)
            before, unopened = row["seq"], 0
        self._replace(last + 1, last + unopened)
        return last + unopened

    def _replace(self, first_seq: int, last_seq: int) -> None:
        for seq in range(first_seq, last_seq + 1):
            sentence = f"record {seq} of this unit was destroyed by damage to its disk and is lost"
            records.store(self._new, self._vault, self._stand_in(seq, sentence))
            self.records_lost += 1

    def _renumber(self, seq: int, row: Row, record: AnyRecord) -> None:
        sealed = self._vault.seal(
            self._new, record_name(seq), encode_record(msgspec.structs.replace(record, seq=seq))
        )
        insert_row(
            self._new, "records", row | {"seq": seq, "sealed": sealed.blob} | _key_of(sealed)
        )
        self._own(seq, record)

    def _own(self, seq: int, record: AnyRecord) -> None:
        self._new.executemany(
            "INSERT OR IGNORE INTO picture_owners VALUES (?, ?)",
            [(sha256, seq) for sha256, _ in named_by(record)],
        )

    def _batches(self, start: _Start, batches: list[Row]) -> None:
        """Carry the batches that can be sent again as they were; give up the others."""
        last_seq, root = start.receipted, start.root
        for row in batches:
            follows = (row["first_seq"], row["previous_root"]) == (last_seq + 1, root)
            if follows and self._is_whole(row):
                insert_row(self._new, "batches", row)
                last_seq, root = row["last_seq"], row["root"]
            else:
                insert_row(
                    self._new, "given_up", {"last_seq": row["last_seq"], "root": row["root"]}
                )

    def _is_whole(self, batch: Row) -> bool:
        if not _is_as_noted(batch):
            return False
        contents = [
            self._vault.open(record_name(seq), sealed)
            for seq, sealed in records.between(self._new, batch["first_seq"], batch["last_seq"])
        ]
        return bool(contents) and merkle_root(leaf_hashes(contents)).hex() == batch["root"]

    def _pictures(self) -> None:
        for row in sound_rows(self._old, "pictures", "rowid", self._loose_pictures):
            carried = row.get("standing", Standing.HIT_SCENE) >= self._least
            opens = carried and self._opened(picture_name(row["sha256"]), row) is not None
            if opens and self._has_room(row):
                insert_row(self._new, "pictures", row)
        self._new.execute(
            "INSERT INTO picture_owners SELECT sha256, ? FROM pictures"
            " WHERE sha256 NOT IN (SELECT sha256 FROM picture_owners)",
            (_RECEIPTED_READ,),
        )
        self.pictures_lost += self._new.execute(
            "DELETE FROM picture_owners WHERE sha256 NOT IN (SELECT sha256 FROM pictures)"
        ).rowcount

    def _has_room(self, picture: Row) -> bool:
        self._room_bytes -= len(picture["sealed"]) + PAGE_BYTES
        return self._room_bytes >= 0

    def _kept_apart(self) -> None:
        """Reads that rang before their pass ended, and reads that must not leave the unit."""
        carried = CarriedApart(self._new, self._vault)
        provisional = ("provisional", "provisional_pictures")
        carried.provisional(*(sound_rows(self._old, table, "rowid") for table in provisional))
        withheld = ("withheld", "withheld_parts", "withheld_age")
        carried.withheld(*(sound_rows(self._old, table, "rowid") for table in withheld))
        self._copy("withheld_totals", None)
        self.records_lost += carried.records_lost
        self.pictures_lost += carried.pictures_lost

    def _copy(self, table: str, name: Callable[[Row], str] | None) -> None:
        """Copy the rows of a table, those sealed under a name only where they open."""
        for row in sound_rows(self._old, table, "rowid"):
            with suppress(ValueError, TypeError):
                if name is None or self._opened(name(row), row) is not None:
                    insert_row(self._new, table, row)

    def _opened(self, name: str, row: Row) -> bytes | None:
        try:
            return self._vault.open(name, Sealed(row.get("data_key", 1), row["sealed"]))
        except DamagedBlobError:
            return None


def _is_as_noted(batch: Row) -> bool:
    noted = batch.get("digest", "")
    return noted in ("", digest([batch[name] for name in _BATCH_COLUMNS]))


def _key_of(sealed: Sealed) -> Row:
    return {"data_key": sealed.data_key}
