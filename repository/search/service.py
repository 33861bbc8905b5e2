"""The use case of a search: authorise, run, record, commit, and only then show.

Every search leaves an entry in the ledger, the refused and the failed too. What it found is
shown only once the entry, with the number of reads and the digest of their ids, is committed; so
is its record in the case file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from repository.retention.rules import RetentionRule
from repository.search.criteria import DEFAULT_RESULTS, Criteria, parse_moment
from repository.search.errors import SearchRefusedError
from repository.search.purpose import Purpose
from repository.search.result import SearchResult
from repository.search.run import run

ACTION = "search.run"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search as it was typed, nothing of it checked; times are ISO 8601 with their offset."""

    plate: str
    start: str
    end: str
    purpose: str
    facts: str
    case_number: str
    affirmed: bool
    court_order: str | None = None
    folded: bool = False
    limit: int = DEFAULT_RESULTS


@dataclass(frozen=True, slots=True)
class Searches:
    """Searching, for users who have signed in.

    ``fold`` is what reads were stored with; ``rule`` says which of them have expired.
    """

    engine: Engine
    now: Callable[[], datetime]
    fold: Callable[[str], str] = field(repr=False)
    rule: RetentionRule

    def search(self, user: User, request: SearchRequest, origin: str) -> SearchResult:
        """What the user may see.

        Raises:
            SearchRefusedError: if the criteria or the purpose do not do.
            SessionEndedError: if the account was closed meanwhile.
        """
        with attempt(
            self.engine, self._entry(user, _as_typed(request), origin), SearchRefusedError
        ):
            criteria = Criteria.of(
                request.plate,
                parse_moment("from", request.start),
                parse_moment("to", request.end),
                folded=request.folded,
                limit=request.limit,
            )
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
        with attempt(self.engine, entry, SessionEndedError), self.engine.begin() as connection:
            return self._run(connection, user, criteria, purpose, entry)

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

    def _run(
        self,
        connection: Connection,
        user: User,
        criteria: Criteria,
        purpose: Purpose,
        entry: Entry,
    ) -> SearchResult:
        account = users.lock(connection, user.id)
        if account is None or not account.open:
            raise SessionEndedError
        now = self.now()
        found, more = run(
            connection,
            criteria,
            fold=self.fold,
            expired_before=self.rule.expired_before(now, hit=False),
        )
        case_id = files.open_case(connection, user, purpose.case_number, now)
        digest = digest_of_ids(str(each.read_id) for each in found)
        appended = log.append(
            connection, replace(entry, at=now, count=len(found), result_digest=digest)
        )
        files.add_search(
            connection,
            case_id,
            user,
            ledger_index=appended.index,
            at=now,
            request=entry.request,
            shown=[files.Shown(each.unit_id, each.captured_at, each.read_id) for each in found],
        )
        return SearchResult(tuple(found), more, appended.index)


def _as_typed(request: SearchRequest) -> Mapping[str, JSON]:
    """A request that may be refused, as the ledger keeps it: each field cut where too long."""
    typed = {
        "plate": request.plate,
        "folded": str(request.folded),
        "from": request.start,
        "to": request.end,
        "limit": str(request.limit),
        "purpose": request.purpose,
        "facts": request.facts,
        "case": request.case_number,
        "court_order": request.court_order or "",
        "affirmed": str(request.affirmed),
    }
    return {"typed": {key: as_typed(value) for key, value in typed.items()}}
