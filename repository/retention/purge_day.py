"""One day of a purge: everything in the caller's transaction, the certificate last."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select

from repository.agencies import counts as monthly
from repository.agencies import own
from repository.cases import shown
from repository.retention import purge_pictures, purge_plates
from repository.retention.certificates import Certificate, Count, Hand, certify
from repository.retention.duties import Duties
from repository.retention.holds import is_held
from repository.retention.purge_rows import Expired, held, of_read, refused_moment
from repository.store.days import id_lines, utc_day
from repository.store.partitions import of_day, replace_day
from repository.store.pictures import PictureStore
from repository.store.tables.reads import hits, pictures, quarantine, reads, unit_records

_HOLDABLE = (reads, hits, unit_records, pictures)
_IDS = ((reads, reads.c.read_id), (hits, hits.c.hit_id), (unit_records, unit_records.c.record_id))


def purge_day(
    connection: Connection,
    store: PictureStore,
    day: date,
    duties: Duties,
    expired: Expired,
    hand: Hand,
) -> Certificate | None:
    """Purge what is past its time on a UTC day; None where that is nothing.

    Where everything of the day has expired, whosever it is, the day's partition is replaced by
    what is held; otherwise rows are deleted. The caller has the turn ``RETENTION``.
    """
    passed = expired.has_passed(day)
    old = _past_their_time(connection, day, expired, passed=passed)
    going = {table: old[table] & ~held(table) for table in _HOLDABLE}
    digest, numbers = _digest(connection, going)
    counts = _counts(connection, old, numbers)
    if not any(each.purged for each in counts.values()):
        return None
    monthly.keep(connection, going[reads], going[hits])
    purge_plates.doom(connection, going[reads], going[hits])
    connection.execute(delete(unit_records).where(going[unit_records]))
    connection.execute(delete(hits).where(going[hits]))
    connection.execute(delete(quarantine).where(old[quarantine]))
    if passed and purge_pictures.keep_held(connection, store, day):
        replace_day(connection, day, is_held)
        purge_pictures.destroy_key(connection, day)
    else:
        purge_pictures.doom(connection, day, going[pictures])
        connection.execute(delete(pictures).where(going[pictures]))
        connection.execute(delete(reads).where(going[reads]))
        purge_pictures.retire_key(connection, store, day)
    purge_pictures.drop_released(connection, store, day)
    own.forget_purged(connection)
    shown.forget_day(connection, day)
    return certify(connection, day, duties, expired.bounds, counts, digest, hand)


def count_day(connection: Connection, day: date, expired: Expired) -> dict[str, Count]:
    """What `purge_day` would find, hold and purge of each table; nothing goes."""
    passed = expired.has_passed(day)
    old = _past_their_time(connection, day, expired, passed=passed)
    numbers = {table: _number(connection, table, old[table] & ~held(table)) for table, _ in _IDS}
    return _counts(connection, old, numbers)


def _counts(
    connection: Connection,
    old: Mapping[Table, ColumnElement[bool]],
    going: Mapping[Table, int],
) -> dict[str, Count]:
    """``going`` is how many reads, hits and unit records go, which are counted already."""
    counts = {}
    for table, number in going.items():
        spared = _number(connection, table, old[table] & held(table))
        counts[table.name] = Count(number + spared, spared)
    spared = _number(connection, pictures, old[pictures] & held(pictures))
    counts[pictures.name] = Count(_number(connection, pictures, old[pictures]), spared)
    counts[quarantine.name] = Count(_number(connection, quarantine, old[quarantine]), 0)
    return counts


def _past_their_time(
    connection: Connection, day: date, expired: Expired, *, passed: bool
) -> dict[Table, ColumnElement[bool]]:
    """Of each table, what is of that day and past its time, held or not.

    Of a day that has ``passed`` that is everything of reads and pictures.
    """
    part = expired.of_day(day)
    of_reads = of_day(reads, day) if passed else of_day(reads, day) & part.reads()
    of_pictures = of_day(pictures, day)
    return {
        reads: of_reads,
        hits: of_day(hits, day) & part.hits(),
        unit_records: of_day(unit_records, day) & part.unit_records(),
        pictures: of_pictures if passed else of_pictures & of_read(of_reads),
        quarantine: (utc_day(connection, refused_moment()) == day) & expired.quarantine(),
    }


def _digest(
    connection: Connection, going: Mapping[Table, ColumnElement[bool]]
) -> tuple[str, dict[Table, int]]:
    """SHA-256 over the ids of the records that go, and how many they are of each table."""
    digest = hashlib.sha256()
    numbers = {}
    for table, ids in _IDS:
        numbers[table] = 0
        for lines in id_lines(connection, table, ids, going[table]):
            digest.update(lines.encode())
            numbers[table] += lines.count("\n")
    return digest.hexdigest(), numbers


def _number(connection: Connection, table: Table, which: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(table).where(which)) or 0
