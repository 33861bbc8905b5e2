"""What an administrator is told, in one line, of lost keys and of a database that is not usable."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.repository.people import CommandLine
from tests.servers import PostgresServer


def over(folder: Path, database: str) -> CommandLine:
    """A command line over a database that nobody made."""
    line = CommandLine.__new__(CommandLine)
    line.folder, line.settings = folder, folder / "repository.toml"
    line.settings.write_text(f'data = "data"\ndatabase = "{database}"\n')
    return line


def checks(line: CommandLine, *words: str) -> list[str]:
    done = line.run("db", "check", "--json", *words)
    assert done.exit_code == 1, done.output
    return [each["check"] for each in json.loads(done.stdout)["findings"]]


@pytest.mark.parametrize("lost", ["receipts.pem", "ledger.pem", "pictures.key"])
def test_no_key_is_made_over_what_was_worked_with(command_line: CommandLine, lost: str) -> None:
    keys = command_line.folder / "data" / "keys"
    command_line.ok("ledger", "checkpoint")
    kept = keys.rename(keys.with_name("kept"))
    assert "bring the keys back from your backup" in command_line.refused("ledger", "checkpoint")
    shutil.copytree(kept, keys)
    (keys / lost).unlink()
    refused = command_line.refused("init")
    assert "the database holds a ledger" in refused
    assert "bring the keys back from your backup" in refused
    assert not (keys / lost).exists()
    assert checks(command_line) == [f"keys.{lost.partition('.')[0]}"]
    shutil.copy(kept / lost, keys / lost)
    command_line.ok("init")
    command_line.ok("db", "check")


def test_keys_of_another_repository_are_found(command_line: CommandLine, tmp_path: Path) -> None:
    command_line.ok("ledger", "checkpoint")
    other = tmp_path / "other"
    other.mkdir()
    CommandLine(other)
    shutil.copy(other / "data" / "keys" / "ledger.pem", tmp_path / "data" / "keys" / "ledger.pem")
    assert checks(command_line) == ["keys.ledger"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_database_that_was_never_made_is_said_to_be_so(
    kind: str, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    (tmp_path / "data").mkdir()
    name = postgres_server.create_database()
    sqlite = f"sqlite:///{tmp_path}/data/repository.sqlite"
    line = over(tmp_path, sqlite if kind == "sqlite" else postgres_server.dsn(name))
    try:
        for words in (("agencies", "list"), ("purge", "--dry-run")):
            said = line.refused(*words)
            assert "`alpr-repository init`" in said
            assert said.count("\n") == 1
    finally:
        postgres_server.drop_database(name)


def test_damaged_pages_are_told_and_point_to_the_backup(command_line: CommandLine) -> None:
    database = Path(str(command_line.engine.url.database))
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.execute("PRAGMA page_size").fetchone()[0]
        tables = ("agencies", "reads", "users", "ledger_entries", "hold_reads")
        roots = [
            root
            for (root,) in connection.execute(
                "SELECT rootpage FROM sqlite_master WHERE name IN (?, ?, ?, ?, ?)", tables
            )
        ]
    connection.close()
    with database.open("r+b") as file:
        for root in roots:
            file.seek((root - 1) * page)
            file.write(b"\xff" * page)
    for words in ((), ("--all",)):
        assert checks(command_line, *words) == ["database.readable"]
    for words in (("agencies", "list"), ("retention", "verify")):
        said = command_line.refused(*words)
        assert "damaged" in said
        assert "restore" in said
        assert said.count("\n") == 1


def test_a_file_that_is_no_database_is_told(command_line: CommandLine) -> None:
    Path(str(command_line.engine.url.database)).write_bytes(b"not a database at all\n" * 500)
    assert "damaged" in command_line.refused("agencies", "list")
    assert checks(command_line) == ["database.readable"]
