"""Reads that a hold on a plate does not reach, under plates that are easily taken for it."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from repository.retention.holds_request import PlateTarget
from repository.store.tables.agency_data import read_corrections
from repository.store.tables.fleet import units
from repository.store.tables.reads import reads


def lookalikes(
    connection: Connection,
    target: PlateTarget,
    fold: Callable[[str], str],
    seen: ColumnElement[bool],
) -> dict[str, int]:
    """How many reads stand under each such plate in the target's period, the most first.

    Left out are reads whose owner corrected them to the target's plate, which the hold reaches,
    and those of which ``seen`` does not hold.
    """
    corrected = exists().where(
        read_corrections.c.unit_id == reads.c.unit_id,
        read_corrections.c.captured_at == reads.c.captured_at,
        read_corrections.c.read_id == reads.c.read_id,
        read_corrections.c.plate == target.plate,
    )
    number = func.count().label("number")
    query = (
        select(reads.c.plate, number)
        .where(
            reads.c.unit_id.in_(select(units.c.id)),
            reads.c.plate_folded == fold(target.plate),
            reads.c.plate != target.plate,
            reads.c.captured_at >= target.start,
            reads.c.captured_at < target.end,
            ~corrected,
            seen,
        )
        .group_by(reads.c.plate)
        .order_by(number.desc(), reads.c.plate)
    )
    if target.state is not None:
        query = query.where(or_(reads.c.state.is_(None), reads.c.state == target.state))
    return {row.plate: row.number for row in connection.execute(query)}
