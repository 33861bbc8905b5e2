"""Plates of a purge: what no read and no hit has any more leaves the dictionary, soon after.

Looking for other reads of a plate may take long, so the transaction that purges only notes the
plates. Those that other reads have are sorted out while ingest goes on, which waits only while the
rest is looked at once more and goes.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select, union

from repository.store import locks
from repository.store.engine import reading
from repository.store.locks import Turn
from repository.store.plates import forget_unused, without_read
from repository.store.tables.reads import hits, reads
from repository.store.tables.retention import doomed_plates

_IN_A_ROW = 1000


def doom(
    connection: Connection, gone_reads: ColumnElement[bool], gone_hits: ColumnElement[bool]
) -> None:
    """Note the plates of reads and hits that are about to go."""
    plates = union(
        select(reads.c.plate).where(gone_reads), select(hits.c.plate).where(gone_hits)
    ).subquery()
    row = (func.row_number().over() - 1) // _IN_A_ROW
    numbered = select(plates.c.plate, row.label("row")).subquery()
    lines = func.aggregate_strings(numbered.c.plate, "\n")
    connection.execute(
        insert(doomed_plates).from_select(["plates"], select(lines).group_by(numbered.c.row))
    )


def forget(engine: Engine) -> None:
    """Let the noted plates go that no read and no hit has any more."""
    query = select(doomed_plates).order_by(doomed_plates.c.id).limit(1)
    while True:
        with reading(engine) as connection:
            noted = connection.execute(query).one_or_none()
            if noted is None:
                return
            rare = without_read(connection, noted.plates.split("\n"))
        with engine.begin() as connection:
            locks.take(connection, Turn.RETENTION)
            forget_unused(connection, rare)
            connection.execute(delete(doomed_plates).where(doomed_plates.c.id == noted.id))
