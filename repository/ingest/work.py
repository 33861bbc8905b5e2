"""Messages of any number of units in one transaction: each judged, then all of it written at once.

What a message brings is decided against the unit's chain as the messages before it leave it, and
written only when all are decided. What is refused is rare, and written as it is met.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from edge.contract.batch import HitNotice, Refusal, UnitStatus
from edge.contract.records import Disposition, Hit
from repository.ingest import answers, aside, chain, fleet, ownclock, rows, verify
from repository.ingest.answers import Said
from repository.ingest.arrived import Arrived
from repository.ingest.aside import Bounds
from repository.ingest.chain import UnitName
from repository.ingest.fleet import Windows
from repository.ingest.read_facts import ReadFacts
from repository.ingest.status import write_status
from repository.ingest.verdicts import (
    Judgement,
    Kept,
    OpenBatch,
    Refused,
    RefusedRecord,
    UnitState,
    Window,
)
from repository.ingest.verify import FINDING_OF
from repository.retention import holds
from repository.store import plates
from repository.store.bulk import Rows, insert_many
from repository.store.partitions import ensure_days
from repository.store.tables.reads import batches, hits, pictures, reads, unit_records
from repository.units.findings import raise_finding, settle_finding

SLIGHTLY_AHEAD = timedelta(minutes=5)
"""A read from so far ahead of the repository's clock is kept, and shown to the administrator."""


@dataclass
class _Unit:
    """A unit in this transaction; ``seen`` has the bytes of its records by their ids as numbers."""

    state: UnitState
    window: Window
    seen: dict[int, bytes] = field(default_factory=dict)
    moved: bool = False

    def keep(self, kept: Sequence[Kept]) -> None:
        """Note what is kept of the unit."""
        captured = max([one.record.captured_at for one in kept], default=fleet.NEVER)
        through = max(captured, self.state.captured_through or fleet.NEVER)
        self.state = replace(self.state, captured_through=through)
        self.moved = True


@dataclass(frozen=True, slots=True)
class _Taken:
    """A batch that is new, and what of it is kept; ``met`` if any record was stored before."""

    unit: _Unit
    opened: OpenBatch
    judgement: Judgement
    message: str
    met: bool


