"""Backups: made, checked, restored and purged before they open; every fault in one is refused."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from repository.accounts.operator import COMMAND_LINE, operator
from repository.ledger import log
from repository.ledger.checkpoints import Checkpoint, sign
from repository.ledger.entry import Actor
from repository.retention import holds, purge, watermarks
from repository.retention.holds_request import HoldRequest
from repository.store.backup import check, database, keys
from repository.store.backup.commands import _destination, _later, _source
from repository.store.backup.manifest import BackupError
from repository.store.backup.restore import restore
from repository.store.engine import reading
from repository.store.pictures import PictureError, held_name, name
from repository.store.pictures_place import FolderOfPictures
from repository.store.pictures_s3 import BucketOfPictures
from repository.store.tables.reads import picture_keys, pictures, reads
from repository.store.tables.retention import held_picture_keys
from repository.units import findings
from tests.repository.picture_files import folder_of
from tests.repository.sender import AGENCY
from tests.repository.store.backup.conftest import (
    NOW,
    OLD,
    OLDER,
    YOUNG,
    House,
    Places,
    command,
    copied,
    digest_at,
    fill,
    flip,
    picture,
    some_picture,
)

LATER = NOW + timedelta(days=30)


def ids(house: House) -> set[object]:
    with reading(house.services.engine) as connection:
        return set(connection.scalars(select(reads.c.read_id)))


def hold(house: House, read_id: object) -> None:
    actor = Actor("u-1", "jdoe", "Jane Doe", AGENCY)
    request = HoldRequest("24-1187", "arrest", "Seen near the scene", (read_id,), None)  # type: ignore[arg-type]
    with house.services.engine.begin() as connection:
        holds.add(connection, request, actor=actor, origin="here", now=house.services.clock())


def opens(house: House, at: datetime) -> bool:
    with reading(house.services.engine) as connection:
        try:
            found = house.services.pictures.get(connection, at.date(), digest_at(at))
        except PictureError:
            return False
    return found == picture(at)


def purge_at(house: House, now: datetime) -> None:
    services = house.services
    purge.purge_restored(
        services.engine, services.pictures, services.duties, now=now, actor=operator(),
        origin="here",
    )  # fmt: skip


@pytest.mark.policy("C-7b")
def test_what_is_restored_is_all_of_it_but_what_expired_since(
    houses: Places, tmp_path: Path
) -> None:
    filled = fill(houses("first", migrated=True))
    first = filled.house
    hold(first, filled.old)
    with first.services.engine.begin() as connection:  # as after a purge of that day
        first.services.pictures.keep_held(connection, OLD.date(), digest_at(OLD))
        connection.execute(delete(picture_keys).where(picture_keys.c.day == OLD.date()))
    first.services.pictures.remove_day(OLD.date())
    made = first.back_up(tmp_path / "backup")
    assert (made.manifest.pictures_count, made.missing, made.purged) == (3, (), 0)
    key = first.services.ledger.public_key
    checked = check.verify(tmp_path / "backup", key, lambda _: None)
    assert (checked.manifest, checked.damaged) == (made.manifest, frozenset())

    if first.services.engine.dialect.name == "postgresql":
        names = subprocess.run(
            ["pg_restore", "--list", tmp_path / "backup" / "database.dump"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert "TABLE DATA public agencies" in names
        assert not re.search("TABLE DATA public (held_)?picture_keys", names)

    later = houses("second").at(LATER)
    shutil.copytree(tmp_path / "backup", tmp_path / "truncated")
    (dump,) = (tmp_path / "truncated").glob("database.*")
    dump.write_bytes(dump.read_bytes()[:-100])
    with pytest.raises(BackupError, match="is not what was written"):
        later.restore(tmp_path / "truncated", first.keys_file)
    done = later.restore(tmp_path / "backup", first.keys_file)

    assert ids(later) == {filled.young, filled.old}
    assert (opens(later, YOUNG), opens(later, OLD), opens(later, OLDER)) == (True, True, False)
    assert (done.reads_purged, done.pictures, done.entries_lost) == (1, 3, None)
    names = set(later.services.pictures.place.names())
    assert names == {name(YOUNG.date(), digest_at(YOUNG)), held_name(OLD.date(), digest_at(OLD))}
    for words in (("db", "check", "--all"), ("retention", "verify")):
        checked = command(later, *words)
        assert checked.exit_code == 0, checked.output
    assert later.services.ledger.verify().ok
    with reading(later.services.engine) as connection:
        rows = [json.loads(row.body) for row in log.rows(connection, made.manifest.ledger_size)]
        (finding,) = findings.list_findings(connection)
        purged_before = set(watermarks.purged_before(connection, 1).values())
    assert purged_before == {later.services.retention_rule.expired_before(LATER, hit=False)}
    assert rows[0]["action"] == "repository.restore"
    assert rows[0]["index"] == done.ledger_index == made.manifest.ledger_size
    assert rows[0]["request"] == {
        "backup": made.digest,
        "made_at": NOW.isoformat(),
        "goes_on_from_size": made.manifest.ledger_size,
        "goes_on_from_root": made.manifest.ledger_root,
        "agencies_as_of": NOW.isoformat(),
        "agencies_changed": 0,
        "agencies": {},
    }
    assert "purge.run" in {each["action"] for each in rows}
    assert finding.kind == "restored"


@pytest.mark.policy("C-7b")
def test_no_backup_holds_a_key_and_newer_keys_close_what_was_purged_in_older_backups(
    sqlite_houses: Places, tmp_path: Path
) -> None:
    filled = fill(sqlite_houses("first", migrated=True))
    first = filled.house
    first.back_up(tmp_path / "backup")
    with reading(first.services.engine) as connection:
        wrapped = list(connection.scalars(select(picture_keys.c.wrapped_key)))
    assert len(wrapped) == 3
    if first.services.engine.dialect.name == "sqlite":
        dump = (tmp_path / "backup" / "database.sqlite").read_bytes()
        assert not any(each in dump for each in wrapped)
    purge_at(first, NOW + timedelta(days=30))
    with reading(first.services.engine) as connection:
        keys.write(first.keys_file, _source(first.services).keys_of(connection, NOW))

    second = sqlite_houses("second").at(NOW + timedelta(days=31))
    done = second.restore(tmp_path / "backup", first.keys_file)

    assert (done.pictures, done.pictures_closed) == (2, 1)
    assert not (folder_of(second.services.pictures) / OLDER.date().isoformat()).exists()
    assert (opens(second, YOUNG), opens(second, OLD)) == (True, True)


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped byte in the database": (
        lambda backup: flip(next(backup.glob("database.*")), 5000),
        "database.*: is not what was written",
    ),
    "a truncated database": (
        lambda backup: next(backup.glob("database.*")).write_bytes(
            next(backup.glob("database.*")).read_bytes()[:-1]
        ),
        "database.*: is not what was written",
    ),
    "no database": (lambda backup: next(backup.glob("database.*")).unlink(), "No such file"),
    "a flipped byte in a picture": (
        lambda backup: flip(some_picture(backup)), "pictures/.*: is not what was written",
    ),
    "a missing picture": (lambda backup: some_picture(backup).unlink(), "is missing"),
    "one picture too many": (
        lambda backup: shutil.copy(some_picture(backup), backup / "pictures" / "more"),
        "pictures/more: is not of this backup",
    ),
    "a list without a picture": (
        lambda backup: (backup / "pictures.list").write_text(
            "".join((backup / "pictures.list").read_text().splitlines(keepends=True)[1:])
        ),
        "pictures.list: is not what was written",
    ),
    "a changed manifest": (
        lambda backup: (backup / "manifest.json").write_text(
            (backup / "manifest.json").read_text().replace('s_count":3', 's_count":2')
        ),
        "was changed after it was signed",
    ),
    "a manifest that is none": (
        lambda backup: (backup / "manifest.json").write_text("[]"), "is no manifest",
    ),
    "no manifest": (lambda backup: (backup / "manifest.json").unlink(), "cut off has none"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_refused_and_nothing_touched(
    sqlite_houses: Places, good: tuple[House, Path], tmp_path: Path, fault: str
) -> None:
    house, backup = good
    copy = copied(backup, tmp_path)
    damage, said = FAULTS[fault]
    damage(copy)
    new = sqlite_houses("new")
    with pytest.raises(BackupError, match=said):
        new.restore(copy, house.keys_file)
    assert [path for path in (new.settings.parent / "data").rglob("*") if path.is_file()] == []


def test_the_keys_of_another_repository_do_not_do(
    sqlite_houses: Places, good: tuple[House, Path], tmp_path: Path
) -> None:
    _, backup = good
    other = fill(sqlite_houses("other", migrated=True)).house
    other.back_up(tmp_path / "other-backup")
    new = sqlite_houses("new")
    with pytest.raises(BackupError, match="as it was signed, but signed by another key"):
        new.restore(backup, other.keys_file)
    with pytest.raises(BackupError, match="holds other keys than this repository's"):
        keys.write(other.keys_file, keys.read(good[0].keys_file))
    assert not new.services.settings.keys_folder.joinpath("ledger.pem").exists()


def test_only_an_empty_place_is_restored_into(
    sqlite_houses: Places, good: tuple[House, Path]
) -> None:
    house, backup = good
    full = fill(sqlite_houses("full", migrated=True)).house
    with pytest.raises(BackupError, match="the database is not empty"):
        full.restore(backup, house.keys_file)
    pictured = sqlite_houses("pictured")
    pictured.services.pictures.place.write("2026-01-01/ab/x", b"x")
    with pytest.raises(BackupError, match="there are pictures already"):
        pictured.restore(backup, house.keys_file)
    keyed = sqlite_houses("keyed")
    (keyed.services.settings.keys_folder / "ledger.pem").write_text("another")
    with pytest.raises(BackupError, match="is another key"):
        keyed.restore(backup, house.keys_file)
    early = sqlite_houses("early").at(NOW - timedelta(days=1))
    with pytest.raises(BackupError, match="of the future"):
        early.restore(backup, house.keys_file)


@pytest.mark.policy("C-7b-i")
def test_what_is_held_stays_though_it_expired_since_in_a_bucket_too(
    sqlite_houses: Places, tmp_path: Path, bucket: BucketOfPictures
) -> None:
    filled = fill(sqlite_houses("first", migrated=True))
    hold(filled.house, filled.older)
    filled.house.back_up(tmp_path / "backup")
    second = sqlite_houses("second").at(NOW + timedelta(days=30))
    pictures_there = replace(second.services.pictures, place=bucket)
    second.services.__dict__["pictures"] = pictures_there
    assert second.restore(tmp_path / "backup", filled.house.keys_file).reads_purged == 0
    assert (opens(second, OLDER), opens(second, OLD)) == (True, True)
    with reading(second.services.engine) as connection:
        days = set(connection.scalars(select(picture_keys.c.day)))
        assert list(connection.scalars(select(held_picture_keys.c.day))) == [OLDER.date()]
    assert OLDER.date() not in days
    assert held_name(OLDER.date(), digest_at(OLDER)) in set(bucket.names())


def test_keys_that_are_older_than_the_backup_do_not_do(
    sqlite_houses: Places, good: tuple[House, Path], tmp_path: Path
) -> None:
    house, backup = good
    found = keys.read(house.keys_file)
    keys.write(tmp_path / "old.json", replace(found, made_at=NOW - timedelta(days=1)))
    with pytest.raises(BackupError, match="older than the backup"):
        sqlite_houses("new").restore(backup, tmp_path / "old.json")


def test_a_backup_goes_into_a_new_folder_and_keys_go_elsewhere(
    good: tuple[House, Path], tmp_path: Path
) -> None:
    house, backup = good
    with pytest.raises(BackupError, match="is not empty"):
        house.back_up(backup)
    inside = House(tmp_path / "new" / "x" / "repository.toml", house.services)
    (tmp_path / "new" / "x" / "safe").mkdir(parents=True)
    with pytest.raises(BackupError, match="do not belong beside"):
        inside.back_up(tmp_path / "new")


class Meanwhile(FolderOfPictures):
    """A folder in which a purge does its work after the snapshot and before the copy."""

    def read(self, name: str) -> bytes:
        work = self.__dict__.pop("work", None)
        if work is not None:
            work()
        return super().read(name)


def test_what_a_purge_takes_or_wraps_anew_meanwhile_is_no_fault_but_a_loss_is(
    houses: Places, tmp_path: Path
) -> None:
    filled = fill(houses("first", migrated=True))
    first, services = filled.house, filled.house.services
    place = services.pictures.place
    assert isinstance(place, FolderOfPictures)
    meanwhile = Meanwhile(place.folder, place.random_bytes)

    def work() -> None:
        with services.engine.begin() as connection:
            services.pictures.keep_held(connection, OLD.date(), digest_at(OLD))
            connection.execute(delete(picture_keys).where(picture_keys.c.day == OLD.date()))
            connection.execute(delete(pictures).where(pictures.c.captured_at == OLDER))
        place.remove_folder(OLD.date().isoformat())
        place.remove_folder(OLDER.date().isoformat())
        place.remove_folder(YOUNG.date().isoformat())

    meanwhile.__dict__["work"] = work
    store = replace(services.pictures, place=meanwhile)
    slow = replace(services)
    slow.__dict__["pictures"] = store
    if services.engine.dialect.name == "sqlite":
        services.engine.dispose()
    made = House(first.settings, slow).back_up(tmp_path / "backup")
    assert (made.purged, made.missing) == (1, (name(YOUNG.date(), digest_at(YOUNG)),))
    assert made.manifest.pictures_count == 1
    found = keys.read(first.keys_file)
    assert [each.sha256 for each in found.held] == [digest_at(OLD)]
    second = houses("second")
    second.restore(tmp_path / "backup", first.keys_file)
    assert opens(second, OLD)


def test_a_restore_that_is_cut_off_opens_for_nobody(
    sqlite_houses: Places, good: tuple[House, Path], tmp_path: Path
) -> None:
    first = fill(sqlite_houses("first", migrated=True)).house
    first.back_up(tmp_path / "backup")
    new = sqlite_houses("new")

    def die() -> int:
        raise OSError("the power is gone")

    to = replace(_destination(new.services, NOW), purge=die)
    with pytest.raises(OSError, match="power"):
        restore(
            to, tmp_path / "backup", first.keys_file, later=lambda _: None, actor=operator(),
            origin=COMMAND_LINE, now=NOW, progress=lambda _: None,
        )  # fmt: skip
    for words in (("db", "check"), ("ledger", "verify"), ("run",), ("pictures", "check")):
        said = command(new, *words)
        assert said.exit_code == 1
        assert "is being restored from a backup" in said.stderr
    with pytest.raises(BackupError, match="not empty"):
        new.restore(tmp_path / "backup", first.keys_file)


def test_what_was_just_loaded_is_closed_already(
    sqlite_houses: Places, good: tuple[House, Path]
) -> None:
    _, backup = good
    new = sqlite_houses("new")
    database.load(new.services.engine, backup)
    said = command(new, "db", "counts")
    assert said.exit_code == 1
    assert "is being restored from a backup" in said.stderr


@pytest.mark.policy("C-4c")
def test_a_later_checkpoint_says_what_is_lost_and_another_ledger_s_is_refused(
    sqlite_houses: Places, tmp_path: Path
) -> None:
    first = fill(sqlite_houses("first", migrated=True)).house
    early = tmp_path / "early"
    early.write_text(first.services.signer.sign_checkpoint())
    first.record()
    made = first.back_up(tmp_path / "backup")
    for _ in range(4):
        first.record()
    late = tmp_path / "late"
    late.write_text(first.services.signer.sign_checkpoint())
    size = made.manifest.ledger_size

    def restored(house: House, checkpoint: Path) -> int | None:
        return restore(
            _destination(house.services, NOW), tmp_path / "backup", first.keys_file,
            later=lambda found: _later(house.services, found, checkpoint),
            actor=operator(), origin=COMMAND_LINE, now=NOW, progress=lambda _: None,
        ).entries_lost  # fmt: skip

    second = sqlite_houses("second")
    assert restored(second, late) == 4
    with reading(second.services.engine) as connection:
        said = json.loads(next(log.rows(connection, size)).body)["request"]
    assert (said["later_checkpoint_size"], said["entries_lost"]) == (size + 4, 4)
    assert restored(sqlite_houses("third"), early) == 0
    forged = tmp_path / "forged"
    key, origin = first.services.signer.private_key, first.services.ledger.origin
    for at in (1, size):
        forged.write_text(sign(Checkpoint(origin, at, bytes(32)), key))
        with pytest.raises(BackupError, match="one of them is not of this ledger"):
            restored(sqlite_houses(f"at-{at}"), forged)


def test_the_commands_from_making_to_bringing_back(sqlite_houses: Places, tmp_path: Path) -> None:
    first = fill(sqlite_houses("first", migrated=True)).house
    safe, backup = tmp_path / "keys.json", tmp_path / "backup"
    made = command(first, "backup", "make", str(backup), "--keys-to", str(safe), "--json")
    assert made.exit_code == 0, made.output
    said = json.loads(made.stdout)
    assert (said["pictures"], said["missing"]) == (3, [])
    assert safe.stat().st_mode & 0o777 == 0o600
    assert "is whole" in command(first, "backup", "verify", str(backup)).stdout
    assert "keys of 3 days" in command(first, "backup", "keys", str(safe)).stdout
    with reading(first.services.engine) as connection:
        entries = [row.action for row in log.rows(connection)]
    assert entries[-2:] == ["repository.backup", "repository.backup_keys"]
    again = command(first, "backup", "make", str(backup), "--keys-to", str(safe))
    assert (again.exit_code, "is not empty" in again.stderr) == (1, True)
    second = sqlite_houses("second")
    words = ["restore", str(backup), "--keys-from", str(safe), "--json"]
    wrong = command(second, *words, "--clock-is", "2001-01-01")
    assert (wrong.exit_code, "set the clock first" in wrong.stderr) == (1, True)
    today = datetime.now(UTC).date().isoformat()
    done = command(second, *words, "--clock-is", today)
    assert done.exit_code == 0, done.output
    back = json.loads(done.stdout)
    assert back["backup"] == said["backup"]
    assert back["ledger_goes_on_from"]["size"] == said["ledger_size"]
    assert command(second, "db", "check").exit_code == 0
    assert command(second, "ledger", "verify").exit_code == 0
