"""Reads that must not leave the unit: durable, outside the chain, counted once, purged by age."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.contract import records as r
from edge.spool.store import Spool
from edge.spool.withheld import Age, Withheld
from edge.spool.withheld_reads import LOOKED_AT_ONCE
from tests.edge.spool.samples import (
    AGENCY,
    MOMENT,
    PLATE,
    SPOOL_KEY,
    UNIT,
    UNIT_KEY,
    by_digest,
    picture_bytes,
    read,
    read_and_hit,
    read_with,
)


def open_spool(folder: Path) -> Spool:
    return Spool.open(folder, SPOOL_KEY, agency=AGENCY, unit=UNIT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def spool(folder: Path) -> Iterator[Spool]:
    with open_spool(folder) as opened:
        yield opened


def fixed(number: int, *pictures: bytes) -> Callable[[int], r.AnyRecord]:
    """A builder whose record has the same id whatever its sequence."""
    made = read(number, pictures=pictures)
    return lambda seq: read(seq, id=made.id, pictures=pictures)


def withheld(*builders: Any, keep_s: float | None = 100.0, **changes: Any) -> Withheld:
    fields = {"pictures": {}, "rule": "clinic", "age": Age(0.0, MOMENT), **changes}
    return Withheld(builders, keep_s=keep_s, **fields)


@pytest.mark.policy("C-5b")
def test_a_withheld_read_takes_no_sequence_and_is_in_no_batch(spool: Spool) -> None:
    picture = picture_bytes(1)
    stored = spool.add(
        [read_with()],
        {},
        withheld=[withheld(*read_and_hit(picture), pictures=by_digest(picture))],
    )
    assert [type(record) for record in stored] == [r.Read, r.Read, r.Hit]
    spool.add([read_with()], {})
    counts = spool.counts()
    assert (counts.spooled, counts.hits_waiting, counts.pictures_waiting) == (2, 0, 0)
    batch = spool.seal(UNIT_KEY)
    assert batch is not None
    assert (batch.first_seq, batch.last_seq) == (1, 2)
    assert spool.waiting_hits(9) == ()
    assert spool.waiting_pictures(9) == ()
    assert spool.withheld().kept == 1
    assert spool.withheld().reads == {"clinic": 1}


@pytest.mark.policy("C-5b")
def test_it_is_durable_and_purged_when_due_also_by_another_daemon(folder: Path) -> None:
    with open_spool(folder) as spool:
        spool.add([], {}, withheld=[withheld(fixed(1), keep_s=100), withheld(fixed(2), keep_s=200)])
        assert spool.purge_withheld(Age(99.9, MOMENT)) == 0
    with open_spool(folder) as spool:
        assert spool.withheld().kept == 2
        assert spool.withheld_age() == Age(99.9, MOMENT)
        assert spool.purge_withheld(Age(100, MOMENT + timedelta(seconds=1))) == 1
        assert spool.purge_withheld(Age(200, None)) == 1
        assert spool.withheld().kept == 0
        assert spool.withheld_age() == Age(0.0, None)  # nothing is left to be due by it
        assert spool.withheld().reads == {"clinic": 2}


@pytest.mark.policy("C-5b")
def test_nothing_of_it_lies_in_the_clear_and_nothing_at_all_when_it_is_purged(
    folder: Path,
) -> None:
    picture = picture_bytes(1)
    with open_spool(folder) as spool:
        spool.add([], {}, withheld=[withheld(read_with(picture), pictures=by_digest(picture))])
        parts = spool._connection.execute("SELECT sealed FROM withheld_parts").fetchall()
        assert len(parts) == 2
        before = everything(folder)
        assert PLATE.encode() not in before
        assert picture not in before
    with open_spool(folder) as spool:
        spool.add([read_with()], {})  # a unit out of reach: records wait
        pieces = [part[at : at + 24] for (part,) in parts for at in range(0, len(part) - 24, 500)]
        before = everything(folder)
        assert all(piece in before for piece in pieces)
        spool.purge_withheld(Age(100, None))
        left = everything(folder)
        assert not any(piece in left for piece in pieces)


def test_if_the_age_is_lost_nothing_is_kept_beyond_its_time(folder: Path) -> None:
    for damage in ("UPDATE withheld_age SET sealed = zeroblob(60)", "DELETE FROM withheld_age"):
        with open_spool(folder) as spool:
            noted = Age(1e6, MOMENT)
            spool.add([], {}, withheld=[withheld(fixed(1), keep_s=50, age=noted)])
            spool.add([], {}, withheld=[withheld(fixed(2), keep_s=90, age=noted)])
            spool._connection.execute(damage)
        with open_spool(folder) as spool:
            assert spool.withheld_age() == Age(1e6 + 90, None)
            assert spool.purge_withheld(spool.withheld_age()) == 2


@pytest.mark.policy("C-5b")
def test_one_of_which_nothing_says_when_it_is_due_goes_and_is_counted(folder: Path) -> None:
    with open_spool(folder) as spool:
        made = [withheld(fixed(number), age=Age(7.0, MOMENT)) for number in range(3)]
        spool.add([], {}, withheld=made)
        spool._connection.execute(
            "UPDATE withheld SET sealed = (SELECT sealed FROM withheld WHERE rowid = 3)"
        )
        assert spool.purge_withheld(Age(8.0, MOMENT)) == spool.counts().lost == 2
        assert spool.withheld().kept == 1
        assert spool.withheld_age() == Age(8.0, MOMENT)
        (said,) = spool.salvages
        assert said.records_lost == 2
        assert "could not be decrypted any more" in said.sentence
        assert spool.purge_withheld(Age(9.0, MOMENT)) == 0
        assert spool.salvages == (said,)
    with open_spool(folder) as spool:
        assert spool.counts().lost == 2


def test_a_read_that_waited_for_the_disk_does_not_set_the_age_back(spool: Spool) -> None:
    spool.add([], {}, withheld=[withheld(fixed(1), age=Age(50.0, MOMENT))])
    spool.add([], {}, withheld=[withheld(fixed(2), age=Age(20.0, MOMENT))])
    assert spool.withheld_age() == Age(50.0, MOMENT)
    assert spool.purge_withheld(Age(120.0, MOMENT)) == 1


class Turns:
    """A spool's lock that counts how often it was free before."""

    def __init__(self) -> None:
        self.taken = 0
        self._depth = 0

    def __enter__(self) -> None:
        self.taken += self._depth == 0
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1


