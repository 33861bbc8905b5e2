"""What a restore does not turn back: agencies' rules and access, and what was purged under them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from repository.accounts.operator import operator
from repository.agencies import access
from repository.ledger import log
from repository.retention import local_rules
from repository.retention.rules import shipped_rule
from repository.store.backup import keys, words
from repository.store.backup.commands import _source
from repository.store.backup.manifest import BackupError
from repository.store.engine import reading
from repository.store.tables.fleet import agencies
from tests.repository.sender import AGENCY
from tests.repository.store.backup.conftest import (
    NOW,
    OLD,
    OLDER,
    YOUNG,
    Filled,
    House,
    Places,
    command,
    fill,
)
from tests.repository.store.backup.test_backup import ids, opens, purge_at

CHANGED = NOW + timedelta(days=1)
STRICTER = "new-hampshire"


def put_under(house: House, name: str | None, now: datetime) -> None:
    services = house.services
    with services.engine.begin() as connection:
        local_rules.change(
            connection, AGENCY, name, default=services.retention_rule, shipped=shipped_rule,
            reason="The law of its state", confirmed=True, named_person=True,
            actor=operator(), origin="here", now=now,
        )  # fmt: skip


def write_keys(house: House, now: datetime) -> None:
    with reading(house.services.engine) as connection:
        keys.write(house.keys_file, _source(house.services).keys_of(connection, now))


@pytest.fixture
def filled(houses: Places, tmp_path: Path) -> Filled:
    """A repository with a backup, whose agency came under a stricter rule and was ended since."""
    found = fill(houses("first", migrated=True))
    first = found.house
    first.back_up(tmp_path / "backup")
    (tmp_path / "old.json").write_bytes(first.keys_file.read_bytes())
    (tmp_path / "old.json").chmod(0o600)
    put_under(first, STRICTER, CHANGED)
    with first.services.engine.begin() as connection:
        access.change(
            connection, AGENCY, "ended", reason="It left", requested_by=None,
            actor=operator(), origin="here", now=CHANGED,
        )  # fmt: skip
    purge_at(first, CHANGED)
    assert ids(first) == set()
    return found


@pytest.mark.policy("C-7b")
def test_the_newest_keys_bring_the_newest_rules_into_an_old_backup(
    filled: Filled, houses: Places, tmp_path: Path
) -> None:
    write_keys(filled.house, CHANGED)
    second = houses("second").at(CHANGED + timedelta(hours=1))
    done = second.restore(tmp_path / "backup", filled.house.keys_file)

    assert (ids(second), done.reads_purged) == (set(), 3)
    assert [opens(second, at) for at in (YOUNG, OLD, OLDER)] == [False] * 3
    assert set(second.services.pictures.place.names()) == set()
    now = {"retention_rule": STRICTER, "access": "ended"}
    assert done.agencies_changed == {AGENCY: now}
    with reading(second.services.engine) as connection:
        row = connection.execute(select(agencies)).one()
        body = json.loads(next(log.rows(connection, done.manifest.ledger_size)).body)
    assert (row.retention_rule, row.access) == (STRICTER, "ended")
    assert row.access_changed_at == CHANGED
    said = body["request"]
    assert (said["agencies_as_of"], said["agencies"]) == (CHANGED.isoformat(), {AGENCY: now})
    answer = "\n".join(words.lines(done))
    assert f"are of {CHANGED:%Y-%m-%d %H:%M} UTC" in answer
    assert f"{AGENCY}: rule {STRICTER}, access ended" in answer
    assert "withdrew or disposed" in answer
    assert command(second, "retention", "verify").exit_code == 0


@pytest.mark.policy("C-7b")
def test_what_was_purged_stays_away_though_the_rule_was_loosened_again(
    filled: Filled, houses: Places, tmp_path: Path
) -> None:
    put_under(filled.house, None, CHANGED + timedelta(hours=1))
    write_keys(filled.house, CHANGED + timedelta(hours=2))
    second = houses("second").at(CHANGED + timedelta(hours=3))
    assert second.restore(tmp_path / "backup", filled.house.keys_file).reads_purged == 3
    assert ids(second) == set()


def test_without_newer_keys_the_output_says_from_when_the_rules_are(
    filled: Filled, houses: Places, tmp_path: Path
) -> None:
    second = houses("second").at(CHANGED + timedelta(hours=1))
    done = second.restore(tmp_path / "backup", tmp_path / "old.json")
    assert done.agencies_changed == {}
    said = "\n".join(words.lines(done))
    assert f"are of {NOW:%Y-%m-%d %H:%M} UTC; the backup had the same" in said


def test_keys_from_before_they_held_rules_leave_those_of_the_backup(
    sqlite_houses: Places, tmp_path: Path
) -> None:
    first = fill(sqlite_houses("first", migrated=True)).house
    with first.services.engine.begin() as connection:
        connection.execute(update(agencies).values(retention_rule="massachusetts"))
    first.back_up(tmp_path / "backup")
    found = keys.read(first.keys_file)
    later = NOW + timedelta(hours=1)
    keys.write(first.keys_file, replace(found, agencies=None, made_at=later))
    second = sqlite_houses("second").at(later)
    done = second.restore(tmp_path / "backup", first.keys_file)
    assert (done.agencies_as_of, done.agencies_changed) == (NOW, {})
    with reading(second.services.engine) as connection:
        assert connection.scalar(select(agencies.c.retention_rule)) == "massachusetts"


def test_a_keys_file_whose_rules_were_changed_is_refused(
    sqlite_houses: Places, tmp_path: Path
) -> None:
    first = fill(sqlite_houses("first", migrated=True)).house
    first.back_up(tmp_path / "backup")
    said = first.keys_file.read_text()
    first.keys_file.write_text(said.replace('"retention_rule": null', '"retention_rule": "x"'))
    with pytest.raises(BackupError, match="was changed or is damaged"):
        sqlite_houses("second").restore(tmp_path / "backup", first.keys_file)
