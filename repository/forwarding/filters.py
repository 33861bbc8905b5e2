"""What an agency keeps from the other repository (policy C-5b), on its own people's word.

A filter keeps what the agency's units captured from one moment on, until it is ended; it may name
one unit, and one camera. Ended, it still keeps what was captured while it stood. What was forwarded
before it was set cannot be called back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from repository.accounts.user import User
from repository.agencies.errors import AgencyError, require_text
from repository.store.tables.fleet import agencies, units
from repository.store.tables.forwarding import forward_filters


@dataclass(frozen=True, slots=True)
class Filter:
    """One rule; ``unit`` and ``camera`` are None where it is about all of them."""

    id: int
    agency: str
    unit: str | None
    camera: str | None
    since: datetime
    until: datetime | None
    reason: str
    set_by_name: str

    def keeps(self, captured_at: datetime, camera: str | None) -> bool:
        """Whether what was captured then by that camera is kept.

        ``camera`` is None for what no camera captured: an officer's word, a unit's own report.
        """
        if captured_at < self.since or (self.until is not None and captured_at >= self.until):
            return False
        return self.camera is None or self.camera == camera


def add(
    connection: Connection,
    user: User,
    *,
    unit: str | None,
    camera: str | None,
    since: datetime,
    reason: str,
    now: datetime,
) -> int:
    """Keep something of the user's agency back; gives the filter's number.

    Raises:
        AgencyError: if the agency has no such unit, or no reason is given.
    """
    reason = require_text("reason", reason)
    unit_id = None
    if unit is not None:
        unit_id = connection.scalar(
            select(units.c.id).where(units.c.agency_id == user.agency_id, units.c.name == unit)
        )
        if unit_id is None:
            raise AgencyError(f"unit {unit}: agency {user.agency} has none of that name")
    if camera is not None:
        camera = require_text("camera", camera, 63)
    number: int = connection.execute(
        insert(forward_filters)
        .values(
            agency_id=user.agency_id,
            unit_id=unit_id,
            camera=camera,
            since=since,
            reason=reason,
            set_by_name=user.name,
            set_at=now,
        )
        .returning(forward_filters.c.id)
    ).scalar_one()
    return number


def end(connection: Connection, user: User, number: int, now: datetime) -> None:
    """Forward again what is captured from now on.

    Raises:
        AgencyError: if the agency has no such filter, or it is ended.
    """
    done = connection.execute(
        update(forward_filters)
        .where(
            forward_filters.c.id == number,
            forward_filters.c.agency_id == user.agency_id,
            forward_filters.c.ended_at.is_(None),
        )
        .values(until=now, ended_at=now, ended_by_name=user.name)
    )
    if done.rowcount != 1:
        raise AgencyError(f"filter {number}: not one of agency {user.agency}, or ended already")


def filters_of(connection: Connection, agency_id: int, unit_id: int) -> list[Filter]:
    """The filters that are about a unit, ended ones too."""
    own = or_(forward_filters.c.unit_id.is_(None), forward_filters.c.unit_id == unit_id)
    return _find(connection, forward_filters.c.agency_id == agency_id, own)


def list_of(connection: Connection, agency: str) -> list[Filter]:
    """All filters of an agency, in the order in which they were set."""
    return _find(connection, agencies.c.name == agency)


def _find(connection: Connection, *conditions: ColumnElement[bool]) -> list[Filter]:
    query = (
        select(
            forward_filters.c.id,
            agencies.c.name.label("agency"),
            units.c.name.label("unit"),
            forward_filters.c.camera,
            forward_filters.c.since,
            forward_filters.c.until,
            forward_filters.c.reason,
            forward_filters.c.set_by_name,
        )
        .join(agencies, agencies.c.id == forward_filters.c.agency_id)
        .outerjoin(units, units.c.id == forward_filters.c.unit_id)
        .where(*conditions)
        .order_by(forward_filters.c.id)
    )
    return [Filter(**row) for row in connection.execute(query).mappings()]