def test_others_get_their_turn_while_many_are_looked_at(spool: Spool) -> None:
    number = 2 * LOOKED_AT_ONCE + 1
    many = [withheld(fixed(one), keep_s=100.0 + one % 2) for one in range(number)]
    spool.add([], {}, withheld=many)
    spool.guard = turns = Turns()  # type: ignore[assignment]
    assert spool.purge_withheld(Age(100.0, MOMENT)) == LOOKED_AT_ONCE + 1
    assert turns.taken > number / LOOKED_AT_ONCE
    assert spool.withheld().kept == LOOKED_AT_ONCE


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_the_final_read_takes_the_provisional_ones_place_and_both_count_once(spool: Spool) -> None:
    first, best = picture_bytes(1), picture_bytes(2)
    spool.add(
        [],
        {},
        withheld=[withheld(fixed(1, first), pictures=by_digest(first), provisional=True)],
    )
    spool.add([], {}, withheld=[withheld(fixed(1, best), pictures=by_digest(best))])
    assert (spool.withheld().kept, spool.withheld().reads) == (1, {"clinic": 1})
    parts = spool._connection.execute("SELECT count(*) FROM withheld_parts").fetchone()
    assert parts == (2,)


def test_one_that_is_not_kept_at_all_is_counted(spool: Spool) -> None:
    spool.add([], {}, withheld=[withheld(fixed(1), keep_s=None, provisional=True)])
    spool.add([], {}, withheld=[withheld(fixed(1), keep_s=None)])
    assert (spool.withheld().kept, spool.withheld().reads) == (0, {"clinic": 1})
