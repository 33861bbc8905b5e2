"""A batch is forwarded as it first came, byte for byte, or not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, update

from repository.agencies import own
from repository.forwarding.rebuild import FILTERED, GONE, WITHDRAWN, KeptBack, Whole, next_batch
from repository.store.engine import reading
from repository.store.tables.agency_data import withdrawn_reads
from repository.store.tables.forwarding import forward_filters
from repository.store.tables.reads import batches, hits, quarantine, reads, unit_records
from tests.repository.forwarding.conftest import Pair
from tests.repository.sender import altered
from tests.repository.whole import NOW


def rebuilt(pair: Pair) -> Whole | KeptBack | None:
    with reading(pair.department.engine) as connection:
        return next_batch(connection, pair.position())


def take_everything(pair: Pair) -> bytes:
    """A batch with a record of every table, one of them refused."""
    unit = pair.unit
    read = unit.read(NOW - timedelta(minutes=9))
    hit = unit.hit(NOW - timedelta(minutes=9), read.id)
    word = unit.disposition(NOW - timedelta(minutes=8), hit.id)
    refused = altered(unit.read(NOW - timedelta(minutes=7)), camera=None)
    message = unit.message(read, hit, word, refused, unit.shift_check(NOW))
    taken = pair.department.ingest.take(unit.topic(), message)
    assert (taken.records_kept, taken.records_refused) == (4, 1)
    return message


@pytest.mark.policy("M-VI")
def test_a_batch_is_rebuilt_to_the_byte_with_what_was_refused_in_it(pair: Pair) -> None:
    assert rebuilt(pair) is None
    message = take_everything(pair)
    pair.take()
    assert rebuilt(pair) == Whole(5, message)
    with pair.department.engine.begin() as connection:
        connection.execute(update(batches).values(captured_from=None, captured_to=None))
    assert rebuilt(pair) == Whole(5, message)


def test_a_batch_that_lacks_a_record_is_kept_back(pair: Pair) -> None:
    message = take_everything(pair)
    position = pair.position()
    for table in (reads, hits, unit_records, quarantine):
        with pair.department.engine.connect() as connection, connection.begin() as undone:
            connection.execute(delete(table))
            assert next_batch(connection, position) == KeptBack(5, GONE), table.name
            undone.rollback()
    assert rebuilt(pair) == Whole(5, message)


@pytest.mark.policy("C-6a")
def test_a_batch_with_a_withdrawn_read_or_its_hit_is_kept_back(pair: Pair) -> None:
    read = pair.unit.read(NOW - timedelta(minutes=9))
    pair.department.ingest.take(pair.unit.topic(), pair.unit.message(read))
    hit = pair.unit.message(pair.unit.hit(NOW - timedelta(minutes=9), read.id))
    pair.department.ingest.take(pair.unit.topic(), hit)
    with pair.department.engine.begin() as connection:
        (seen,) = own.find(connection, [read.id])
        row = {"withdrawn_by": "x", "withdrawn_by_name": "X", "withdrawn_at": NOW}
        connection.execute(
            insert(withdrawn_reads).values(**seen.key, agency_id=seen.agency_id, **row)
        )
    position = pair.position()
    with reading(pair.department.engine) as connection:
        assert next_batch(connection, position) == KeptBack(1, WITHDRAWN)
    with pair.department.engine.begin() as connection:
        connection.execute(delete(batches).where(batches.c.first_seq == 1))
    assert rebuilt(pair) == KeptBack(2, WITHDRAWN)


@pytest.mark.policy("C-5b")
def test_what_its_agency_keeps_is_kept_back(pair: Pair) -> None:
    read = pair.unit.read(NOW - timedelta(minutes=9))
    message = pair.unit.message(read)
    pair.department.ingest.take(pair.unit.topic(), message)
    position = pair.position()
    for unit, camera, since_min, until_min, kept in (
        (None, None, -20, None, True),
        (1, "front", -20, None, True),
        (1, "rear", -20, None, False),
        (1, None, -20, -10, False),
        (1, None, -20, -9, False),
        (1, None, -10, -8, True),
        (1, None, 1, None, False),
    ):
        row = {
            "agency_id": 1,
            "unit_id": unit,
            "camera": camera,
            "since": NOW + timedelta(minutes=since_min),
            "until": None if until_min is None else NOW + timedelta(minutes=until_min),
            "reason": "why",
            "set_by_name": "X",
            "set_at": NOW,
        }
        with pair.department.engine.connect() as connection, connection.begin() as undone:
            connection.execute(insert(forward_filters).values(**row))
            expected = KeptBack(1, FILTERED) if kept else Whole(1, message)
            assert next_batch(connection, position) == expected, row
            undone.rollback()
