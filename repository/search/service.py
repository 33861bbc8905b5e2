"""The use case of a search: authorise, run, record, commit, and only then show.

Every search leaves an entry in the ledger, the refused and the failed too, and so does one whose
asker left before the answer. What it found is shown only once the entry, with the number of reads
and the digest of their ids, is committed; so is its record in the case file. A question which
plates were seen together goes the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, NoReturn, TypeVar

from sqlalchemy import Connection, Engine

from repository.accounts.entering import enter
from repository.accounts.roles import Power, require
from repository.accounts.user import User
from repository.cases import files
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed, digest_of_ids
from repository.retention.duties import Duties, Shipped
from repository.retention.rules import RetentionRule, shipped_rule
from repository.search import emergencies, permits, present, run_rows, together
from repository.search.asking import Asked, SearchRequest, TogetherRequest, as_asked
from repository.search.errors import AskerLeftError, SearchRefusedError
from repository.search.permits import REFUSALS, Law, Permit
from repository.search.result import FoundRead, FoundTogether, SearchResult, TogetherResult
from repository.search.run import Found, Sight, has_lookalikes, run
from repository.search.settings import SearchSettings
from repository.store import locks
from repository.store.bounded import BoundedReader, Stop, StoppedError, TooLongError
from repository.store.engine import reading
from repository.store.locks import Turn

ACTION = "search.run"
_F = TypeVar("_F")
_Reads = Sequence[FoundRead]


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What recording a search gave: its entry, when, and the review that it leads to."""

    index: int
    at: datetime
    review: int | None


