"""Many rows at once: what COPY is given comes back as plain inserts would have it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError

from repository.store.bulk import COPY_FROM, Rows, insert_many
from repository.store.engine import reading
from repository.store.partitions import ensure_days
from repository.store.tables.reads import reads

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
MANY = COPY_FROM + 50


def row(number: int, **changed: Any) -> dict[str, Any]:
    """A read whose values recur and do not, are null and are not, from one to the next."""
    place = {"latitude_deg": -42.25, "longitude_deg": -0.0} if number % 3 else {}
    return {
        "unit_id": 1 + number % 2,
        "captured_at": NOW - timedelta(microseconds=number),
        "read_id": uuid.UUID(int=number * 2**90 + 1),
        "agency_id": 1,
        "seq": 2**40 + number,
        "batch_first_seq": 2**40,
        "camera": "front",
        "plate": f"1AB{number}",
        "plate_folded": "1A8",
        "state": (None, "MA", "NH")[number % 3],
        "confidence": (0.0, -0.0, 1 / 3)[number % 3],
        "latitude_deg": None,
        "longitude_deg": None,
        "site": None if number % 5 else f"Brücke {number} \N{BRIDGE AT NIGHT}",
        "has_hits": number % 7 == 0,
        "record": bytes(range(256)) * (number % 3) + b"\x00",
        "received_at": datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        **place,
        **changed,
    }


ROWS = [row(number) for number in range(MANY)]


@pytest.fixture
def days(engine: Engine) -> Engine:
    """A database with the partitions of these rows."""
    with engine.begin() as connection:
        ensure_days(connection, {NOW.date()})
    return engine


def stored(engine: Engine) -> list[dict[str, Any]]:
    with reading(engine) as connection:
        rows = connection.execute(select(reads).order_by(reads.c.seq)).mappings()
        return [dict(one) for one in rows]


@pytest.mark.parametrize("all_new", [True, False])
def test_every_value_comes_back_as_it_was(days: Engine, all_new: bool) -> None:
    with days.begin() as connection:
        insert_many(connection, reads, Rows.of(ROWS), all_new=all_new)
    found = stored(days)
    assert found == ROWS
    if days.dialect.name == "postgresql":  # SQLite has one zero
        assert [str(one["confidence"]) for one in found[:3]] == ["0.0", "-0.0", str(1 / 3)]


@pytest.mark.parametrize("all_new", [True, False])
def test_what_is_there_stays_and_the_transaction_goes_on(days: Engine, all_new: bool) -> None:
    first = [row(number, plate="FIRST") for number in range(0, MANY, 4)]
    with days.begin() as connection:
        insert_many(connection, reads, Rows.of(first))
    with days.begin() as connection:
        insert_many(connection, reads, Rows.of(ROWS), all_new=all_new)
        more = Rows.of([row(number + MANY) for number in range(MANY)])
        insert_many(connection, reads, more, all_new=True)
    found = stored(days)
    assert len(found) == 2 * MANY
    assert [one["plate"] for one in found[:5]] == ["FIRST", "1AB1", "1AB2", "1AB3", "FIRST"]


def test_twice_among_them_is_kept_once(days: Engine) -> None:
    with days.begin() as connection:
        insert_many(connection, reads, Rows.of([*ROWS, *ROWS[:3]]), all_new=True)
    assert stored(days) == ROWS


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # SQLite has no partitions
@pytest.mark.parametrize("all_new", [True, False])
def test_what_breaks_another_rule_than_a_unique_key_is_no_row_that_is_there(
    days: Engine, all_new: bool
) -> None:
    wrong = [*ROWS, row(MANY, captured_at=NOW + timedelta(days=400))]
    with pytest.raises(IntegrityError), days.begin() as connection:
        insert_many(connection, reads, Rows.of(wrong), all_new=all_new)
    with reading(days) as connection:
        assert connection.scalar(select(func.count()).select_from(reads)) == 0
