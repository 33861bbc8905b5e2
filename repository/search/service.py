"""The use case of a search: authorise, run, record, commit, and only then show.

Every search leaves an entry in the ledger, the refused and the failed too. What it found is
shown only once the entry, with the number of reads and the digest of their ids, is committed; so
is its record in the case file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NoReturn

from sqlalchemy import Connection, Engine

from repository.accounts import users
from repository.accounts.errors import SessionEndedError
from repository.accounts.user import User
from repository.cases import files
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed, digest_of_ids
from repository.retention.duties import Duties, Shipped
from repository.retention.rules import RetentionRule, shipped_rule
from repository.search.criteria import DEFAULT_RESULTS, Criteria, parse_moment
from repository.search.cursor import Cursor
from repository.search.errors import SearchRefusedError
from repository.search.place import Circle, Place, Polygon
from repository.search.present import read_as_mapping
from repository.search.purpose import Purpose
from repository.search.result import SearchResult
from repository.search.run import Found, run
from repository.store import locks
from repository.store.bounded import BoundedReader, TooLongError
from repository.store.engine import reading
from repository.store.locks import Turn

ACTION = "search.run"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search as it was typed, nothing of it checked; times are ISO 8601 with their offset.

    ``near`` is a point such as "42.5195,-70.8967" and ``within`` a polygon of such points;
    ``after`` is the ``next`` of the page before.
    """

    purpose: str
    facts: str
    case_number: str
    affirmed: bool
    court_order: str | None = None
    plate: str | None = None
    folded: bool = False
    start: str | None = None
    end: str | None = None
    near: str | None = None
    radius_m: float | None = None
    within: Sequence[str] | None = None
    state: str | None = None
    agency: str | None = None
    unit: str | None = None
    camera: str | None = None
    hits_only: bool = False
    limit: int = DEFAULT_RESULTS
    after: str | None = None
    state_or_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Searches:
    """Searching, for users who have signed in.

    ``fold`` is what reads were stored with; ``rule`` is the repository's and ``shipped`` gives the
    agencies' own: they say which reads have expired. A search that takes longer than ``limit_s``
    is ended.
    """

    engine: Engine
    now: Callable[[], datetime]
    fold: Callable[[str], str] = field(repr=False)
    rule: RetentionRule
    shipped: Shipped = field(default=shipped_rule, repr=False)
    limit_s: float = 30.0

    def search(self, user: User, request: SearchRequest, origin: str) -> SearchResult:
        """What the user may see.

        Raises:
            SearchRefusedError: if the criteria or the purpose do not do, or the search is too wide
                to be answered in time.
            SessionEndedError: if the account was closed meanwhile.
        """
        with attempt(
            self.engine, self._entry(user, _as_typed(request), origin), SearchRefusedError
        ):
            criteria = _criteria(request)
            purpose = Purpose.of(
                request.purpose,
                request.facts,
                request.case_number,
                affirmed=request.affirmed,
                court_order=request.court_order,
            )
        entry = self._entry(
            user, {"criteria": criteria.as_json(), "purpose": purpose.as_json()}, origin
        )
        with attempt(self.engine, entry, (SessionEndedError, SearchRefusedError)):
            found = self._find(user, criteria)
            with self.engine.begin() as connection:
                return self._conclude(connection, user, purpose, entry, found)

    def refuse(self, user: User, typed: str, reason: str, origin: str) -> NoReturn:
        """Refuse, on the record, what is no search at all.

        Raises:
            SearchRefusedError: with that reason.
        """
        entry = self._entry(user, {"typed": as_typed(typed)}, origin)
        with attempt(self.engine, entry, SearchRefusedError):
            raise SearchRefusedError(reason)

    def _entry(self, user: User, request: Mapping[str, JSON], origin: str) -> Entry:
        return Entry(ACTION, user.actor, self.now(), origin, request)

    def _find(self, user: User, criteria: Criteria) -> Found:
        """Apart from what is then written, so that a long search keeps nobody waiting."""
        with reading(self.engine) as connection:
            duties = Duties.load(connection, self.rule, self.shipped)
            reader = BoundedReader(connection, self.limit_s)
            try:
                return run(
                    reader,
                    criteria,
                    agency_id=user.agency_id,
                    fold=self.fold,
                    duties=duties,
                    now=self.now(),
                )
            except TooLongError as error:
                raise SearchRefusedError(
                    f"the search was ended: {error}; give more of the plate, a shorter window of "
                    "time or a smaller place"
                ) from error

    def _conclude(
        self, connection: Connection, user: User, purpose: Purpose, entry: Entry, found: Found
    ) -> SearchResult:
        locks.share(connection, Turn.RETENTION)  # what is purged by now leaves no facts behind
        account = users.lock(connection, user.id)
        if account is None or not account.open:
            raise SessionEndedError
        now = self.now()
        case_id = files.open_case(connection, user, purpose.case_number, now)
        digest = digest_of_ids(str(each.read_id) for each in found.reads)
        appended = log.append(
            connection, replace(entry, at=now, count=len(found.reads), result_digest=digest)
        )
        files.add_search(
            connection,
            case_id,
            user,
            ledger_index=appended.index,
            at=now,
            request=entry.request,
            shown=[
                files.Shown(each.unit_id, each.captured_at, each.read_id, read_as_mapping(each))
                for each in found.reads
            ],
        )
        return SearchResult(
            found.reads, None if found.next is None else str(found.next), appended.index
        )


def _criteria(request: SearchRequest) -> Criteria:
    return Criteria.of(
        request.plate,
        None if request.start is None else parse_moment("from", request.start),
        None if request.end is None else parse_moment("to", request.end),
        folded=request.folded,
        place=_place(request),
        state=request.state,
        agency=request.agency,
        unit=request.unit,
        camera=request.camera,
        hits_only=request.hits_only,
        limit=request.limit,
        after=None if request.after is None else Cursor.of(request.after),
        state_or_unknown=request.state_or_unknown,
    )


def _place(request: SearchRequest) -> Place | None:
    if request.near is not None and request.within is not None:
        raise SearchRefusedError("within: a search has one place; leave out this or near")
    if request.within is not None:
        return Polygon.of(request.within)
    if request.near is not None:
        return Circle.of(request.near, request.radius_m)
    if request.radius_m is not None:
        raise SearchRefusedError("near: missing; a radius needs its point")
    return None


def _as_typed(request: SearchRequest) -> Mapping[str, JSON]:
    """A request that may be refused, as the ledger keeps it: each field cut where too long."""
    typed = {
        "plate": request.plate,
        "folded": request.folded,
        "from": request.start,
        "to": request.end,
        "near": request.near,
        "radius_m": request.radius_m,
        "within": None if request.within is None else " ".join(request.within),
        "state": request.state,
        "state_or_unknown": request.state_or_unknown,
        "agency": request.agency,
        "unit": request.unit,
        "camera": request.camera,
        "hits_only": request.hits_only,
        "limit": request.limit,
        "after": request.after,
        "purpose": request.purpose,
        "facts": request.facts,
        "case": request.case_number,
        "court_order": request.court_order,
        "affirmed": request.affirmed,
    }
    return {
        "typed": {key: as_typed(str(value)) for key, value in typed.items() if value is not None}
    }
