"""What a restore must not turn back: of each agency its rule, its access, and what was purged.

It travels with the keys, since the newest keys file is newer than the backup it opens. An old
backup under the rules of its day would show again what was purged under stricter ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from repository.ledger.entry import JSON
from repository.retention import watermarks
from repository.retention.duties import Bound
from repository.store.tables.fleet import agencies

_NAMED = 200  # they stand in the ledger's entry, which has a largest size


@dataclass(frozen=True)
class AgencyNow:
    """An agency as it was when the keys were written.

    ``retention_rule`` and ``access`` are as in the table of agencies; ``purged_before`` are its
    watermarks by whether a read matched a hot list.
    """

    name: str
    retention_rule: str | None
    access: str | None
    access_changed_at: datetime | None
    purged_before: Mapping[bool, datetime]


def collect(connection: Connection) -> tuple[AgencyNow, ...]:
    """Every agency as the database has it."""
    columns = agencies.c
    rows = connection.execute(
        select(
            columns.id,
            columns.name,
            columns.retention_rule,
            columns.access,
            columns.access_changed_at,
        ).order_by(columns.id)
    ).all()
    return tuple(
        AgencyNow(
            row.name,
            row.retention_rule,
            row.access,
            row.access_changed_at,
            watermarks.purged_before(connection, row.id),
        )
        for row in rows
    )


def apply(connection: Connection, newest: Sequence[AgencyNow]) -> dict[str, dict[str, JSON]]:
    """Put the agencies of a restored database under these rules, accesses and watermarks.

    Watermarks are only raised. Agencies that the backup does not have are left out: it has no
    reads of theirs. Gives what became of those whose rule or access changed, by name.
    """
    columns = agencies.c
    there = {row.name: row for row in connection.execute(select(agencies))}
    changed: dict[str, dict[str, JSON]] = {}
    for each in newest:
        row = there.get(each.name)
        if row is None:
            continue
        if (row.retention_rule, row.access) != (each.retention_rule, each.access):
            changed[each.name] = {"retention_rule": each.retention_rule, "access": each.access}
        connection.execute(
            update(agencies)
            .where(columns.id == row.id)
            .values(
                retention_rule=each.retention_rule,
                access=each.access,
                access_changed_at=each.access_changed_at,
            )
        )
        bounds = [Bound(row.id, hit, before) for hit, before in each.purged_before.items()]
        watermarks.advance(connection, bounds)
    return changed


def for_ledger(as_of: datetime, changed: Mapping[str, dict[str, JSON]]) -> dict[str, JSON]:
    """What the ledger's entry of a restore says of it; of very many agencies it names the first."""
    return {
        "agencies_as_of": as_of.isoformat(),
        "agencies_changed": len(changed),
        "agencies": dict(list(changed.items())[:_NAMED]),
    }


def to_json(each: AgencyNow) -> dict[str, Any]:
    """As it stands in the keys file."""
    at = each.access_changed_at
    return {
        "name": each.name,
        "retention_rule": each.retention_rule,
        "access": each.access,
        "access_changed_at": None if at is None else at.isoformat(),
        "purged_before": {
            "hits" if hit else "reads": before.isoformat()
            for hit, before in each.purged_before.items()
        },
    }


def from_json(said: Mapping[str, Any]) -> AgencyNow:
    """What :func:`to_json` wrote.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: if it is of another form.
    """
    at = said["access_changed_at"]
    return AgencyNow(
        name=said["name"],
        retention_rule=said["retention_rule"],
        access=said["access"],
        access_changed_at=None if at is None else datetime.fromisoformat(at),
        purged_before={
            {"hits": True, "reads": False}[which]: datetime.fromisoformat(before)
            for which, before in said["purged_before"].items()
        },
    )
