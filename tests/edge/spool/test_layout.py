"""A filled spool of an older layout opens, and everything in it goes up as it would have."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from edge.contract.batch import verify_batch_root, verify_batch_signature
from edge.contract.records import Hit, Malfunction, Read, decode_record
from edge.spool.carry_apart import CarriedApart
from edge.spool.errors import SpoolError
from edge.spool.store import Counts, Spool
from edge.spool.withheld import Age, WithheldCounts
from tests.edge.spool.samples import (
    MOMENT,
    UNIT_KEY,
    by_digest,
    malfunction,
    picture_bytes,
    read_with,
    receipt,
    sha256,
)
from tests.edge.spool.test_provisional import read_id

OpenSpool = Callable[..., Spool]
OLD = {number: Path(__file__).with_name(f"layout{number}") / "spool.sqlite" for number in (1, 2)}
"""Written by the software of these layouts: a read and its hit, receipted, their picture waiting;
a read and its hit in a sealed batch, with a place; a malfunction in no batch.

That of layout 2 has as well, under data keys of four runs: the withheld reads 20 to 80, a minute
apart, each due at an age of 100 s and its number, the last at 180 s, with a hit and a picture; two
provisional reads with their hits, the later of which rang first and has two pictures.
"""

UPGRADED = Counts(5, 2, 0, 3, 1, 2), Counts(7, 2, 0, 5, 3, 2)

SCHEMA_ON_ONE_PAGE = 13
"""A leaf of a table's tree (SQLite's file format, section 1.6)."""


def old_spool(tmp_path: Path, number: int) -> Path:
    (tmp_path / "spool").mkdir(mode=0o700)
    return Path(shutil.copy(OLD[number], tmp_path / "spool"))


def test_a_filled_spool_of_layout_1_is_upgraded_with_everything_in_it(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    old_spool(tmp_path, 1)
    for _ in range(2):
        spool = open_spool()
        assert spool.counts() == Counts(5, 2, 0, 3, 1, 2)
        assert spool.place_in("folder") == "7QXZ31.jpg"
        (waiting,) = spool.waiting_pictures(9)
        assert {waiting.sha256: waiting.content} == by_digest(picture_bytes(1))
        spool.close()
    spool = open_spool()
    content = picture_bytes(3)
    spool.add([read_with(content), malfunction], by_digest(content))
    sealed = spool.seal(UNIT_KEY)
    assert sealed is not None
    before, after = spool.unreceipted_batches(9)
    assert after == sealed
    for batch in (before, after):
        verify_batch_signature(batch, UNIT_KEY.public_key())
        verify_batch_root(batch)
    assert after.previous_root == before.root
    records = [decode_record(bytes(raw)) for batch in (before, after) for raw in batch.records]
    assert [type(record) for record in records] == [Read, Hit, Malfunction, Read, Malfunction]
    held = [sha256(picture_bytes(number)) for number in (1, 2, 3)]
    spool.acknowledge(receipt(7, after.root, held=held))
    assert spool.counts() == Counts(7, 7, 0, 0, 0, 0)


def test_a_filled_spool_of_layout_2_is_upgraded_with_everything_in_it(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    old_spool(tmp_path, 2)
    for _ in range(2):
        spool = open_spool()
        assert spool.counts() == UPGRADED[1]
        assert spool.withheld() == WithheldCounts(61, {"clinic": 60, "front": 21})
        assert spool.withheld_age() == Age(119.5, MOMENT + timedelta(minutes=70))
        assert spool.place_in("folder") == "7QXZ31.jpg"
        assert spool.salvages == ()
        spool.close()
    spool = open_spool()
    assert spool.purge_withheld(Age(130.0, MOMENT)) == 11
    assert spool.settle() == 2
    (first,) = spool.unreceipted_batches(9)
    last = spool.seal(UNIT_KEY)
    assert last is not None
    records = [decode_record(bytes(raw)) for raw in last.records]
    assert [type(record) for record in records] == [Malfunction, Hit, Hit, Read, Read]
    assert [record.id for record in records[3:]] == [read_id(1), read_id(2)]
    assert last.previous_root == first.root
    spool.acknowledge(receipt(9, last.root))
    shown = {picture.sha256: picture.content for picture in spool.waiting_pictures(9)}
    assert shown == by_digest(*(picture_bytes(number) for number in (1, 2, 4, 5)))
    assert spool.purge_withheld(Age(179.9, MOMENT)) == 49
    parts = "SELECT count(*) FROM withheld_parts"
    assert spool._connection.execute(parts).fetchone() == (3,)  # of the last, with hit and picture
    assert spool.purge_withheld(Age(180.0, MOMENT)) == 1
    assert spool._connection.execute(parts).fetchone() == (0,)


def test_a_withheld_read_that_was_never_tended_keeps_its_time_over_the_upgrade(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    change(old_spool(tmp_path, 2), "DELETE FROM withheld_age")
    spool = open_spool()
    assert spool.withheld_age() == Age(0.0, None)
    assert spool.purge_withheld(Age(119.9, MOMENT)) == 0


def test_what_does_not_open_any_more_at_the_upgrade_is_lost_and_said(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    change(
        old_spool(tmp_path, 2),
        "UPDATE provisional SET sealed = zeroblob(90) WHERE rowid = 1",
        "UPDATE withheld_parts SET sealed = zeroblob(90) WHERE name LIKE 'picture/%'",
    )
    spool = open_spool()
    (said,) = spool.salvages
    assert (said.records_lost, said.pictures_lost, spool.counts().lost) == (1, 1, 1)
    assert "1 records and 1 pictures were lost" in said.sentence
    assert spool.settle() == 1
    assert spool.withheld().kept == 61


@pytest.mark.parametrize("number", OLD)
def test_an_upgrade_that_breaks_off_leaves_the_old_layout_whole(
    tmp_path: Path, open_spool: OpenSpool, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The last thing that it does fails; and the power goes just before it is on the disk."""
    path = old_spool(tmp_path, number)
    left = tmp_path / "left"

    def breaks_off(carried: CarriedApart, *_: object) -> None:
        carried.new.execute("PRAGMA cache_spill = 1")
        shutil.copytree(path.parent, left, ignore=shutil.ignore_patterns("*-shm", "*.lock"))
        carried.new.execute("INSERT INTO records VALUES (1)")

    monkeypatch.setattr(CarriedApart, "provisional", breaks_off)
    with pytest.raises(SpoolError, match="cannot be used"):
        open_spool()
    monkeypatch.undo()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (number,)
    connection.close()
    for folder in (left, path.parent):
        spool = open_spool(folder=folder)
        assert spool.counts() == UPGRADED[number - 1]
        assert spool.withheld().kept == (0, 61)[number - 1]
        assert spool.settle() == (0, 2)[number - 1]
        assert spool.salvages == ()


