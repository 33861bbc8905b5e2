"""A unit whose disk fails beside the real ingest: every read is stored once or said to be lost."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from edge.contract import records as r
from edge.contract.batch import Batch, decode_receipt, encode_message
from edge.contract.plates import load_confusables
from edge.spool.store import Spool
from repository.ingest.aside import Bounds
from repository.ingest.take import Ingest
from repository.retention.duties import Duties
from repository.retention.rules import shipped_rule
from repository.store.engine import open_engine, reading
from repository.store.tables.reads import quarantine, reads, unit_records
from tests.repository.picture_files import pictures_in
from tests.repository.sender import Sender

KEY = bytes(32)


class Unit:
    """A spool and the way from it to the repository, without a broker between."""

    def __init__(self, folder: Path, ingest: Ingest) -> None:
        self.folder = folder
        self.seen: list[str] = []
        self._ingest = ingest
        self._sender = Sender()
        self._sender.enrol(ingest.engine, datetime.now(UTC))
        self.open()

    def open(self) -> None:
        self.spool = Spool.open(
            self.folder / "spool", KEY, agency=self._sender.agency, unit=self._sender.unit
        )

    def see(self, number: int) -> None:
        for _ in range(number):
            (added,) = self.spool.add([self._read], {})
            self.seen.append(str(added.id))

    def send(self, *, delivered: bool = True) -> bool:
        """Send the first batch that waits; false if there is none."""
        waiting = self.spool.unreceipted_batches(1)
        batch = waiting[0] if waiting else self.spool.seal(self._sender.key)
        if batch is None:
            return False
        self.offer(batch, delivered=delivered)
        return True

    def offer(self, batch: Batch, *, delivered: bool = True) -> str | None:
        """Send this batch; gives why it was refused, None if it was not."""
        reply = self._ingest.take(self._sender.topic(), encode_message(batch)).reply
        assert reply is not None
        receipt = decode_receipt(reply.payload)
        if delivered:
            self.spool.acknowledge(receipt)
        return next((one.reason for one in receipt.refused if one.seq is None), None)

    def drain(self) -> None:
        for _ in range(10):
            if not self.send():
                return
        raise AssertionError("the spool does not empty")

    def change(self, statement: str) -> None:
        self.spool.close()
        connection = sqlite3.connect(self.folder / "spool" / "spool.sqlite")
        with connection:
            connection.execute(statement)
        connection.close()
        self.open()

    def stored(self) -> list[str]:
        with reading(self._ingest.engine) as connection:
            return [str(one) for one in connection.scalars(select(reads.c.read_id))]

    def malfunctions(self) -> list[str]:
        with reading(self._ingest.engine) as connection:
            found = connection.scalars(select(unit_records.c.record))
            return [msgspec.json.decode(record)["description"] for record in found]

    def refusals(self) -> list[str | None]:
        with reading(self._ingest.engine) as connection:
            return list(connection.scalars(select(quarantine.c.reason)))

    def _read(self, seq: int) -> r.AnyRecord:
        return msgspec.structs.replace(self._sender.read(datetime.now(UTC)), seq=seq)


@pytest.fixture
def unit(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Unit]:
    shutil.copy(migrated_sqlite, tmp_path / "repository.sqlite")
    engine = open_engine(f"sqlite:///{tmp_path / 'repository.sqlite'}")
    ingest = Ingest(
        engine,
        pictures_in(tmp_path / "pictures", KEY),
        Ed25519PrivateKey.generate(),
        lambda connection: Duties.load(connection, shipped_rule("massachusetts"), shipped_rule),
        load_confusables().fold,
        lambda: datetime.now(UTC),
        Bounds(bytes_per_day=1024 * 1024, rows_per_day=1000),
    )
    made = Unit(tmp_path, ingest)
    yield made
    made.spool.close()
    engine.dispose()


def test_a_record_lost_before_its_batch_came_is_reported_in_its_place(unit: Unit) -> None:
    unit.see(5)
    unit.spool.seal(unit._sender.key)
    unit.change("DELETE FROM records WHERE seq = 3")
    unit.drain()
    assert sorted(unit.stored()) == sorted(unit.seen[:2] + unit.seen[3:])
    assert unit.malfunctions() == [
        "record 3 of this unit was destroyed by damage to its disk and is lost"
    ]
    assert unit.refusals() == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM records WHERE seq = 3",
        "DELETE FROM batches",
        "UPDATE batches SET root = previous_root",
    ],
)
def test_what_the_repository_had_taken_before_the_damage_was_never_lost(
    unit: Unit, statement: str
) -> None:
    unit.see(5)
    unit.send(delivered=False)
    unit.change(statement)
    unit.see(2)
    unit.drain()
    assert sorted(unit.stored()) == sorted(unit.seen)
    assert unit.malfunctions() == []
    assert unit.spool.counts().waiting == 0
    assert unit.refusals() == ["out_of_chain"]  # what was sealed anew; no record came twice


def test_a_disk_that_went_back_in_time_costs_nothing_that_is_stored_and_blocks_nothing(
    unit: Unit, tmp_path: Path
) -> None:
    unit.see(3)
    unit.drain()
    unit.spool.close()
    shutil.copytree(tmp_path / "spool", tmp_path / "older")
    unit.open()
    unit.see(4)
    unit.drain()
    unit.spool.close()
    shutil.rmtree(tmp_path / "spool")
    shutil.copytree(tmp_path / "older", tmp_path / "spool")
    unit.open()
    unit.see(2)
    unit.drain()
    assert sorted(unit.stored()) == sorted(unit.seen)
    assert unit.spool.counts().receipted == 9
    assert "numbered behind them" in unit.spool.salvages[0].sentence


def test_with_the_whole_spool_gone_the_unit_takes_up_its_chain(unit: Unit, tmp_path: Path) -> None:
    unit.see(3)
    unit.drain()
    unit.see(2)
    unit.spool.close()
    for path in (tmp_path / "spool").glob("spool.*"):
        if path.name != "spool.lock":
            path.write_bytes(b"\xff" * 4096)
    (tmp_path / "spool" / "spool.salvaged").unlink(missing_ok=True)
    unit.open()
    del unit.seen[3:]
    unit.see(2)
    unit.drain()
    assert sorted(unit.stored()) == sorted(unit.seen)


def test_what_another_signing_key_sealed_is_sealed_anew_and_stored_once(unit: Unit) -> None:
    wrong, right = Ed25519PrivateKey.generate(), unit._sender.key
    unit.see(2)
    unit.drain()
    unit.see(3)
    refused = unit.spool.seal(wrong)
    unit.see(2)
    unit.spool.seal(wrong)
    assert refused is not None
    assert unit.offer(refused) == "bad_signature"
    # As long as the wrong key is in use, sealing anew would change nothing.
    assert not unit.spool.give_up_refused(refused.first_seq, wrong.public_key())
    assert unit.spool.sealed_otherwise(right.public_key())
    assert unit.spool.give_up_refused(refused.first_seq, right.public_key())
    assert not unit.spool.sealed_otherwise(right.public_key())
    unit.drain()
    assert sorted(unit.stored()) == sorted(unit.seen)
    assert unit.spool.counts().waiting == 0
    assert unit.offer(refused) == "bad_signature"  # an old copy that comes late changes nothing
    assert (unit.spool.counts().receipted, len(unit.stored())) == (7, 7)


def test_a_batch_that_was_taken_after_all_is_not_stored_twice(unit: Unit) -> None:
    unit.see(3)
    unit.send(delivered=False)
    (sealed,) = unit.spool.unreceipted_batches(1)
    # The unit was given another key meanwhile, and is told of a refusal that was none.
    unit.spool.give_up_refused(sealed.first_seq, Ed25519PrivateKey.generate().public_key())
    unit.see(2)
    unit.drain()
    assert sorted(unit.stored()) == sorted(unit.seen)
    assert unit.spool.counts().waiting == 0
