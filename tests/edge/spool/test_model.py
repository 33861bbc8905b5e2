"""The spool against a model that is too simple to be wrong, under random use and crashes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import structs

from edge.contract.batch import GENESIS_ROOT, Batch, Receipt, Refusal, encode_message
from edge.contract.records import AnyRecord, Hit, Read, encode_record, mint_id
from edge.spool.errors import SpoolError
from edge.spool.store import Provisional, Spool
from edge.spool.withheld import Age, Withheld
from tests.edge.spool.samples import (
    AGENCY,
    MOMENT,
    SPOOL_KEY,
    UNIT,
    UNIT_KEY,
    by_digest,
    hit,
    malfunction,
    matched_read,
    picture_bytes,
    read,
    read_and_hit,
    read_with,
    receipt,
    sha256,
)

PICTURES = [picture_bytes(number) for number in range(4)]
DIGESTS = [sha256(content) for content in PICTURES]
RESERVE_BYTES = 2**40
PLENTY_BYTES = 2 * RESERVE_BYTES
PAGE_BYTES = 4096

some_pictures = st.lists(st.sampled_from(PICTURES), max_size=2, unique=True)
some_digests = st.lists(st.sampled_from(DIGESTS), max_size=3, unique=True)


class SpoolMachine(RuleBasedStateMachine):
    """Random use; the model is the list of all records ever added and what was said of them."""

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="spool-"))
        self.generation = 0
        self.free_bytes = PLENTY_BYTES
        self.key = SPOOL_KEY
        self.gave_way = 0
        self.line: dict[str, int] = {}
        self.rung: dict[UUID, Provisional] = {}
        self.kept_until: dict[UUID, float] = {}
        self.kept_pictures: list[tuple[UUID, str]] = []
        self.withheld = 0
        self.age_s = 0.0
        self.records: list[bytes] = []
        self.hits: set[int] = set()
        self.owners: set[tuple[str, int]] = set()
        self.batches: list[Batch] = []
        self.receipts: list[Receipt] = []
        self.receipted = 0
        self.refused: set[int] = set()
        self.spool = self._open()

    def _open(self, former_key: bytes | None = None) -> Spool:
        return Spool.open(
            self.root / str(self.generation),
            self.key,
            agency=AGENCY,
            unit=UNIT,
            former_key=former_key,
            reserve_bytes=RESERVE_BYTES,
            free_bytes=lambda: self.free_bytes,
        )

    @property
    def sealed(self) -> int:
        return self.batches[-1].last_seq if self.batches else 0

    @rule(pictures=some_pictures, kind=st.sampled_from(["read", "matched", "hit", "other"]))
    def add(self, pictures: list[bytes], kind: str) -> None:
        builders: list[Callable[[int], AnyRecord]] = {
            "read": [read_with(*pictures)],
            "matched": [lambda seq: matched_read(seq, pictures=pictures)],
            "hit": read_and_hit(*pictures),
            "other": [malfunction],
        }[kind]
        before = self.spool.counts().gave_way
        added = self.spool.add(builders, by_digest(*(pictures if kind != "other" else ())))
        self._give_way(self.spool.counts().gave_way - before)
        self._note(added, by_digest(*pictures))

    def _note(self, added: Sequence[AnyRecord], contents: Mapping[str, bytes]) -> None:
        for record in added:
            assert record.seq == len(self.records) + 1
            self.records.append(encode_record(record))
            if isinstance(record, Hit):
                self.hits.add(record.seq)
            if isinstance(record, Read):
                for picture in record.pictures:
                    if picture.sha256 in contents:
                        standing = 2 if record.hits else 0
                        last = self.line.get(picture.sha256, 0)
                        self.line[picture.sha256] = max(standing, last)
                        self.owners.add((picture.sha256, record.seq))

    def _give_way(self, number: int) -> None:
        """Pictures give way by their standing, the oldest first, after those that stay here."""
        self.gave_way += number
        staying = min(number, len(self.kept_pictures))
        self.kept_pictures, number = self.kept_pictures[staying:], number - staying
        gone = sorted(self.line, key=lambda digest: self.line[digest])[:number]
        self.owners = {(digest, seq) for digest, seq in self.owners if digest not in gone}
        self._leave_the_line()

    def _leave_the_line(self) -> None:
        left = self._pictures()
        self.line = {digest: one for digest, one in self.line.items() if digest in left}

    @rule(
        pictures=some_pictures,
        kind=st.sampled_from(["read", "matched"]),
        short=st.integers(0, 12),
    )
    def add_when_room_is_short(self, pictures: list[bytes], kind: str, short: int) -> None:
        """Pictures may give way, which the counter says; or nothing is stored and none does."""
        self.free_bytes = RESERVE_BYTES - short * PAGE_BYTES
        with suppress(SpoolError):
            self.add(pictures, kind)
        self.free_bytes = PLENTY_BYTES

    @rule(pictures=some_pictures)
    def add_on_a_full_disk(self, pictures: list[bytes]) -> None:
        self.free_bytes = 0
        with pytest.raises(SpoolError, match="full"):
            self.spool.add([read_with(*pictures)], by_digest(*pictures))
        self.free_bytes = PLENTY_BYTES

    @rule(pictures=some_pictures, minutes=st.integers(-600, 600), fresh=st.integers(0, 2**32))
    def ring(self, pictures: list[bytes], minutes: int, fresh: int) -> None:
        """A pass rings before it ends, whatever the clock says meanwhile."""
        moment = MOMENT + timedelta(minutes=minutes)
        read_id = mint_id(moment, lambda count: fresh.to_bytes(count, "big"))
        provisional = Provisional(
            lambda seq: read(seq, id=read_id, captured_at=moment, pictures=pictures),
            by_digest(*pictures),
        )
        added = self.spool.add([lambda seq: hit(seq, read_id)], {}, provisional=provisional)
        self._note(added, {})
        self.rung[read_id] = provisional

    @precondition(lambda self: self.rung)
    @rule(data=st.data(), pictures=some_pictures)
    def end_what_rang(self, data: st.DataObject, pictures: list[bytes]) -> None:
        read_id = data.draw(st.sampled_from(sorted(self.rung)))
        added = self.spool.add([read_with(*pictures)], by_digest(*pictures), settles=read_id)
        self._note(added, by_digest(*pictures))
        del self.rung[read_id]

    @rule(
        number=st.integers(0, 9),
        pictures=some_pictures,
        provisional=st.booleans(),
        keep_s=st.sampled_from([None, 1.0, 60.0]),
        kind=st.sampled_from(["read", "hit"]),
    )
    def withhold(
        self,
        number: int,
        pictures: list[bytes],
        provisional: bool,
        keep_s: float | None,
        kind: str,
    ) -> None:
        """A read must not leave the unit; one number is one pass, as it rings and as it ends."""
        read_id = mint_id(MOMENT, lambda count: (10**9 + number).to_bytes(count, "big"))
        builders: list[Callable[[int], AnyRecord]] = [
            lambda seq: read(seq, id=read_id, pictures=pictures)
        ]
        builders += [lambda seq: hit(seq, read_id)] * (kind == "hit")
        age = Age(self.age_s, MOMENT)
        self.spool.add(
            (),
            {},
            withheld=[
                Withheld(tuple(builders), by_digest(*pictures), "a", age, keep_s, provisional)
            ],
        )
        self.withheld += read_id not in self.kept_until and not (provisional and keep_s is None)
        if keep_s is not None:
            self.kept_until[read_id] = self.age_s + keep_s
            others = [one for one in self.kept_pictures if one[0] != read_id]
            self.kept_pictures = [*others, *((read_id, one) for one in by_digest(*pictures))]

    @rule(passed_s=st.sampled_from([0.5, 1.0, 30.0, 60.0]))
    def purge_what_is_due(self, passed_s: float) -> None:
        self.age_s += passed_s
        due = {one for one, due_s in self.kept_until.items() if due_s <= self.age_s}
        assert self.spool.purge_withheld(Age(self.age_s, MOMENT)) == len(due)
        self.kept_until = {one: due_s for one, due_s in self.kept_until.items() if one not in due}
        self.kept_pictures = [one for one in self.kept_pictures if one[0] not in due]

    @rule()
    def settle(self) -> None:
        """The daemon starts anew: what rang and never ended is stored as it rang."""
        assert self.spool.settle() == len(self.rung)
        for _, provisional in sorted(self.rung.items()):
            record = structs.replace(provisional.build(1), seq=len(self.records) + 1)
            self._note([record], provisional.pictures)
        self.rung = {}

    @rule(crash=st.booleans())
    def replace_the_key(self, crash: bool) -> None:
        """What a rotation of the spool key does; broken off, the former key is given again."""
        former, self.key = self.key, sha256(self.key).encode()[:32]
        self.spool.close()
        self.spool = self._open(former)
        if crash:
            self.spool.close()
            self.spool = self._open(former)
        with pytest.raises(SpoolError, match="another daemon"):
            self._open(former)

    @rule(pictures=some_pictures)
    def add_what_breaks_midway(self, pictures: list[bytes]) -> None:
        def broken(seq: int) -> AnyRecord:
            raise RuntimeError("broken")

        with pytest.raises(RuntimeError, match="broken"):
            self.spool.add([read_with(*pictures), broken], by_digest(*pictures))

    @rule()
    def seal(self) -> None:
        batch = self.spool.seal(UNIT_KEY)
        if self.sealed == len(self.records):
            assert batch is None
            return
        assert batch is not None
        assert batch.first_seq == self.sealed + 1
        assert batch.previous_root == (self.batches[-1].root if self.batches else GENESIS_ROOT)
        assert [bytes(raw) for raw in batch.records] == self.records[
            batch.first_seq - 1 : batch.last_seq
        ]
        self.batches.append(batch)

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), held=some_digests, missing=some_digests)
    def acknowledge(self, data: st.DataObject, held: list[str], missing: list[str]) -> None:
        """A true receipt for any batch ever sealed, in any order."""
        batch = data.draw(st.sampled_from(self.batches))
        refused = data.draw(st.sets(st.integers(1, batch.last_seq + 1), max_size=2))
        word = receipt(
            batch.last_seq,
            batch.root,
            refused=[Refusal(seq=seq, reason="incomplete", detail="") for seq in sorted(refused)],
            held=held,
            missing=missing,
        )
        self.receipts.append(word)
        self._deliver(word)

    @precondition(lambda self: self.receipts)
    @rule(data=st.data())
    def acknowledge_again(self, data: st.DataObject) -> None:
        self._deliver(data.draw(st.sampled_from(self.receipts)))

    def _deliver(self, word: Receipt) -> None:
        before = self.receipted, set(self.refused), self._pictures()
        self.receipted = max(self.receipted, word.committed_through)
        refused = {
            refusal.seq
            for refusal in word.refused
            if refusal.seq is not None and refusal.seq <= word.committed_through
        }
        self.refused |= refused
        self.hits = {seq for seq in self.hits if seq > self.receipted}
        self.owners = {
            (digest, seq)
            for digest, seq in self.owners
            if seq not in refused
            and not (digest in word.held_pictures and seq <= word.committed_through)
        }
        self._leave_the_line()
        done = self.spool.acknowledge(word)
        assert done.receipted_through == self.receipted
        assert done.records_purged == self.receipted - before[0]
        assert done.refused == len(self.refused) - len(before[1])
        assert done.pictures_purged == len(before[2]) - len(self._pictures())
        assert (done.verdict == "advanced") == (done.records_purged > 0)

    @rule(beyond=st.integers(1, 2**40), held=some_digests)
    def acknowledge_too_much(self, beyond: int, held: list[str]) -> None:
        root = self.batches[-1].root if self.batches else GENESIS_ROOT
        done = self.spool.acknowledge(receipt(self.sealed + beyond, root, held=held))
        assert (done.verdict, done.records_purged, done.pictures_purged) == ("ahead", 0, 0)

    @precondition(lambda self: self.sealed > self.receipted)
    @rule(data=st.data(), held=some_digests)
    def acknowledge_another_chain(self, data: st.DataObject, held: list[str]) -> None:
        through = data.draw(st.integers(self.receipted, self.sealed))
        refused = [Refusal(seq=max(through, 1), reason="incomplete", detail="")]
        done = self.spool.acknowledge(receipt(through, "e" * 64, held=held, refused=refused))
        assert done.verdict == "other_chain"
        assert (done.records_purged, done.pictures_purged, done.refused) == (0, 0, 0)

    @precondition(lambda self: self.hits)
    @rule(data=st.data())
    def mark_hit_sent(self, data: st.DataObject) -> None:
        seq = data.draw(st.sampled_from(sorted(self.hits)))
        self.spool.mark_hit_sent(seq)
        self.hits.discard(seq)

    @rule(crash=st.booleans())
    def restart(self, crash: bool) -> None:
        """Close and open, or go on from the files as a crash would leave them."""
        if crash:
            before = self.root / str(self.generation)
            self.generation += 1
            shutil.copytree(
                before,
                self.root / str(self.generation),
                ignore=shutil.ignore_patterns("*-shm", "*.lock"),
            )
        self.spool.close()
        self.spool = self._open()

    def _pictures(self) -> set[str]:
        return {digest for digest, _ in self.owners}

    @invariant()
    def counts_agree(self) -> None:
        counts = self.spool.counts()
        assert counts.spooled == len(self.records)
        assert counts.receipted == self.receipted
        assert counts.waiting == len(self.records) - self.receipted
        assert counts.refused == len(self.refused)
        assert counts.hits_waiting == len(self.hits)
        assert counts.pictures_waiting == len(self._pictures())
        assert (counts.lost, counts.gave_way) == (0, self.gave_way)
        assert self.spool.salvages == ()

    @invariant()
    def what_is_withheld_agrees(self) -> None:
        held = self.spool.withheld()
        assert held.kept == len(self.kept_until)
        assert sum(held.reads.values()) == self.withheld
        if self.kept_until:
            assert self.spool.withheld_age().age_s <= self.age_s
        with self.spool._reading() as connection:
            (pictures,) = connection.execute(
                "SELECT count(*) FROM withheld_parts WHERE name LIKE 'picture/%'"
            ).fetchone()
        assert pictures == len(self.kept_pictures)

    @invariant()
    def what_waits_agrees(self) -> None:
        waiting = [batch for batch in self.batches if batch.last_seq > self.receipted]
        resent = self.spool.unreceipted_batches(1000)
        assert [encode_message(b) for b in resent] == [encode_message(b) for b in waiting]
        hits = self.spool.waiting_hits(1000)
        assert [(hit.seq, hit.record) for hit in hits] == [
            (seq, self.records[seq - 1]) for seq in sorted(self.hits)
        ]
        due = {digest for digest, seq in self.owners if seq <= self.receipted}
        pictures = self.spool.waiting_pictures(1000)
        assert {picture.sha256: picture.content for picture in pictures} == {
            digest: PICTURES[DIGESTS.index(digest)] for digest in due
        }

    def teardown(self) -> None:
        if hasattr(self, "spool"):
            self.spool.close()
            shutil.rmtree(self.root)


TestSpool = SpoolMachine.TestCase
TestSpool.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
