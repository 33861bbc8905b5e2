"""Ingest over each kind of database in turn."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine

from edge.contract.plates import load_confusables
from repository.ingest.aside import Bounds
from repository.ingest.take import Ingest
from repository.retention.duties import Duties
from repository.retention.rules import shipped_rule
from repository.store.engine import open_engine
from repository.store.pictures import PictureStore
from tests.repository.ingest.consuming import broker as broker
from tests.repository.ingest.consuming import impatient as impatient
from tests.repository.ingest.consuming import link as link
from tests.repository.ingest.consuming import run_consumer as run_consumer
from tests.repository.people import command_line as command_line
from tests.repository.picture_files import pictures_in
from tests.repository.sender import Sender

BOUNDS = Bounds(bytes_per_day=4 * 1024 * 1024, rows_per_day=1000)
NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def load_duties(connection: Connection) -> Duties:
    """Everybody under Massachusetts' rule."""
    return Duties.load(connection, shipped_rule("massachusetts"), shipped_rule)


@dataclass
class Clock:
    """A clock that stands until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def repository_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def pictures(tmp_path: Path) -> PictureStore:
    return pictures_in(tmp_path / "pictures", secrets.token_bytes(32))


@pytest.fixture
def ingest_on(
    pictures: PictureStore, repository_key: Ed25519PrivateKey, clock: Clock
) -> Callable[[Engine], Ingest]:
    """Ingest over whichever database."""
    fold = load_confusables().fold
    return lambda engine: Ingest(engine, pictures, repository_key, load_duties, fold, clock, BOUNDS)


@pytest.fixture
def ingest(engine: Engine, ingest_on: Callable[[Engine], Ingest]) -> Ingest:
    return ingest_on(engine)


@pytest.fixture
def ingest_on_sqlite(
    tmp_path: Path, migrated_sqlite: Path, ingest_on: Callable[[Engine], Ingest]
) -> Iterator[Ingest]:
    """Ingest over SQLite alone, for what is tried many times."""
    shutil.copy(migrated_sqlite, tmp_path / "many.sqlite")
    opened = open_engine(f"sqlite:///{tmp_path / 'many.sqlite'}")
    yield ingest_on(opened)
    opened.dispose()


@pytest.fixture
def sender(engine: Engine) -> Sender:
    unit = Sender()
    unit.enrol(engine, NOW)
    return unit
