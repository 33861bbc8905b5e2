"""Proposing a broad search and deciding on it: two people of one agency, each on the ledger.

An approval is for the very question that was proposed, by its digest, for who proposed it, for a
set time and number of runs. Who decides sees the criteria and the purpose, and no result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from repository.accounts.roles import Power, require
from repository.accounts.user import User
from repository.cases import files
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed
from repository.search import approval_rows, permits
from repository.search.acts import acting
from repository.search.approval_rows import Approval
from repository.search.approvals_end import WAITING, subject
from repository.search.asking import Asked, SearchRequest, TogetherRequest, as_asked
from repository.search.errors import ProposalError
from repository.search.facts import check_words
from repository.search.permits import Law
from repository.search.service import Searches
from repository.units.findings import raise_finding, settle_finding

_PROPOSE = "search.propose"


@dataclass(frozen=True, slots=True)
class Approvals:
    """Proposals of searches and decisions on them, for users who have signed in."""

    engine: Engine
    now: Callable[[], datetime]
    searches: Searches

    def propose(
        self, user: User, request: SearchRequest | TogetherRequest, reason: str, origin: str
    ) -> Approval:
        """Propose a search that is broad, with the reason why it must be.

        Raises:
            SearchRefusedError: if the search would be refused for anything else, needs no
                approval, or the reason says nothing.
            AccountError: if the user may not search.
        """
        typed = Entry(_PROPOSE, user.actor, self.now(), origin, as_asked(request))
        with attempt(self.engine, typed, permits.REFUSALS):
            require(user, Power.SEARCH)
            asked = Asked.of(request)
            if asked.emergency is not None:
                raise ProposalError("emergency: a search that is proposed can wait for its answer")
            told = reason.strip()
            check_words("reason", told, "why it must be so broad")
            why = self.searches.why_broad(user, asked)
            if not why:
                raise ProposalError("approval: this search needs none; run it")
        entry: dict[str, JSON] = {**asked.as_json(), "why": why, "reason": told}
        with acting(self.engine, self.now, user, _PROPOSE, entry, origin, Power.SEARCH) as act:
            case_id = files.open_case(act.connection, user, asked.purpose.case_number, act.now)
            number = approval_rows.add(
                act.connection, user, case_id, asked, why=why, reason=told, now=act.now
            )
            index = act.record({"approval": number})
            detail: dict[str, JSON] = {"approval": number, "done": "proposed"}
            files.add_event(
                act.connection,
                case_id,
                "approval",
                by=user,
                at=act.now,
                detail=detail,
                ledger_index=index,
            )
            return _there(act.connection, user, number)

    def decide(
        self, user: User, number: int, *, approve: bool, reason: str, origin: str
    ) -> Approval:
        """Approve a proposal, or deny it.

        Raises:
            ProposalError: if the agency has none of that number that waits, or it is the user's
                own.
            SearchRefusedError: if the reason says nothing.
            AccountError: if the user may not approve searches.
        """
        asked: dict[str, JSON] = {
            "approval": number,
            "approve": approve,
            "reason": as_typed(reason),
        }
        with acting(
            self.engine, self.now, user, "search.decide", asked, origin, Power.APPROVE_SEARCH
        ) as act:
            found = _there(act.connection, user, number)
            if found.proposed_by == user.id:
                raise ProposalError(f"approval {number}: is your own; another person decides on it")
            told = reason.strip()
            check_words("reason", told, "why you approve the search, or why you deny it")
            limits = Law.load(act.connection, self.searches.settings).limits(user)
            until = act.now + timedelta(hours=limits.approval_valid_h)
            done = approval_rows.decide(
                act.connection,
                number,
                user,
                "approved" if approve else "denied",
                told,
                valid_until=until if approve else None,
                runs=limits.approval_runs if approve else None,
                now=act.now,
            )
            if not done:
                raise ProposalError(f"approval {number}: was decided already")
            settle_finding(
                act.connection, WAITING, None, "decided", act.now, subject=subject(number)
            )
            index = act.record({"digest": found.digest, "reason": told})
            files.add_event(
                act.connection,
                found.case_id,
                "approval",
                by=user,
                at=act.now,
                detail={
                    "approval": number,
                    "done": "approved" if approve else "denied",
                    "reason": told,
                },
                ledger_index=index,
            )
            return _there(act.connection, user, number)

    def list(self, user: User, origin: str, *, waiting: bool = False) -> list[Approval]:
        """The proposals of the user's agency: all for who may decide, else the user's own."""
        with acting(
            self.engine,
            self.now,
            user,
            "search.list_approvals",
            {"waiting": waiting},
            origin,
            Power.SEARCH,
            Power.APPROVE_SEARCH,
            Power.AUDIT_OWN_AGENCY,
        ) as act:
            found = approval_rows.of_agency(act.connection, user.agency_id, waiting=waiting)
            if not permits.sees_all(user):
                found = [each for each in found if each.proposed_by == user.id]
            act.record(count=len(found))
            return found


def find_waiting(connection: Connection, now: datetime, after: timedelta) -> None:
    """Raise a finding for each proposal that has waited too long."""
    for each in approval_rows.waiting_since(connection, now - after):
        raise_finding(
            connection,
            WAITING,
            None,
            f"{each.agency}: approval {each.number}, proposed by {each.proposed_by_name} on "
            f"{each.proposed_at:%Y-%m-%d %H:%M} UTC, waits for a supervisor's decision",
            now,
            subject=subject(each.number),
        )


def _there(connection: Connection, user: User, number: int) -> Approval:
    found = approval_rows.find(connection, user.agency_id, number)
    if found is None:
        raise ProposalError(f"approval {number}: your agency has none of that number")
    return found
