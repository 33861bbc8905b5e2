"""Searches that people without access ask for (policies C-1e, M-C8, F-request, F-second).

The form is recorded by whoever receives it and kept in the case file with its answer. The ALPR
administrator accepts or denies it, with the reason, and searches under its number. What is answered
names the reads it rests on. One that is not exactly the plate is a possible match: a second person
reviews it before it is reported, or the reason is recorded why nobody could.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Engine, select

from repository.accounts.roles import Power, require
from repository.accounts.user import User
from repository.cases import files
from repository.cases.events import Kind
from repository.cases.shown import opened
from repository.ledger.entry import JSON, as_typed
from repository.search import local_rule_rows, permits, request_rows, review_rows
from repository.search.acts import Act, acting
from repository.search.errors import ProposalError
from repository.search.request_form import RequestForm, check, check_text, kind_of
from repository.search.request_rows import Decision, SearchAskedFor
from repository.search.review_rows import Review
from repository.store.tables.cases import case_search_reads
from repository.store.tables.fleet import agencies
from repository.store.tables.search import search_runs

MAX_MATCHES = 200
MAX_ANSWER = 10_000


@dataclass(frozen=True, slots=True)
class Reported:
    """A read that a search under a request showed, by its key, and whether it fits exactly."""

    ledger_index: int
    unit_id: int
    captured_at: datetime
    read_id: UUID
    exact: bool


@dataclass(frozen=True, slots=True)
class SearchRequests:
    """Requests put to an agency, for its users who have signed in."""

    engine: Engine
    now: Callable[[], datetime]

    def receive(self, user: User, form: RequestForm, origin: str) -> SearchAskedFor:
        """Record a request, of a colleague's or of another agency's.

        Raises:
            SearchRefusedError: naming the field that is wrong, or if a private party asks.
            AccountError: if the user may not record requests.
        """
        powers = Power.ASK_FOR_SEARCH, Power.HANDLE_REQUESTS
        with acting(
            self.engine, self.now, user, "request.receive", form.as_typed(), origin, *powers
        ) as act:
            checked = check(form)
            takes_part = act.connection.scalar(
                select(agencies.c.id).where(agencies.c.name == checked.agency)
            )
            kind = kind_of(checked, user.agency, takes_part=takes_part is not None)
            if kind != "own":
                require(user, Power.HANDLE_REQUESTS)
                rule = local_rule_rows.load(act.connection).get(user.agency_id)
                if rule is not None and not rule.outside_requests:
                    raise ProposalError(
                        f"agency: your agency's own rule ({rule.name}) makes no searches for others"
                    )
            case_id = files.open_case(act.connection, user, checked.case_number, act.now)
            number = request_rows.add(act.connection, user, case_id, kind, checked, act.now)
            index = act.record({"request": number, "asker_kind": kind})
            return _tell(act, user, number, case_id, "request", {"done": "received"}, index)

    def decide(
        self, user: User, number: int, *, accept: bool, reason: str, origin: str
    ) -> SearchAskedFor:
        """Accept a request or deny it, as the ALPR administrator.

        Raises:
            ProposalError: if the agency has none of that number that waits, or it is the user's
                own wish.
            AccountError: if the user may not handle requests.
        """
        asked: dict[str, JSON] = {"request": number, "accept": accept, "reason": as_typed(reason)}
        with acting(
            self.engine, self.now, user, "request.decide", asked, origin, Power.HANDLE_REQUESTS
        ) as act:
            told = check_text("reason", reason)
            found = there(act.connection, user, number)
            if found.asker_kind == "own" and found.received_by == user.id:
                raise ProposalError(f"request {number}: is your own; another person handles it")
            decision: Decision = "accepted" if accept else "denied"
            if not request_rows.decide(act.connection, number, user, decision, told, act.now):
                raise ProposalError(f"request {number}: was decided already")
            index = act.record({"reason": told})
            detail: dict[str, JSON] = {"done": decision, "reason": told}
            return _tell(act, user, number, found.case_id, "request", detail, index)

    def ask_review(self, user: User, number: int, read: UUID, origin: str) -> Review:
        """Have a second person look at a read before it is reported as a match.

        Raises:
            ProposalError: if no search under that request showed the read.
            AccountError: if the user may not handle requests.
        """
        asked: dict[str, JSON] = {"request": number, "read": str(read)}
        with acting(
            self.engine, self.now, user, "request.ask_review", asked, origin, Power.HANDLE_REQUESTS
        ) as act:
            found = there(act.connection, user, number)
            shown = _shown(act.connection, number, read)
            waiting = [
                each
                for each in review_rows.of_read(act.connection, number, read)
                if each.outcome is None
            ]
            if waiting:
                raise ProposalError(f"read {read}: waits for review {waiting[0].number} already")
            review = review_rows.add(
                act.connection,
                "match",
                user,
                found.case_id,
                shown.ledger_index,
                now=act.now,
                request=number,
                read=(shown.unit_id, shown.captured_at, shown.read_id),
            )
            act.record({"review": review})
            made = review_rows.find(act.connection, user.agency_id, review)
            if made is None:
                raise ProposalError(f"review {review}: is not there")
            return made

    def answer(
        self,
        user: User,
        number: int,
        text: str,
        matches: Sequence[UUID],
        origin: str,
        *,
        not_practicable: str | None = None,
    ) -> SearchAskedFor:
        """Record the answer to a request, and the reads that it reports.

        ``not_practicable`` says why nobody could review what is no exact match.

        Raises:
            ProposalError: if the request is not accepted or was answered, a read was shown by no
                search under it, or a possible match was not reviewed, or was found to be none.
            AccountError: if the user may not handle requests.
        """
        asked: dict[str, JSON] = {
            "request": number,
            "matches": [str(each) for each in matches[:MAX_MATCHES]],
            "not_practicable": None if not_practicable is None else as_typed(not_practicable),
        }
        with acting(
            self.engine, self.now, user, "request.answer", asked, origin, Power.HANDLE_REQUESTS
        ) as act:
            told = check_text("answer", text, MAX_ANSWER)
            if len(set(matches)) != len(matches) or len(matches) > MAX_MATCHES:
                raise ProposalError(f"matches: at most {MAX_MATCHES} reads, each once")
            found = there(act.connection, user, number)
            why_not = (
                None if not_practicable is None else check_text("not practicable", not_practicable)
            )
            reported = [_shown(act.connection, number, each) for each in matches]
            unreviewed = [
                each for each in reported if not each.exact and not _matches(act, number, each)
            ]
            if unreviewed and why_not is None:
                raise ProposalError(
                    f"read {unreviewed[0].read_id}: is no exact match; have a second person review "
                    "it before it is reported, or give the reason why nobody can"
                )
            for each in unreviewed:
                _record_unreviewed(act, user, found, each, why_not or "")
            if not request_rows.answer(act.connection, number, user, told, len(matches), act.now):
                raise ProposalError(f"request {number}: not accepted, or answered already")
            index = act.record(count=len(matches))
            detail: dict[str, JSON] = {
                "matches": [str(each) for each in matches],
                "not_reviewed": [str(each.read_id) for each in unreviewed],
                "why_not": why_not,
                "answer": told,
            }
            return _tell(act, user, number, found.case_id, "answer", detail, index)

    def list(self, user: User, origin: str, *, waiting: bool = False) -> list[SearchAskedFor]:
        """The requests put to the user's agency; those that they recorded, for who handles none."""
        with acting(
            self.engine,
            self.now,
            user,
            "request.list",
            {"waiting": waiting},
            origin,
            Power.ASK_FOR_SEARCH,
            Power.HANDLE_REQUESTS,
            Power.AUDIT_OWN_AGENCY,
        ) as act:
            every = permits.sees_all(user, Power.HANDLE_REQUESTS)
            found = request_rows.of_agency(
                act.connection,
                user.agency_id,
                received_by=None if every else user.id,
                unanswered=waiting,
            )
            act.record(count=len(found))
            return found


