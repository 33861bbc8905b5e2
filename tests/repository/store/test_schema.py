"""The migrations make exactly the tables that the code speaks of, on both databases."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from repository.errors import RepositoryError
from repository.store import migrate
from repository.store.engine import open_engine
from repository.store.tables import metadata


def test_migrations_make_what_the_metadata_says(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


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
