"""The dictionary of plates: every plate that a read or a hit has, once.

A part of a plate is looked up here, among far fewer rows than there are reads, and the reads are
then found by their whole plates. On PostgreSQL a trigram index helps where the extension is there
(see :mod:`repository.store.extensions`); without it, and on SQLite, the dictionary is read through.

Invariant: ingest remembers a plate in the transaction that writes it, and a purge forgets one in
the transaction that removes its last read or hit. Ingest shares the turn ``RETENTION``, a purge
has it: no plate is forgotten while a transaction that nobody sees yet brings it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, delete, exists, or_, select, true
from sqlalchemy.dialects import postgresql, sqlite

from repository.store.bounded import BoundedReader
from repository.store.partitions import spans
from repository.store.rows import among, each
from repository.store.tables.plates import plates as dictionary
from repository.store.tables.reads import hits, reads

_AT_ONCE = 1000


def remember(connection: Connection, plates: Iterable[str]) -> None:
    """Add those of the plates that are not there yet.

    They are added in one order, so that two transactions that bring the same plates wait for one
    another instead of blocking each other: call this once in a transaction, and near its end.
    """
    new = sorted(set(plates))
    if not new:
        return
    # To leave out what is there first costs as much, and once the server has planned that for
    # a dictionary that was small, a hundred times as much.
    rows = select(each(connection, new)).where(true())  # without it SQLite reads a join's ON
    build = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(build(dictionary).from_select(["plate"], rows).on_conflict_do_nothing())


def forget_unused(connection: Connection, plates: Iterable[str]) -> int:
    """Drop those of the plates that no read and no hit has any more; how many they were.

    The caller has the turn ``RETENTION``.
    """
    forgotten = 0
    for some in _in_batches(plates):
        gone = _without_read(connection, some)
        if gone:
            forgotten += connection.execute(
                delete(dictionary).where(
                    dictionary.c.plate.in_(select(each(connection, gone))),
                    ~exists().where(hits.c.plate == dictionary.c.plate),
                )
            ).rowcount
    return forgotten


def without_read(connection: Connection, plates: Iterable[str]) -> list[str]:
    """Those of the plates that no read has, in order.

    Without the turn ``RETENTION`` these may have one a moment later, but the others need not be
    looked at again: whoever removes their last read looks at them anew.
    """
    return [one for some in _in_batches(plates) for one in _without_read(connection, some)]


def _in_batches(plates: Iterable[str]) -> Iterator[list[str]]:
    asked = sorted(set(plates))
    for start in range(0, len(asked), _AT_ONCE):
        yield asked[start : start + _AT_ONCE]


def _without_read(connection: Connection, plates: list[str]) -> list[str]:
    # An index answers for its own partition alone, so that a plate costs as much as there are
    # days: the newest are asked first, and a plate that is found is asked for no more. A plan is
    # made for a month at a time, since that for all days takes longer than to carry it out.
    left = plates
    for span in spans(connection, reads):
        query = select(reads.c.plate).distinct().where(among(connection, reads.c.plate, left), span)
        found = set(connection.scalars(query))
        left = [one for one in left if one not in found]
        if not left:
            break
    return left


def plates_that_fit(
    reader: BoundedReader, patterns: Sequence[tuple[str, str]], *, limit: int
) -> list[str]:
    """Plates of the dictionary that fit one of the patterns, each given in both notations."""
    connection = reader.connection
    wanted = or_(*(fits(connection, dictionary.c.plate, *pattern) for pattern in patterns))
    return [row.plate for row in reader.rows(select(dictionary.c.plate).where(wanted).limit(limit))]


def fits(
    connection: Connection, column: ColumnElement[str], regex: str, glob: str
) -> ColumnElement[bool]:
    """Whether a plate fits: the regular expression on PostgreSQL, SQLite's GLOB there."""
    if connection.dialect.name == "postgresql":
        return column.bool_op("~")(regex)
    return column.bool_op("GLOB")(glob)