def there(connection: Connection, user: User, number: int) -> SearchAskedFor:
    """The request of that number that was put to the user's agency.

    Raises:
        ProposalError: if there is none.
    """
    found = request_rows.find(connection, user.agency_id, number)
    if found is None:
        raise ProposalError(f"request {number}: your agency has none of that number")
    return found


def _shown(connection: Connection, request: int, read: UUID) -> Reported:
    shown = case_search_reads
    query = (
        select(shown)
        .join(search_runs, search_runs.c.ledger_index == shown.c.ledger_index)
        .where(search_runs.c.request_id == request, shown.c.read_id == read)
        .order_by(shown.c.ledger_index.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    facts = None if row is None else opened(row.facts)
    if row is None or facts is None:
        raise ProposalError(
            f"read {read}: no search under this request showed it, or it is kept no more"
        )
    return Reported(
        row.ledger_index, row.unit_id, row.captured_at, row.read_id, facts.get("how") == "exact"
    )


def _matches(act: Act, request: int, reported: Reported) -> bool:
    outcomes = [
        each.outcome
        for each in review_rows.of_read(act.connection, request, reported.read_id)
        if each.outcome is not None
    ]
    if outcomes and outcomes[0] == "no_match":
        raise ProposalError(
            f"read {reported.read_id}: a second person found that it is no match; it is not "
            "reported"
        )
    return bool(outcomes) and outcomes[0] == "match"


def _record_unreviewed(
    act: Act, user: User, found: SearchAskedFor, reported: Reported, why_not: str
) -> None:
    number = review_rows.add(
        act.connection,
        "match",
        user,
        found.case_id,
        reported.ledger_index,
        now=act.now,
        request=found.number,
        read=(reported.unit_id, reported.captured_at, reported.read_id),
    )
    review_rows.conclude(act.connection, number, user, "not_practicable", why_not, act.now)


def _tell(
    act: Act,
    user: User,
    number: int,
    case_id: int,
    kind: Kind,
    detail: Mapping[str, JSON],
    index: int,
) -> SearchAskedFor:
    files.add_event(
        act.connection,
        case_id,
        kind,
        by=user,
        at=act.now,
        detail={"request": number, **detail},
        ledger_index=index,
    )
    return there(act.connection, user, number)