@pytest.mark.parametrize("number", OLD)
def test_an_upgraded_spool_has_the_tables_of_a_new_one(
    open_spool: OpenSpool, tmp_path: Path, number: int
) -> None:
    old = old_spool(tmp_path, number)
    open_spool().close()
    open_spool(folder=tmp_path / "new").close()
    new = tmp_path / "new" / "spool.sqlite"
    assert _columns(old) == _columns(new)
    assert _indexes(old) == _indexes(new)


def test_a_spool_of_before_gets_the_indexes_that_it_has_not(
    open_spool: OpenSpool, tmp_path: Path
) -> None:
    spool = open_spool()
    path = tmp_path / "spool" / "spool.sqlite"
    whole = _indexes(path)
    for index in ("record_keys", "picture_keys"):
        spool._connection.execute(f"DROP INDEX {index}")
    spool.close()
    open_spool().close()
    assert _indexes(path) == whole


@pytest.mark.parametrize("number", OLD)
def test_the_first_page_of_which_there_is_a_copy_describes_every_table(
    open_spool: OpenSpool, tmp_path: Path, number: int
) -> None:
    old = old_spool(tmp_path, number)
    open_spool().close()
    open_spool(folder=tmp_path / "new").close()
    for path in (old, tmp_path / "new" / "spool.sqlite"):
        assert path.read_bytes()[100] == SCHEMA_ON_ONE_PAGE


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def _indexes(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'").fetchall()
    connection.close()
    return {name for (name,) in rows}


def _columns(path: Path) -> dict[str, list[tuple[object, ...]]]:
    connection = sqlite3.connect(path)
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    ).fetchall()
    columns = {
        name: connection.execute(f"PRAGMA table_xinfo({name})").fetchall() for (name,) in tables
    }
    connection.close()
    return columns
