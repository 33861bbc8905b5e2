"""The fixtures of people, for this room."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from repository.store.engine import open_engine
from tests.repository.audits.office import Office
from tests.repository.people import Clock
from tests.repository.people import accounts as accounts
from tests.repository.people import clock as clock
from tests.repository.people import command_line as command_line
from tests.repository.people import officer as officer


@pytest.fixture
def office(engine: Engine, clock: Clock) -> Office:
    """An office over each kind of database."""
    return Office(engine, clock)


@pytest.fixture
def small_office(migrated_sqlite: Path, tmp_path: Path, clock: Clock) -> Iterator[Office]:
    """The same over SQLite, for what asks nothing of a database that the others do not."""
    path = tmp_path / "office.sqlite"
    shutil.copy(migrated_sqlite, path)
    engine = open_engine(f"sqlite:///{path}")
    yield Office(engine, clock)
    engine.dispose()