@dataclass(frozen=True, slots=True)
class _Answer(Generic[_F]):
    """What was found; the reads that are shown of it; what else the ledger keeps of it."""

    found: _F
    shown: _Reads
    told: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Searches:
    """Searching, for users who have signed in.

    ``fold`` is what reads were stored with; ``rule`` is the repository's and ``shipped`` gives the
    agencies' own: they say which reads have expired. ``settings`` say what is broad.
    """

    engine: Engine
    now: Callable[[], datetime]
    fold: Callable[[str], str] = field(repr=False)
    rule: RetentionRule
    shipped: Shipped = field(default=shipped_rule, repr=False)
    settings: SearchSettings = field(default_factory=SearchSettings)

    def search(
        self, user: User, request: SearchRequest, origin: str, stop: Stop | None = None
    ) -> SearchResult:
        """What the user may see; ``stop`` ends it when nobody waits for it any more.

        Raises:
            SearchRefusedError: if the criteria or the purpose do not do, or the search is too wide
                to be answered in time; ApprovalNeededError, if a supervisor's approval is missing.
            AccountError: if the account was closed meanwhile, or may not search.
        """

        def find(reader: BoundedReader, asked: Asked, sight: Sight) -> _Answer[Found]:
            likely = self.settings.second_guess_probability
            criteria = asked.search
            found = run(reader, criteria, sight=sight, fold=self.fold, least_likely=likely)
            alike = not found.reads and has_lookalikes(
                reader, criteria, sight=sight, fold=self.fold
            )
            return _Answer(found, found.reads, {"lookalikes": True} if alike else {})

        answer, recorded = self._carry_out(user, request, find, origin, stop)
        found = answer.found
        following = None if found.next is None else str(found.next)
        return SearchResult(
            found.reads,
            following,
            recorded.index,
            recorded.at,
            recorded.review,
            lookalikes="lookalikes" in answer.told,
        )

    def together(
        self, user: User, request: TogetherRequest, origin: str, stop: Stop | None = None
    ) -> TogetherResult:
        """The plates that were seen with one, if a supervisor has approved the question.

        Raises:
            The same as `search`.
        """

        def find(reader: BoundedReader, asked: Asked, sight: Sight) -> _Answer[FoundTogether]:
            found = together.find(reader, asked.association, sight=sight, fold=self.fold)
            return _Answer(found, tuple(found.reads()))

        answer, recorded = self._carry_out(user, request, find, origin, stop)
        return TogetherResult(answer.found, recorded.index, recorded.at, recorded.review)

    def new_stop(self) -> Stop:
        """What ends a search when it is called, from another thread."""
        return Stop()

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

    def _carry_out(
        self,
        user: User,
        request: SearchRequest | TogetherRequest,
        find: Callable[[BoundedReader, Asked, Sight], _Answer[_F]],
        origin: str,
        stop: Stop | None,
    ) -> tuple[_Answer[_F], _Recorded]:
        stop = stop or Stop()
        with attempt(self.engine, self._entry(user, as_asked(request), origin), REFUSALS):
            require(user, Power.SEARCH)
            asked = Asked.of(request)
        entry = self._entry(user, asked.as_json(), origin)
        with attempt(self.engine, entry, REFUSALS):
            # Apart from what is then written, so that a long search keeps nobody waiting.
            with self._judging(user, asked, stop) as (reader, law, sight):
                reasons = permits.reasons_for_approval(
                    reader, user, law, asked, sight=sight, fold=self.fold
                )
                given = permits.permit(reader.connection, user, asked, reasons, sight.now)
                answer = find(reader, asked, sight)
            if stop.wanted:
                raise AskerLeftError(str(StoppedError()))
            with self.engine.begin() as connection:
                review_h = law.limits(user).emergency_review_h
                done = replace(entry, request={**entry.request, **answer.told})
                return answer, self._conclude(
                    connection, user, asked, given, done, answer.shown, review_h
                )

    def why_broad(self, user: User, asked: Asked) -> list[str]:
        """What makes that question need an approval, after everything else is in order.

        Raises:
            The same as `search`.
        """
        with self._judging(user, asked, Stop()) as (reader, law, sight):
            return permits.reasons_for_approval(
                reader, user, law, asked, sight=sight, fold=self.fold
            )

    @contextmanager
    def _judging(
        self, user: User, asked: Asked, stop: Stop
    ) -> Iterator[tuple[BoundedReader, Law, Sight]]:
        with reading(self.engine) as connection:
            now = self.now()
            law = Law.load(connection, self.settings)
            permits.check_person(connection, user, law, asked.purpose, Power.SEARCH, now)
            permits.check_question(connection, user, law, asked)
            run_rows.check_page(connection, user, asked)
            duties = Duties.load(connection, self.rule, self.shipped)
            closed = law.closed(asked.purpose.kind, now, together=asked.kind == "together")
            reader = BoundedReader(connection, self.settings.longest_s, stop)
            try:
                yield reader, law, Sight(user.agency_id, duties, now, closed)
            except TooLongError as error:
                raise SearchRefusedError(
                    f"the search was ended: {error}; give more of the plate, a shorter window of "
                    "time or a smaller place"
                ) from error
            except StoppedError as error:
                raise AskerLeftError(str(error)) from error

    def _conclude(
        self,
        connection: Connection,
        user: User,
        asked: Asked,
        given: Permit,
        entry: Entry,
        shown: _Reads,
        review_h: float,
    ) -> _Recorded:
        enter(connection, user, Power.SEARCH)
        # A purge that began goes first: neither would see what the other has not committed.
        locks.share(connection, Turn.RETENTION)
        now = self.now()
        permits.use(connection, given, asked, now)
        case_id = files.open_case(connection, user, asked.purpose.case_number, now)
        request = dict(entry.request)
        if given.approval is not None:
            request["approval"] = given.approval
        digest = digest_of_ids(str(each.read_id) for each in shown)
        entry = replace(entry, at=now, count=len(shown), result_digest=digest, request=request)
        rows = [
            files.row_of(
                files.Shown(
                    each.unit_id, each.captured_at, each.read_id, present.read_mapping(each, now)
                )
            )
            for each in shown
        ]
        again = run_rows.is_page_of_emergency(connection, user, asked, case_id, now)

        def keep(index: int) -> None:
            files.add_search(
                connection,
                case_id,
                user,
                ledger_index=index,
                at=now,
                request=request,
                shown=rows,
            )
            run_rows.add(
                connection,
                user,
                case_id,
                asked,
                given,
                ledger_index=index,
                returned=len(shown),
                at=now,
            )

        index = log.append(connection, entry, also=keep).index
        review = None
        if given.emergency is not None and not again:
            due_at = now + timedelta(hours=review_h)
            review = emergencies.raise_review(connection, user, case_id, index, due_at, now)
        return _Recorded(index, now, review)
