"""What the rows of different tables must say of one another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Subquery,
    Table,
    and_,
    exists,
    func,
    or_,
    select,
    union_all,
)

from edge.contract.batch import GENESIS_ROOT
from repository.store.checks.result import CheckResult
from repository.store.tables.fleet import agencies, chains, units
from repository.store.tables.plates import plates
from repository.store.tables.reads import batches, hits, pictures, reads, unit_records
from repository.store.tables.restores import lost_records
from repository.store.tables.retention import hold_reads, holds

_MOST_COUNTED = 1000
_EXAMPLES = 3
_DAMAGED = (
    "rows were changed or lost outside the repository: restore the newest backup in which "
    "`alpr-repository db check` finds nothing"
)
_REMEMBER = (
    "run: INSERT INTO plates (plate) SELECT DISTINCT plate FROM {table} WHERE true "
    "ON CONFLICT DO NOTHING"
)


def check_invariants(connection: Connection) -> Iterator[CheckResult]:
    """Go through all of them; each is one query."""
    for table in (reads, hits, unit_records):
        yield from _report(
            connection,
            "rows.unit_known",
            f"rows of {table.name} are of a unit or an agency that is not known",
            _unknown_owner(table),
            _DAMAGED,
        )
    yield from _report(
        connection,
        "pictures.have_read",
        "rows of pictures have no read",
        select(pictures.c.unit_id, pictures.c.seq).where(
            ~exists().where(*_same_read(pictures, reads))
        ),
        "run `alpr-repository retention verify`, and a purge after it",
    )
    yield from _report(
        connection,
        "holds.have_read",
        "reads that a standing hold names are not there",
        select(hold_reads.c.unit_id, hold_reads.c.hold_id)
        .join(holds, holds.c.id == hold_reads.c.hold_id)
        .where(
            holds.c.released_at.is_(None),
            hold_reads.c.lapsed_at.is_(None),
            ~exists().where(*_same_read(hold_reads, reads)),
        ),
        "what a hold keeps must never go: find it in a backup, and tell the hold's case",
        second="hold",
    )
    for table in (reads, hits):
        yield from _report(
            connection,
            "plates.complete",
            f"rows of {table.name} have a plate that the dictionary lacks: a search for a part of "
            "it misses them",
            select(table.c.unit_id, table.c.seq).where(
                ~exists().where(plates.c.plate == table.c.plate)
            ),
            _REMEMBER.format(table=table.name),
        )
    yield from _report(
        connection,
        "batches.gapless",
        "batches do not follow the one before them",
        _out_of_line(),
        _DAMAGED,
    )
    yield from _report(
        connection,
        "chains.at_last_batch",
        "units' chains are not where their last batch ends",
        _wrong_chain(),
        _DAMAGED,
        second="committed through",
    )


def _unknown_owner(table: Table) -> Select[Any]:
    return select(table.c.unit_id, table.c.seq).where(
        or_(
            ~exists().where(units.c.id == table.c.unit_id),
            ~exists().where(agencies.c.id == table.c.agency_id),
        )
    )


def _same_read(one: Table, other: Table) -> tuple[Any, ...]:
    return tuple(one.c[name] == other.c[name] for name in ("unit_id", "captured_at", "read_id"))


def _out_of_line() -> Select[Any]:
    links = _links()

    def before(column: Any, first: Any) -> Any:
        lag = func.lag(column, 1, first)
        return lag.over(partition_by=links.c.unit_id, order_by=links.c.first_seq)

    each = select(
        links.c.unit_id,
        links.c.first_seq,
        links.c.last_seq,
        links.c.previous_root,
        before(links.c.last_seq, 0).label("before_seq"),
        before(links.c.root, GENESIS_ROOT).label("before_root"),
    ).subquery()
    return select(each.c.unit_id, each.c.first_seq).where(
        or_(
            each.c.first_seq != each.c.before_seq + 1,
            each.c.previous_root != each.c.before_root,
            each.c.last_seq < each.c.first_seq,
        )
    )


def _links() -> Subquery:
    """What units' chains are made of: batches, and the stretches that a restore lost."""
    names = ("unit_id", "first_seq", "last_seq", "previous_root", "root")
    parts = (select(*(table.c[name] for name in names)) for table in (batches, lost_records))
    return union_all(*parts).subquery("links")


def _wrong_chain() -> Select[Any]:
    links = _links()
    last = (
        select(links.c.unit_id, func.max(links.c.first_seq).label("first_seq"))
        .group_by(links.c.unit_id)
        .subquery()
    )
    return (
        select(units.c.id.label("unit_id"), chains.c.committed_through)
        .outerjoin(chains, chains.c.unit_id == units.c.id)
        .outerjoin(last, last.c.unit_id == units.c.id)
        .outerjoin(
            links,
            and_(links.c.unit_id == last.c.unit_id, links.c.first_seq == last.c.first_seq),
        )
        .where(
            or_(
                chains.c.unit_id.is_(None),
                chains.c.committed_through != func.coalesce(links.c.last_seq, 0),
                chains.c.chain_root != func.coalesce(links.c.root, GENESIS_ROOT),
            )
        )
    )


def _report(
    connection: Connection,
    check: str,
    what: str,
    query: Select[Any],
    remedy: str,
    second: str = "sequence",
) -> Iterator[CheckResult]:
    """One finding for all rows that a query finds, each named by its unit's id and one number."""
    found = connection.execute(query.limit(_MOST_COUNTED)).all()
    if not found:
        return
    number = f"{len(found)} or more" if len(found) == _MOST_COUNTED else str(len(found))
    examples = ", ".join(f"unit {unit} {second} {other}" for unit, other in found[:_EXAMPLES])
    yield CheckResult(check, f"{what}: {number}, such as {examples}", remedy)
