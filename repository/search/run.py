"""Run a search in the database. Nothing here checks who asks: `service` does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, or_, select

from repository.retention.holds import is_held
from repository.search.criteria import Criteria
from repository.search.result import FoundRead
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import reads


def run(
    connection: Connection,
    criteria: Criteria,
    *,
    fold: Callable[[str], str],
    expired_before: datetime,
) -> tuple[list[FoundRead], bool]:
    """The newest reads that fit, up to the limit, and whether there are more.

    ``fold`` is the confusable folding with which reads were stored. A read that was captured before
    ``expired_before`` has expired, purged yet or not, and is shown only if a hold keeps it.
    """
    if criteria.folded:
        fits = reads.c.plate_folded == fold(criteria.plate)
    else:
        fits = reads.c.plate == criteria.plate
    query = (
        select(
            reads.c.read_id,
            reads.c.plate,
            reads.c.state,
            reads.c.confidence,
            reads.c.captured_at,
            reads.c.latitude_deg,
            reads.c.longitude_deg,
            reads.c.site,
            reads.c.has_hits,
            reads.c.camera,
            reads.c.unit_id,
            units.c.name.label("unit"),
            agencies.c.name.label("agency"),
            agencies.c.title.label("agency_title"),
            agencies.c.ori.label("agency_ori"),
        )
        .join(units, units.c.id == reads.c.unit_id)
        .join(agencies, agencies.c.id == reads.c.agency_id)
        .where(
            fits,
            reads.c.captured_at >= criteria.start,
            reads.c.captured_at < criteria.end,
            or_(reads.c.captured_at >= expired_before, is_held(reads)),
        )
        .order_by(reads.c.captured_at.desc(), reads.c.read_id.desc())
        .limit(criteria.limit + 1)
    )
    found = [
        FoundRead(
            read_id=row.read_id,
            plate=row.plate,
            how=_how(row.plate, criteria.plate),
            state=row.state,
            confidence=row.confidence,
            captured_at=row.captured_at,
            latitude_deg=row.latitude_deg,
            longitude_deg=row.longitude_deg,
            site=row.site,
            agency=row.agency,
            agency_title=row.agency_title,
            agency_ori=row.agency_ori,
            unit_id=row.unit_id,
            unit=row.unit,
            camera=row.camera,
            on_hotlist=row.has_hits,
        )
        for row in connection.execute(query)
    ]
    return found[: criteria.limit], len(found) > criteria.limit


def _how(found: str, searched: str) -> Literal["exact", "confusable"]:
    return "exact" if found == searched else "confusable"
