"""Reminds of units' upkeep: what is due, damaged, unsecured, or used though out of service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from edge.contract.records import Malfunction, ShiftCheck, decode_record
from repository.agencies import upkeep
from repository.store.tables.agreements import unit_log
from repository.store.tables.fleet import agencies, chains, units
from repository.store.tables.reads import unit_records
from repository.units.findings import Standing, keep_findings

_LOOK_BACK = timedelta(days=90)
_MOST_RECORDS = 500
_REPAIR = "record what was done with `alpr-repository units log add`"


def remind(connection: Connection, now: datetime, secure_within: timedelta) -> None:
    """Have shown to the ALPR administrator what units need."""
    in_use = _units(connection)
    mended = upkeep.last_of(connection, upkeep.MENDING)
    out = {each.unit_id: each for each in upkeep.out_of_service(connection)}
    due: Standing = {
        (each.unit_id, each.kind): f"{each.kind} was due on {each.due_at:%Y-%m-%d}, as its maker "
        f"advises ({each.advice}); {_REPAIR}"
        for each in upkeep.due(connection)
        if each.due_at < now
    }
    used: Standing = {
        (unit_id, ""): f"captured at {captured:%Y-%m-%d %H:%M} UTC, though out of service since "
        f"{out[unit_id].since:%Y-%m-%d %H:%M} UTC"
        for unit_id, captured in in_use.items()
        if unit_id in out and captured is not None and captured > out[unit_id].since
    }
    broken: dict[tuple[int | None, str], str] = {}
    for unit_id in in_use:
        since = max(mended.get(unit_id, now - _LOOK_BACK), now - _LOOK_BACK)
        for component, at in _malfunctions(connection, unit_id, since):
            said = f"a malfunction of its {component} was reported at {at:%Y-%m-%d %H:%M} UTC"
            broken.setdefault((unit_id, component), f"{said}; {_REPAIR}")
    damages = upkeep.last_of(connection, ("damage",))
    damaged: Standing = {
        (unit_id, ""): f"damage was reported at {at:%Y-%m-%d %H:%M} UTC; {_REPAIR}"
        for unit_id, at in damages.items()
        if unit_id in in_use and (unit_id not in mended or mended[unit_id] < at)
    }
    for kind, standing, reason in (
        ("upkeep_due", due, "done, or asked for no longer"),
        ("unit_out_of_service_used", used, "back in service, or not in use"),
        ("unit_malfunction", broken, "mended, or not in use"),
        ("unit_damaged", damaged, "mended, or not in use"),
        (
            "unit_unsecured",
            _unsecured(connection, in_use, now, secure_within),
            "secured, or not in use",
        ),
        (
            "repair_unauthorized",
            _unauthorized(connection, in_use),
            "mended by others, or not in use",
        ),
    ):
        keep_findings(connection, kind, standing, reason, now)


def _units(connection: Connection) -> dict[int, datetime | None]:
    """The ids of the units in use, each with the newest moment that it captured."""
    query = (
        select(units.c.id, chains.c.captured_through)
        .join(chains, chains.c.unit_id == units.c.id)
        .join(agencies, agencies.c.id == units.c.agency_id)
        .where(units.c.revoked_at.is_(None), agencies.c.access.is_distinct_from("ended"))
    )
    return {row.id: row.captured_through for row in connection.execute(query)}


def _malfunctions(
    connection: Connection, unit_id: int, since: datetime
) -> Iterator[tuple[str, datetime]]:
    """Components and when each was reported, the newest first."""
    query = (
        select(unit_records.c.record)
        .where(
            unit_records.c.unit_id == unit_id,
            unit_records.c.captured_at > since,
            unit_records.c.type == "malfunction",
        )
        .order_by(unit_records.c.captured_at.desc())
        .limit(_MOST_RECORDS)
    )
    for content in connection.scalars(query).all():
        record = decode_record(bytes(content))
        if isinstance(record, Malfunction):
            yield record.component, record.captured_at


def _unsecured(
    connection: Connection,
    in_use: dict[int, datetime | None],
    now: datetime,
    within: timedelta,
) -> Standing:
    secured = upkeep.last_of(connection, ("secured",))
    found: dict[tuple[int | None, str], str] = {}
    for unit_id in in_use:
        check = _last_shift_check(connection, unit_id, now - _LOOK_BACK)
        if check is None or secured.get(unit_id, check.captured_at) > check.captured_at:
            continue
        at = f"{check.captured_at:%Y-%m-%d %H:%M} UTC"
        if check.moment == "end" and not check.secured:
            found[unit_id, ""] = f"was left unsecured at the end of the shift at {at}"
        elif check.moment == "start" and check.captured_at < now - within:
            found[unit_id, ""] = f"nothing says that it was secured after the shift begun at {at}"
    return found


def _last_shift_check(connection: Connection, unit_id: int, since: datetime) -> ShiftCheck | None:
    newest = select(func.max(unit_records.c.captured_at)).where(
        unit_records.c.unit_id == unit_id,
        unit_records.c.captured_at > since,
        unit_records.c.type == "shift_check",
    )
    query = select(unit_records.c.record).where(
        unit_records.c.unit_id == unit_id,
        unit_records.c.type == "shift_check",
        unit_records.c.captured_at == newest.scalar_subquery(),
    )
    content = connection.scalars(query).first()
    record = None if content is None else decode_record(bytes(content))
    return record if isinstance(record, ShiftCheck) else None


def _unauthorized(connection: Connection, in_use: dict[int, datetime | None]) -> Standing:
    """Repairs by others than the agency's sources that no authorized repair or check followed."""
    query = (
        select(unit_log.c.unit_id, unit_log.c.kind, unit_log.c.authorized, unit_log.c.at)
        .where(unit_log.c.kind.in_(upkeep.MENDING))
        .order_by(unit_log.c.at, unit_log.c.id)
    )
    last = {row.unit_id: row for row in connection.execute(query)}
    return {
        (unit_id, ""): f"was repaired on {row.at:%Y-%m-%d} by a source that the agency had not "
        "authorized; have it checked"
        for unit_id, row in last.items()
        if unit_id in in_use and row.kind == "repair" and not row.authorized
    }
