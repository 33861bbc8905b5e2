"""Fixtures for every test: real databases and brokers, each on a free loopback port."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from repository.store.engine import open_engine
from repository.store.migrate import upgrade
from tests.servers import Broker, PostgresServer

# How long a machine with other work takes to draw an example says nothing of the product.
settings.register_profile("plateward", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("plateward")

# Five thousand tests are no garbage: while they are collected, and ever after, nobody looks there.
gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage from now on, in what the tests themselves make."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One real PostgreSQL for the whole run."""
    server = PostgresServer.initialise()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def postgres_dsn(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh, empty database."""
    name = postgres_server.create_database()
    yield postgres_server.dsn(name)
    postgres_server.drop_database(name)


@pytest.fixture
def sqlite_dsn(tmp_path: Path) -> str:
    """A database file that is not there yet."""
    return f"sqlite:///{tmp_path / 'repository.sqlite'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def dsn(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind in turn: a test that takes it runs over both."""
    chosen: str = request.getfixturevalue(
        "sqlite_dsn" if request.param == "sqlite" else "postgres_dsn"
    )
    return chosen


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("migrated") / "repository.sqlite"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> str:
    """Name of a migrated PostgreSQL database to copy."""
    name = postgres_server.create_database()
    _migrate(postgres_server.dsn(name))
    return name


@pytest.fixture
def postgres_engine(postgres_server: PostgresServer, migrated_postgres: str) -> Iterator[Engine]:
    """A migrated PostgreSQL database, for what is asked of it alone."""
    name = postgres_server.create_database(template=migrated_postgres)
    opened = open_engine(postgres_server.dsn(name))
    yield opened
    opened.dispose()
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated database of each kind in turn: a test that takes it runs over both."""
    if request.param == "sqlite":
        path = tmp_path / "repository.sqlite"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        opened = open_engine(f"sqlite:///{path}")
        yield opened
        opened.dispose()
        return
    yield request.getfixturevalue("postgres_engine")


@pytest.fixture
def mosquitto_broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Starts real mosquitto brokers, each from lines of its configuration; stops them after."""
    brokers: list[Broker] = []

    def start(*lines: str) -> Broker:
        broker = Broker(tmp_path / f"mosquitto-{len(brokers)}", lines)
        brokers.append(broker)
        broker.start()
        return broker

    yield start
    for broker in brokers:
        broker.stop()


def _migrate(dsn: str) -> None:
    opened = open_engine(dsn)
    upgrade(opened)
    opened.dispose()
