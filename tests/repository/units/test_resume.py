"""A unit goes on after the repository was set back, with what was lost on record."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, delete, select, update

from edge.contract.batch import Batch, decode_receipt, encode_message, key_id
from edge.spool.store import Spool
from repository.accounts.operator import operator
from repository.ingest.take import Ingest
from repository.ledger import log
from repository.store.checks.invariants import check_invariants
from repository.store.engine import open_engine, reading
from repository.store.tables.fleet import chains
from repository.store.tables.reads import batches, quarantine, reads
from repository.units import findings
from repository.units.enrolment import EnrolmentError
from repository.units.resume import Resumed, resume
from tests.repository.ingest.conftest import NOW, Clock
from tests.repository.people import CommandLine
from tests.repository.sender import AGENCY, Sender

MINUTE = timedelta(minutes=1)


def go_on(engine: Engine, unit: str = "car-12", reason: str = "Restored from a backup") -> Resumed:
    with engine.begin() as connection:
        return resume(
            connection, agency=AGENCY, name=unit, reason=reason, actor=operator(),
            origin="here", now=NOW,
        )  # fmt: skip


def set_back(engine: Engine, through: int, root: str) -> None:
    """As a restore leaves the chain: where it was when the backup was made."""
    with engine.begin() as connection:
        connection.execute(update(chains).values(committed_through=through, chain_root=root))


def kinds(engine: Engine) -> set[str]:
    with reading(engine) as connection:
        return {each.kind for each in findings.list_findings(connection)}


def chain_faults(engine: Engine) -> set[str]:
    """What the check of the database says of chains."""
    with reading(engine) as connection:
        found = {each.check for each in check_invariants(connection)}
    return {each for each in found if each.startswith(("chains", "batches"))}


def test_it_goes_on_from_the_earliest_batch_that_it_signed(
    ingest: Ingest, sender: Sender, engine: Engine, clock: Clock
) -> None:
    first = sender.message(sender.read(NOW))
    ingest.take(sender.topic(), first)
    through, root = sender.seq, sender.previous_root
    ingest.take(sender.topic(), sender.message(sender.read(NOW), sender.read(NOW)))
    set_back(engine, through, root)
    waiting = [sender.message(sender.read(NOW)) for _ in range(2)]
    with pytest.raises(EnrolmentError, match="no batch of it is set aside"):
        go_on(engine)
    for _ in range(2):
        for message in reversed(waiting):
            assert ingest.take(sender.topic(), message).reason == "out_of_chain"
        clock.now += 2 * MINUTE
    assert kinds(engine) == {"sequence_gap"}
    with pytest.raises(EnrolmentError, match="reason"):
        go_on(engine, reason=" ")
    assert go_on(engine) == Resumed(first_lost=2, last_lost=3)
    with engine.begin() as connection:  # as the restore left it
        connection.execute(delete(batches).where(batches.c.first_seq > 1))
    assert chain_faults(engine) == set()
    assert [ingest.take(sender.topic(), each).outcome for each in waiting] == ["committed"] * 2
    assert kinds(engine) == {"records_lost"}
    assert chain_faults(engine) == set()
    with reading(engine) as connection:
        entry = [json.loads(row.body) for row in log.rows(connection)][-1]
    assert entry["action"] == "unit.resume"
    assert (entry["request"]["first_lost"], entry["request"]["last_lost"]) == (2, 3)
    with pytest.raises(EnrolmentError, match="no batch of it is set aside"):
        go_on(engine)
    with pytest.raises(EnrolmentError, match="not enrolled, or revoked"):
        go_on(engine, unit="car-13")


def test_a_batch_that_another_key_signed_moves_no_chain(
    ingest: Ingest, sender: Sender, engine: Engine, clock: Clock
) -> None:
    forger = Sender(seq=10, previous_root="ab" * 32)
    sealed = forger.seal(forger.read(NOW))
    claimed = msgspec.structs.replace(sealed, key=key_id(sender.key.public_key()))
    for batch in (sealed, claimed):
        for _ in range(2):
            assert ingest.take(sender.topic(), encode_message(batch)).outcome == "refused"
            clock.now += 2 * MINUTE
    with engine.begin() as connection:  # though somebody writes into the database
        assert connection.execute(update(quarantine).values(reason="out_of_chain")).rowcount == 2
    with pytest.raises(EnrolmentError, match="no batch of it is set aside"):
        go_on(engine)


class Unit:
    """A unit's own spool, which believes and purges as it does in a car."""

    def __init__(self, folder: Path, sender: Sender) -> None:
        self.sender = sender
        self.spool = Spool.open(folder, bytes(32), agency=sender.agency, unit=sender.unit)

    def see(self) -> str:
        (added,) = self.spool.add([lambda seq: self._read(seq)], {})
        return str(added.id)

    def _read(self, seq: int) -> object:
        self.sender.seq = seq - 1
        return self.sender.read(datetime.now(UTC))

    def send(self, ingest: Ingest) -> str:
        waiting = self.spool.unreceipted_batches(1)
        batch: Batch | None = waiting[0] if waiting else self.spool.seal(self.sender.key)
        assert batch is not None
        taken = ingest.take(self.sender.topic(), encode_message(batch))
        assert taken.reply is not None
        self.spool.acknowledge(decode_receipt(taken.reply.payload))
        return taken.outcome


def test_a_unit_s_own_spool_goes_on_after_a_restore(
    tmp_path: Path, migrated_sqlite: Path, ingest_on: Callable[[Engine], Ingest], clock: Clock
) -> None:
    clock.now = datetime.now(UTC)
    file = tmp_path / "repository.sqlite"
    shutil.copy(migrated_sqlite, file)
    engine = open_engine(f"sqlite:///{file}")
    sender = Sender()
    sender.enrol(engine, clock())
    unit = Unit(tmp_path / "spool", sender)
    seen = [unit.see()]
    assert unit.send(ingest_on(engine)) == "committed"
    engine.dispose()
    shutil.copy(file, tmp_path / "backup.sqlite")
    engine = open_engine(f"sqlite:///{file}")
    lost = unit.see()
    assert unit.send(ingest_on(engine)) == "committed"
    engine.dispose()
    shutil.copy(tmp_path / "backup.sqlite", file)
    engine = open_engine(f"sqlite:///{file}")
    ingest = ingest_on(engine)
    seen.append(unit.see())
    for _ in range(2):
        assert unit.send(ingest) == "refused"
        clock.now += 2 * MINUTE
    assert unit.spool.counts().waiting == 1
    assert go_on(engine) == Resumed(2, 2)
    assert unit.send(ingest) == "committed"
    assert unit.spool.counts().waiting == 0
    with reading(engine) as connection:
        stored = {str(each) for each in connection.scalars(select(reads.c.read_id))}
    assert stored == set(seen)
    assert lost not in stored
    unit.spool.close()
    engine.dispose()


def test_the_command_says_why_it_cannot(command_line: CommandLine) -> None:
    said = command_line.refused(
        "units", "resume", "--agency=salem-pd", "--unit=car-1", "--reason=Restored"
    )
    assert "unit salem-pd/car-1: not enrolled, or revoked" in said
    with reading(command_line.engine) as connection:
        (*_, last) = log.rows(connection)
    assert (last.action, json.loads(last.body)["outcome"]) == ("unit.resume", "refused")
