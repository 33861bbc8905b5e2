"""Damage, forgetful disks and lost receipts at random, against a repository that is simple.

The model says what may come to pass: every record that was added is at the repository once, or
was said to be lost, or was added after the moment to which the disk went back. Whatever happens,
no data key is destroyed under which something still lies, and no withheld read is kept beyond its
time.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge.contract.batch import (
    GENESIS_ROOT,
    Batch,
    Receipt,
    Refusal,
    RefusalReason,
    verify_batch_root,
    verify_batch_signature,
)
from edge.contract.records import AnyRecord, Malfunction, decode_record, mint_id
from edge.spool.store import Provisional, Spool
from edge.spool.withheld import Age, Withheld
from edge.uplink.withholding import Ageing
from tests.edge.spool.samples import (
    AGENCY,
    MOMENT,
    SPOOL_KEY,
    UNIT,
    UNIT_KEY,
    by_digest,
    picture_bytes,
    read,
    receipt,
    wanting_data_keys,
)

PAGE_BYTES = 4096
DAMAGES = {
    "record gone": "DELETE FROM records WHERE seq = (SELECT {end}(seq) FROM records)",
    "record altered": "UPDATE records SET sealed = zeroblob(90)"
    " WHERE seq = (SELECT {end}(seq) FROM records)",
    "batch gone": "DELETE FROM batches WHERE first_seq = (SELECT {end}(first_seq) FROM batches)",
    "batch altered": "UPDATE batches SET root = previous_root"
    " WHERE first_seq = (SELECT {end}(first_seq) FROM batches)",
    "chain gone": "DELETE FROM chain",
    "key check altered": "UPDATE chain SET key_check = zeroblob(28)"
    " WHERE EXISTS (SELECT 1 FROM data_keys)",
    "data key gone": "DELETE FROM data_keys WHERE number = (SELECT {end}(number) FROM data_keys)",
    "names key gone": "DELETE FROM data_keys_again WHERE number = 0",
    "names key gone too": "DELETE FROM data_keys WHERE number = 0",
    "provisional altered": "UPDATE provisional SET sealed = zeroblob(90)"
    " WHERE rowid = (SELECT {end}(rowid) FROM provisional)",
    "withheld altered": "UPDATE withheld SET sealed = zeroblob(90)"
    " WHERE rowid = (SELECT {end}(rowid) FROM withheld)",
    "part altered": "UPDATE withheld_parts SET sealed = zeroblob(90)"
    " WHERE rowid = (SELECT {end}(rowid) FROM withheld_parts)",
    "age gone": "DELETE FROM withheld_age",
    "picture altered": "UPDATE pictures SET sealed = zeroblob(90)"
    " WHERE rowid = (SELECT {end}(rowid) FROM pictures)",
}


class Repository:
    """Takes batches as ingest does: one chain, a record by its id once."""

    def __init__(self) -> None:
        self.records: dict[UUID, bytes] = {}
        self.batches: dict[int, Batch] = {}
        self.through = 0
        self.root = GENESIS_ROOT

    def take(self, batch: Batch) -> Receipt:
        verify_batch_signature(batch, UNIT_KEY.public_key())
        verify_batch_root(batch)
        if batch.last_seq <= self.through and self.batches.get(batch.first_seq) == batch:
            return self._receipt([])
        if (batch.first_seq, batch.previous_root) != (self.through + 1, self.root):
            return self._receipt([self._refusal(None, "out_of_chain")])
        refused = []
        for seq, raw in enumerate(batch.records, batch.first_seq):
            record = decode_record(bytes(raw))
            assert record.seq == seq
            if self.records.setdefault(record.id, bytes(raw)) != bytes(raw):
                refused.append(self._refusal(seq, "malformed"))
        self.batches[batch.first_seq] = batch
        self.through, self.root = batch.last_seq, batch.root
        return self._receipt(refused)

    def _refusal(self, seq: int | None, reason: RefusalReason) -> Refusal:
        return Refusal(seq=seq, reason=reason, detail="")

    def _receipt(self, refused: list[Refusal]) -> Receipt:
        return receipt(self.through, self.root, refused=refused)


class DamageMachine(RuleBasedStateMachine):
    """A unit whose disk does anything, and a repository that is sound."""

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="spool-"))
        self.folder = self.root / "spool"
        self.repository = Repository()
        self.receipts: list[Receipt] = []
        self.added: list[UUID] = []
        self.remembered: int | None = None
        self.forgotten: set[UUID] = set()
        self.lost = 0
        self.now_s = 0.0
        self.kept_until_s: list[float] = []
        self.ringing: set[UUID] = set()
        self._open()

    def _open(self) -> None:
        self.spool = Spool.open(
            self.folder, SPOOL_KEY, agency=AGENCY, unit=UNIT, reserve_bytes=0, keep_damaged=1
        )
        self.spool.settle()
        self.ringing = set()
        self.ageing = Ageing(self.spool.withheld_age(), self.now_s)

    def _close(self) -> None:
        self.lost += sum(said.records_lost for said in self.spool.salvages)
        self.spool.close()

    @rule(number=st.integers(1, 4), pictured=st.booleans())
    def add(self, number: int, pictured: bool) -> None:
        pictures = [picture_bytes(len(self.added))] if pictured else []

        def build(seq: int) -> AnyRecord:
            made = mint_id(MOMENT, lambda count: (10**6 + len(self.added)).to_bytes(count, "big"))
            self.added.append(made)
            return read(seq, id=made, pictures=pictures)

        self.spool.add([build] * number, by_digest(*pictures))

    @rule(ended=st.booleans())
    def ring(self, ended: bool) -> None:
        """A pass rings; it ends, or the next start takes it over."""
        made = mint_id(MOMENT, lambda count: (10**6 + len(self.added)).to_bytes(count, "big"))
        self.added.append(made)

        def build(seq: int) -> AnyRecord:
            return read(seq, id=made)

        self.spool.add((), {}, provisional=Provisional(build, {}))
        if ended:
            self.spool.add([build], {}, settles=made)
        else:
            self.ringing.add(made)

    @rule(number=st.integers(0, 9), keep_s=st.sampled_from([5.0, 50.0]))
    def withhold(self, number: int, keep_s: float) -> None:
        read_id = mint_id(MOMENT, lambda count: bytes([number]) * count)
        kept = Withheld((lambda _: read(1, id=read_id),), {}, "a", self._age(), keep_s)
        self.spool.add((), {}, withheld=[kept])
        self.kept_until_s.append(self.now_s + keep_s)

    @rule(passed_s=st.sampled_from([1.0, 10.0]))
    def purge_what_is_due(self, passed_s: float) -> None:
        self.now_s += passed_s
        self.spool.purge_withheld(self._age())
        in_time = sum(due_s > self.now_s for due_s in self.kept_until_s)
        assert self.spool.withheld().kept <= in_time

    def _age(self) -> Age:
        return self.ageing.at(self.now_s, MOMENT + timedelta(seconds=self.now_s))

    @rule(delivered=st.booleans())
    def send(self, delivered: bool) -> None:
        """The first batch goes up; its receipt comes now, later or never."""
        waiting = self.spool.unreceipted_batches(1)
        batch = waiting[0] if waiting else self.spool.seal(UNIT_KEY)
        if batch is None:
            return
        self.receipts.append(self.repository.take(batch))
        if delivered:
            self.spool.acknowledge(self.receipts[-1])

    @rule()
    def seal(self) -> None:
        self.spool.seal(UNIT_KEY)

    @precondition(lambda self: self.receipts)
    @rule(data=st.data())
    def deliver_late(self, data: st.DataObject) -> None:
        before = self.spool.counts()
        late = data.draw(st.sampled_from(self.receipts))
        self.spool.acknowledge(late)
        assert self.spool.counts().receipted <= max(before.receipted, self.repository.through)

    @rule(
        kind=st.sampled_from(sorted(DAMAGES)),
        end=st.sampled_from(["min", "avg", "max"]),
        running=st.booleans(),
    )
    def damage(self, kind: str, end: str, running: bool) -> None:
        if not running:
            self._close()
        connection = sqlite3.connect(self.folder / "spool.sqlite")
        with connection:
            connection.execute(DAMAGES[kind].format(end=end))
        connection.close()
        if running:
            self._close()
        self._open()

    @rule(seed=st.integers(0, 2**16))
    def spoil_a_page(self, seed: int) -> None:
        self._close()
        rng = random.Random(seed)
        path = self.folder / "spool.sqlite"
        with path.open("r+b") as file:
            file.seek(rng.randrange(path.stat().st_size // PAGE_BYTES) * PAGE_BYTES)
            file.write(rng.randbytes(PAGE_BYTES))
        # Of a provisional read whose row cannot be read nothing says that it was there.
        self.forgotten |= self.ringing
        self._open()

    @rule()
    def remember(self) -> None:
        """The state to which the disk may go back."""
        shutil.rmtree(self.root / "older", ignore_errors=True)
        self._close()
        shutil.copytree(self.folder, self.root / "older")
        self.remembered = len(self.added)
        self._open()

    @precondition(lambda self: self.remembered is not None)
    @rule()
    def forget(self) -> None:
        """The disk held nothing of what was written since, synced or not."""
        self._close()
        shutil.rmtree(self.folder)
        shutil.copytree(self.root / "older", self.folder)
        self.forgotten |= set(self.added[self.remembered :])
        self._open()

    @rule()
    def restart(self) -> None:
        self._close()
        self._open()

    @invariant()
    def every_data_key_in_use_is_there(self) -> None:
        with self.spool._reading() as connection:
            assert wanting_data_keys(connection) == set()

    def teardown(self) -> None:
        if not hasattr(self, "spool"):
            return
        self.restart()
        for _ in range(len(self.added) + 20):
            if not self.spool.counts().waiting:
                break
            self.send(delivered=True)
        assert self.spool.counts().waiting == 0
        self.purge_what_is_due(50.0)
        self._close()
        missing = set(self.added) - set(self.repository.records) - self.forgotten
        assert len(missing) <= self.lost
        said = [
            record
            for record in map(decode_record, self.repository.records.values())
            if isinstance(record, Malfunction)
        ]
        assert all("destroyed by damage to its disk" in record.description for record in said)
        shutil.rmtree(self.root)


TestDamage = DamageMachine.TestCase
TestDamage.settings = settings(max_examples=8, stateful_step_count=14, deadline=None)
