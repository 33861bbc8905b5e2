"""Give every witness the checkpoints that it lacks, and find out where one knows another past.

Before anything is given, what the witness has (and what it was last seen to have) must be of this
ledger's past: signed by its key, and consistent with the newest checkpoint. Where it is not,
nothing is given any more and a finding of kind ``ledger_fork`` is raised: somebody rolled the
ledger back, rewrote it, or signed another beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Engine, delete, select

from repository.errors import RepositoryError
from repository.ledger import checkpoints, log, proofs
from repository.ledger.checkpoints import Checkpoint
from repository.ledger.entry import Actor, Entry
from repository.ledger.errors import LedgerError
from repository.ledger.witness import ForkError, Step, Witness, WitnessError
from repository.store.engine import reading
from repository.store.rows import put
from repository.store.tables.ledger import ledger_checkpoints, ledger_witnesses
from repository.units.findings import raise_finding, settle_finding

FORK = "ledger_fork"
BEHIND = "witness_behind"
_AT_ONCE = 100
_MAX_PROBLEM = 500
_log = structlog.get_logger("ledger")


@dataclass(frozen=True, slots=True)
class Standing:
    """What a witness was last seen to have; ``behind`` counts entries that it knows nothing of."""

    name: str
    where: str
    size: int
    behind: int
    pushed_at: datetime | None
    failing_since: datetime | None
    problem: str | None
    forked: bool


@dataclass(frozen=True, slots=True)
class _Kept:
    size: int = 0
    note: str | None = None
    answer: str | None = None
    pushed_at: datetime | None = None
    failing_since: datetime | None = None
    problem: str | None = None
    forked: bool = False


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The witnesses that the settings name, for the ledger of that name and key."""

    engine: Engine
    origin: str
    public_key: Ed25519PublicKey
    witnesses: Sequence[Witness]
    late_after: timedelta
    now: Callable[[], datetime]

    def push(self) -> list[Standing]:
        """Give each what it lacks, 100 checkpoints at once; where they then stand."""
        for witness in self.witnesses:
            try:
                self._catch_up(witness)
            except ForkError as error:
                self._failed(witness, str(error), forked=True)
            except RepositoryError as error:
                self._failed(witness, str(error), forked=False)
        return self.standing()

    def standing(self) -> list[Standing]:
        """What each was last seen to have."""
        with reading(self.engine) as connection:
            size = log.state(connection).size
            found = []
            for each in self.witnesses:
                kept = _kept(connection, each.name)
                found.append(
                    Standing(
                        name=each.name,
                        where=each.where,
                        size=kept.size,
                        behind=max(0, size - kept.size),
                        pushed_at=kept.pushed_at,
                        failing_since=kept.failing_since,
                        problem=kept.problem,
                        forked=kept.forked,
                    )
                )
        return found

    def forget(self, name: str, by: Actor, origin: str) -> None:
        """Begin anew with a witness that lost what it had; the ledger keeps who said so.

        Raises:
            LedgerError: if nothing is remembered of such a witness.
        """
        with self.engine.begin() as connection:
            columns = ledger_witnesses.c
            gone = connection.execute(delete(ledger_witnesses).where(columns.name == name))
            if gone.rowcount != 1:
                raise LedgerError(f"witness {name!r}: nothing is remembered of it")
            request = {"witness": name}
            log.append(connection, Entry("ledger.forget", by, self.now(), origin, request))

    def _catch_up(self, witness: Witness) -> None:
        shown = witness.newest()
        with reading(self.engine) as connection:
            kept = _kept(connection, witness.name)
            if witness.shows and shown is None and kept.size:
                raise WitnessError(
                    f"{witness.where}: holds nothing, though it had {kept.size} entries; mend it, "
                    f"or 'alpr-repository ledger witnesses --forget {witness.name}' begins anew"
                )
            steps = self._steps(connection, witness, kept.note, shown)
        for step in steps:
            answer = witness.give(step)
            self._gave(witness, step, answer)
        if not steps:
            self._well(witness, kept)

    def _steps(
        self, connection: Connection, witness: Witness, kept: str | None, shown: str | None
    ) -> list[Step]:
        """What to give it, after its past was compared with the ledger's."""
        newest_note = checkpoints.latest(connection)
        newest = None if newest_note is None else self._open(newest_note)
        stands = 0
        for note in filter(None, (kept, shown)):  # what it shows last: there it stands
            try:
                held = self._open(note)
            except LedgerError as error:
                raise WitnessError(
                    f"{witness.where}: what it holds is not ours: {error}"
                ) from error
            if newest_note is None or newest is None:
                raise ForkError(f"it has {held.size} entries, the ledger no checkpoint at all")
            self._compare(connection, held, newest_note, newest)
            stands = held.size
        if newest is None:
            return []
        columns = ledger_checkpoints.c
        missed = connection.scalars(
            select(columns.note).where(columns.size > stands).order_by(columns.size).limit(_AT_ONCE)
        )
        steps = []
        for note in missed.all():
            signed = self._open(note)
            path = proofs.consistency_path(connection, stands, signed.size) if stands else ()
            path_from = self._path_to(signed.size)
            steps.append(Step(note, signed.size, newest.size, stands, path, path_from))
            stands = signed.size
        return steps

    def _compare(
        self, connection: Connection, held: Checkpoint, note: str, newest: Checkpoint
    ) -> None:
        if held.size > newest.size:
            raise ForkError(
                f"it has {held.size} entries, the ledger's newest checkpoint {newest.size}: the "
                "ledger was cut or rolled back"
            )
        try:
            proofs.consistency(connection, held.size, note, newest, held.root)
        except LedgerError as error:
            row = next(log.rows(connection, held.size - 1, held.size), None)
            if row is not None and row.root == held.root:
                raise WitnessError(str(error)) from error
            raise ForkError(
                f"the first {held.size} entries are not those that it saw: the ledger was "
                "rewritten, or another one is signed with its key"
            ) from error

    def _open(self, note: str) -> Checkpoint:
        return checkpoints.open_note(note, self.origin, self.public_key)

    def _path_to(self, size: int) -> Callable[[int], Sequence[bytes]]:
        def path_from(old_size: int) -> Sequence[bytes]:
            with reading(self.engine) as connection:
                return proofs.consistency_path(connection, old_size, size)

        return path_from

    def _gave(self, witness: Witness, step: Step, answer: str | None) -> None:
        now = self.now()
        with self.engine.begin() as connection:
            _keep(connection, witness.name, _Kept(step.size, step.note, answer, now))
            _settle(connection, witness, now)

    def _well(self, witness: Witness, kept: _Kept) -> None:
        if kept.problem is None:
            return
        with self.engine.begin() as connection:
            well = _Kept(kept.size, kept.note, kept.answer, kept.pushed_at)
            _keep(connection, witness.name, well)
            _settle(connection, witness, self.now())

    def _failed(self, witness: Witness, problem: str, *, forked: bool) -> None:
        now = self.now()
        with self.engine.begin() as connection:
            kept = _kept(connection, witness.name)
            since = kept.failing_since or now
            failed = _Kept(
                kept.size,
                kept.note,
                kept.answer,
                kept.pushed_at,
                since,
                problem[:_MAX_PROBLEM],
                forked,
            )
            _keep(connection, witness.name, failed)
            if forked:
                detail = (
                    f"THE LEDGER IS NOT WHAT ITS WITNESS {witness.name} SAW: {problem}; keep both "
                    "as they are, and run 'alpr-repository ledger verify --against' with what the "
                    "witness has"
                )
                _log.error(detail)
                raise_finding(connection, FORK, None, detail, now, subject=witness.name)
            elif now - since >= self.late_after:
                detail = f"no checkpoint reached the witness {witness.name}: {problem}"
                raise_finding(connection, BEHIND, None, detail, now, subject=witness.name)
        if kept.problem is None and not forked:
            _log.warning("a witness did not take a checkpoint", witness=witness.name, why=problem)


def _settle(connection: Connection, witness: Witness, now: datetime) -> None:
    reason = "it has the newest checkpoints again"
    settle_finding(connection, BEHIND, None, reason, now, subject=witness.name)


def _kept(connection: Connection, name: str) -> _Kept:
    query = select(ledger_witnesses).where(ledger_witnesses.c.name == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        return _Kept()
    values: dict[str, Any] = row._asdict()
    del values["name"]
    return _Kept(**values)


def _keep(connection: Connection, name: str, kept: _Kept) -> None:
    row = {field: getattr(kept, field) for field in _Kept.__slots__}
    put(connection, ledger_witnesses, row | {"name": name})
