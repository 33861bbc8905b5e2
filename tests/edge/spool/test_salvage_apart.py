"""Damage among the reads that are kept apart, and what is left of them in a spool of any layout."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.contract.records import Hit, Read, decode_record
from edge.spool.store import Spool
from edge.spool.withheld import Age
from tests.edge.spool.samples import (
    MOMENT,
    SPOOL_KEY,
    UNIT_KEY,
    by_digest,
    malfunction,
    picture_bytes,
    sha256,
)
from tests.edge.spool.test_layout import OLD, UPGRADED
from tests.edge.spool.test_provisional import as_rung, at_the_end, hit_of, read_id
from tests.edge.spool.test_salvage import DATABASE, change, drained
from tests.edge.spool.test_withheld import fixed, withheld

OpenSpool = Callable[..., Spool]
NO_NAMES_KEY = [
    "DELETE FROM data_keys WHERE number = 0",
    "DELETE FROM data_keys_again WHERE number = 0",
]
A_GAP = ["DELETE FROM records WHERE seq = 1"]


def filled(spool: Spool) -> None:
    """A record; two provisional reads and their hits; three withheld reads, one as it rang."""
    spool.add([malfunction], {})
    for number in (1, 2):
        content = picture_bytes(number)
        spool.add([hit_of(number)], {}, provisional=as_rung(number, content))
    for number in range(3):
        content = picture_bytes(10 + number)
        kept = withheld(
            fixed(number, content),
            pictures=by_digest(content),
            keep_s=100.0 + number,
            age=Age(50.0, MOMENT),
            provisional=number == 2,
        )
        spool.add((), {}, withheld=[kept])


def parts(spool: Spool) -> int:
    (number,) = spool._connection.execute("SELECT count(*) FROM withheld_parts").fetchone()
    return int(number)


@pytest.mark.parametrize("mended", [False, True], ids=["in place", "carried"])
def test_without_the_names_key_everything_is_still_taken_and_purged(
    tmp_path: Path, open_spool: OpenSpool, mended: bool
) -> None:
    with open_spool() as spool:
        filled(spool)
    change(tmp_path / "spool", *NO_NAMES_KEY, *(A_GAP if mended else []))
    spool = open_spool()
    assert [said.records_lost for said in spool.salvages] == [1] * mended
    assert (spool.withheld().kept, parts(spool)) == (3, 6)
    assert spool.withheld_age() == Age(50.0, MOMENT)
    spool.add((), {}, withheld=[withheld(fixed(7), age=Age(60.0, MOMENT))])
    spool.add([hit_of(3)], {}, provisional=as_rung(3))
    spool.close()
    spool = open_spool()
    spool.add([at_the_end(3)], {}, settles=read_id(3))  # found by the new names key
    assert spool.settle() == 2
    assert [one.id for one in drained(spool) if isinstance(one, Read)] == [
        read_id(3), read_id(1), read_id(2)
    ]  # fmt: skip
    assert spool.purge_withheld(Age(151.0, MOMENT)) == 2
    assert spool.purge_withheld(Age(160.0, MOMENT)) == 2
    assert parts(spool) == 0
    assert spool.counts().lost == (1 if mended else 0)


def test_what_rang_is_found_by_its_id_after_damage_took_the_names_key(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    with open_spool() as spool:
        filled(spool)
    change(tmp_path / "spool", *NO_NAMES_KEY, *A_GAP)
    spool = open_spool()
    spool.add([at_the_end(1)], {}, settles=read_id(1))
    assert spool.settle() == 1


@pytest.mark.parametrize("damage", [[], A_GAP], ids=["in place", "carried"])
@pytest.mark.parametrize("table", ["data_keys", "data_keys_again"])
def test_the_names_key_outlives_a_lost_copy_a_rotation_and_a_salvage(
    tmp_path: Path, open_spool: OpenSpool, damage: list[str], table: str
) -> None:
    with open_spool() as spool:
        filled(spool)
    change(tmp_path / "spool", f"DELETE FROM {table} WHERE number = 0", *damage)  # noqa: S608
    fresh = bytes(reversed(SPOOL_KEY))
    with open_spool(spool_key=fresh, former_key=SPOOL_KEY) as spool:
        for left in ("data_keys", "data_keys_again"):
            rows = spool._connection.execute(f"SELECT 1 FROM {left} WHERE number = 0")  # noqa: S608
            assert rows.fetchall() == [(1,)]
    spool = open_spool(spool_key=fresh)
    spool.add([at_the_end(1)], {}, settles=read_id(1))
    kept = withheld(fixed(2), keep_s=200.0, age=Age(51.0, MOMENT))
    spool.add((), {}, withheld=[kept])
    assert (spool.withheld().kept, spool.withheld().reads) == (3, {"clinic": 3})
    assert parts(spool) == 5
    assert spool.settle() == 1


def rotated(table: str) -> list[str]:
    """What lies in each row of a table, put into the row before it."""
    return [
        f"CREATE TABLE moved AS SELECT rowid AS at, data_key, sealed FROM {table}",  # noqa: S608
        f"UPDATE {table} SET (data_key, sealed) = (SELECT data_key, sealed FROM moved"  # noqa: S608
        f" WHERE at = 1 + {table}.rowid % (SELECT max(at) FROM moved))",
        "DROP TABLE moved",
    ]


def filed_with_another_read(table: str, of: str) -> list[str]:
    """What belongs to one read, put with another under the name that it has."""
    return [
        f"UPDATE {table} SET read = '-' || read",  # noqa: S608
        f"UPDATE {table} SET read = (SELECT read FROM {of} WHERE read !="  # noqa: S608
        f" substr({table}.read, 2) LIMIT 1)",
    ]


@pytest.mark.parametrize(
    ("statements", "lost"),
    [
        (rotated("withheld"), (3, 0)),
        (rotated("withheld_parts"), (3, 3)),
        (filed_with_another_read("withheld_parts", "withheld"), (3, 3)),
        (rotated("provisional"), (2, 0)),
        (rotated("provisional_pictures"), (0, 2)),
        (filed_with_another_read("provisional_pictures", "provisional"), (0, 2)),
    ],
)
def test_what_was_moved_to_another_row_does_not_open_there(
    tmp_path: Path, open_spool: OpenSpool, statements: list[str], lost: tuple[int, int]
) -> None:
    with open_spool() as spool:
        filled(spool)
    change(tmp_path / "spool", *statements, *A_GAP)
    spool = open_spool()
    (said,) = spool.salvages
    assert (said.records_lost - 1, said.pictures_lost) == lost
    assert spool.counts().lost == 1 + lost[0]


@pytest.mark.parametrize("number", OLD)
def test_a_damaged_spool_of_an_older_layout_loses_only_what_lay_on_the_bad_page(
    tmp_path: Path, open_spool: OpenSpool, number: int
) -> None:
    """Noise in the place of pages; of the first, older layouts have no copy here."""
    rng = random.Random(5)
    spoilt = rng.sample(range(1, OLD[number].stat().st_size // 4096), 14)
    kept = settled = 0
    for page in spoilt:
        folder = tmp_path / f"page-{page}"
        folder.mkdir(mode=0o700)
        shutil.copy(OLD[number], folder)
        with (folder / DATABASE).open("r+b") as file:
            file.seek(page * 4096)
            file.write(rng.randbytes(4096))
        with open_spool(folder=folder) as spool:
            whole = UPGRADED[number - 1]
            counts = spool.counts()
            kept += spool.withheld().kept
            settled += spool.settle()
            records = drained(spool)
            if not any(said.place_lost for said in spool.salvages):
                assert (counts.spooled, counts.receipted) == (whole.spooled, whole.receipted)
                assert [one.seq for one in records] == list(range(3, 3 + len(records)))
            at_most = spool.withheld_age().age_s
            assert at_most == 0.0 or at_most >= 119.5
    assert kept >= (0, 55 * len(spoilt))[number - 1]
    assert settled >= (0, 2 * len(spoilt) - 3)[number - 1]


@pytest.mark.parametrize("number", OLD)
def test_a_gap_in_a_spool_of_an_older_layout_costs_nothing_else(
    tmp_path: Path, open_spool: OpenSpool, number: int
) -> None:
    (tmp_path / "spool").mkdir(mode=0o700)
    shutil.copy(OLD[number], tmp_path / "spool")
    change(tmp_path / "spool", "DELETE FROM records WHERE seq = 5")
    spool = open_spool()
    (said,) = spool.salvages
    assert (said.records_lost, said.pictures_lost, said.place_lost) == (1, 0, False)
    assert spool.withheld().kept == (0, 61)[number - 1]
    assert spool.place_in("folder") == "7QXZ31.jpg"
    assert spool.settle() == (0, 2)[number - 1]
    (batch,) = spool.unreceipted_batches(9)
    assert [type(decode_record(bytes(raw))) for raw in batch.records] == [Read, Hit]
    assert spool.seal(UNIT_KEY) is not None
    assert [picture.sha256 for picture in spool.waiting_pictures(9)] == [sha256(picture_bytes(1))]
