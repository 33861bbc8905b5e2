"""Repositories of each kind, filled, with a clock that the test moves."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from repository import bootstrap
from repository.accounts.operator import COMMAND_LINE, operator
from repository.bootstrap import Services
from repository.ledger import log
from repository.ledger.entry import Entry
from repository.settings import load_settings
from repository.store.backup.commands import _destination, _source
from repository.store.backup.make import Made, make
from repository.store.backup.restore import Restored, restore
from repository.store.tables.fleet import agencies
from tests.repository.search.test_picture import photograph
from tests.repository.sightings import add_units
from tests.servers import PostgresServer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
YOUNG, OLD, OLDER = NOW - timedelta(days=1), NOW - timedelta(days=300), NOW - timedelta(days=364)


@dataclass
class House:
    """A repository's settings file and services, at whatever time it is."""

    settings: Path
    services: Services

    @property
    def keys_file(self) -> Path:
        """Where the keys of its backups go."""
        return self.settings.parent / "safe" / "keys.json"

    def at(self, now: datetime) -> House:
        """The same at another time."""
        return House(self.settings, replace(self.services, clock=lambda: now))

    def back_up(self, target: Path) -> Made:
        self.keys_file.parent.mkdir(exist_ok=True)
        return make(
            _source(self.services), target, self.keys_file, now=self.services.clock(),
            random_bytes=self.services.random_bytes, progress=lambda _: None,
        )  # fmt: skip

    def restore(self, source: Path, keys: Path) -> Restored:
        now = self.services.clock()
        return restore(
            _destination(self.services, now), source, keys, later=lambda _: None,
            actor=operator(), origin=COMMAND_LINE, now=now, progress=lambda _: None,
        )  # fmt: skip

    def record(self, action: str = "test.done") -> None:
        """One more entry in the ledger."""
        with self.services.engine.begin() as connection:
            log.append(connection, Entry(action, operator(), self.services.clock(), "here"))


@pytest.fixture(params=["sqlite", "postgresql"])
def houses(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], House]]:
    """Makes places for repositories, each of its own, with folders and nothing in them."""
    yield from _houses(request, tmp_path, request.param)


@pytest.fixture
def sqlite_houses(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[str], House]]:
    """The same over SQLite alone, for what does not differ."""
    yield from _houses(request, tmp_path, "sqlite")


def _houses(
    request: pytest.FixtureRequest, folder: Path, kind: str
) -> Iterator[Callable[[str], House]]:
    made: list[House] = []
    databases: list[str] = []

    def place(name: str) -> House:
        database = ""
        if kind == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            databases.append(server.create_database())
            database = f"database = '{server.dsn(databases[-1])}'\n"
        (folder / name).mkdir()
        path = folder / name / "repository.toml"
        path.write_text(f"data = 'data'\n{database}")
        settings = load_settings(path)
        bootstrap.make_folders(settings)
        made.append(House(path, bootstrap.build(settings)).at(NOW))
        return made[-1]

    yield place
    for house in made:
        house.services.engine.dispose()
    for each in databases:
        request.getfixturevalue("postgres_server").drop_database(each)


@dataclass(frozen=True)
class Filled:
    """A repository with a young read, an old one, and one that is about to expire; all pictured."""

    house: House
    young: uuid.UUID
    old: uuid.UUID
    older: uuid.UUID


def fill(house: House) -> Filled:
    """Fill a place."""
    bootstrap.initialise(load_settings(house.settings))
    services = house.services
    with services.engine.begin() as connection:
        row = {"id": 1, "name": "salem-pd", "title": "Salem Police", "created_at": NOW}
        connection.execute(insert(agencies), [row])
    add_units(services.engine, NOW, agencies=[1])
    found = [
        photograph(services.engine, services.pictures, at, content=picture(at))
        for at in (YOUNG, OLD, OLDER)
    ]
    house.record()
    return Filled(house, *found)


def picture(at: datetime) -> bytes:
    """The bytes of the picture taken then."""
    return b"\xff\xd8\xff" + at.isoformat().encode()


def digest_at(at: datetime) -> str:
    return hashlib.sha256(picture(at)).hexdigest()
