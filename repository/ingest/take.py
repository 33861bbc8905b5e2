"""Messages of units, from their bytes to their receipts, many in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine

from edge.contract.batch import (
    GENESIS_ROOT,
    Refusal,
    encode_message,
    message_digest,
    seal_receipt,
)
from edge.contract.topics import UnitTopic
from repository.ingest import chain, consumers, ownclock, pictures
from repository.ingest.answers import Outcome, Said
from repository.ingest.arrived import Arrived, NamedPicture, open_message
from repository.ingest.aside import Bounds, refuse_message
from repository.ingest.chain import UnitName
from repository.ingest.fleet import Windows, load_units
from repository.ingest.rows import Fold
from repository.ingest.verdicts import Refused, UnitState
from repository.ingest.work import Work
from repository.retention.duties import Duties
from repository.store import locks
from repository.store.locks import Turn
from repository.store.pictures import PictureStore

ROWS_AT_ONCE = 5000
"""Rows of batches that one transaction takes, or one batch."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A receipt to publish, once what it says is committed."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message; ``reason`` is that of a refusal of the whole message.

    There is no reply to a status, nor to a message whose topic names no unit. A batch whose
    outcome is ``ahead`` is not answered yet: what it follows is waited for, or there was no room
    for it. ``expected`` is the sequence that its chain goes on with, None while another process
    has the unit in hand.
    """

    outcome: Outcome
    reply: Reply | None
    reason: str | None = None
    records_kept: int = 0
    records_refused: int = 0
    expected: int | None = None


@dataclass(frozen=True)
class Ingest:
    """Takes messages of units.

    Taking a message again is harmless: it gives the same answer and changes nothing.
    """

    engine: Engine
    pictures: PictureStore
    private_key: Ed25519PrivateKey
    load_duties: Callable[[Connection], Duties]
    fold: Fold
    clock: Callable[[], datetime]
    bounds: Bounds

    def take(self, topic: str, body: bytes, *, retained: bool = False) -> Taken:
        """Commit one message, or its refusal, and answer it.

        Raises:
            DatabaseUnavailableError: if it could not be committed; nothing of it is kept.
            PictureError: if the disk did not take the picture; nothing of it is kept.
        """
        arrived = open_message(topic, body, retained=retained)
        if arrived.is_picture:
            return self.take_picture(arrived)
        return self.take_all([arrived], overdue=[True])[0]

    def take_all(self, arrived: Sequence[Arrived], overdue: Sequence[bool]) -> list[Taken]:
        """Commit messages other than pictures, or their refusals, together, and answer each.

        ``overdue`` says of each whether what it follows has been waited for. Those that cannot be
        taken yet are told so, and other processes may take what is of their units meanwhile. A
        fault in one of them keeps all from being committed: take them one by one then.

        Raises:
            DatabaseUnavailableError: if they could not be committed; nothing of them is kept.
        """
        now = self.clock()
        with self._transaction() as connection:
            known = load_units(connection, {_name(one) for one in arrived}, lock="none")
            through = {name: unit.committed_through for name, unit in known.items()}
            going = chain.within_reach(arrived, overdue, through, ROWS_AT_ONCE)
            said = {at: Said("ahead", known.get(_name(one))) for at, one in enumerate(arrived)}
            if going:
                some, late = [arrived[at] for at in going], [overdue[at] for at in going]
                work = self._work(connection, some, late, now)
                answers = [(at, work.judge(arrived[at], overdue=overdue[at])) for at in going]
                work.write()
                said |= {at: answer() for at, answer in answers}
                work.finish()
        return [self._taken(one, said[at], now) for at, one in enumerate(arrived)]

    def take_picture(self, arrived: Arrived) -> Taken:
        """Commit a picture, or its refusal, and answer it; any number at once, in threads.

        Raises:
            DatabaseUnavailableError: if it could not be committed; nothing of it is kept.
            PictureError: if the disk did not take the picture; nothing of it is kept.
        """
        now = self.clock()
        content, place = arrived.content, arrived.place
        if not isinstance(content, NamedPicture) or place is None:
            raise TypeError("not a picture")
        with self._transaction() as connection:
            units = load_units(connection, [(place.agency, place.unit)], lock="none")
            unit = units.get((place.agency, place.unit))
            try:
                pictures.keep(connection, self.pictures, unit, content.sha256, arrived.body, now)
                said = Said("committed", unit, held=(content.sha256,))
            except Refused as refused:
                said = self._set_aside(connection, arrived, unit, refused, now)
        return self._taken(arrived, said, now)

    def refuse_unprocessable(self, topic: str, body: bytes, error: Exception) -> Taken:
        """Set aside a message that a fault of the repository's own kept it from taking.

        The unit keeps what its receipt refuses, and the messages behind this one go on.

        Raises:
            DatabaseUnavailableError: if it could not be committed.
        """
        detail = f"the repository could not process it ({type(error).__name__}); see its log"
        place = open_message(topic, b"").place
        refused = Refused("malformed", detail)
        arrived = Arrived(topic, body, message_digest(body), place, refused)
        return self.take_all([arrived], overdue=[True])[0]

    def beat(self, client_id: str, host: str) -> None:
        """Say that this process lives, and look after the others and the clock.

        Raises:
            DatabaseUnavailableError: if it could not be committed.
        """
        with self.engine.begin() as connection:
            consumers.beat(connection, client_id, host, self.clock())

    def _work(
        self,
        connection: Connection,
        arrived: Sequence[Arrived],
        overdue: Sequence[bool],
        now: datetime,
    ) -> Work:
        # Waiting for units that another process is about to commit would make the two take turns.
        patient = {_name(one) for one, late in zip(arrived, overdue, strict=True) if late}
        others = {_name(one) for one in arrived} - patient
        units = load_units(connection, others, lock="skip")
        busy = load_units(connection, others - units.keys(), lock="none").keys()
        units |= load_units(connection, patient, lock="wait")
        return Work(
            connection=connection,
            units=units,
            busy=busy,
            windows=Windows(connection, self.load_duties(connection), now),
            fold=self.fold,
            bounds=self.bounds,
            now=now,
            doubt=ownclock.standing_doubt(connection, now),
        )

    def _set_aside(
        self,
        connection: Connection,
        arrived: Arrived,
        unit: UnitState | None,
        refused: Refused,
        now: datetime,
    ) -> Said:
        windows = Windows(connection, self.load_duties(connection), now)
        refuse_message(connection, arrived, unit, refused, windows, self.bounds, now)
        refusal = Refusal(seq=None, reason=refused.reason, detail=refused.detail)
        return Said("refused", unit, refused=(refusal,), reason=refused.reason)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """A transaction that no purge comes between."""
        with self.engine.begin() as connection:
            locks.share(connection, Turn.RETENTION)
            yield connection

    def _taken(self, arrived: Arrived, said: Said, now: datetime) -> Taken:
        reply: Reply | None = None
        place = arrived.place
        if place is not None and place.channel != "status" and said.outcome != "ahead":
            reply = self._reply(place, arrived.digest, said, now)
        return Taken(
            outcome=said.outcome,
            reply=reply,
            reason=said.reason,
            records_kept=said.records_kept,
            records_refused=len(said.refused) if said.reason is None else 0,
            expected=said.unit.committed_through + 1 if said.unit else None,
        )

    def _reply(self, place: UnitTopic, message: str, said: Said, now: datetime) -> Reply:
        # A refusal speaks of what was so when it was decided: a unit passes over one that is
        # older than the receipt of what another process committed meanwhile.
        issued_at = now if said.reason is not None else self.clock()
        receipt = seal_receipt(
            agency=place.agency,
            unit=place.unit,
            message=message,
            committed_through=said.unit.committed_through if said.unit else 0,
            chain_root=said.unit.chain_root if said.unit else GENESIS_ROOT,
            refused=said.refused,
            missing_pictures=said.missing,
            held_pictures=said.held,
            issued_at=issued_at.astimezone(UTC),
            private_key=self.private_key,
        )
        topic = UnitTopic(place.agency, place.unit, "receipt")
        return Reply(str(topic), encode_message(receipt))


def _name(arrived: Arrived) -> UnitName:
    """The unit that a message names; one that no unit can have where it names none."""
    return (arrived.place.agency, arrived.place.unit) if arrived.place else ("", "")
