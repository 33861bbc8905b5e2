"""The dictionary of plates, over both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError

from repository.store.partitions import ensure_days
from repository.store.plates import forget_unused, remember, without_read
from repository.store.tables.plates import plates
from repository.store.tables.reads import hits, reads
from tests.repository.sightings import sight

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def known(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(select(plates.c.plate).order_by(plates.c.plate)))


def test_a_plate_is_remembered_once(engine: Engine) -> None:
    with engine.begin() as connection:
        remember(connection, [])
        remember(connection, ["1ABC20", "7XYZ", "1ABC20"])
        remember(connection, (plate for plate in ("7XYZ", "NEW")))
    assert known(engine) == ["1ABC20", "7XYZ", "NEW"]


def test_thousands_are_remembered_and_forgotten_at_once(engine: Engine) -> None:
    many = [f"P{number}" for number in range(2_500)]
    with engine.begin() as connection:
        remember(connection, many)
        assert len(connection.execute(select(plates)).all()) == 2_500
        assert forget_unused(connection, many) == 2_500
    assert known(engine) == []


def test_a_plate_goes_with_its_last_read_or_hit(engine: Engine) -> None:
    kept, gone = sight(engine, "1ABC20", AT), sight(engine, "7XYZ", AT)
    assert kept != gone
    with engine.begin() as connection:
        connection.execute(insert(hits).values(**hit("OUT")))
        remember(connection, ["1ABC20", "7XYZ", "OUT", "LATER"])
        connection.execute(delete(reads).where(reads.c.read_id == gone))
        assert forget_unused(connection, ["1ABC20", "7XYZ", "OUT", "NEVER"]) == 1
    assert known(engine) == ["1ABC20", "LATER", "OUT"]


def test_a_plate_that_was_read_long_ago_stays(engine: Engine) -> None:
    """Months are asked one after another: none is left out, nor a day at the end of one."""
    days = [AT - timedelta(days=number) for number in (0, 30, 31, 32, 61, 62, 63, 92, 93, 94)]
    with engine.begin() as connection:
        first = days[-1].date()
        ensure_days(connection, [first + timedelta(days=number) for number in range(95)])
    for number, day in enumerate(days):
        sight(engine, f"SEEN{number}", day)
    seen = [f"SEEN{number}" for number in range(len(days))]
    with engine.begin() as connection:
        remember(connection, [*seen, "GONE"])
        assert without_read(connection, [*seen, "GONE", "NEVER"]) == ["GONE", "NEVER"]
        assert forget_unused(connection, [*seen, "GONE", "NEVER"]) == 1
    assert known(engine) == seen


def test_what_ends_without_a_commit_leaves_nothing(engine: Engine) -> None:
    try:
        with engine.begin() as connection:
            remember(connection, ["1ABC20"])
            connection.execute(insert(plates).values(plate="1ABC20"))
    except IntegrityError:
        pass
    assert known(engine) == []


def hit(plate: str) -> dict[str, Any]:
    return {
        "unit_id": 1,
        "captured_at": AT,
        "hit_id": UUID(int=1),
        "agency_id": 1,
        "seq": 1,
        "read_id": UUID(int=2),
        "camera": "front",
        "plate": plate,
        "list_name": "stolen",
        "kind": "stolen_vehicle",
        "priority": 1,
        "rang": True,
        "record": b"{}",
        "received_at": AT,
    }
