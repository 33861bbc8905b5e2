"""Repositories of each kind, filled, with a clock that the test moves."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import CliRunner, Result

from repository import bootstrap
from repository.accounts.operator import COMMAND_LINE, operator
from repository.bootstrap import Services
from repository.cli import main
from repository.ledger import log
from repository.ledger.entry import Entry
from repository.settings import load_settings
from repository.store.backup.commands import _destination, _source
from repository.store.backup.make import Made, make
from repository.store.backup.restore import Restored, restore
from tests.repository.sender import Sender
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

    def restore(self, source: Path, keys: Path, *, without_damaged: bool = False) -> Restored:
        now = self.services.clock()
        return restore(
            _destination(self.services, now), source, keys, later=lambda _: None,
            actor=operator(), origin=COMMAND_LINE, now=now, progress=lambda _: None,
            without_damaged_pictures=without_damaged,
        )  # fmt: skip

    def record(self, action: str = "test.done") -> None:
        """One more entry in the ledger."""
        with self.services.engine.begin() as connection:
            log.append(connection, Entry(action, operator(), self.services.clock(), "here"))


class Places(Protocol):
    """Makes a place for a repository; ``migrated``: its database has its tables already."""

    def __call__(self, name: str, *, migrated: bool = False) -> House: ...


@pytest.fixture(params=["sqlite", "postgresql"])
def houses(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Places]:
    """Makes places for repositories, each of its own, with folders and nothing in them."""
    yield from _houses(request, tmp_path, request.param)


@pytest.fixture
def sqlite_houses(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Places]:
    """The same over SQLite alone, for what does not differ."""
    yield from _houses(request, tmp_path, "sqlite")


@pytest.fixture
def postgres_houses(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Places]:
    """The same over PostgreSQL alone."""
    yield from _houses(request, tmp_path, "postgresql")


def _houses(request: pytest.FixtureRequest, folder: Path, kind: str) -> Iterator[Places]:
    made: list[House] = []
    databases: list[str] = []

    def place(name: str, *, migrated: bool = False) -> House:
        database = ""
        if kind == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            template = request.getfixturevalue("migrated_postgres") if migrated else "template0"
            databases.append(server.create_database(template=template))
            database = f"database = '{server.dsn(databases[-1])}'\n"
        (folder / name).mkdir()
        path = folder / name / "repository.toml"
        path.write_text(f"data = 'data'\n{database}")
        settings = load_settings(path)
        bootstrap.make_folders(settings)
        if migrated and kind == "sqlite":
            source = request.getfixturevalue("migrated_sqlite")
            shutil.copy(source, settings.data / "repository.sqlite")
        made.append(House(path, bootstrap.build(settings)).at(NOW))
        return made[-1]

    yield place
    for house in made:
        house.services.close()
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
    """Fill a place that has its tables, as a unit fills it."""
    bootstrap.initialise(load_settings(house.settings))
    ingest = house.services.ingest
    sender = Sender()
    sender.enrol(house.services.engine, NOW)
    found = [sender.read(at, pictures=[picture(at)]) for at in (OLDER, OLD, YOUNG)]
    messages = [(sender.topic(), sender.message(*found))]
    for at in (OLDER, OLD, YOUNG):
        messages.append((sender.topic("picture", digest_at(at)), picture(at)))
    for topic, message in messages:
        assert ingest.take(topic, message).outcome == "committed"
    house.record()
    house.services.close()
    older, old, young = (each.id for each in found)
    return Filled(house, young, old, older)


def picture(at: datetime) -> bytes:
    """The bytes of the picture taken then."""
    return b"\xff\xd8\xff" + at.isoformat().encode()


def digest_at(at: datetime) -> str:
    return hashlib.sha256(picture(at)).hexdigest()


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> tuple[House, Path]:
    """A repository over SQLite and a backup of it, which tests copy before they damage it."""
    folder = tmp_path_factory.mktemp("good")
    (folder / "repository.toml").write_text("data = 'data'\n")
    settings = load_settings(folder / "repository.toml")
    bootstrap.make_folders(settings)
    shutil.copy(migrated_sqlite, settings.data / "repository.sqlite")
    house = House(folder / "repository.toml", bootstrap.build(settings)).at(NOW)
    fill(house)
    house.back_up(folder / "backup")
    house.services.engine.dispose()
    return house, folder / "backup"


def copied(backup: Path, folder: Path) -> Path:
    """A copy of the backup, to be damaged."""
    return shutil.copytree(backup, folder / "copy")


def flip(path: Path, at: int = -10) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def some_picture(backup: Path) -> Path:
    return next(each for each in (backup / "pictures").rglob("*") if each.is_file())


def command(house: House, *words: str) -> Result:
    return CliRunner().invoke(main, ["--settings", str(house.settings), *words])
