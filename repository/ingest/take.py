"""One message of a unit, from its bytes to the receipt: one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine

from edge.contract.batch import (
    GENESIS_ROOT,
    Refusal,
    encode_message,
    message_digest,
    seal_receipt,
)
from edge.contract.errors import ContractError
from edge.contract.topics import UnitTopic, parse
from repository.ingest import verify, write
from repository.ingest.verify import Refused, UnitState, Window
from repository.retention.rules import RetentionRule
from repository.store import locks
from repository.store.locks import Turn
from repository.store.pictures import PictureKeyError, PictureStore

Outcome = Literal["committed", "duplicate", "refused"]


@dataclass(frozen=True, slots=True)
class Reply:
    """A receipt to publish, once what it says is committed."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message; ``reason`` is that of a refusal of the whole message.

    There is no reply to a status, nor to a message whose topic names no unit.
    """

    outcome: Outcome
    reply: Reply | None
    reason: str | None = None
    records_kept: int = 0
    records_refused: int = 0


@dataclass(frozen=True, slots=True)
class _Said:
    """What a receipt says besides where the chain stands."""

    outcome: Outcome
    refused: tuple[Refusal, ...] = ()
    missing: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    records_kept: int = 0


@dataclass(frozen=True)
class Ingest:
    """Takes messages of units, one transaction each.

    Taking a message again is harmless: it gives the same answer and changes nothing.
    """

    engine: Engine
    pictures: PictureStore
    private_key: Ed25519PrivateKey
    rule: RetentionRule
    fold: write.Fold
    clock: Callable[[], datetime]
    quarantine_bytes_per_day: int

    def take(self, topic: str, body: bytes) -> Taken:
        """Commit a message, or its refusal, and answer it.

        Raises:
            DatabaseUnavailableError: if it could not be committed; nothing of it is kept.
            PictureError: if the disk did not take the picture; nothing of it is kept.
        """
        now = self.clock()
        try:
            place = parse(topic)
        except ContractError as error:
            with self._transaction() as connection:
                refused = Refused("malformed", str(error))
                self._set_aside(connection, topic, None, body, refused, now)
            return Taken("refused", None, "malformed")
        with self._transaction() as connection:
            unit = write.load_unit(connection, place.agency, place.unit)
            try:
                said, reason = self._take(connection, place, unit, body, now), None
            except Refused as refused:
                said, reason = self._refuse(connection, place, unit, body, refused, now)
            after = write.load_unit(connection, place.agency, place.unit)
        return Taken(
            outcome=said.outcome,
            reply=None if place.channel == "status" else self._reply(place, body, after, said),
            reason=reason,
            records_kept=said.records_kept,
            records_refused=len(said.refused) if reason is None else 0,
        )

    def refuse_unprocessable(self, topic: str, body: bytes, error: Exception) -> Taken:
        """Set aside a message that a fault of the repository's own kept it from taking.

        The unit keeps what its receipt refuses, and the messages behind this one go on.

        Raises:
            DatabaseUnavailableError: if it could not be committed.
        """
        detail = f"the repository could not process it ({type(error).__name__}); see its log"
        refused = Refused("malformed", detail)
        place = parse(topic)
        with self._transaction() as connection:
            unit = write.load_unit(connection, place.agency, place.unit)
            said, reason = self._refuse(connection, place, unit, body, refused, self.clock())
        return Taken("refused", self._reply(place, body, unit, said), reason)

    def _take(
        self,
        connection: Connection,
        place: UnitTopic,
        unit: UnitState | None,
        body: bytes,
        now: datetime,
    ) -> _Said:
        match place.channel:
            case "records":
                return self._take_batch(connection, place, unit, body, now)
            case "hits":
                return self._take_hit(connection, place, unit, body, now)
            case "picture":
                return self._take_picture(connection, place, unit, body, now)
            case "status":
                return self._take_status(connection, place, unit, body, now)
            case "receipt":
                raise Refused("malformed", "topic: the repository alone writes receipts")

    def _take_batch(
        self,
        connection: Connection,
        place: UnitTopic,
        unit: UnitState | None,
        body: bytes,
        now: datetime,
    ) -> _Said:
        batch = verify.open_batch(place, body)
        unit = verify.require_enrolled(unit)
        committed = write.committed_root(connection, unit.unit_id, batch.first_seq)
        is_next = verify.check_batch(batch, unit, committed)
        kept = 0
        if is_next:
            records = verify.batch_records(batch)
            stored = write.stored_records(connection, unit.unit_id, records)
            judgement = verify.judge(records, stored, self._window(connection, now))
            kept = len(judgement.kept)
            write.write_batch(
                connection,
                unit=unit,
                topic=str(place),
                batch=batch,
                message=message_digest(body),
                judgement=judgement,
                fold=self.fold,
                received_at=now,
            )
        through = (connection, unit.unit_id, batch.first_seq, batch.last_seq)
        return _Said(
            outcome="committed" if is_next else "duplicate",
            refused=write.refusals(*through),
            missing=write.missing_pictures(*through),
            held=write.held_pictures(*through),
            records_kept=kept,
        )

    def _take_hit(
        self,
        connection: Connection,
        place: UnitTopic,
        unit: UnitState | None,
        body: bytes,
        now: datetime,
    ) -> _Said:
        notice = verify.open_hit(place, body)
        unit = verify.require_enrolled(unit)
        hit = verify.check_hit(notice, unit, self._window(connection, now))
        stored = write.stored_records(connection, unit.unit_id, [hit])
        if hit.record.id not in stored:
            write.write_hit(connection, unit, hit, now)
            return _Said("committed", records_kept=1)
        if stored[hit.record.id] != hit.data:
            raise Refused("malformed", "id: another record of the unit has it")
        return _Said("duplicate")

    def _take_picture(
        self,
        connection: Connection,
        place: UnitTopic,
        unit: UnitState | None,
        body: bytes,
        now: datetime,
    ) -> _Said:
        sha256 = verify.check_picture(place, body)
        unit = verify.require_enrolled(unit)
        days = write.picture_days(connection, unit.unit_id, sha256)
        if not days:
            raise Refused("unknown_picture", "picture: no stored read of this unit names it")
        try:
            for day in days:
                self.pictures.put(connection, day, sha256, body, now)
        except PictureKeyError as error:
            raise Refused("malformed", "the repository cannot open the key of its day") from error
        write.mark_picture_stored(connection, unit.unit_id, sha256, now)
        return _Said("committed", held=(sha256,))

    def _take_status(
        self,
        connection: Connection,
        place: UnitTopic,
        unit: UnitState | None,
        body: bytes,
        now: datetime,
    ) -> _Said:
        status = verify.open_status(place, body)
        unit = verify.require_enrolled(unit)
        write.write_status(connection, unit, status, now)
        return _Said("committed")

    def _refuse(
        self,
        connection: Connection,
        place: UnitTopic,
        unit: UnitState | None,
        body: bytes,
        refused: Refused,
        now: datetime,
    ) -> tuple[_Said, str]:
        self._set_aside(connection, str(place), unit, body, refused, now)
        refusal = Refusal(seq=None, reason=refused.reason, detail=refused.detail)
        return _Said("refused", refused=(refusal,)), refused.reason

    def _set_aside(
        self,
        connection: Connection,
        topic: str,
        unit: UnitState | None,
        body: bytes,
        refused: Refused,
        now: datetime,
    ) -> None:
        """Put a refused message in quarantine: no pictures, and nothing that has expired."""
        oldest = verify.oldest_capture(body)
        expired = oldest is not None and oldest < self._window(connection, now).oldest
        write.write_quarantine(
            connection,
            topic=topic,
            unit_id=unit.unit_id if unit else None,
            reason=refused.reason,
            detail=refused.detail,
            body=body,
            body_is_kept=not expired and "picture" not in topic.split("/"),
            bytes_per_day=self.quarantine_bytes_per_day,
            captured_at=oldest,
            received_at=now,
        )

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """A transaction that no purge comes between."""
        with self.engine.begin() as connection:
            locks.share(connection, Turn.RETENTION)
            yield connection

    def _window(self, connection: Connection, now: datetime) -> Window:
        expired_before = self.rule.expired_before(now, hit=False)
        purged_before = write.watermark(connection)
        return Window(oldest=max(expired_before, purged_before or expired_before), now=now)

    def _reply(self, place: UnitTopic, body: bytes, unit: UnitState | None, said: _Said) -> Reply:
        receipt = seal_receipt(
            agency=place.agency,
            unit=place.unit,
            message=message_digest(body),
            committed_through=unit.committed_through if unit else 0,
            chain_root=unit.chain_root if unit else GENESIS_ROOT,
            refused=said.refused,
            missing_pictures=said.missing,
            held_pictures=said.held,
            issued_at=self.clock().astimezone(UTC),
            private_key=self.private_key,
        )
        topic = UnitTopic(place.agency, place.unit, "receipt")
        return Reply(str(topic), encode_message(receipt))
