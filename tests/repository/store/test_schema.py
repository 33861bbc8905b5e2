"""The migrations make exactly the tables that the code speaks of, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, insert

from repository.errors import RepositoryError
from repository.store import extensions, migrate
from repository.store.engine import open_engine, reading
from repository.store.tables import metadata
from repository.store.tables.fleet import agencies, unit_status, units
from repository.units import enrolment


def test_migrations_make_what_the_metadata_says(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": _needs_no_extension}
        )
        assert compare_metadata(context, metadata) == []


def _needs_no_extension(_object: object, name: str | None, *_rest: object) -> bool:
    return name not in {index.name for index in extensions.INDEXES}


def test_an_empty_database_is_refused_until_it_is_migrated(dsn: str) -> None:
    engine = open_engine(dsn)
    with pytest.raises(RepositoryError, match="db upgrade"):
        migrate.require_current(engine)
    migrate.upgrade(engine)
    migrate.require_current(engine)
    engine.dispose()


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    before = migrate.current(engine)
    migrate.upgrade(engine)
    assert migrate.current(engine) == before == migrate.head()


def test_units_that_spoke_before_health_was_kept_stay_as_they_were(dsn: str) -> None:
    engine = open_engine(dsn)
    said_at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with engine.begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for table, row in (
            (agencies, {"name": "salem-pd", "title": "Salem", "created_at": said_at}),
            (
                units,
                {
                    "agency_id": 1,
                    "name": "car-1",
                    "key_id": "0" * 16,
                    "public_key": b"k" * 32,
                    "created_at": said_at,
                },
            ),
            (
                unit_status,
                {
                    "unit_id": 1,
                    "state": "online",
                    "at": said_at,
                    "software": "plateward 0.0.1",
                    "waiting_records": 3,
                    "received_at": said_at,
                },
            ),
        ):
            connection.execute(insert(table).values(**row))
        connection.exec_driver_sql(
            "INSERT INTO chains VALUES (1, 0, '" + "0" * 64 + "', '2026-03-01 12:00:00')"
        )
    migrate.upgrade(engine)
    migrate.require_current(engine)
    with reading(engine) as connection:
        (unit,) = enrolment.list_units(connection)
    assert (unit.state, unit.heard_at, unit.waiting_records) == ("online", said_at, 3)
    assert (unit.health, unit.health_at) == (None, None)
    engine.dispose()
