"""Whether somebody may put a question now: power, standing, the agency's rule, facts, approval.

Everything that is the same for a search and for a question of association stands here, in the
order in which it is asked. Runs in the caller's transaction, which may only read, but for `use`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from repository.accounts import standing
from repository.accounts.errors import AccountError
from repository.accounts.roles import Power, may, require
from repository.accounts.user import User
from repository.search import approval_rows, breadth, local_rule_rows, local_rules, request_rows
from repository.search.asking import Asked
from repository.search.criteria import Criteria
from repository.search.errors import ApprovalNeededError, SearchRefusedError
from repository.search.facts import Earlier, check_not_pasted
from repository.search.local_rules import LocalSearchRule
from repository.search.pattern import Fold
from repository.search.purpose import Purpose, PurposeKind
from repository.search.run import Sight, comes_to_more_than
from repository.search.settings import SearchSettings
from repository.store.bounded import BoundedReader
from repository.store.tables.cases import cases
from repository.store.tables.search import search_runs

REFUSALS = (AccountError, SearchRefusedError)
"""What is recorded as a refusal, and not as a failure."""
_MAX_EARLIER = 500
_EARLIER = (
    select(cases.c.number, search_runs.c.facts)
    .join(cases, cases.c.id == search_runs.c.case_id)
    .where(
        search_runs.c.user_id == bindparam("user_id"),
        search_runs.c.searched_at >= bindparam("since"),
        cases.c.number != bindparam("case_number"),
    )
    .order_by(search_runs.c.searched_at.desc())
    .limit(_MAX_EARLIER)
)


@dataclass(frozen=True, slots=True)
class Permit:
    """What lets a search run: nothing more, an approval, or an emergency."""

    approval: int | None = None
    emergency: str | None = None


@dataclass(frozen=True, slots=True)
class Law:
    """The rules at this moment: the general ones, and those that agencies have of their own."""

    general: SearchSettings
    own: Mapping[int, LocalSearchRule]

    @classmethod
    def load(cls, connection: Connection, general: SearchSettings) -> Law:
        """The rules as the database has them now."""
        return cls(general, local_rule_rows.load(connection))

    def limits(self, user: User) -> SearchSettings:
        """What holds for the user: of every number the stricter."""
        return local_rules.stricter(self.general, self.own.get(user.agency_id))

    def closed(
        self, purpose: PurposeKind, now: datetime, *, together: bool
    ) -> Mapping[int, datetime | None]:
        """The agencies whose reads are closed to such a search."""
        return local_rules.closed_to(self.own, purpose, now, together=together)

    def too_old(self, now: datetime) -> Mapping[int, datetime | None]:
        """The agencies whose rules close reads of an age, and the moment before which they do."""
        return {
            agency_id: now - timedelta(days=rule.oldest_days)
            for agency_id, rule in self.own.items()
            if rule.oldest_days is not None
        }


def check_person(
    connection: Connection, user: User, law: Law, purpose: Purpose, power: Power, now: datetime
) -> None:
    """See that the user may look at anything at all, for that purpose and with those facts.

    Raises:
        NotAllowedError: if the user's roles do not give the power.
        RepositoryError: if something stands between the user and searches; it says what to do.
        SearchRefusedError: if the purpose is not their agency's, or the facts are pasted.
    """
    require(user, power)
    standing.require_for_search(connection, user, now)
    rule = law.own.get(user.agency_id)
    if rule is not None:
        local_rules.check_purpose(rule, purpose.kind)
    limits = law.limits(user)
    if (
        limits.offence_required
        and purpose.kind is PurposeKind.CRIMINAL_INVESTIGATION
        and purpose.offence is None
    ):
        raise SearchRefusedError("offence: missing; name the suspected crime")
    check_not_pasted(
        purpose.facts,
        purpose.case_number,
        _earlier(connection, user, purpose.case_number, now - timedelta(days=limits.pasted_days)),
        cases=limits.pasted_cases,
        likeness_percent=limits.pasted_likeness_percent,
        act=purpose.act,
    )


def check_question(connection: Connection, user: User, law: Law, asked: Asked) -> None:
    """See that the user's agency lets such a question be put, and that its request is accepted.

    Raises:
        SearchRefusedError: if it does not, or the request is not there or not of that case.
        NotAllowedError: if the user may not search on the request of somebody else.
    """
    rule = law.own.get(user.agency_id)
    if rule is not None:
        window = asked.criteria.window
        local_rules.check_question(
            rule,
            window=None if window is None else window.end - window.start,
            together=asked.kind == "together",
            emergency=asked.emergency is not None,
        )
    if asked.on_request is not None:
        require(user, Power.HANDLE_REQUESTS)
        request_rows.check_accepted(connection, user, asked.on_request, asked.purpose.case_number)


def reasons_for_approval(
    reader: BoundedReader, user: User, law: Law, asked: Asked, *, sight: Sight, fold: Fold
) -> list[str]:
    """What makes the question need an approval, in words; nothing if it needs none."""
    limits, rule = law.limits(user), law.own.get(user.agency_id)
    if not isinstance(asked.criteria, Criteria):
        return ["asks which plates were seen with another"]
    reasons = breadth.by_itself(asked.criteria, limits)
    if rule is not None and rule.approval_always:
        reasons.append(
            f"falls under your agency's own rule ({rule.name}), which wants it for every search"
        )
    if (
        not reasons
        and not breadth.is_of_one_plate(asked.criteria)
        and comes_to_more_than(reader, asked.criteria, limits.broad_reads, sight=sight, fold=fold)
    ):
        reasons.append(breadth.by_number(limits))
    return reasons


def permit(
    connection: Connection, user: User, asked: Asked, reasons: Sequence[str], now: datetime
) -> Permit:
    """What lets the question be put now.

    Raises:
        ApprovalNeededError: if nothing does.
    """
    if not reasons:
        return Permit(emergency=asked.emergency)
    good = approval_rows.good_for(connection, user, asked, now)
    if good is not None:
        return Permit(approval=good.number)
    if asked.emergency is not None:
        return Permit(emergency=asked.emergency)
    raise ApprovalNeededError(
        f"approval: this search needs a supervisor's first, since it "
        f"{'; '.join(reasons)}. Propose it with your reason, or narrow it; where life depends on "
        "it, state the emergency"
    )


def use(connection: Connection, given: Permit, asked: Asked, now: datetime) -> None:
    """Count the run against its approval, in the transaction that records the search.

    Raises:
        ApprovalNeededError: if the approval ended meanwhile.
    """
    if given.approval is not None and not approval_rows.use(connection, given.approval, asked, now):
        raise ApprovalNeededError(
            f"approval: number {given.approval} holds no more; propose the search anew"
        )


def _earlier(
    connection: Connection, user: User, case_number: str, since: datetime
) -> list[Earlier]:
    """What the user told of searches for other cases than that one."""
    values = {"user_id": user.id, "since": since, "case_number": case_number}
    return [
        Earlier(number, facts) for number, facts in connection.execute(_EARLIER, values) if facts
    ]


def sees_all(user: User, *more: Power) -> bool:
    """Whether the user may see what others of the agency propose, ask for and are reviewed for."""
    return may(user, Power.APPROVE_SEARCH, Power.AUDIT_OWN_AGENCY, *more)
