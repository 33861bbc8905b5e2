"""A site on a real PostgreSQL: a database whose owner gave roles, and an engine of each."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from repository.ledger import log
from repository.ledger.entry import SYSTEM, Entry
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from repository.store import migrate, roles
from repository.store.ahead import ensure_coming_days
from repository.store.engine import DatabaseRightsError, open_engine
from tests.servers import PostgresServer

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
A_YEAR_ON = NOW.replace(year=NOW.year + 1)
ORIGIN = "alpr.example/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ENTRY = Entry("search.run", SYSTEM, NOW, "test")


def signer(site: Site) -> Signer:
    """What the jobs sign with, over their own connection."""
    return Signer(Ledger(site.of("jobs"), ORIGIN, KEY.public_key(), lambda: NOW), KEY)


@dataclass
class Site:
    """A database that its owner, no superuser, migrated and gave roles; an engine of each."""

    engines: dict[str, Engine]

    def of(self, role: str) -> Engine:
        return self.engines[role]

    def refused(self, role: str, statement: str) -> str:
        """What PostgreSQL says to that role about a statement that it must not run."""

        def run() -> None:
            with self.of(role).begin() as connection:
                connection.execute(text(statement))

        with pytest.raises((DBAPIError, DatabaseRightsError)) as caught:
            run()
        return str(caught.value)


@pytest.fixture(scope="module")
def site(postgres_server: PostgresServer) -> Iterator[Site]:
    with _site(postgres_server) as made:
        yield made


@pytest.fixture
def own_site(postgres_server: PostgresServer) -> Iterator[Site]:
    """A site that no other test has written to."""
    with _site(postgres_server) as made:
        yield made


@contextmanager
def _site(server: PostgresServer) -> Iterator[Site]:
    name = server.create_database()
    address = f"host=127.0.0.1 port={server.port} user=plateward"
    prefix = f"site{secrets.token_hex(3)}"

    def run_as_superuser(*statements: str, database: str = "postgres") -> None:
        with psycopg.connect(f"{address} dbname={database}", autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    def as_(user: str) -> Engine:
        return open_engine(server.dsn(name).replace("plateward@", f"{user}@"))

    run_as_superuser(
        f"CREATE ROLE {prefix}_owner LOGIN CREATEROLE",
        f"ALTER DATABASE {name} OWNER TO {prefix}_owner",
    )
    owner = as_(f"{prefix}_owner")
    migrate.upgrade(owner)
    with owner.begin() as connection:
        ensure_coming_days(connection, NOW.date())
    for _ in range(2):  # again after every upgrade
        with owner.begin() as connection:
            roles.apply(connection, prefix)
    engines = {"owner": owner}
    for role in roles.ROLES:
        user = f"{prefix}_{role}_user"
        run_as_superuser(f"CREATE ROLE {user} LOGIN IN ROLE {prefix}_{role}")
        engines[role] = as_(user)
    yield Site(engines)
    for engine in engines.values():
        engine.dispose()
    server.drop_database(name)


@pytest.fixture
def entry(site: Site) -> int:
    """The index of an entry."""
    with site.of("web").begin() as connection:
        return log.append(connection, ENTRY).index
