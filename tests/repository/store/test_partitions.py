"""Days made ahead, replaced and dropped: the same rows remain on both databases."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    false,
    insert,
    select,
    text,
)

from repository.store import migrate, partitions
from repository.store.engine import open_engine, reading
from repository.store.tables.base import UtcDateTime
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import pictures, reads
from repository.store.tables.retention import watermarks

DAY = date(2026, 3, 1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEXT = DAY + timedelta(days=1)


def add_unit(connection: Connection) -> None:
    connection.execute(
        insert(agencies).values(id=1, name="salem-pd", title="Salem", created_at=NOON)
    )
    connection.execute(
        insert(units).values(
            id=1, agency_id=1, name="car-1", key_id="0" * 16, public_key=b"k", created_at=NOON
        )
    )


def picture(at: datetime, sha256: str = "ab" * 32) -> dict[str, object]:
    return {
        "unit_id": 1, "captured_at": at, "read_id": uuid.uuid4(), "sha256": sha256, "seq": 1,
        "kind": "plate", "size_bytes": 1, "width_px": 1, "height_px": 1, "stored_at": None,
    }  # fmt: skip


def read(at: datetime, plate: str) -> dict[str, object]:
    return {
        "unit_id": 1, "captured_at": at, "read_id": uuid.uuid4(), "agency_id": 1, "seq": 1,
        "batch_first_seq": 1, "camera": "front", "plate": plate, "plate_folded": plate,
        "confidence": 0.9, "has_hits": False, "record": b"{}", "received_at": at,
    }  # fmt: skip


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """Two days with two reads and a picture each."""
    with engine.begin() as connection:
        add_unit(connection)
        partitions.ensure_days(connection, [DAY, NEXT])
        for at in (NOON, NOON + timedelta(days=1)):
            connection.execute(insert(reads), [read(at, "KEEP"), read(at, "DROP")])
            connection.execute(insert(pictures), [picture(at)])
    return engine


def plates(engine: Engine) -> list[tuple[date, str]]:
    with reading(engine) as connection:
        found = connection.execute(select(reads.c.captured_at, reads.c.plate))
        return sorted((row.captured_at.date(), row.plate) for row in found)


def test_a_replaced_day_keeps_what_it_should_and_the_next_day_is_untouched(filled: Engine) -> None:
    def kept(table: Table) -> object:
        return reads.c.plate == "KEEP" if table is reads else false()

    for _ in range(2):
        with filled.begin() as connection:
            partitions.replace_day(connection, DAY, kept)  # type: ignore[arg-type]
    assert plates(filled) == [(DAY, "KEEP"), (NEXT, "DROP"), (NEXT, "KEEP")]
    with filled.begin() as connection:
        moments = connection.scalars(select(pictures.c.captured_at)).all()
        assert [each.date() for each in moments] == [NEXT]
        if filled.dialect.name == "postgresql":
            assert partitions.days(connection, reads) == [DAY, NEXT]
            assert partitions.days(connection, pictures) == [NEXT]
            indexes = text("SELECT count(*) FROM pg_indexes WHERE tablename = :name")
            assert connection.scalar(indexes, {"name": "reads_20260301"}) == connection.scalar(
                indexes, {"name": "reads_20260302"}
            )
        # What is there can be added to and found by key, as before.
        partitions.ensure_days(connection, [DAY])
        connection.execute(insert(reads), [read(NOON, "LATE")])
        connection.execute(insert(pictures), [picture(NOON)])


def test_a_replacement_that_fails_leaves_the_day_as_it_was(filled: Engine) -> None:
    before = plates(filled)

    def fail() -> None:
        with filled.begin() as connection:
            partitions.replace_day(connection, DAY, lambda _: false())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert plates(filled) == before


def test_empty_days_behind_are_dropped_and_full_ones_and_later_ones_stay(filled: Engine) -> None:
    old, later = DAY - timedelta(days=1), NEXT + timedelta(days=1)
    with filled.begin() as connection:
        partitions.ensure_days(connection, [old, later])
        dropped = partitions.drop_empty(connection, NEXT)
        if filled.dialect.name == "sqlite":
            assert dropped == []
            return
        assert dropped == [old]
        assert partitions.days(connection, reads) == [DAY, NEXT, later]
        assert partitions.days(connection, pictures) == [DAY, NEXT, later]


def test_a_filled_store_keeps_pictures_and_watermark_when_it_is_upgraded(dsn: str) -> None:
    engine = open_engine(dsn)
    moments = [NOON, NOON + timedelta(days=400)]
    before = Table(
        "retention_state", MetaData(), Column("id", Integer), Column("watermark", UtcDateTime)
    )
    with engine.begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        add_unit(connection)
        connection.execute(insert(pictures), [picture(at) for at in moments])
        connection.execute(insert(before).values(id=1, watermark=NOON))
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(
                "CREATE TABLE reads_20260302 PARTITION OF reads "
                "FOR VALUES FROM ('2026-03-02 00:00+00') TO ('2026-03-03 00:00+00')"
            )
    migrate.upgrade(engine)
    with engine.begin() as connection:
        assert sorted(connection.scalars(select(pictures.c.captured_at))) == moments
        marks = connection.execute(select(watermarks).order_by(watermarks.c.hit)).all()
        assert [tuple(each) for each in marks] == [(1, False, NOON), (1, True, NOON)]
        if engine.dialect.name == "postgresql":
            assert partitions.days(connection, pictures) == [DAY, NEXT, moments[1].date()]
        partitions.ensure_days(connection, [DAY, NEXT])
        connection.execute(insert(pictures), [picture(NOON + timedelta(days=1))])
    engine.dispose()
