"""A backup that cannot be made leaves nothing behind, and makes no folder on its way."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from repository.store import roles
from repository.store.backup.commands import _source
from repository.store.backup.make import BackupSource, make
from repository.store.backup.manifest import BackupError
from repository.store.engine import open_engine
from tests.repository.store.backup.conftest import NOW, House, Places, fill
from tests.servers import PostgresServer


def make_(source: BackupSource, target: Path, keys_to: Path, tell: Callable[[str], None]) -> None:
    make(source, target, keys_to, now=NOW, random_bytes=secrets.token_bytes, progress=tell)


def test_no_folder_is_made_where_the_medium_is_not_mounted(
    sqlite_houses: Places, tmp_path: Path
) -> None:
    source = _source(fill(sqlite_houses("first", migrated=True)).house.services)
    there, away = tmp_path / "there", tmp_path / "away"
    there.mkdir()
    for target, keys_to in (
        (away / "deep" / "backup", there / "keys.json"),
        (there / "backup", away / "keys.json"),
    ):
        with pytest.raises(BackupError, match="is its medium mounted"):
            make_(source, target, keys_to, lambda _: None)
    assert (list(there.iterdir()), away.exists()) == ([], False)


def test_what_is_interrupted_leaves_nothing(houses: Places, tmp_path: Path) -> None:
    house = fill(houses("first", migrated=True)).house
    target = tmp_path / "backup"

    def interrupt(sentence: str) -> None:
        if sentence == "the pictures":
            assert list(target.iterdir())
            raise KeyboardInterrupt

    for own_folder in (False, True):
        if own_folder:
            target.mkdir()
        with pytest.raises(KeyboardInterrupt):
            make_(_source(house.services), target, tmp_path / "keys.json", interrupt)
        assert target.exists() == own_folder
    assert list(target.iterdir()) == []
    house.back_up(target)


def test_a_user_that_may_not_read_everything_is_told_to_be_the_owner(
    request: pytest.FixtureRequest, postgres_houses: Places, tmp_path: Path
) -> None:
    house: House = fill(postgres_houses("first", migrated=True)).house
    server: PostgresServer = request.getfixturevalue("postgres_server")
    prefix = f"b{uuid.uuid4().hex[:8]}"
    owner = house.services.engine
    with owner.begin() as connection:
        roles.apply(connection, prefix)
    address = f"host=127.0.0.1 port={server.port} user=plateward dbname=postgres"
    with psycopg.connect(address, autocommit=True) as direct:
        direct.execute(f"CREATE ROLE {prefix}_user LOGIN IN ROLE {prefix}_jobs")
    jobs = open_engine(owner.url.set(username=f"{prefix}_user").render_as_string(False))
    try:
        with pytest.raises(BackupError, match=r"may not read the table \w+; .* the owner"):
            make_(
                replace(_source(house.services), engine=jobs),
                tmp_path / "backup", tmp_path / "keys.json", lambda _: None,
            )  # fmt: skip
    finally:
        jobs.dispose()
    assert not (tmp_path / "backup").exists()
