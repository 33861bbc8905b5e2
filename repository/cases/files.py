"""Case files in the database. Runs in the caller's transaction."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, select

from repository.accounts.user import User
from repository.cases import shown as showing
from repository.cases.errors import CaseError, NoSuchCaseError
from repository.cases.events import CaseEvent, of_case
from repository.cases.events import add_event as add_event
from repository.cases.shown import Shown as Shown
from repository.cases.shown import row_of as row_of
from repository.ledger.entry import JSON
from repository.retention.duties import Duties
from repository.retention.holds import is_held
from repository.retention.holds_listing import Filter, Hold, list_holds
from repository.store.rows import insert_new
from repository.store.tables.accounts import users
from repository.store.tables.cases import case_search_reads, case_searches, cases
from repository.store.tables.fleet import agencies
from repository.store.tables.reads import reads
from repository.store.tables.retention import hold_reads, holds

_MAX_NUMBER = 64
_MAX_HOLD_NUMBER = 128
# Run with every search, so built once.
_CASE_ID = select(cases.c.id).where(
    cases.c.agency_id == bindparam("agency_id"), cases.c.number == bindparam("number")
)
_ADD_SEARCH = insert(case_searches)
_ADD_READS = insert(case_search_reads)


@dataclass(frozen=True, slots=True)
class CaseSearch:
    """A search in a case file: its entry in the ledger, who, when, what and why, and the reads."""

    ledger_index: int
    login: str
    name: str
    searched_at: datetime
    request: Mapping[str, Any]
    reads: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case of an agency, with its searches and the holds for it in order."""

    agency: str
    number: str
    opened_at: datetime
    searches: tuple[CaseSearch, ...]
    holds: tuple[Hold, ...]
    events: tuple[CaseEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """A case in a list."""

    number: str
    opened_at: datetime
    searches: int
    holds: int


def open_case(connection: Connection, user: User, number: str, now: datetime) -> int:
    """The id of the case with that number at the user's agency, opened if it is the first."""
    key = {"agency_id": user.agency_id, "number": number}
    found: int | None = connection.scalar(_CASE_ID, key)
    if found is not None:
        return found
    insert_new(connection, cases, [{**key, "opened_at": now, "opened_by": user.id}])
    opened: int = connection.execute(_CASE_ID, key).scalar_one()
    return opened


def is_number(typed: str) -> bool:
    """Whether a case could have that number: what is no line of print is looked for in vain."""
    return 0 < len(typed) <= _MAX_HOLD_NUMBER and typed.isprintable()


def existing(connection: Connection, user: User, number: str, now: datetime) -> int:
    """The id of a case that the user's agency has; one that it only has holds for is opened.

    Raises:
        NoSuchCaseError: if it has none of that number.
    """
    case_id: int | None = None
    if is_number(number):
        case_id = connection.scalar(_CASE_ID, {"agency_id": user.agency_id, "number": number})
    if case_id is not None:
        return case_id
    opens = is_number(number) and len(number) <= _MAX_NUMBER
    if not opens or not list_holds(connection, Filter(agency=user.agency, case_number=number)):
        raise NoSuchCaseError(f"case {number!r}: agency {user.agency!r} has no case of that number")
    return open_case(connection, user, number, now)


def require_reads(
    connection: Connection, user: User, number: str, read_ids: Sequence[UUID]
) -> None:
    """Refuse reads that no search of the agency's case showed and no hold for it names.

    Raises:
        CaseError: naming them.
    """
    shown = (
        select(case_search_reads.c.read_id)
        .join(case_searches, case_searches.c.ledger_index == case_search_reads.c.ledger_index)
        .join(cases, cases.c.id == case_searches.c.case_id)
        .where(cases.c.agency_id == user.agency_id, cases.c.number == number)
    )
    held = (
        select(hold_reads.c.read_id)
        .join(holds, holds.c.id == hold_reads.c.hold_id)
        .where(holds.c.agency_id == user.agency_id, holds.c.case_number == number)
    )
    known: set[UUID] = set()
    for query, column in ((shown, case_search_reads.c.read_id), (held, hold_reads.c.read_id)):
        known.update(connection.scalars(query.where(column.in_(read_ids))))
    missing = sorted(map(str, set(read_ids) - known))
    if missing:
        raise CaseError(f"reads: not of case {number!r}: {', '.join(missing)}")


def that_showed(
    connection: Connection, agency_id: int, unit_id: int, captured_at: datetime, read_id: UUID
) -> Sequence[int]:
    """The ids of the agency's cases a search of which showed the read, while it is kept."""
    shown = case_search_reads.c
    return connection.scalars(
        select(case_searches.c.case_id)
        .distinct()
        .join(case_search_reads, shown.ledger_index == case_searches.c.ledger_index)
        .join(cases, cases.c.id == case_searches.c.case_id)
        .where(
            cases.c.agency_id == agency_id,
            shown.facts.is_not(None),
            shown.captured_at == captured_at,
            shown.unit_id == unit_id,
            shown.read_id == read_id,
        )
        .order_by(case_searches.c.case_id)
    ).all()


def add_search(
    connection: Connection,
    case_id: int,
    user: User,
    *,
    ledger_index: int,
    at: datetime,
    request: Mapping[str, JSON],
    shown: Sequence[Mapping[str, Any]],
) -> None:
    """Record in the case file what was asked and what came back, each read as its :func:`row_of`.

    The rows come ready, since from the search's entry on everybody else's entry waits for this.
    """
    connection.execute(
        _ADD_SEARCH,
        {
            "ledger_index": ledger_index,
            "case_id": case_id,
            "user_id": user.id,
            "searched_at": at,
            "request": json.dumps(request),
            "returned": len(shown),
        },
    )
    if shown:
        connection.execute(
            _ADD_READS,
            [
                {"ledger_index": ledger_index, "place": place, **each}
                for place, each in enumerate(shown)
            ],
        )
        # A read may have been purged between being found and being recorded here.
        showing.forget_of_search(connection, ledger_index)


def find(
    connection: Connection, agency: str, number: str, duties: Duties, now: datetime
) -> CaseFile | None:
    """The case file with that number at that agency.

    A case that nobody searched for yet has one as soon as there is a hold for it. What was shown
    of a read that has outlived its agency's rule, purged yet or not, is told only if it is held.
    """
    if not is_number(number):
        return None
    case = connection.execute(
        select(cases)
        .join(agencies, agencies.c.id == cases.c.agency_id)
        .where(agencies.c.name == agency, cases.c.number == number)
    ).one_or_none()
    held = list_holds(connection, Filter(agency=agency, case_number=number))
    if case is None:
        opened_at = min((each.placed_at for each in held), default=None)
        if opened_at is None:
            return None
        return CaseFile(agency, number, opened_at, searches=(), holds=tuple(held))
    shown = what_was_shown(connection, case_searches.c.case_id == case.id, duties, now)
    searches = connection.execute(
        select(case_searches, users.c.login, users.c.name)
        .join(users, users.c.id == case_searches.c.user_id)
        .where(case_searches.c.case_id == case.id)
        .order_by(case_searches.c.ledger_index)
    ).all()
    return CaseFile(
        agency=agency,
        number=case.number,
        opened_at=case.opened_at,
        searches=tuple(
            CaseSearch(
                ledger_index=each.ledger_index,
                login=each.login,
                name=each.name,
                searched_at=each.searched_at,
                request=json.loads(each.request),
                reads=tuple(shown.get(each.ledger_index, ())),
            )
            for each in searches
        ),
        holds=tuple(held),
        events=tuple(of_case(connection, case.id)),
    )


def summaries(connection: Connection, agency: str) -> list[CaseSummary]:
    """The agency's cases by number, those that there is only a hold for too."""
    rows = connection.execute(
        select(cases.c.number, cases.c.opened_at, func.count(case_searches.c.ledger_index))
        .join(agencies, agencies.c.id == cases.c.agency_id)
        .outerjoin(case_searches, case_searches.c.case_id == cases.c.id)
        .where(agencies.c.name == agency)
        .group_by(cases.c.id, cases.c.number, cases.c.opened_at)
    )
    searched = {number: (opened_at, count) for number, opened_at, count in rows}
    held: dict[str, list[datetime]] = defaultdict(list)
    for hold in list_holds(connection, Filter(agency=agency)):
        held[hold.case_number].append(hold.placed_at)
    found = []
    for number in sorted(searched.keys() | held.keys()):
        placed = held.get(number, [])
        opened_at, count = searched[number] if number in searched else (min(placed), 0)
        found.append(CaseSummary(number, opened_at, count, len(placed)))
    return found


def what_was_shown(
    connection: Connection, which: ColumnElement[bool], duties: Duties, now: datetime
) -> Mapping[int, Sequence[Shown]]:
    """What those searches and reads showed, by the search's entry and in its order.

    Of reads whose time has come, no facts.
    """
    shown, columns = case_search_reads, case_search_reads.c
    kept = (
        (reads.c.unit_id == columns.unit_id)
        & (reads.c.captured_at == columns.captured_at)
        & (reads.c.read_id == columns.read_id)
        & (~duties.has_expired(reads, now) | is_held(reads))
    )
    rows = connection.execute(
        select(shown, reads.c.read_id.is_not(None).label("is_kept"))
        .join(case_searches, case_searches.c.ledger_index == columns.ledger_index)
        .outerjoin(reads, kept)
        .where(which)
        .order_by(columns.ledger_index, columns.place)
    )
    found: dict[int, list[Shown]] = defaultdict(list)
    for row in rows:
        facts = showing.opened(row.facts) if row.is_kept else None
        found[row.ledger_index].append(
            Shown(row.unit_id, row.captured_at, row.read_id, facts, row.facts_digest)
        )
    return found
