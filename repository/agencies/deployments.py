"""Approvals to use ALPR: a unit runs under one by the agency's head or a designee (policy M-C5).

An approval says of a unit for what, where, and from when until when. Its end and what came of it
are recorded too (M-B1). A unit that captured without one raises a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, insert, or_, select, update

from repository import business_days
from repository.accounts.roles import Power
from repository.agencies import representatives
from repository.agencies.acts import Act, Acts, By
from repository.agencies.errors import AgencyError, require_line, require_text
from repository.agencies.representatives import Post
from repository.ledger.entry import JSON, as_typed
from repository.store.tables.agreements import deployments
from repository.store.tables.fleet import agencies, chains, units
from repository.units.findings import Standing, keep_findings

LONGEST = timedelta(days=366)
_ENDS_SOON = timedelta(days=7)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is approved: the unit, for what, where, and between which moments.

    ``approver`` is the agency's head, or somebody with a ``designation``, such as the order by
    which the head designated them.
    """

    unit: str
    purpose: str
    area: str
    from_at: datetime
    until_at: datetime
    approver: str
    title: str
    designation: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """An approval as it is on record; ``approved_as`` tells the approver's title."""

    id: int
    agency: str
    unit: str
    purpose: str
    area: str
    from_at: datetime
    until_at: datetime
    approved_by_name: str
    approved_as: str
    recorded_by_name: str
    recorded_at: datetime
    ended_at: datetime | None
    ended_by_name: str | None
    result: str | None


@dataclass(frozen=True, slots=True)
class Deployments:
    """Approvals of every agency's units."""

    acts: Acts

    def approve(self, by: By, agency: str | None, wanted: Wanted, origin: str) -> int:
        """Record an approval; gives its number.

        Raises:
            AgencyError: if the approver is neither the head on record nor a designee, or a field
                does not do.
            NotAllowedError: if a person may not.
        """
        asked: dict[str, JSON] = {
            "unit": as_typed(wanted.unit),
            "purpose": as_typed(wanted.purpose),
            "area": as_typed(wanted.area),
            "from": wanted.from_at.isoformat(),
            "until": wanted.until_at.isoformat(),
            "approver": as_typed(wanted.approver),
            "designation": as_typed(wanted.designation),
        }
        powers = (Power.MANAGE_UNITS, Power.MANAGE_AGENCY)
        with self.acts.begin(by, "deployment.approve", origin, asked, *powers) as act:
            found = act.agency(agency)
            unit_id = act.unit(found.name, wanted.unit)
            approver, approved_as = _approver(act, found.id, wanted)
            if not _EARLIEST <= wanted.from_at <= act.now + LONGEST:
                raise AgencyError(f"from: begins {LONGEST.days} days from now at the latest")
            if not timedelta() < wanted.until_at - wanted.from_at <= LONGEST:
                raise AgencyError(f"until: later than its beginning, {LONGEST.days} days at most")
            number: int = act.connection.execute(
                insert(deployments)
                .values(
                    unit_id=unit_id,
                    purpose=require_line("purpose", wanted.purpose, 500),
                    area=require_line("area", wanted.area, 500),
                    from_at=wanted.from_at,
                    until_at=wanted.until_at,
                    approved_by_name=approver,
                    approved_as=approved_as,
                    recorded_by_name=act.name,
                    recorded_at=act.now,
                )
                .returning(deployments.c.id)
            ).scalar_one()
            act.facts["deployment"] = number
        return number

    def end(self, by: By, agency: str | None, number: int, result: str, origin: str) -> None:
        """Record what came of a deployment; one that still runs ends now.

        Raises:
            AgencyError: if the agency has none of that number without a result.
            NotAllowedError: if a person may not.
        """
        asked: dict[str, JSON] = {"deployment": number, "result": as_typed(result)}
        powers = (Power.MANAGE_UNITS, Power.MANAGE_AGENCY)
        with self.acts.begin(by, "deployment.end", origin, asked, *powers) as act:
            found = act.agency(agency)
            done = act.connection.execute(
                update(deployments)
                .where(
                    deployments.c.id == number,
                    deployments.c.unit_id.in_(
                        select(units.c.id).where(units.c.agency_id == found.id)
                    ),
                    deployments.c.ended_at.is_(None),
                )
                .values(
                    ended_at=act.now,
                    ended_by_name=act.name,
                    result=require_text("result", result, 4000),
                )
            )
            if done.rowcount != 1:
                raise AgencyError(f"deployment {number}: none of that number is open")

    def show(self, by: By, agency: str | None, origin: str) -> list[Deployment]:
        """Every deployment of an agency's units, the oldest first.

        Raises:
            AgencyError: if there is no such agency for them.
            NotAllowedError: if they may not.
        """
        powers = (
            Power.MANAGE_UNITS, Power.MANAGE_AGENCY, Power.SEE_TRANSACTIONS, Power.AUDIT_ALL,
        )  # fmt: skip
        with self.acts.begin(by, "deployment.list", origin, {}, *powers) as act:
            found = act.agency(agency)
            columns = [each for each in deployments.c if each.name != "unit_id"]
            query = (
                select(*columns, agencies.c.name.label("agency"), units.c.name.label("unit"))
                .join(units, units.c.id == deployments.c.unit_id)
                .join(agencies, agencies.c.id == units.c.agency_id)
                .where(agencies.c.id == found.id)
                .order_by(deployments.c.from_at, deployments.c.id)
            )
            listed = [Deployment(**row) for row in act.connection.execute(query).mappings()]
            act.count = len(listed)
        return listed


