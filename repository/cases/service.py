"""Looking into case files and writing in them; each look and each word is itself on the ledger.

A person reaches the cases of their own agency alone: another's is answered as one that is not
there. The operator at the repository's own command line, who has the database, may look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection, Engine

from repository.accounts import standing
from repository.accounts.entering import enter
from repository.accounts.errors import AccountError
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.cases import events, files
from repository.cases.disseminations import Dissemination, words
from repository.cases.errors import CaseError, NoSuchCaseError
from repository.cases.events import Kind, OfCase
from repository.cases.files import CaseFile, CaseSummary
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, as_typed, digest_of_ids
from repository.retention import holds_ending
from repository.retention.duties import Duties
from repository.retention.holds_listing import Filter, list_holds
from repository.retention.holds_request import HoldError
from repository.store import locks
from repository.store.locks import Turn

_REFUSALS = (CaseError, AccountError, HoldError)


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """The case files of every agency; ``load_duties`` gives the rules that reads are kept by."""

    engine: Engine
    now: Callable[[], datetime]
    load_duties: Callable[[Connection], Duties]

    def list(self, agency: str, by: Actor | User, origin: str) -> list[CaseSummary]:
        """The agency's cases by number; to people of other agencies, none.

        Raises:
            AccountError: if the person may not look into case files.
        """
        entry = self._entry("cases.list", by, origin, {"agency": as_typed(agency)})
        with self._transaction(entry) as connection:
            sees = self._sees(connection, agency, by)
            found = files.summaries(connection, agency) if sees else []
            log.append(connection, replace(entry, count=len(found)))
            return found

    def show(self, agency: str, number: str, by: Actor | User, origin: str) -> CaseFile:
        """One case file with all that happened in it.

        Raises:
            NoSuchCaseError: if the agency has no such case, or the person is of another.
            AccountError: if the person may not look into case files, or may not search yet.
        """
        asked: dict[str, JSON] = {"agency": as_typed(agency), "case": as_typed(number)}
        entry = self._entry("cases.show", by, origin, asked)
        with self._transaction(entry) as connection:
            sees = self._sees(connection, agency, by)
            if isinstance(by, User):
                standing.require_for_search(connection, by, entry.at)
            duties = self.load_duties(connection)
            found = files.find(connection, agency, number, duties, entry.at) if sees else None
            if found is None:
                raise NoSuchCaseError(
                    f"case {number!r}: agency {agency!r} has no case of that number"
                )
            shown = [str(each.read_id) for search in found.searches for each in search.reads]
            log.append(
                connection,
                replace(entry, count=len(found.searches), result_digest=digest_of_ids(shown)),
            )
            return found

    def note(self, user: User, number: str, text: str, origin: str) -> int:
        """Write a note in a case file; gives its number.

        Raises:
            CaseError: if there is no such case, or the note says nothing.
            AccountError: if the person may not.
        """
        entry = self._entry("cases.note", user, origin, {"case": as_typed(number)})
        with self._transaction(entry) as connection:
            enter(connection, user, Power.WRITE_CASES)
            detail: dict[str, JSON] = {"text": words("note", text)}
            case_id = files.existing(connection, user, number, entry.at)
            return self._write(connection, user, case_id, "note", detail, entry)

    def dispose(
        self, user: User, number: str, *, on: date, disposition: str, origin: str
    ) -> tuple[int, ...]:
        """Record the final disposition of a case; gives the holds that end by it.

        They are those for an enforcement action: see `holds_ending.dispose`.

        Raises:
            CaseError: if there is no such case.
            HoldError: if the disposition says nothing, or its day lies ahead.
            AccountError: if the person may not.
        """
        asked: dict[str, JSON] = {
            "case": as_typed(number),
            "on": on.isoformat(),
            "disposition": as_typed(disposition),
        }
        entry = self._entry("cases.dispose", user, origin, asked)
        with self._transaction(entry) as connection:
            locks.take(connection, Turn.RETENTION)
            enter(connection, user, Power.RELEASE_HOLD)
            said = words("disposition", disposition)
            holds_ending.require_reached(on, entry.at)
            case_id = files.existing(connection, user, number, entry.at)
            ended: Sequence[int] = ()
            if self._awaits_disposition(connection, user, number):
                ended = holds_ending.dispose(
                    connection,
                    number,
                    on=on,
                    disposition=said,
                    actor=user.actor,
                    origin=origin,
                    now=entry.at,
                )
            detail: dict[str, JSON] = {"on": on.isoformat(), "text": said, "holds": ended}
            self._write(connection, user, case_id, "disposition", detail, entry)
            return tuple(ended)

    def disseminate(self, user: User, number: str, given: Dissemination, origin: str) -> int:
        """Record what somebody outside the agency was given; gives its number within the case.

        Raises:
            CaseError: if there is no such case, or it has not shown or held one of the reads.
            AccountError: if the person may not.
        """
        detail = dict(given.as_json())
        entry = self._entry("cases.disseminate", user, origin, {"case": as_typed(number)} | detail)
        with self._transaction(entry) as connection:
            enter(connection, user, Power.DISSEMINATE)
            case_id = files.existing(connection, user, number, entry.at)
            files.require_reads(connection, user, number, given.reads)
            return self._write(connection, user, case_id, "dissemination", detail, entry)

    def disseminations(self, user: User, origin: str) -> Sequence[OfCase]:
        """The agency's secondary dissemination log, oldest first.

        Raises:
            AccountError: if the person may not see it.
        """
        entry = self._entry("cases.disseminations", user, origin, {})
        with self._transaction(entry) as connection:
            enter(connection, user, Power.SEE_CASES, Power.AUDIT_OWN_AGENCY)
            found = events.of_agency(connection, user.agency_id, "dissemination")
            log.append(connection, replace(entry, count=len(found)))
            return found

    def refuse(self, user: User, action: str, problem: CaseError, origin: str) -> None:
        """Put on record that something was refused before a use case could begin.

        Raises:
            CaseError: that problem.
        """
        with attempt(self.engine, self._entry(action, user, origin, {}), CaseError):
            raise problem

    def _entry(
        self, action: str, by: Actor | User, origin: str, request: Mapping[str, JSON]
    ) -> Entry:
        actor = by.actor if isinstance(by, User) else by
        return Entry(action, actor, self.now(), origin, request)

    @contextmanager
    def _transaction(self, entry: Entry) -> Iterator[Connection]:
        with attempt(self.engine, entry, _REFUSALS), self.engine.begin() as connection:
            yield connection

    def _sees(self, connection: Connection, agency: str, by: Actor | User) -> bool:
        if not isinstance(by, User):
            return True
        return enter(connection, by, Power.SEE_CASES).agency == agency

    def _awaits_disposition(self, connection: Connection, user: User, number: str) -> bool:
        which = Filter(user.agency, number, holds_ending.UNTIL_DISPOSITION, standing=True)
        return any(each.disposed_on is None for each in list_holds(connection, which))

    def _write(
        self,
        connection: Connection,
        user: User,
        case_id: int,
        kind: Kind,
        detail: Mapping[str, JSON],
        entry: Entry,
    ) -> int:
        """An event in a case, with its entry; its number among the case's events of its kind."""
        appended = log.append(connection, entry)
        events.add_event(
            connection,
            case_id,
            kind,
            by=user,
            at=entry.at,
            detail=detail,
            ledger_index=appended.index,
        )
        return events.count(connection, case_id, kind)
