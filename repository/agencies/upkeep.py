"""A unit's equipment: repairs, cleaning, checks, damage, where it was secured, if it is in service.

- Repairs are made by sources that the agency authorized; another's is recorded and said (M-B2).
- Cleaning and maintenance follow the maker's advice, which a plan states for each unit (M-D3).
- Equipment that falls short is taken out of service, and comes back after a repair or check (M-B1).
- Damage is recorded at once (M-D4), and that a unit was secured when not in use (M-D5).

Everything runs in the caller's transaction; `repository.agencies.upkeep_desk` lets people act.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from sqlalchemy import Connection, func, insert, or_, select

from repository.agencies.errors import AgencyError, require_line, require_text
from repository.agencies.representatives import same_person
from repository.store.rows import put
from repository.store.tables.agreements import repair_sources, unit_log, upkeep_plans
from repository.store.tables.fleet import agencies, units

Kind: TypeAlias = Literal[
    "repair", "cleaning", "maintenance", "check", "damage", "secured",
    "out_of_service", "in_service",
]  # fmt: skip
Planned: TypeAlias = Literal["cleaning", "maintenance", "check"]

KINDS: tuple[Kind, ...] = (
    "repair", "cleaning", "maintenance", "check", "damage", "secured",
    "out_of_service", "in_service",
)  # fmt: skip
PLANNED: tuple[Planned, ...] = ("cleaning", "maintenance", "check")
MENDING: tuple[Kind, ...] = ("repair", "check")
"""After one of these, damage and malfunctions of before count as dealt with."""


@dataclass(frozen=True, slots=True)
class Work:
    """What was done, when, in words, and by whom: a person, or a repair's source."""

    kind: Kind
    at: datetime
    detail: str
    done_by: str


@dataclass(frozen=True, slots=True)
class Logged:
    """Work as it is on record; ``authorized`` says of a repair whether its source was."""

    id: int
    unit: str
    kind: Kind
    at: datetime
    detail: str
    done_by: str
    authorized: bool | None
    recorded_by_name: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class DueWork:
    """What a unit's plan asks for, when it was last done, and by when it is due."""

    unit_id: int
    agency: str
    unit: str
    kind: Planned
    every_days: int
    advice: str
    last_at: datetime | None
    due_at: datetime


@dataclass(frozen=True, slots=True)
class OutOfService:
    """A unit that is out of service, since when and why."""

    unit_id: int
    agency: str
    unit: str
    since: datetime
    reason: str


def add(
    connection: Connection, unit_id: int, work: Work, *, by: str, now: datetime
) -> tuple[int, bool | None]:
    """Record work on a unit; gives its number, and of a repair whether its source is authorized.

    Raises:
        AgencyError: if a field does not do, the moment has not come, or a unit would come back
            into service that is not out of it or was not mended.
    """
    if work.at > now:
        raise AgencyError(f"{work.at:%Y-%m-%d %H:%M} UTC: that moment has not come")
    if work.at < now - timedelta(days=3650):
        raise AgencyError(f"{work.at:%Y-%m-%d %H:%M} UTC: too long ago")
    _check_service(connection, unit_id, work)
    done_by = require_line("done by", work.done_by)
    authorized = None
    if work.kind == "repair":
        authorized = _is_authorized(connection, unit_id, done_by, work.at)
    number: int = connection.execute(
        insert(unit_log)
        .values(
            unit_id=unit_id,
            kind=work.kind,
            at=work.at,
            detail=require_text("detail", work.detail),
            done_by=done_by,
            authorized=authorized,
            recorded_by_name=by,
            recorded_at=now,
        )
        .returning(unit_log.c.id)
    ).scalar_one()
    return number, authorized


def log_of(connection: Connection, agency_id: int, unit_id: int | None = None) -> list[Logged]:
    """What was recorded of an agency's units, or of one of them, the oldest first."""
    columns = [each for each in unit_log.c if each.name != "unit_id"]
    query = (
        select(*columns, units.c.name.label("unit"))
        .join(units, units.c.id == unit_log.c.unit_id)
        .where(units.c.agency_id == agency_id)
        .order_by(unit_log.c.at, unit_log.c.id)
    )
    if unit_id is not None:
        query = query.where(unit_log.c.unit_id == unit_id)
    return [Logged(**row) for row in connection.execute(query).mappings()]


def plan(
    connection: Connection,
    unit_id: int,
    kind: Planned,
    every_days: int,
    advice: str,
    now: datetime,
) -> None:
    """Have this done to a unit so often, as its maker advises, from now on.

    Raises:
        AgencyError: if the days are not 1 to 3650, or nothing says where the advice stands.
    """
    if not 1 <= every_days <= 3650:
        raise AgencyError("every: expected 1 to 3650 days")
    row = {
        "unit_id": unit_id,
        "kind": kind,
        "every_days": every_days,
        "advice": require_line("advice", advice, 500),
        "since": now,
    }
    put(connection, upkeep_plans, row)


