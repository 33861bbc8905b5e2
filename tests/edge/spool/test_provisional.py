"""A read that rang before its pass ended goes up once: as its final read, or as what rang."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from edge.contract.records import AnyRecord, Hit, Read, decode_record, mint_id
from edge.spool.errors import SpoolError, UnfitRecordError
from edge.spool.store import Provisional, Spool
from tests.edge.spool.samples import (
    MOMENT,
    UNIT_KEY,
    by_digest,
    hit,
    malfunction,
    picture_bytes,
    read,
    receipt,
    sha256,
)

OpenSpool = Callable[..., Spool]
CHECKOUT = Path(__file__).parents[3]


def read_id(number: int) -> UUID:
    return mint_id(MOMENT, lambda count: (1000 + number).to_bytes(count, "big"))


def as_rung(number: int, *pictures: bytes) -> Provisional:
    return Provisional(
        lambda seq: read(seq, id=read_id(number), pictures=pictures, frames=2), by_digest(*pictures)
    )


def at_the_end(number: int, *pictures: bytes) -> Callable[[int], AnyRecord]:
    return lambda seq: read(seq, id=read_id(number), pictures=pictures, frames=9)


def hit_of(number: int) -> Callable[[int], AnyRecord]:
    return lambda seq: hit(seq, read_id(number))


def stored(spool: Spool) -> list[AnyRecord]:
    while spool.seal(UNIT_KEY) is not None:
        pass
    return [
        decode_record(bytes(raw)) for one in spool.unreceipted_batches(99) for raw in one.records
    ]


def test_the_final_read_takes_the_place_of_what_rang(open_spool: OpenSpool) -> None:
    spool = open_spool()
    early, late = picture_bytes(1), picture_bytes(2)
    (rung,) = spool.add([hit_of(1)], {}, provisional=as_rung(1, early))
    assert rung.seq == 1
    assert spool.counts().pictures_waiting == 0
    assert [waiting.seq for waiting in spool.waiting_hits(9)] == [1]
    spool.add([at_the_end(1, early, late)], by_digest(early, late), settles=read_id(1))
    spool.close()
    again = open_spool()
    assert again.settle() == 0
    first, second = stored(again)
    assert isinstance(first, Hit)
    assert isinstance(second, Read)
    assert (first.read, second.id, second.seq, second.frames) == (read_id(1), read_id(1), 2, 9)
    assert again.counts().pictures_waiting == 2


def test_a_dead_daemons_provisional_reads_are_stored_in_order_with_their_pictures(
    open_spool: OpenSpool,
) -> None:
    spool = open_spool()
    pictures = [picture_bytes(number) for number in range(3)]
    spool.add([hit_of(2)], {}, provisional=as_rung(2, pictures[0], pictures[1]))
    spool.add([hit_of(1), malfunction], {}, provisional=as_rung(1, pictures[1], pictures[2]))
    spool.close()
    again = open_spool()
    assert again.settle() == 2
    assert again.settle() == 0
    records = stored(again)
    assert [record.seq for record in records] == [1, 2, 3, 4, 5]
    assert [record.id for record in records[3:]] == [read_id(1), read_id(2)]
    batch = again.unreceipted_batches(1)[0]
    again.acknowledge(receipt(5, batch.root))
    sent = {picture.sha256: picture.content for picture in again.waiting_pictures(9)}
    assert sent == by_digest(*pictures)
    again.acknowledge(receipt(5, batch.root, held=[sha256(content) for content in pictures]))
    assert again.counts().pictures_waiting == 0


def test_a_second_ring_of_one_pass_replaces_the_first(spool: Spool) -> None:
    spool.add([hit_of(1)], {}, provisional=as_rung(1, picture_bytes(1)))
    spool.add([hit_of(1)], {}, provisional=as_rung(1, picture_bytes(2)))
    assert spool.settle() == 1
    last = stored(spool)[-1]
    assert isinstance(last, Read)
    assert [picture.sha256 for picture in last.pictures] == [sha256(picture_bytes(2))]
    assert spool.counts().pictures_waiting == 1


@pytest.mark.parametrize(
    ("provisional", "sentence"),
    [
        (Provisional(lambda seq: read(seq, pictures=[b"x"]), {}), "its bytes are missing"),
        (Provisional(lambda seq: read(seq, confidence=2.0), {}), "cannot be stored"),
        (Provisional(lambda seq: read(seq, unit="car-8"), {}), "boston-pd/car-8"),
    ],
)
def test_an_unfit_provisional_read_is_refused_with_its_hit(
    spool: Spool, provisional: Provisional, sentence: str
) -> None:
    with pytest.raises(UnfitRecordError, match=sentence):
        spool.add([hit_of(1)], {}, provisional=provisional)
    assert spool.counts().spooled == 0
    assert spool.settle() == 0


def test_a_full_disk_keeps_what_rang_until_the_final_read_is_stored(open_spool: OpenSpool) -> None:
    free = [100_000]
    spool = open_spool(free_bytes=lambda: free[0], reserve_bytes=5_000)
    spool.add([hit_of(1)], {}, provisional=as_rung(1))
    free[0] = 4_999
    with pytest.raises(SpoolError, match="full"):
        spool.add([at_the_end(1)], {}, settles=read_id(1))
    free[0] = 100_000
    assert spool.settle() == 1


@pytest.mark.policy("M-C7")
def test_a_provisional_read_is_encrypted_and_gone_when_it_is_settled(
    tmp_path: Path, spool: Spool
) -> None:
    content = picture_bytes(1)
    spool.add([hit_of(1)], {}, provisional=as_rung(1, content))
    for path in (tmp_path / "spool").iterdir():
        assert b"7QXZ31" not in path.read_bytes()
        assert content[:16] not in path.read_bytes()
    with sqlite3.connect(tmp_path / "spool" / "spool.sqlite") as connection:
        (blob,) = connection.execute("SELECT sealed FROM provisional_pictures").fetchone()
        spool.add([at_the_end(1)], {}, settles=read_id(1))
        (left,) = connection.execute("SELECT count(*) FROM provisional_pictures").fetchone()
    connection.close()
    assert left == 0
    spool.close()
    assert blob not in (tmp_path / "spool" / "spool.sqlite").read_bytes()


RINGER = """
import sys
from pathlib import Path
from edge.spool.store import Spool
from tests.edge.spool.samples import AGENCY, SPOOL_KEY, UNIT, by_digest, picture_bytes
from tests.edge.spool.test_provisional import as_rung, at_the_end, hit_of, read_id

