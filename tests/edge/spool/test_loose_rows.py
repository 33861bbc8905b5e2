"""A bad page that leads to others costs itself alone: what lies behind it is found without it."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contract.records import AnyRecord, Malfunction, Read, encode_record
from edge.spool.carry import _PICTURE_COLUMNS, _RECORD_COLUMNS
from edge.spool.loose_rows import PAGE_BYTES, LooseRows
from edge.spool.store import Spool
from tests.edge.spool.samples import UNIT_KEY, by_digest, picture_bytes, read_with, receipt
from tests.edge.spool.test_salvage import DATABASE, drained, filled

OpenSpool = Callable[..., Spool]
SHAPES = {"records": ("seq", _RECORD_COLUMNS), "pictures": ("rowid", _PICTURE_COLUMNS)}
READS = 60


def root_page(file: Path, table: str) -> int:
    """Number of the page on which a table begins, which leads to others."""
    connection = sqlite3.connect(file)
    (number,) = connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)
    ).fetchone()
    connection.close()
    with file.open("rb") as content:
        content.seek((number - 1) * PAGE_BYTES)
        assert content.read(1) == b"\x05"
    return int(number)


def spoil(file: Path, page: int) -> None:
    with file.open("r+b") as content:
        content.seek((page - 1) * PAGE_BYTES)
        content.write(random.Random(page).randbytes(PAGE_BYTES))


def large(number: int) -> bytes:
    """A picture that takes many pages."""
    return picture_bytes(number) * 20


@pytest.mark.policy("M-V-C1")
@pytest.mark.parametrize("table", SHAPES)
def test_noise_over_the_page_that_leads_to_all_others_of_a_table_costs_nothing(
    tmp_path: Path, open_spool: OpenSpool, table: str
) -> None:
    spool = open_spool()
    for number in range(READS):
        spool.add([read_with(large(number))], by_digest(large(number)))
    sealed = spool.seal(UNIT_KEY)
    assert sealed is not None
    shown = [encode_record(one) for one in drained(spool)]
    spool.close()
    file = tmp_path / "spool" / DATABASE
    spoil(file, root_page(file, table))
    mended = open_spool()
    records = drained(mended)
    assert [encode_record(one) for one in records] == shown
    counts = mended.counts()
    assert (counts.lost, counts.pictures_waiting) == (0, READS)
    (said,) = mended.salvages
    assert (said.records_lost, said.pictures_lost, said.place_lost) == (0, 0, False)
    assert mended.unreceipted_batches(1) == (sealed,)  # it goes up as it was
    mended.acknowledge(receipt(sealed.last_seq, sealed.root))
    held = {one.sha256: one.content for one in mended.waiting_pictures(READS)}
    assert held == by_digest(*map(large, range(READS)))


def test_what_the_log_alone_has_is_found_and_what_was_purged_is_not(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    spool = open_spool()
    filled(spool, 40)
    batch = spool.seal(UNIT_KEY)
    assert batch is not None
    filled(spool, 20)
    spool.close()
    spool = open_spool()
    spool.acknowledge(receipt(40, batch.root))
    filled(spool, 3)
    copy = tmp_path / "killed"
    shutil.copytree(tmp_path / "spool", copy, ignore=shutil.ignore_patterns("*-shm", "*.lock"))
    assert (copy / f"{DATABASE}-wal").stat().st_size > 0
    kept: list[AnyRecord] = drained(spool)
    number = root_page(tmp_path / "spool" / DATABASE, "records")
    connection = sqlite3.connect(copy / DATABASE)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    spoil(copy / DATABASE, number)
    with open_spool(folder=copy) as mended:
        found = drained(mended)
        assert [one.seq for one in found] == list(range(41, 64))
        assert found == kept
        assert mended.counts().lost == 0


def test_a_bad_leaf_behind_a_bad_root_costs_what_lay_on_it(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    spool = open_spool()
    filled(spool, READS)
    spool.close()
    file = tmp_path / "spool" / DATABASE
    cells = LooseRows(file, _RECORD_COLUMNS)._cells
    assert sorted(cells) == list(range(1, READS + 1))
    ((leaf, _),) = cells[30]
    spoil(file, root_page(file, "records"))
    spoil(file, leaf)
    with open_spool() as mended:
        records = drained(mended)
        assert [one.seq for one in records] == list(range(1, READS + 1))
        gone = {one.seq for one in records if isinstance(one, Malfunction)}
        assert gone == {seq for seq, ((number, _),) in cells.items() if number == leaf}
        assert all(isinstance(one, Read) for one in records if one.seq not in gone)
        assert mended.counts().lost == len(gone)


@pytest.mark.parametrize("table", SHAPES)
def test_the_rows_of_a_sound_file_are_found_as_sqlite_reads_them(
    tmp_path: Path, open_spool: OpenSpool, table: str
) -> None:
    spool = open_spool()
    for number in range(READS):
        picture = picture_bytes(number) * (1 + number % 9)
        spool.add([read_with(picture)], by_digest(picture))
    spool.close()
    file, (key, columns) = tmp_path / "spool" / DATABASE, SHAPES[table]
    connection = sqlite3.connect(file)
    names = [name for name, _ in columns]
    expected = connection.execute(
        f"SELECT {', '.join(names)} FROM {table} ORDER BY {key}"  # noqa: S608
    ).fetchall()
    connection.close()
    found = list(LooseRows(file, columns).between(0, 2**63))
    assert [tuple(row[name] for name in names) for row in found] == expected


@given(
    pages=st.lists(st.binary(min_size=16, max_size=400), min_size=1, max_size=4),
    count=st.integers(0, 0xFFFF),
)
def test_noise_that_looks_like_a_leaf_is_no_row_and_breaks_nothing(
    tmp_path_factory: pytest.TempPathFactory, pages: list[bytes], count: int
) -> None:
    file = tmp_path_factory.mktemp("noise") / DATABASE
    head = b"\x0d\0\0" + count.to_bytes(2, "big")
    file.write_bytes(
        bytes(PAGE_BYTES) + b"".join((head + one).ljust(PAGE_BYTES, one[-1:]) for one in pages)
    )
    for _, columns in SHAPES.values():
        for row in LooseRows(file, columns).between(-(2**70), 2**70):
            assert set(row) <= {name for name, _ in columns}