@dataclass
class Work:
    """The decisions of one transaction, and what they come to."""

    connection: Connection
    units: Mapping[UnitName, UnitState]
    busy: Collection[UnitName]
    windows: Windows
    fold: rows.Fold
    bounds: Bounds
    now: datetime
    doubt: ownclock.Doubt | None
    _known: dict[UnitName, _Unit] = field(default_factory=dict)
    _batches: list[_Taken] = field(default_factory=list)
    _notices: list[tuple[_Unit, Kept]] = field(default_factory=list)
    _findings: dict[tuple[str, int], str] = field(default_factory=dict)
    _reads: Rows = field(default_factory=lambda: Rows(rows.READ_COLUMNS))
    _pictures: Rows = field(default_factory=lambda: Rows(rows.PICTURE_COLUMNS))
    _hits: list[rows.Row] = field(default_factory=list)
    _others: list[rows.Row] = field(default_factory=list)

    def judge(self, arrived: Arrived, *, overdue: bool) -> Callable[[], Said]:
        """Decide on a message; what comes back says what became of it once all is written.

        ``overdue``: what a batch that is ahead of its chain follows has been waited for. What is
        of a unit that another process has in hand is for later, too.
        """
        unit: _Unit | None = None
        if arrived.place is not None and (arrived.place.agency, arrived.place.unit) in self.busy:
            return lambda: Said("ahead", None)
        try:
            if arrived.place is not None:
                unit = self._unit((arrived.place.agency, arrived.place.unit))
            if isinstance(arrived.content, Refused):
                raise arrived.content
            unit = self._require(unit)
            match arrived.content:
                case OpenBatch() as opened:
                    return self._judge_batch(unit, opened, arrived, overdue)
                case HitNotice() as notice:
                    return self._judge_hit(unit, notice)
                case UnitStatus() as status:
                    write_status(
                        self.connection, unit.state, status, self.now, fresh=not arrived.retained
                    )
                    return lambda: Said("committed", unit.state)
            raise TypeError(f"a {type(arrived.content).__name__} is taken elsewhere")
        except Refused as refused:
            return self._refuse(arrived, unit, refused)

    def write(self) -> None:
        """Write all that was decided, save for what :meth:`finish` does."""
        for taken in self._batches:
            self._add_rows(taken.unit.state, taken)
        for unit, hit in self._notices:
            if isinstance(hit.record, Hit):
                self._hits.append(rows.hit_row(unit.state, hit.record, hit.data, self.now))
        moments = self._reads.column("captured_at")
        ensure_days(self.connection, {moment.date() for moment in moments})
        all_new = not any(taken.met for taken in self._batches)
        insert_many(self.connection, reads, self._reads, all_new=all_new)
        insert_many(self.connection, pictures, self._pictures, all_new=all_new)
        insert_many(self.connection, hits, Rows.of(self._hits))
        insert_many(self.connection, unit_records, Rows.of(self._others))
        self._write_batches()
        moved = [unit.state for unit in self._known.values() if unit.moved]
        fleet.write_chains(self.connection, moved, self.now)
        brought_by = {taken.unit.state.unit_id for taken in self._batches}
        if moments and holds.any_stand(self.connection, min(moments), max(moments), brought_by):
            holds.catch(self.connection, self._reads.mappings())
        if self.doubt == "ahead" and any(
            ownclock.agrees(taken.judgement.kept, self.now) for taken in self._batches
        ):
            ownclock.trust(self.connection, self.now, "a unit's clock agrees with it")
        for (kind, unit_id), detail in sorted(self._findings.items()):
            raise_finding(self.connection, kind, unit_id, detail, self.now)

    def finish(self) -> None:
        """Write what other processes wait for until this transaction ends: the last thing in it.

        They wait to add a plate that is added here, and for their turn at the ledger.
        """
        of_hits = [row["plate"] for row in self._hits]
        plates.remember(self.connection, {*self._reads.column("plate"), *of_hits})
        acted_on = [row for row in self._others if row["type"] == Disposition.__struct_config__.tag]
        for unit_id, said in _by_unit(acted_on).items():
            agency_id = said[0]["agency_id"]
            holds.preserve_acted_on(self.connection, unit_id, agency_id, said, self.now)

    def _unit(self, name: UnitName) -> _Unit | None:
        state = self.units.get(name)
        if state is None:
            return None
        if name not in self._known:
            self._known[name] = _Unit(state, self.windows.of(state.agency_id))
        return self._known[name]

    def _require(self, unit: _Unit | None) -> _Unit:
        if unit is None:
            raise Refused("unknown_unit", "unit: not enrolled with this agency")
        verify.require_enrolled(unit.state)
        return unit

    def _judge_batch(
        self, unit: _Unit, opened: OpenBatch, arrived: Arrived, overdue: bool
    ) -> Callable[[], Said]:
        state, batch = unit.state, opened.batch
        root = None
        if batch.first_seq <= state.committed_through:
            root = self._committed_root(unit, batch.first_seq)
        standing = chain.standing(batch, state, root)
        if standing == "ahead" and not overdue:
            return lambda: Said("ahead", unit.state)  # looked at when what it follows has come
        verify.check_seal(opened, state)
        match standing:
            case "known":
                return lambda: answers.again(self.connection, unit.state, opened)
            case "ahead":
                self._refuse_ahead(unit, opened)
            case "forked":
                raise Refused(
                    "out_of_chain",
                    f"records {batch.first_seq} to {batch.last_seq} are not those that follow "
                    f"record {state.committed_through}: the unit's disk was set back, or two "
                    "units send with one key",
                    finding="forked_chain",
                )
        if self.doubt and verify.is_outside(opened.records, unit.window):
            raise self._doubted()
        met = self._meet_stored(unit, opened.records)
        judgement = verify.judge(opened.records, unit.seen, unit.window)
        self._make_room(unit, judgement)
        unit.keep(judgement.kept)
        unit.state = replace(
            unit.state,
            committed_through=batch.last_seq,
            chain_root=batch.root,
            ahead_since=None,
        )
        if state.ahead_since is not None:
            self._settle_gap(state)
        self._look_at_times(unit, judgement)
        taken = _Taken(unit, opened, judgement, arrived.digest, met)
        self._batches.append(taken)
        aside.set_records_aside(self.connection, state, arrived.topic, judgement.refused, self.now)
        return lambda: answers.of_new(
            self.connection, unit.state, opened, judgement, self.now, met=met
        )

    def _judge_hit(self, unit: _Unit, notice: HitNotice) -> Callable[[], Said]:
        # A notice is refused for its time alone as a batch is: its record comes again in one.
        hit = verify.check_hit(notice, unit.state, unit.window)
        self._meet_stored(unit, [hit])
        stored = unit.seen.get(hit.record.id.int)
        if stored is None:
            unit.seen[hit.record.id.int] = hit.data
            unit.keep([hit])
            self._notices.append((unit, hit))
            return lambda: Said("committed", unit.state, records_kept=1)
        if stored != hit.data:
            raise Refused("malformed", "id: another record of the unit has it")
        return lambda: Said("duplicate", unit.state)

    def _committed_root(self, unit: _Unit, first_seq: int) -> str | None:
        for taken in self._batches:
            if taken.unit is unit and taken.opened.batch.first_seq == first_seq:
                return taken.opened.batch.root
        return fleet.committed_root(self.connection, unit.state.unit_id, first_seq)

    def _meet_stored(self, unit: _Unit, records: Sequence[Kept | RefusedRecord]) -> bool:
        """Note what is stored under the ids of these records; whether anything is.

        An id holds the millisecond of its capture: where all of them are from after whatever is
        stored of the unit, nothing need be asked.
        """
        captured = [one.record.captured_at for one in records if isinstance(one, Kept)]
        if not captured:
            return False
        if unit.state.captured_through is None:
            latest = fleet.latest_capture(self.connection, unit.state.unit_id)
            unit.state = replace(unit.state, captured_through=latest)
        through = unit.state.captured_through
        if through is not None and fleet.floor_ms(min(captured)) > through:
            return False
        stored = fleet.stored_records(self.connection, unit.state.unit_id, records)
        unit.seen.update(stored)
        return bool(stored)

    def _refuse_ahead(self, unit: _Unit, opened: OpenBatch) -> None:
        """Have the unit send it again; where that has been so for long, say that there is a gap."""
        state, first = unit.state, opened.batch.first_seq
        since = state.ahead_since or self.now
        unit.state = replace(state, ahead_since=since)
        unit.moved = True
        detail = f"first_seq: {first}, expected {state.committed_through + 1}"
        if self.now - since < chain.GAP_AFTER:
            raise Refused("out_of_chain", detail, aside=False)
        raise Refused(
            "out_of_chain",
            f"{detail}: what lies between does not come; the unit lost it, or the repository did, "
            "as after a restore from a backup",
            finding="sequence_gap",
        )

    def _settle_gap(self, state: UnitState) -> None:
        settle_finding(
            self.connection, "sequence_gap", state.unit_id, "what was missing has come", self.now
        )

    def _make_room(self, unit: _Unit, judgement: Judgement) -> None:
        number = len(judgement.refused)
        limit = self.bounds.rows_per_day
        if not aside.make_room(self.connection, unit.state, number, self.now, limit):
            first = judgement.refused[0]
            raise Refused(
                first.reason,
                f"{number} records are refused (record {first.seq}: {first.detail}), and the "
                "repository sets no more of them aside today",
                aside=False,
                finding="quarantine_full",
            )

    def _look_at_times(self, unit: _Unit, judgement: Judgement) -> None:
        unit_id = unit.state.unit_id
        for refused in judgement.refused:
            kind = FINDING_OF.get(refused.reason)
            if kind is not None:
                self._findings[kind, unit_id] = f"record {refused.seq} refused: {refused.detail}"
        ahead = self.now + SLIGHTLY_AHEAD
        if (unit.state.captured_through or self.now) <= ahead:
            return
        for one in judgement.kept:
            if one.record.captured_at > ahead:
                detail = (
                    f"record {one.record.seq} was captured "
                    f"{one.record.captured_at - self.now} after the repository received it; kept"
                )
                self._findings.setdefault(("future_reads", unit_id), detail)

    def _doubted(self) -> Refused:
        seems = "in the future" if self.doubt == "behind" else "too old"
        return Refused(
            "in_future" if self.doubt == "behind" else "too_old",
            f"captured_at: seems {seems}, but the repository's own clock is in doubt; send again",
            aside=False,
        )

    def _add_rows(self, unit: UnitState, taken: _Taken) -> None:
        first_seq = taken.opened.batch.first_seq
        for one in taken.judgement.kept:
            record = one.record
            if isinstance(record, ReadFacts):
                self._reads.values.append(
                    rows.read_row(unit, record, one.data, first_seq, self.fold, self.now)
                )
                if record.pictures:
                    self._pictures.values.extend(rows.picture_rows(unit, record))
            elif isinstance(record, Hit):
                self._hits.append(rows.hit_row(unit, record, one.data, self.now))
            else:
                self._others.append(rows.other_row(unit, one, self.now))

    def _write_batches(self) -> None:
        if self._batches:
            new = [
                rows.batch_row(
                    taken.unit.state,
                    taken.opened.batch,
                    b"".join(taken.opened.digests),
                    taken.message,
                    taken.judgement.kept,
                    self.now,
                )
                for taken in self._batches
            ]
            self.connection.execute(batches.insert(), new)

    def _refuse(self, arrived: Arrived, unit: _Unit | None, refused: Refused) -> Callable[[], Said]:
        state = unit.state if unit else None
        if self.doubt and refused.reason in FINDING_OF:
            refused = self._doubted()
        if refused.finding is not None and state is not None:
            self._findings[refused.finding, state.unit_id] = refused.detail
        if refused.aside:
            aside.refuse_message(
                self.connection, arrived, state, refused, self.windows, self.bounds, self.now
            )
        refusal = Refusal(seq=None, reason=refused.reason, detail=refused.detail)
        return lambda: Said(
            "refused",
            unit.state if unit else None,
            refused=(refusal,),
            reason=refused.reason,
        )


def _by_unit(new: Sequence[rows.Row]) -> dict[int, list[rows.Row]]:
    found: dict[int, list[rows.Row]] = {}
    for row in new:
        found.setdefault(row["unit_id"], []).append(row)
    return found
