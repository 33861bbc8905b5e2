"""What agencies adopt: policies, protocols, memoranda of understanding; and their yearly review.

An agency adopts an internal policy (G-18), has its ALPR administrator review it once a year
(M-VII), and shares with others under a policy or a memorandum that is on record here (M-V-B3). The
repository's own policy, which belongs to no agency, is reviewed likewise (C-review).
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from repository import business_days
from repository.accounts.roles import Power
from repository.agencies.acts import Act, Acts, By
from repository.agencies.agreements_papers import Papers
from repository.agencies.errors import AgencyError, require_line, require_text
from repository.ledger.entry import JSON, as_typed
from repository.store.tables.agreements import policies, policy_reviews
from repository.store.tables.fleet import agencies
from repository.units.enrolment import RESERVED
from repository.units.findings import Standing, keep_findings

Kind: TypeAlias = Literal["policy", "protocol", "memorandum"]
Outcome: TypeAlias = Literal["stands", "amend"]

KINDS: tuple[Kind, ...] = ("policy", "protocol", "memorandum")
OUTCOMES: tuple[Outcome, ...] = ("stands", "amend")
REPOSITORY = RESERVED
"""In place of an agency's name: the repository itself."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was adopted, and its text. A memorandum names the ``party`` that data is shared with."""

    kind: Kind
    title: str
    version: str
    adopted_on: date
    text: bytes
    party: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What an agency adopted; ``agency`` is None for the repository's own.

    ``review_by`` is the day by which it is to be reviewed, where it is in use.
    """

    id: int
    agency: str | None
    kind: Kind
    title: str
    version: str
    party: str | None
    text_sha256: str
    adopted_on: date
    ended_on: date | None
    reviewed_on: date | None
    review_by: date | None


@dataclass(frozen=True, slots=True)
class Policies:
    """Policies of every agency, to be reviewed after ``review_days``."""

    acts: Acts
    papers: Papers
    review_days: int

    def adopt(self, by: By, agency: str | None, adopted: Adopted, origin: str) -> int:
        """Keep what an agency adopted, or with the name ``repository`` the repository; its number.

        A policy or protocol takes the place of the one with the same title that was in use.

        Raises:
            AgencyError: if a field does not do, or the day has not come.
            NotAllowedError: if a person may not.
        """
        asked: dict[str, JSON] = {
            "kind": adopted.kind,
            "title": as_typed(adopted.title),
            "version": as_typed(adopted.version),
            "party": as_typed(adopted.party or ""),
            "adopted_on": adopted.adopted_on.isoformat(),
            "text_sha256": hashlib.sha256(adopted.text).hexdigest(),
        }
        with self._acting(by, "policy.adopt", origin, asked) as act:
            owner = _owner(act, agency)
            row = self._checked(act, adopted)
            _end_before(act.connection, owner, adopted.kind, row["title"], adopted.adopted_on)
            number: int = act.connection.execute(
                insert(policies).values(agency_id=owner, **row).returning(policies.c.id)
            ).scalar_one()
            act.facts["policy"] = number
        return number

    def end(self, by: By, agency: str | None, number: int, on: date, origin: str) -> None:
        """Record that something adopted is in use no longer from that day on.

        Raises:
            AgencyError: if there is none of that number in use, or the day does not do.
            NotAllowedError: if a person may not.
        """
        asked: dict[str, JSON] = {"policy": number, "from": on.isoformat()}
        with self._acting(by, "policy.end", origin, asked) as act:
            found = self._in_use(act, agency, number)
            if not found.adopted_on <= on <= business_days.day_of(act.now):
                raise AgencyError(f"{on}: before it was adopted, or a day that has not come")
            statement = update(policies).where(policies.c.id == number).values(ended_on=on)
            act.connection.execute(statement)

    def review(
        self,
        by: By,
        agency: str | None,
        number: int,
        outcome: Outcome,
        recommendation: str,
        origin: str,
    ) -> date:
        """Record today's review, and what is recommended; gives the day of the next at the latest.

        Raises:
            AgencyError: if there is none of that number in use, or nothing is said of it.
            NotAllowedError: if a person may not.
        """
        asked: dict[str, JSON] = {
            "policy": number,
            "outcome": outcome,
            "recommendation": as_typed(recommendation),
        }
        with self._acting(by, "policy.review", origin, asked) as act:
            self._in_use(act, agency, number)
            today = business_days.day_of(act.now)
            act.connection.execute(
                insert(policy_reviews).values(
                    policy_id=number,
                    reviewed_on=today,
                    outcome=outcome,
                    recommendation=require_text("recommendation", recommendation, 4000),
                    reviewed_by_name=act.name,
                    recorded_at=act.now,
                )
            )
        return today + timedelta(days=self.review_days)

    def show(self, by: By, agency: str | None, origin: str) -> list[Policy]:
        """Everything an agency adopted, the oldest first; what is in use no longer too.

        Raises:
            AgencyError: if there is no such agency for them.
            NotAllowedError: if they may not.
        """
        powers = (Power.MANAGE_AGENCY, Power.SEE_TRANSACTIONS, Power.OPERATE, Power.AUDIT_ALL)
        with self.acts.begin(by, "policy.list", origin, {}, *powers) as act:
            owner = _owner(act, agency, looking=True)
            found = self._find(act.connection, _of(owner))
            act.count = len(found)
        return found

    def text(self, by: By, agency: str | None, number: int, origin: str) -> bytes:
        """The text as it was adopted.

        Raises:
            AgencyError: if the agency adopted none of that number.
            NotAllowedError: if they may not.
        """
        powers = (Power.MANAGE_AGENCY, Power.SEE_TRANSACTIONS, Power.OPERATE, Power.AUDIT_ALL)
        with self.acts.begin(by, "policy.text", origin, {"policy": number}, *powers) as act:
            owner = _owner(act, agency, looking=True)
            found = self._find(act.connection, _of(owner), policies.c.id == number)
            if not found:
                raise AgencyError(f"policy {number}: none of that number")
            act.facts["sha256"] = found[0].text_sha256
            return self.papers.get(act.connection, found[0].text_sha256)

    def remind(self, connection: Connection, now: datetime) -> None:
        """Raise a finding for each agency without a policy, and for each review that is due."""
        today = business_days.day_of(now)
        used = self._find(connection, policies.c.ended_on.is_(None))
        have = {each.agency for each in used if each.kind == "policy"}
        taking_part = connection.scalars(
            select(agencies.c.name)
            .where(agencies.c.access.is_distinct_from("ended"))
            .order_by(agencies.c.name)
        ).all()
        missing: dict[tuple[int | None, str], str] = {
            (None, f"agency {name}"): f"agency {name}: no internal policy is on record as adopted"
            for name in taking_part
            if name not in have
        }
        if None not in have:
            missing[None, REPOSITORY] = "the repository's own policy is not on record as adopted"
        keep_findings(connection, "policy_missing", missing, "adopted", now)
        late: Standing = {
            (None, f"policy {each.id}"): f"policy {each.id} of {each.agency or 'the repository'} "
            f"({each.title}) was to be reviewed by {each.review_by}"
            for each in used
            if each.review_by is not None
            and each.review_by < today
            and (each.agency is None or each.agency in taking_part)
        }
        keep_findings(connection, "policy_review", late, "reviewed, or in use no longer", now)

    def _acting(
        self, by: By, action: str, origin: str, asked: dict[str, JSON]
    ) -> AbstractContextManager[Act]:
        return self.acts.begin(by, action, origin, asked, Power.MANAGE_AGENCY, Power.OPERATE)

    def _checked(self, act: Act, adopted: Adopted) -> dict[str, Any]:
        if (adopted.party is not None) != (adopted.kind == "memorandum"):
            raise AgencyError("party: a memorandum names with whom it was made, and nothing else")
        if adopted.adopted_on > business_days.day_of(act.now):
            raise AgencyError(f"adopted on {adopted.adopted_on}: that day has not come")
        party = adopted.party
        return {
            "kind": adopted.kind,
            "title": require_line("title", adopted.title),
            "version": require_line("version", adopted.version, 100),
            "party": None if party is None else require_line("party", party),
            "text_sha256": self.papers.keep_text(act.connection, adopted.text, act.now),
            "adopted_on": adopted.adopted_on,
            "recorded_by_name": act.name,
            "recorded_at": act.now,
        }

    def _in_use(self, act: Act, agency: str | None, number: int) -> Policy:
        owner = _owner(act, agency)
        found = self._find(
            act.connection, _of(owner), policies.c.id == number, policies.c.ended_on.is_(None)
        )
        if not found:
            raise AgencyError(f"policy {number}: none of that number is in use")
        return found[0]

    def _find(self, connection: Connection, *conditions: ColumnElement[bool]) -> list[Policy]:
        newest = (
            select(func.max(policy_reviews.c.reviewed_on))
            .where(policy_reviews.c.policy_id == policies.c.id)
            .scalar_subquery()
        )
        query = (
            select(policies, agencies.c.name.label("agency"), newest.label("reviewed_on"))
            .outerjoin(agencies, agencies.c.id == policies.c.agency_id)
            .where(*conditions)
            .order_by(policies.c.adopted_on, policies.c.id)
        )
        found = [
            Policy(
                id=row.id,
                agency=row.agency,
                kind=row.kind,
                title=row.title,
                version=row.version,
                party=row.party,
                text_sha256=row.text_sha256,
                adopted_on=row.adopted_on,
                ended_on=row.ended_on,
                reviewed_on=row.reviewed_on,
                review_by=None,
            )
            for row in connection.execute(query)
        ]
        return [replace(each, review_by=self._review_by(each)) for each in found]

    def _review_by(self, policy: Policy) -> date | None:
        if policy.ended_on is not None:
            return None
        last = policy.reviewed_on or policy.adopted_on
        return last + timedelta(days=self.review_days)


def _owner(act: Act, agency: str | None, *, looking: bool = False) -> int | None:
    """The agency's id, or None for the repository, whose policy everybody may read."""
    if agency == REPOSITORY:
        if not looking and not act.reaches_all:
            raise AgencyError("the repository's own policy is a matter of its operator")
        act.facts["agency"] = REPOSITORY
        return None
    return act.agency(agency).id


def _of(owner: int | None) -> ColumnElement[bool]:
    return policies.c.agency_id.is_(None) if owner is None else policies.c.agency_id == owner


def _end_before(
    connection: Connection, owner: int | None, kind: Kind, title: str, on: date
) -> None:
    if kind == "memorandum":
        return
    connection.execute(
        update(policies)
        .where(
            _of(owner),
            policies.c.kind == kind,
            policies.c.title == title,
            policies.c.ended_on.is_(None),
            policies.c.adopted_on <= on,
        )
        .values(ended_on=on)
    )