spool = Spool.open(Path(sys.argv[1]), SPOOL_KEY, agency=AGENCY, unit=UNIT, reserve_bytes=0)
first = spool.counts().spooled
for number in range(first, first + 1000):
    content = picture_bytes(number)
    spool.add([hit_of(number)], {}, provisional=as_rung(number, content))
    print("rang", number, flush=True)
    spool.add([at_the_end(number, content)], by_digest(content), settles=read_id(number))
    print("ended", number, flush=True)
"""


@pytest.mark.policy("M-V-C1")
def test_killed_at_any_moment_every_pass_that_rang_goes_up_exactly_once(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    folder = tmp_path / "spool"
    rang: list[int] = []
    for lines in (7, 2, 12):
        child = subprocess.Popen(
            [sys.executable, "-c", RINGER, str(folder)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
        )
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(lines)]
        child.send_signal(signal.SIGKILL)
        said += [line for line in child.stdout if line.endswith("\n")]
        child.stdout.close()
        assert child.wait(30) == -signal.SIGKILL
        rang += [int(line.split()[1]) for line in said if line.startswith("rang")]
        shutil.copytree(folder, tmp_path / "left", ignore=shutil.ignore_patterns("*.lock", "*-shm"))
        shutil.rmtree(folder)
        shutil.move(tmp_path / "left", folder)
        spool = open_spool()
        assert spool.settle() in (0, 1)
        records = stored(spool)
        spool.close()
        assert [record.seq for record in records] == list(range(1, len(records) + 1))
        hits = [record.read for record in records if isinstance(record, Hit)]
        reads = [record.id for record in records if isinstance(record, Read)]
        assert sorted(hits) == sorted(reads)
        assert len(set(reads)) == len(reads)
        assert {read_id(number) for number in rang} <= set(reads)
