"""The columns of ``reads`` against the signed record beside them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, func, literal_column, select, tablesample, text

from edge.contract.errors import ContractError
from edge.contract.records import FixedSite, GpsFix, Read, decode_record
from repository.store.checks.result import CheckResult
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import reads

SAMPLE = 1000
_AT_ONCE = 1000
_MOST = 20
"""Reads named at most for each rule."""


def check_records(
    connection: Connection, fold: Callable[[str], str], *, everything: bool
) -> Iterator[CheckResult]:
    """Whether reads say what their records say, of all reads or a random sample of them."""
    query = _query() if everything else _sample(connection)
    counts = {"plates.folded": 0, "records.as_columns": 0}
    for row in connection.execute(query, execution_options={"yield_per": _AT_ONCE}):
        for check, wrong, remedy in _faults(row, fold):
            counts[check] += 1
            if counts[check] <= _MOST:
                yield CheckResult(check, f"read {row.read_id}: {wrong}", remedy)
    for check, count in counts.items():
        if count > _MOST:
            yield CheckResult(check, f"{count - _MOST} more reads", "as above")


def _faults(row: Row[Any], fold: Callable[[str], str]) -> Iterator[tuple[str, str, str]]:
    if row.plate_folded != fold(row.plate):
        yield (
            "plates.folded",
            "its folded plate is not that of its plate under this host's confusables",
            "use the table of confusables with which the reads were stored on every host; after a "
            "change of it, fold all plates anew",
        )
    try:
        record = decode_record(row.record)
    except ContractError as error:
        wrong = f"its record cannot be read: {error}"
    else:
        wrong = _difference(row, record) if isinstance(record, Read) else "its record is no read"
    if wrong:
        yield (
            "records.as_columns",
            wrong,
            "the row was changed outside the repository; the signed record is what counts: "
            "restore the read from a backup",
        )


def _difference(row: Row[Any], record: Read) -> str:
    place = record.position
    placed = place if isinstance(place, GpsFix | FixedSite) else None
    said = {
        "read_id": record.id,
        "agency": record.agency,
        "unit": record.unit,
        "seq": record.seq,
        "captured_at": record.captured_at,
        "camera": record.camera,
        "plate": record.plate,
        "state": record.state.code,
        "confidence": record.confidence,
        "latitude_deg": placed.latitude_deg if placed else None,
        "longitude_deg": placed.longitude_deg if placed else None,
        "site": place.site.replace("\x00", "") if isinstance(place, FixedSite) else None,
        "has_hits": bool(record.hits),
    }
    columns = [name for name, value in said.items() if getattr(row, name) != value]
    return f"not what its record says: {', '.join(columns)}" if columns else ""


def _query() -> Select[Any]:
    return (
        select(reads, units.c.name.label("unit"), agencies.c.name.label("agency"))
        .join(units, units.c.id == reads.c.unit_id)
        .join(agencies, agencies.c.id == reads.c.agency_id)
    )


def _sample(connection: Connection) -> Select[Any]:
    """About a thousand reads at random, without going through all of them."""
    if connection.dialect.name == "postgresql":
        known = text(
            "SELECT sum(greatest(c.reltuples, 0)) FROM pg_inherits i "
            "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = CAST('reads' AS regclass)"
        )
        estimate = float(connection.scalar(known) or 0)
        some = tablesample(reads, func.system(min(100.0, 100.0 * SAMPLE / max(estimate, 1.0))))
        keys = select(some.c.unit_id, some.c.captured_at, some.c.read_id).limit(2 * SAMPLE)
        picked = keys.subquery()
        return _query().join(
            picked,
            (picked.c.unit_id == reads.c.unit_id)
            & (picked.c.captured_at == reads.c.captured_at)
            & (picked.c.read_id == reads.c.read_id),
        )
    last = connection.scalar(text("SELECT max(rowid) FROM reads")) or 0
    numbers = range(1, last + 1) if last <= SAMPLE else random.sample(range(1, last + 1), SAMPLE)
    return _query().where(literal_column("reads.rowid").in_(list(numbers)))
