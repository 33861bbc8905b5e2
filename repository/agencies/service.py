"""What a signed-in person does with their agency's reads: each use case one transaction.

Each is on the ledger with its reason, what was refused too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, Engine

from repository.accounts.entering import enter
from repository.accounts.errors import AccountError
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.agencies import own, reports
from repository.agencies.errors import AgencyError, require_text
from repository.agencies.own import SeenRead
from repository.agencies.reports import Report
from repository.cases import files
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed, digest_of_ids
from repository.store import locks
from repository.store.locks import Turn


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of the reads; ``forwarded`` were already sent on to another repository.

    There the agency does the same again: what was sent cannot be called back.
    """

    reads: int
    forwarded: int


@dataclass(frozen=True, slots=True)
class AgencyData:
    """An agency's own data. ``fold`` is what reads were stored with; ``is_forwarded`` says whether
    a unit's sequence was sent on; an error reported is to be answered within ``answer_within``.
    """

    engine: Engine
    now: Callable[[], datetime]
    fold: Callable[[str], str] = field(repr=False)
    is_forwarded: Callable[[Connection, int, int], bool] = field(repr=False)
    answer_within: timedelta

    def correct(
        self, user: User, read_id: UUID, plate: str, state: str | None, reason: str, origin: str
    ) -> Changed:
        """Put right what the machine misread of one of the agency's own reads.

        Raises:
            AgencyError: if it is not the agency's, or the plate, state or reason does not do.
        """
        asked = _ids([read_id]) | {"plate": as_typed(plate), "state": as_typed(state or "")}
        with self._change(user, "reads.correct", asked, reason, origin) as act:
            (read,) = act.find([read_id])
            self._correct(act.connection, read, plate, state, user)
        return act.changed

    def withdraw(self, user: User, read_ids: Sequence[UUID], reason: str, origin: str) -> Changed:
        """Release these of the agency's own reads to no other agency any more.

        Raises:
            AgencyError: if one is not the agency's, or no reason is given.
        """
        with self._change(user, "reads.withdraw", _ids(read_ids), reason, origin) as act:
            own.withdraw(act.connection, act.find(read_ids), user=user, now=self.now())
        return act.changed

    def release_again(
        self, user: User, read_ids: Sequence[UUID], reason: str, origin: str
    ) -> Changed:
        """Undo a withdrawal.

        Raises:
            AgencyError: if one is not the agency's, or no reason is given.
        """
        with self._change(user, "reads.release", _ids(read_ids), reason, origin) as act:
            own.release_again(act.connection, act.find(read_ids))
        return act.changed

    def dispose(self, user: User, read_ids: Sequence[UUID], reason: str, origin: str) -> Changed:
        """Let go of these of the agency's own reads before their time.

        Raises:
            AgencyError: if one is not the agency's or is held, or no reason is given.
        """
        with self._change(user, "reads.dispose", _ids(read_ids), reason, origin) as act:
            own.dispose(act.connection, act.find(read_ids))
        return act.changed

    def report(self, user: User, read_id: UUID, error: str, origin: str) -> int:
        """Report an error in a read to its owner; gives the report's number.

        Raises:
            AgencyError: if there is no such read, or it is not released to the user's agency.
        """
        asked: dict[str, JSON] = {"read": str(read_id), "error": as_typed(error)}
        entry = Entry("errors.report", user.actor, self.now(), origin, asked)
        with self._entering(user, entry, Power.REPORT_ERROR) as connection:
            error = require_text("error", error)
            found = [
                each
                for each in own.find(connection, [read_id])
                if each.agency_id == user.agency_id or not own.withdrawn(connection, each)
            ]
            if not found:
                raise AgencyError(f"read {read_id}: not in the repository")
            number = reports.add(
                connection,
                found[0],
                error,
                user=user,
                now=self.now(),
                due_at=self.now() + self.answer_within,
            )
            recorded = asked | {"report": number, "owner": found[0].agency}
            appended = log.append(connection, replace(entry, at=self.now(), request=recorded))
            for case_id in files.that_showed(connection, user.agency_id, **found[0].key):
                files.add_event(
                    connection,
                    case_id,
                    "error_report",
                    by=user,
                    at=self.now(),
                    detail={"report": number, "read": str(read_id)},
                    ledger_index=appended.index,
                )
        return number

    def list_reports(self, user: User, origin: str, *, answered_too: bool) -> list[Report]:
        """Reports that the user's agency received or made."""
        entry = Entry("errors.list", user.actor, self.now(), origin)
        seeing = (Power.REPORT_ERROR, Power.CORRECT_READS)
        with self._entering(user, entry, *seeing) as connection:
            found = reports.list_all(connection, user, answered_too=answered_too)
            digest = digest_of_ids(str(each.id) for each in found)
            log.append(connection, replace(entry, count=len(found), result_digest=digest))
        return found

    def reject(self, user: User, number: int, reason: str, origin: str) -> None:
        """Answer that there is no error, and why.

        Raises:
            AgencyError: if it is no open report to the user's agency, or no reason is given.
        """
        asked: dict[str, JSON] = {"report": number, "reason": as_typed(reason)}
        entry = Entry("errors.reject", user.actor, self.now(), origin, asked)
        with self._entering(user, entry, Power.CORRECT_READS) as connection:
            reason = require_text("reason", reason)
            reports.read_of(connection, number, user)
            reports.answer(connection, number, "rejected", reason, user=user, now=self.now())
            log.append(connection, replace(entry, at=self.now()))

    def accept(
        self,
        user: User,
        number: int,
        reason: str,
        origin: str,
        *,
        plate: str | None,
        state: str | None,
    ) -> Changed:
        """Answer that there is an error: corrected to ``plate``, or without one disposed of.

        Raises:
            AgencyError: as `correct` and `dispose` do, or if it is no open report to the agency.
        """
        asked: dict[str, JSON] = {"report": number, "plate": as_typed(plate or "")}
        with self._change(user, "errors.accept", asked, reason, origin) as act:
            (read,) = act.find([reports.read_of(act.connection, number, user)])
            if plate is None:
                act.told = _ids([read.read_id])
                own.dispose(act.connection, [read])
            else:
                self._correct(act.connection, read, plate, state, user)
            how: reports.Answer = "disposed" if plate is None else "corrected"
            reports.answer(act.connection, number, how, reason, user=user, now=self.now())
        return act.changed

    def _correct(
        self, connection: Connection, read: SeenRead, plate: str, state: str | None, user: User
    ) -> None:
        plate = own.check_plate(plate)
        own.correct(
            connection,
            read,
            plate=plate,
            plate_folded=self.fold(plate),
            state=own.check_state(state),
            user=user,
            now=self.now(),
        )

    @contextmanager
    def _change(
        self, user: User, action: str, asked: dict[str, JSON], reason: str, origin: str
    ) -> Iterator[_Act]:
        asked = asked | {"reason_given": as_typed(reason)}
        entry = Entry(action, user.actor, self.now(), origin, asked)
        with self._entering(user, entry, Power.CORRECT_READS) as connection:
            require_text("reason", reason)
            locks.take(connection, Turn.RETENTION)
            act = _Act(connection, user, self.is_forwarded)
            yield act
            ids = digest_of_ids(sorted(str(each.read_id) for each in act.found))
            log.append(
                connection,
                replace(
                    entry,
                    at=self.now(),
                    request={**entry.request, **act.told},
                    count=len(act.found),
                    result_digest=ids,
                ),
            )

    @contextmanager
    def _entering(self, user: User, entry: Entry, *powers: Power) -> Iterator[Connection]:
        """A transaction for a person whose account is open as it begins, with one of the powers."""
        with (
            attempt(self.engine, entry, (AgencyError, AccountError)),
            self.engine.begin() as connection,
        ):
            enter(connection, user, *powers)
            yield connection


@dataclass(slots=True)
class _Act:
    """A change under way: the reads it found, and how many of them were forwarded.

    ``told`` is what the ledger is to say beyond what was asked.
    """

    connection: Connection
    user: User
    is_forwarded: Callable[[Connection, int, int], bool]
    found: list[SeenRead] = field(default_factory=list)
    forwarded: int = 0
    told: dict[str, JSON] = field(default_factory=dict)

    def find(self, read_ids: Sequence[UUID]) -> list[SeenRead]:
        self.found = own.find_own(self.connection, self.user, read_ids)
        self.forwarded = sum(
            self.is_forwarded(self.connection, each.unit_id, each.seq) for each in self.found
        )
        return self.found

    @property
    def changed(self) -> Changed:
        return Changed(len(self.found), self.forwarded)


def _ids(read_ids: Sequence[UUID]) -> dict[str, JSON]:
    return {"reads": [str(each) for each in read_ids[: own.MAX_READS]]}
