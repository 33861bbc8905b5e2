"""How far each unit is forwarded, in the caller's transaction.

Invariants:

- A unit's position is where the other repository said in a signed receipt that its chain ends, and
  only if this repository knows a batch of the unit that ends there with that root. So whichever of
  the two was restored from a backup, or killed, both agree again after one message.
- What follows the position and may not or cannot be forwarded is a gap; it ends where the next
  batch begins that can be.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import ColumnElement, Connection, delete, select, update

from edge.contract.batch import GENESIS_ROOT
from repository.agencies.own import is_withdrawn
from repository.store.rows import insert_new, put
from repository.store.tables.fleet import agencies, chains, units
from repository.store.tables.forwarding import forwarded_pictures, forwarded_units
from repository.store.tables.reads import batches, pictures


@dataclass(frozen=True, slots=True)
class Position:
    """A unit, how far it is forwarded, and how far its chain is committed here."""

    unit_id: int
    agency_id: int
    agency: str
    unit: str
    through: int
    root: str
    gap_through: int | None
    gap_reason: str | None
    refused: str | None
    committed: int

    @property
    def scanned(self) -> int:
        """The sequence up to which nothing is left to look at."""
        return self.through if self.gap_through is None else self.gap_through


def positions(connection: Connection, chosen: Iterable[str]) -> list[Position]:
    """Every unit of these agencies, by name; one that nothing was forwarded of is at 0."""
    return _find(connection, agencies.c.name.in_(list(chosen)))


def position_of(connection: Connection, unit_id: int) -> Position:
    """One unit's."""
    (found,) = _find(connection, units.c.id == unit_id)
    return found


def is_forwarded(connection: Connection, unit_id: int, seq: int) -> bool:
    """Whether the other repository has the unit's batch with that sequence."""
    query = select(forwarded_units.c.through).where(forwarded_units.c.unit_id == unit_id)
    return (connection.scalar(query) or 0) >= seq


def advance(connection: Connection, unit_id: int, through: int, root: str, now: datetime) -> bool:
    """Take the other repository's word on where the unit's chain ends there.

    Returns:
        False if no batch of the unit ends there with that root: it is another chain.
    """
    if (through, root) != (0, GENESIS_ROOT):
        known = select(batches.c.first_seq).where(
            batches.c.unit_id == unit_id, batches.c.last_seq == through, batches.c.root == root
        )
        if connection.execute(known).first() is None:
            return False
    before = connection.execute(
        select(forwarded_units).where(forwarded_units.c.unit_id == unit_id)
    ).one_or_none()
    # Where the other repository went back, what lies between is looked at anew.
    gap = None if before is None or through < before.through else before.gap_through
    ends = gap is None or gap <= through
    put(
        connection,
        forwarded_units,
        {
            "unit_id": unit_id,
            "through": through,
            "root": root,
            "gap_through": None if ends else gap,
            "gap_reason": None if before is None or ends else before.gap_reason,
            "refused": None,
            "updated_at": now,
        },
    )
    return True


def set_gap(
    connection: Connection, position: Position, gap_through: int, reason: str, now: datetime
) -> None:
    """Say that the batches after the position, up to that sequence, are not forwarded."""
    _change(connection, position, now, gap_through=gap_through, gap_reason=reason[:200])


def set_refused(connection: Connection, position: Position, refused: str, now: datetime) -> None:
    """Say why the other repository does not take the unit's next batch."""
    _change(connection, position, now, refused=refused[:500])


def want_pictures(connection: Connection, unit_id: int, missing: Iterable[str]) -> None:
    """Note the pictures that the other repository said it misses."""
    rows = [{"unit_id": unit_id, "sha256": each} for each in sorted(set(missing))]
    insert_new(connection, forwarded_pictures, rows)


def settle_picture(connection: Connection, unit_id: int, sha256: str) -> None:
    """Forget a picture that the other repository has, or does not want."""
    connection.execute(
        delete(forwarded_pictures).where(
            forwarded_pictures.c.unit_id == unit_id, forwarded_pictures.c.sha256 == sha256
        )
    )


def next_picture(connection: Connection, position: Position) -> tuple[date, str] | None:
    """Day of capture and digest of a wanted picture that is here and may be sent."""
    query = (
        select(pictures.c.captured_at, pictures.c.sha256)
        .join(
            forwarded_pictures,
            (forwarded_pictures.c.unit_id == pictures.c.unit_id)
            & (forwarded_pictures.c.sha256 == pictures.c.sha256),
        )
        .where(
            pictures.c.unit_id == position.unit_id,
            pictures.c.seq <= position.through,
            pictures.c.stored_at.is_not(None),
            ~is_withdrawn(pictures),
        )
        .order_by(pictures.c.seq)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.captured_at.astimezone(UTC).date(), row.sha256)


def _find(connection: Connection, which: ColumnElement[bool]) -> list[Position]:
    query = (
        select(
            units.c.id.label("unit_id"),
            units.c.agency_id,
            agencies.c.name.label("agency"),
            units.c.name.label("unit"),
            forwarded_units.c.through,
            forwarded_units.c.root,
            forwarded_units.c.gap_through,
            forwarded_units.c.gap_reason,
            forwarded_units.c.refused,
            chains.c.committed_through.label("committed"),
        )
        .join(agencies, agencies.c.id == units.c.agency_id)
        .join(chains, chains.c.unit_id == units.c.id)
        .outerjoin(forwarded_units, forwarded_units.c.unit_id == units.c.id)
        .where(which)
        .order_by(agencies.c.name, units.c.name)
    )
    return [
        Position(
            **{**row, "through": row["through"] or 0, "root": row["root"] or GENESIS_ROOT},
        )
        for row in connection.execute(query).mappings()
    ]


def _change(connection: Connection, position: Position, now: datetime, **changes: object) -> None:
    """Change the unit's row; where it has none, it has not begun."""
    row = {
        "unit_id": position.unit_id,
        "through": 0,
        "root": GENESIS_ROOT,
        "updated_at": now,
    }
    insert_new(connection, forwarded_units, [row])
    connection.execute(
        update(forwarded_units)
        .where(forwarded_units.c.unit_id == position.unit_id)
        .values(updated_at=now, **changes)
    )