def due(connection: Connection, agency_id: int | None = None) -> list[DueWork]:
    """What the plans ask for, the most urgent first; of one agency, or of all that take part."""
    last = (
        select(func.max(unit_log.c.at))
        .where(unit_log.c.unit_id == upkeep_plans.c.unit_id, unit_log.c.kind == upkeep_plans.c.kind)
        .scalar_subquery()
    )
    query = (
        select(
            upkeep_plans,
            agencies.c.name.label("agency"),
            units.c.name.label("unit"),
            last.label("last_at"),
        )
        .join(units, units.c.id == upkeep_plans.c.unit_id)
        .join(agencies, agencies.c.id == units.c.agency_id)
        .where(units.c.revoked_at.is_(None), agencies.c.access.is_distinct_from("ended"))
    )
    if agency_id is not None:
        query = query.where(agencies.c.id == agency_id)
    found = [
        DueWork(
            unit_id=row.unit_id,
            agency=row.agency,
            unit=row.unit,
            kind=row.kind,
            every_days=row.every_days,
            advice=row.advice,
            last_at=row.last_at,
            due_at=(row.last_at or row.since) + timedelta(days=row.every_days),
        )
        for row in connection.execute(query)
    ]
    return sorted(found, key=lambda each: (each.due_at, each.agency, each.unit, each.kind))


def out_of_service(connection: Connection) -> list[OutOfService]:
    """The units that are out of service, by agency and name."""
    newest = _newest(connection, ("out_of_service", "in_service"))
    query = (
        select(unit_log, agencies.c.name.label("agency"), units.c.name.label("unit"))
        .join(units, units.c.id == unit_log.c.unit_id)
        .join(agencies, agencies.c.id == units.c.agency_id)
        .where(unit_log.c.kind == "out_of_service", units.c.revoked_at.is_(None))
        .order_by(agencies.c.name, units.c.name)
    )
    return [
        OutOfService(row.unit_id, row.agency, row.unit, row.at, row.detail)
        for row in connection.execute(query)
        if newest[row.unit_id][1] == row.id
    ]


def last_of(connection: Connection, kinds: tuple[Kind, ...]) -> Mapping[int, datetime]:
    """For each unit's id, when one of these was last recorded of it."""
    return {unit_id: at for unit_id, (at, _) in _newest(connection, kinds).items()}


def authorize(connection: Connection, agency_id: int, name: str, *, by: str, now: datetime) -> None:
    """Let a source repair the agency's equipment from now on.

    Raises:
        AgencyError: if it may already.
    """
    name = require_line("source", name)
    if _find_source(connection, agency_id, name) is not None:
        raise AgencyError(f"source {name}: authorized already")
    connection.execute(
        insert(repair_sources).values(
            agency_id=agency_id, name=name, authorized_by_name=by, from_at=now
        )
    )


def end_authorization(connection: Connection, agency_id: int, name: str, now: datetime) -> None:
    """Let a source repair nothing more.

    Raises:
        AgencyError: if it may not anyway.
    """
    found = _find_source(connection, agency_id, name)
    if found is None:
        raise AgencyError(f"source {name}: not authorized")
    connection.execute(
        repair_sources.update().where(repair_sources.c.id == found).values(until_at=now)
    )


def sources(connection: Connection, agency_id: int) -> list[str]:
    """Who may repair the agency's equipment."""
    query = (
        select(repair_sources.c.name)
        .where(repair_sources.c.agency_id == agency_id, repair_sources.c.until_at.is_(None))
        .order_by(repair_sources.c.name)
    )
    return list(connection.scalars(query))


def _check_service(connection: Connection, unit_id: int, work: Work) -> None:
    if work.kind not in ("out_of_service", "in_service"):
        return
    newest = _newest(connection, ("out_of_service", "in_service"), unit_id).get(unit_id)
    is_out = (
        newest is not None
        and connection.scalar(select(unit_log.c.kind).where(unit_log.c.id == newest[1]))
        == "out_of_service"
    )
    if is_out == (work.kind == "out_of_service"):
        raise AgencyError(f"the unit is {'out of' if is_out else 'in'} service already")
    if newest is not None and work.at < newest[0]:
        raise AgencyError(f"the unit's service changed later, at {newest[0]:%Y-%m-%d %H:%M} UTC")
    if work.kind == "in_service" and newest is not None:
        mended = _newest(connection, MENDING, unit_id).get(unit_id)
        if mended is None or not newest[0] <= mended[0] <= work.at:
            raise AgencyError(
                "the unit was neither repaired nor checked since it was taken out of service; "
                "record that first"
            )


def _newest(
    connection: Connection, kinds: tuple[Kind, ...], unit_id: int | None = None
) -> dict[int, tuple[datetime, int]]:
    query = (
        select(unit_log.c.unit_id, unit_log.c.at, unit_log.c.id)
        .where(unit_log.c.kind.in_(kinds))
        .order_by(unit_log.c.at, unit_log.c.id)
    )
    if unit_id is not None:
        query = query.where(unit_log.c.unit_id == unit_id)
    return {row.unit_id: (row.at, row.id) for row in connection.execute(query)}


def _is_authorized(connection: Connection, unit_id: int, source: str, at: datetime) -> bool:
    query = (
        select(repair_sources.c.name)
        .join(units, units.c.agency_id == repair_sources.c.agency_id)
        .where(
            units.c.id == unit_id,
            repair_sources.c.from_at <= at,
            or_(repair_sources.c.until_at.is_(None), repair_sources.c.until_at > at),
        )
    )
    return any(same_person(name, source) for name in connection.scalars(query))


def _find_source(connection: Connection, agency_id: int, name: str) -> int | None:
    query = select(repair_sources.c.id, repair_sources.c.name).where(
        repair_sources.c.agency_id == agency_id, repair_sources.c.until_at.is_(None)
    )
    found = [row.id for row in connection.execute(query) if same_person(row.name, name)]
    return found[0] if found else None
