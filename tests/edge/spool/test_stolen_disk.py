"""A stolen disk does not tell when a car was where a filter keeps its reads."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from edge.contract.records import Hit, Read, mint_id
from edge.spool.store import Place, Provisional, Spool
from edge.spool.withheld import Age, Withheld
from tests.edge.spool.samples import (
    MOMENT,
    UNIT_KEY,
    by_digest,
    hit,
    picture_bytes,
    read,
    read_with,
    receipt,
)
from tests.edge.spool.traces import files_of, traces

OpenSpool = Callable[..., Spool]
LAYOUT_2 = Path(__file__).with_name("layout2")
KEEP_S = 3600.0


def passes(number: int, *pictures: bytes) -> Read:
    """A car passes: a minute after the one before."""
    at = MOMENT + timedelta(minutes=number)
    read_id = mint_id(at, lambda count: (7**25 + number).to_bytes(count, "big"))
    return read(1, id=read_id, captured_at=at, plate=f"8ABC{number:02}", pictures=pictures)


def age_at(number: int) -> Age:
    return Age(1234.5 + 60.0 * number, MOMENT + timedelta(minutes=number))


def kept_back(seen: Read, number: int, *pictures: bytes, provisional: bool = False) -> Withheld:
    return Withheld(
        (lambda _: seen, lambda _: hit_of(seen)),
        by_digest(*pictures),
        "clinic",
        age_at(number),
        KEEP_S,
        provisional,
    )


def hit_of(seen: Read, seq: int = 1) -> Hit:
    return hit(seq, seen.id)


@pytest.mark.policy("C-5b")
def test_the_disk_of_a_unit_that_withheld_reads_and_rang_tells_of_none(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    folder = tmp_path / "spool"
    ages = [age_at(number).age_s for number in range(60)]
    ages += [age_s + KEEP_S for age_s in ages]
    records: list[Read | Hit] = []

    def nothing_tells() -> None:
        assert {"spool.sqlite", "spool.first-page"} <= files_of(folder).keys()
        assert traces(folder, records, ages) == set()

    spool = open_spool()
    for number in range(40):
        pictures = [picture_bytes(number)] if number % 3 else []
        early, seen = passes(number), passes(number, *pictures)
        records += [seen, hit_of(seen)]
        if number % 2:
            # Rang under no rule, and a later frame met one: its final read stays.
            rings = Provisional(lambda _, early=early: early, {})
            spool.add([lambda seq, seen=seen: hit_of(seen, seq)], {}, provisional=rings)
        else:
            early = kept_back(early, number, provisional=True)
            spool.add((), {}, settles=seen.id, withheld=[early])
        if number % 13 == 0:
            nothing_tells()
        if number < 36:
            made = kept_back(seen, number, *pictures)
            spool.add((), {}, Place("f", "1.jpg"), settles=seen.id, withheld=[made])
        if number == 20:
            spool.purge_withheld(Age(age_at(10).age_s + KEEP_S, MOMENT))
            spool.add([read_with()], {})
            batch = spool.seal(UNIT_KEY)
            assert batch is not None
            spool.acknowledge(receipt(batch.last_seq, batch.root))
    nothing_tells()
    shutil.copytree(folder, tmp_path / "killed", ignore=shutil.ignore_patterns("*-shm", "*.lock"))
    spool.close()
    nothing_tells()
    with open_spool(folder=tmp_path / "killed") as spool:
        spool._connection.execute("DELETE FROM records WHERE seq = (SELECT max(seq) FROM records)")
    folder = tmp_path / "killed"
    with open_spool(folder=folder) as spool:
        assert [said.records_lost for said in spool.salvages] == [1]  # one file lies aside
        nothing_tells()
        assert spool.withheld().kept == 38 - 11
        assert spool.settle() == 2
        nothing_tells()
        assert spool.purge_withheld(Age(age_at(60).age_s + KEEP_S, None)) == 38 - 11
    nothing_tells()


@pytest.mark.policy("C-5b")
@pytest.mark.parametrize("killed", [False, True], ids=["closed", "killed"])
def test_nothing_that_an_older_layout_told_is_left_after_the_upgrade(
    tmp_path: Path, open_spool: OpenSpool, killed: bool
) -> None:
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    shutil.copy(LAYOUT_2 / "spool.sqlite", folder)
    records = [_of_layout_2(number) for number in range(81)]
    ages = [100.0 + number for number in range(81)] + [109.5, 119.5]
    told = traces(folder, records, ages)
    assert {"id in spool.sqlite", "time in an id in spool.sqlite", "age in spool.sqlite"} <= told
    spool = open_spool()
    assert spool.withheld().kept == 61
    assert traces(folder, records, ages) == set()
    if killed:
        left = tmp_path / "left"
        shutil.copytree(folder, left, ignore=shutil.ignore_patterns("*-shm", "*.lock"))
        spool, folder = open_spool(folder=left), left
    spool.close()
    assert traces(folder, records, ages) == set()


def _of_layout_2(number: int) -> Read:
    """A withheld read of the spool in the folder layout2, as far as a trace would tell of it."""
    at = MOMENT + timedelta(minutes=number)
    read_id = mint_id(at, lambda count: number.to_bytes(count, "big"))
    return read(1, id=read_id, captured_at=at)
