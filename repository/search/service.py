"""The use case of a search: authorise, run, record, commit, and only then show.

Every search leaves an entry in the ledger, the refused and the failed too. What it found is
shown only once the entry, with the number of reads and the digest of their ids, is committed; so
is its record in the case file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Engine

from repository.accounts import users
from repository.accounts.errors import SessionEndedError
from repository.accounts.user import User
from repository.cases import files
from repository.errors import RepositoryError
from repository.ledger import log
from repository.ledger.entry import JSON, Entry, Outcome, digest_of_ids
from repository.search.criteria import DEFAULT_RESULTS, Criteria
from repository.search.purpose import Purpose
from repository.search.result import SearchResult
from repository.search.run import run

ACTION = "search.run"
_LONGEST_KEPT = 500


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search as it was typed, nothing of it checked."""

    plate: str
    start: datetime
    end: datetime
    purpose: str
    facts: str
    case_number: str
    affirmed: bool
    court_order: str | None = None
    folded: bool = False
    limit: int = DEFAULT_RESULTS


@dataclass(frozen=True, slots=True)
class Searches:
    """Searching, for users who have signed in; ``fold`` is what reads were stored with."""

    engine: Engine
    now: Callable[[], datetime]
    fold: Callable[[str], str] = field(repr=False)

    def search(self, user: User, request: SearchRequest, origin: str) -> SearchResult:
        """What the user may see.

        Raises:
            SearchRefusedError: if the criteria or the purpose do not do.
            SessionEndedError: if the account was closed meanwhile.
        """
        try:
            criteria = Criteria.of(
                request.plate,
                request.start,
                request.end,
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
        except RepositoryError as refusal:
            self._record_alone(user, _as_typed(request, str(refusal)), origin, "refused")
            raise
        recorded = {"criteria": criteria.as_json(), "purpose": purpose.as_json()}
        try:
            with self.engine.begin() as connection:
                return self._run(connection, user, criteria, purpose, recorded, origin)
        except SessionEndedError as refusal:
            self._record_alone(user, recorded | {"reason": str(refusal)}, origin, "refused")
            raise
        except Exception as error:
            self._record_alone(user, recorded | {"reason": type(error).__name__}, origin, "failed")
            raise

    def _run(
        self,
        connection: Connection,
        user: User,
        criteria: Criteria,
        purpose: Purpose,
        recorded: Mapping[str, JSON],
        origin: str,
    ) -> SearchResult:
        account = users.lock(connection, user.id)
        if account is None or not account.open:
            raise SessionEndedError
        found, more = run(connection, criteria, self.fold)
        now = self.now()
        case_id = files.open_case(connection, user, purpose.case_number, now)
        appended = log.append(
            connection,
            Entry(
                ACTION,
                user.actor,
                now,
                origin,
                recorded,
                count=len(found),
                result_digest=digest_of_ids(str(each.read_id) for each in found),
            ),
        )
        files.add_search(
            connection,
            case_id,
            user,
            ledger_index=appended.index,
            at=now,
            request=recorded,
            shown=[files.Shown(each.unit_id, each.captured_at, each.read_id) for each in found],
        )
        return SearchResult(tuple(found), more, appended.index)

    def _record_alone(
        self, user: User, request: Mapping[str, JSON], origin: str, outcome: Outcome
    ) -> None:
        with self.engine.begin() as connection:
            entry = Entry(ACTION, user.actor, self.now(), origin, request, outcome)
            log.append(connection, entry)


def _as_typed(request: SearchRequest, reason: str) -> Mapping[str, JSON]:
    """A refused request as the ledger keeps it: each field cut where it goes on too long."""
    typed = {
        "plate": request.plate,
        "folded": str(request.folded),
        "from": request.start.isoformat(),
        "to": request.end.isoformat(),
        "limit": str(request.limit),
        "purpose": request.purpose,
        "facts": request.facts,
        "case": request.case_number,
        "court_order": request.court_order or "",
        "affirmed": str(request.affirmed),
    }
    kept = {key: _recordable(value) for key, value in typed.items()}
    return {"typed": kept, "reason": reason}


def _recordable(text: str) -> str:
    return text[:_LONGEST_KEPT].encode("utf-8", "replace").decode()
