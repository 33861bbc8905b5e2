"""Moments, transactions and outages, the same on both databases."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, text, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from repository.errors import RepositoryError
from repository.store.engine import DatabaseUnavailableError, at_once, open_engine, reading
from repository.store.partitions import ensure_days
from repository.store.rows import insert_new, put
from repository.store.tables.fleet import agencies
from repository.store.tables.retention import purge_state
from tests.servers import PostgresServer, free_port

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def agency(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "title": "t", "ori": None, "created_at": NOW, **changes}


def test_a_moment_comes_back_in_utc_to_the_microsecond(engine: Engine) -> None:
    eastern = NOW.astimezone(timezone(timedelta(hours=-5)))
    with engine.begin() as connection:
        connection.execute(insert(agencies), [agency("a", created_at=eastern)])
    with reading(engine) as connection:
        found = connection.scalar(
            select(agencies.c.created_at).where(agencies.c.created_at == eastern)
        )
    assert found == NOW
    assert found is not None
    assert found.utcoffset() == timedelta(0)


def test_a_moment_without_a_zone_is_refused(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises((ValueError, SQLAlchemyError)):
        connection.execute(insert(agencies), [agency("a", created_at=NOW.replace(tzinfo=None))])


def test_a_reader_sees_one_state_while_another_writes(engine: Engine) -> None:
    with reading(engine) as connection:
        assert connection.execute(select(agencies)).all() == []
        with engine.begin() as writer:
            writer.execute(insert(agencies), [agency("a")])
        assert connection.execute(select(agencies)).all() == []
    with reading(engine) as connection:
        assert len(connection.execute(select(agencies)).all()) == 1


def test_what_fails_leaves_nothing(engine: Engine) -> None:
    def fail() -> None:
        with engine.begin() as connection:
            connection.execute(insert(agencies), [agency("a")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with reading(engine) as connection:
        assert connection.execute(select(agencies)).all() == []


def test_what_is_written_at_once_is_there_for_the_next_question(engine: Engine) -> None:
    with engine.begin() as connection:
        with at_once(connection):
            connection.execute(insert(agencies), agency("a", id=1))
            connection.execute(insert(agencies), [agency("b", id=2), agency("c", id=3)])
            connection.execute(update(agencies).values(title="other"))
        assert connection.scalars(select(agencies.c.title)).all() == ["other"] * 3


@pytest.mark.parametrize("after", [0, 1])
def test_what_fails_of_what_is_written_at_once_fails_it_all(engine: Engine, after: int) -> None:
    def write() -> None:
        with engine.begin() as connection, at_once(connection):
            connection.execute(insert(agencies), agency("a", id=1))
            connection.execute(insert(agencies), agency("a", id=2))
            for number in range(after):
                connection.execute(insert(agencies), agency("b", id=3 + number))

    with pytest.raises(IntegrityError):
        write()
    with reading(engine) as connection:
        assert connection.execute(select(agencies)).all() == []


def test_a_connection_that_ends_while_much_is_written_is_unavailable(postgres_dsn: str) -> None:
    engine = open_engine(postgres_dsn)

    def write() -> None:
        with engine.begin() as connection:
            own = connection.scalar(text("SELECT pg_backend_pid()"))
            with at_once(connection):
                connection.execute(text("SET LOCAL jit = off"))
                with engine.begin() as other:
                    other.execute(text("SELECT pg_terminate_backend(:own, 10000)"), {"own": own})

    with pytest.raises(DatabaseUnavailableError):
        write()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    engine.dispose()


def test_rows_that_are_there_stay_and_put_overwrites(engine: Engine) -> None:
    with engine.begin() as connection:
        insert_new(connection, agencies, [agency("a"), agency("b")])
        insert_new(connection, agencies, [agency("a", title="other"), agency("c")])
        insert_new(connection, agencies, [])
        rows = connection.execute(select(agencies.c.name, agencies.c.title)).all()
        assert sorted(map(tuple, rows)) == [("a", "t"), ("b", "t"), ("c", "t")]
        for moment in (NOW, NOW + timedelta(days=1)):
            put(connection, purge_state, {"id": 1, "who": "x", "started_at": moment})
        assert connection.scalars(select(purge_state.c.started_at)).all() == [
            NOW + timedelta(days=1)
        ]


def test_a_day_gets_its_partition_once(engine: Engine) -> None:
    days = [NOW.date(), NOW.date() + timedelta(days=1), NOW.date()]
    for _ in range(2):
        with engine.begin() as connection:
            ensure_days(connection, days)
    if engine.dialect.name == "postgresql":
        with reading(engine) as connection:
            names = connection.scalars(
                text("SELECT inhrelid::regclass::text FROM pg_inherits "
                     "WHERE inhparent = 'reads'::regclass ORDER BY 1")
            ).all()  # fmt: skip
        assert names == ["reads_20260301", "reads_20260302"]


def test_two_that_make_the_same_partitions_at_once_both_succeed(postgres_engine: Engine) -> None:
    start = Barrier(4, timeout=60)

    def make(_number: int) -> None:
        for offset in range(30):
            start.wait()
            with postgres_engine.begin() as connection:
                ensure_days(connection, [NOW.date() + timedelta(days=offset)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))


@pytest.mark.parametrize("dsn", ["nonsense", "mysql://h/d", "postgresql://h/d", "sqlite://"])
def test_an_address_of_another_kind_is_refused(dsn: str) -> None:
    with pytest.raises(RepositoryError, match=r"^database: "):
        open_engine(dsn)


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="restore`; to begin anew: `alpr-repository init`"):
        open_engine(f"sqlite:///{tmp_path / 'none' / 'x.sqlite'}")


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    engine = open_engine(f"postgresql+psycopg://u@127.0.0.1:{free_port()}/d")
    with pytest.raises(DatabaseUnavailableError, match="the database does not answer") as caught:
        engine.connect()
    assert "\n" not in str(caught.value)


def test_a_server_that_goes_away_is_unavailable_and_then_works_again(
    postgres_server: PostgresServer, postgres_dsn: str
) -> None:
    engine = open_engine(postgres_dsn)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        postgres_server.stop("immediate")
        try:
            with pytest.raises(DatabaseUnavailableError):
                connection.execute(text("SELECT 1"))
            with pytest.raises(DatabaseUnavailableError), engine.connect():
                pass
        finally:
            postgres_server.start()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    engine.dispose()


def test_a_locked_sqlite_file_is_unavailable(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    with engine.begin(), engine.connect() as other:
        other.connection.dbapi_connection.execute("PRAGMA busy_timeout = 1")  # type: ignore[union-attr]
        with pytest.raises(DatabaseUnavailableError, match="locked"):
            other.begin()
    engine.dispose()


def test_a_server_that_only_reads_for_now_is_unavailable(postgres_dsn: str) -> None:
    engine = open_engine(postgres_dsn)
    both = "SET TRANSACTION READ ONLY; CREATE TABLE x (y integer)"
    with pytest.raises(DatabaseUnavailableError, match="read-only"), engine.begin() as connection:
        connection.exec_driver_sql(both)
    engine.dispose()


def test_a_full_pool_is_unavailable(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repository.store.engine._POOL_TIMEOUT_S", 0.01)
    engine = open_engine(dsn)
    with ExitStack() as stack:
        take = lambda: [stack.enter_context(engine.connect()) for _ in range(100)]  # noqa: E731
        with pytest.raises(DatabaseUnavailableError, match="none became free"):
            take()
    engine.dispose()


def test_a_new_sqlite_file_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        engine = open_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
        assert list(tmp_path.iterdir()) == []
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE x (y integer)"))
            modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        engine.dispose()
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(["x.sqlite", "x.sqlite-wal", "x.sqlite-shm"], 0o600)