def remind(connection: Connection, now: datetime) -> None:
    """Raise a finding for each unit that captured unapproved, and each approval that ends soon.

    A unit is judged by the newest moment it captured: what it sends later from an older time is
    not looked at.
    """
    covered = select(deployments.c.id).where(
        deployments.c.unit_id == units.c.id,
        deployments.c.from_at <= chains.c.captured_through,
        deployments.c.until_at > chains.c.captured_through,
        or_(deployments.c.ended_at.is_(None), deployments.c.ended_at > chains.c.captured_through),
    )
    query = (
        select(units.c.id, chains.c.captured_through)
        .join(chains, chains.c.unit_id == units.c.id)
        .join(agencies, agencies.c.id == units.c.agency_id)
        .where(
            units.c.revoked_at.is_(None),
            agencies.c.access.is_distinct_from("ended"),
            chains.c.captured_through.is_not(None),
            ~covered.exists(),
        )
    )
    unapproved: Standing = {
        (row.id, ""): f"captured at {row.captured_through:%Y-%m-%d %H:%M} UTC without an approval "
        "by the agency's head; record one with `alpr-repository deployments approve`"
        for row in connection.execute(query)
    }
    keep_findings(connection, "unit_unapproved", unapproved, "approved, or in use no longer", now)
    last = (
        select(deployments.c.unit_id, func.max(deployments.c.until_at).label("until_at"))
        .join(units, units.c.id == deployments.c.unit_id)
        .where(deployments.c.ended_at.is_(None), units.c.revoked_at.is_(None))
        .group_by(deployments.c.unit_id)
    )
    ending: Standing = {
        (row.unit_id, ""): f"its approval ends at {row.until_at:%Y-%m-%d %H:%M} UTC"
        for row in connection.execute(last)
        if now <= row.until_at < now + _ENDS_SOON
    }
    keep_findings(connection, "approval_ending", ending, "approved anew, or ended", now)


def _approver(act: Act, agency_id: int, wanted: Wanted) -> tuple[str, str]:
    approver = require_line("approver", wanted.approver)
    title = require_line("title", wanted.title, 80)
    if wanted.designation.strip():
        return approver, f"{title}, designee: {require_line('designation', wanted.designation, 90)}"
    today = business_days.day_of(act.now)
    head = representatives.holder(act.connection, agency_id, Post.HEAD, today)
    if head is None or not representatives.same_person(head.name, approver):
        raise AgencyError(
            f"approver: {approver} is not on record as the agency's head; a designee's approval "
            "names the designation"
        )
    return approver, title
