"""Reviewing what somebody else did: an emergency (F-emergency), a possible match (F-second).

An emergency that was not justified goes the way of misuse: it is reported to the agency's head.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args

from sqlalchemy import Connection, Engine, tuple_

from repository.accounts import users
from repository.accounts.roles import Power, may, require
from repository.accounts.user import User
from repository.agencies import misuse
from repository.agencies.misuse import Accused
from repository.cases import files
from repository.ledger.entry import JSON, as_typed
from repository.retention.duties import Duties
from repository.search import emergencies, permits, review_rows
from repository.search.acts import Act, acting
from repository.search.errors import ProposalError
from repository.search.facts import check_words
from repository.search.request_form import check_text
from repository.search.review_rows import Outcome, Review
from repository.store.tables.cases import case_search_reads

_OF = {"emergency": ("justified", "unjustified"), "match": ("match", "no_match")}
_POWER = {"emergency": Power.APPROVE_SEARCH, "match": Power.REVIEW_MATCH}


@dataclass(frozen=True, slots=True)
class Reviews:
    """Reviews of an agency's searches, for users who have signed in."""

    engine: Engine
    now: Callable[[], datetime]
    load_duties: Callable[[Connection], Duties]

    def conclude(self, user: User, number: int, outcome: str, reason: str, origin: str) -> Review:
        """Record what the user found: of an emergency ``justified`` or ``unjustified``, of a
        possible match ``match`` or ``no_match``.

        Raises:
            ProposalError: if the agency has none of that number that waits, it is of the user's
                own search, or the outcome is none of its kind's.
            SearchRefusedError: if the reason says nothing.
            AccountError: if the user may not review such a thing.
        """
        asked: dict[str, JSON] = {
            "review": number,
            "outcome": as_typed(outcome),
            "reason": as_typed(reason),
        }
        with acting(
            self.engine, self.now, user, "search.review", asked, origin, *_POWER.values()
        ) as act:
            found = there(act.connection, user, number)
            require(user, _POWER[found.kind])
            if outcome not in _OF[found.kind]:
                expected = " or ".join(_OF[found.kind])
                raise ProposalError(f"outcome: expected {expected}")
            if found.searched_by == user.id:
                raise ProposalError(f"review {number}: is of your own search; another person does")
            told = _reason(found, reason)
            return self._conclude(act, user, found, _outcome(outcome), told)

    def list(self, user: User, origin: str, *, waiting: bool = False) -> Sequence[Review]:
        """The reviews of the user's agency; of their own searches for who may not review."""
        with acting(
            self.engine,
            self.now,
            user,
            "search.list_reviews",
            {"waiting": waiting},
            origin,
            Power.SEARCH,
            Power.APPROVE_SEARCH,
            Power.REVIEW_MATCH,
            Power.AUDIT_OWN_AGENCY,
        ) as act:
            found = review_rows.of_agency(act.connection, user.agency_id, open_alone=waiting)
            if not permits.sees_all(user, Power.REVIEW_MATCH):
                found = [each for each in found if each.searched_by == user.id]
            told = self._with_shown(act, user, found)
            seen = [str(each.read_id) for each in told if each.shown is not None]
            act.record({"reads_shown": seen}, count=len(told))
            return told

    def _with_shown(self, act: Act, user: User, found: Sequence[Review]) -> Sequence[Review]:
        """The reviews, with what was shown of the read for who reviews it or made the search."""
        reads = case_search_reads.c
        mine = [
            each
            for each in found
            if each.read_id is not None
            and (may(user, Power.REVIEW_MATCH) or each.searched_by == user.id)
        ]
        if not mine:
            return found
        keys = tuple_(reads.ledger_index, reads.read_id)
        which = keys.in_([(each.ledger_index, each.read_id) for each in mine])
        shown = files.what_was_shown(
            act.connection, which, self.load_duties(act.connection), act.now
        )
        facts = {
            (index, each.read_id): each.facts for index, some in shown.items() for each in some
        }
        numbers = {each.number for each in mine}
        return [
            replace(each, shown=facts.get((each.ledger_index, each.read_id)))
            if each.number in numbers and each.read_id is not None
            else each
            for each in found
        ]

    def _conclude(self, act: Act, user: User, found: Review, outcome: Outcome, told: str) -> Review:
        if not review_rows.conclude(act.connection, found.number, user, outcome, told, act.now):
            raise ProposalError(f"review {found.number}: was concluded already")
        if found.kind == "emergency":
            emergencies.settle(act.connection, found.number, act.now)
        report = _report(act, user, found, told) if outcome == "unjustified" else None
        index = act.record({"search": found.ledger_index, "reason": told, "misuse_report": report})
        detail: dict[str, JSON] = {
            "review": found.number,
            "search": found.ledger_index,
            "outcome": outcome,
            "reason": told,
            "read": None if found.read_id is None else str(found.read_id),
            "misuse_report": report,
        }
        files.add_event(
            act.connection,
            found.case_id,
            "emergency_review" if found.kind == "emergency" else "second_review",
            by=user,
            at=act.now,
            detail=detail,
            ledger_index=index,
        )
        return there(act.connection, user, found.number)


def _report(act: Act, user: User, found: Review, told: str) -> int:
    searcher = users.lock(act.connection, found.searched_by)
    number, _ = misuse.add(
        act.connection,
        found.agency_id,
        f"An emergency search was found not to be justified (review {found.number}, ledger entry "
        f"{found.ledger_index}): {told}",
        against=None if searcher is None else Accused(searcher.user.id, searcher.user.roles),
        about_head=False,
        found_by="person",
        reporter=(str(user.id), user.name),
        now=act.now,
    )
    return number


def there(connection: Connection, user: User, number: int) -> Review:
    """The review of that number at the user's agency.

    Raises:
        ProposalError: if there is none.
    """
    found = review_rows.find(connection, user.agency_id, number)
    if found is None:
        raise ProposalError(f"review {number}: your agency has none of that number")
    return found


def _reason(found: Review, typed: str) -> str:
    """The reason without blanks around; of an emergency it must tell something of the case."""
    if found.kind != "emergency":
        return check_text("reason", typed)  # what differs between two pictures may be one letter
    told = typed.strip()
    check_words("reason", told, "why it was an emergency, or why it was none")
    return told


def _outcome(name: str) -> Outcome:
    return next(each for each in get_args(Outcome) if each == name)
