"""When room runs out pictures give way and records stay; what is purged is overwritten."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec import structs
from pydantic import ValidationError

from edge.contract.records import AnyRecord, decode_record
from edge.health.health import Health
from edge.health.spool_watch import GIVES_WAY_FOR_S, SpoolWatch
from edge.spool.ballast import BALLAST_BYTES
from edge.spool.errors import SpoolError
from edge.spool.settings import SpoolSettings
from edge.spool.store import Place, Provisional, Spool
from edge.spool.withheld import Age, Withheld
from tests.edge.spool.samples import (
    AGENCY,
    SPOOL_KEY,
    UNIT,
    UNIT_KEY,
    by_digest,
    malfunction,
    matched_read,
    picture_bytes,
    read,
    read_with,
    receipt,
    sha256,
)

OpenSpool = Callable[..., Spool]
DATABASE = "spool.sqlite"


def big(number: int, size_bytes: int = 40_000) -> bytes:
    """A distinct picture of some tens of kilobytes."""
    return (picture_bytes(number) * (size_bytes // 2048 + 1))[:size_bytes]


def fill(spool: Spool, first: int, number: int) -> None:
    for one in range(first, first + number):
        spool.add([read_with(big(one))], by_digest(big(one)))


def staying(number: int) -> Withheld:
    """A read with a picture that must not leave the unit."""
    picture = big(number)

    def build(seq: int) -> AnyRecord:
        return read(seq, id=read(number + 1).id, pictures=[picture])

    return Withheld((build,), by_digest(picture), "clinic", Age(0.0, None), keep_s=100.0)


def add_without_end(spool: Spool) -> None:
    while True:
        spool.add([malfunction], {})


def write_without_end(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65536))


def waiting(spool: Spool) -> set[str]:
    """Pictures that are left, once every read that names one is receipted."""
    while batch := spool.seal(UNIT_KEY):
        spool.acknowledge(receipt(batch.last_seq, batch.root))
    return {picture.sha256 for picture in spool.waiting_pictures(999)}


def matched(number: int) -> Callable[[int], AnyRecord]:
    """The builder of a hit's read, with its plate's picture and its scene's."""

    def build(seq: int) -> AnyRecord:
        made = matched_read(seq, pictures=[big(number), big(number + 1000)])
        plate, scene = made.pictures
        return structs.replace(made, pictures=(plate, structs.replace(scene, kind="scene")))

    return build


@pytest.mark.policy("M-V-C1")
def test_ordinary_pictures_give_way_then_scenes_of_hits_then_their_plates_and_no_record(
    open_spool: OpenSpool,
) -> None:
    spool = open_spool(max_bytes=1_000_000)
    hits = [3, 4, 5]
    for number in hits:
        spool.add([matched(number)], by_digest(big(number), big(number + 1000)))
    fill(spool, 10, 40)
    counts = spool.counts()
    assert counts.spooled == counts.waiting == 43
    assert counts.gave_way > 20
    assert counts.pictures_waiting == 46 - counts.gave_way
    for number in hits:
        spool.add([matched(100 + number)], by_digest(big(100 + number), big(1100 + number)))
    left = waiting(spool)
    ordinary = [number for number in range(10, 50) if sha256(big(number)) in left]
    assert ordinary == list(range(50 - len(ordinary), 50))  # the newest
    assert {sha256(big(number)) for number in hits} <= left
    many = [(matched(number), big(number), big(number + 1000)) for number in range(200, 240)]
    for build, plate, scene in many:
        spool.add([build], by_digest(plate, scene))
    left = waiting(spool)
    assert not any(sha256(big(number)) in left for number in range(10, 50))
    scenes = [sha256(scene) in left for _, _, scene in many]
    plates = [sha256(plate) in left for _, plate, _ in many]
    assert scenes == sorted(scenes)  # the oldest first
    assert sum(scenes) < 8 < sum(plates)
    assert spool.counts().spooled == 86


def test_the_spool_never_outgrows_what_it_may_hold(tmp_path: Path, open_spool: OpenSpool) -> None:
    spool = open_spool(max_bytes=2_000_000)
    fill(spool, 0, 120)
    spool.close()
    assert (tmp_path / "spool" / DATABASE).stat().st_size < 2_200_000


def test_without_any_picture_left_records_are_refused_loudly_and_none_is_forgotten(
    open_spool: OpenSpool,
) -> None:
    spool = open_spool(max_bytes=250_000)
    fill(spool, 0, 3)
    with pytest.raises(SpoolError, match=r"the spool holds .* that it may.*nothing was stored"):
        add_without_end(spool)
    counts = spool.counts()
    assert counts.waiting == counts.spooled > 20
    batch = spool.seal(UNIT_KEY)
    assert batch is not None
    spool.acknowledge(receipt(batch.last_seq, batch.root))
    spool.add([malfunction], {})


@pytest.mark.policy("C-5b")
def test_pictures_of_reads_that_stay_on_the_unit_give_way_before_all_others(
    open_spool: OpenSpool,
) -> None:
    spool = open_spool(max_bytes=1_000_000)
    for one in range(10):
        spool.add([], {}, withheld=[staying(one)])
    fill(spool, 10, 20)
    assert spool.counts().pictures_waiting == 20
    assert 5 < spool.counts().gave_way <= 10
    with pytest.raises(SpoolError, match="nothing was stored"):
        add_without_end(spool)
    assert spool.counts().gave_way == 30
    assert spool.withheld().kept == 10
    assert spool.purge_withheld(Age(100.0, None)) == 10
    spool.add([malfunction], {})


def test_a_spool_that_holds_only_pictures_of_reads_that_stay_still_has_room(
    open_spool: OpenSpool,
) -> None:
    spool = open_spool(max_bytes=300_000)
    for one in range(12):
        spool.add([], {}, withheld=[staying(one)])
        assert spool.lacks_room() is None
    assert spool.counts().gave_way > 0


def test_pictures_that_gave_way_block_nothing(open_spool: OpenSpool) -> None:
    spool = open_spool(max_bytes=300_000)
    fill(spool, 0, 10)
    batch = spool.seal(UNIT_KEY)
    assert batch is not None
    named = [
        picture.sha256
        for raw in batch.records
        for picture in decode_record(bytes(raw)).pictures  # type: ignore[union-attr]
    ]
    assert len(named) == 10
    spool.acknowledge(receipt(10, batch.root, missing=named))
    held = [picture.sha256 for picture in spool.waiting_pictures(99)]
    assert 0 < len(held) < 10
    spool.acknowledge(receipt(10, batch.root, missing=named, held=held))
    counts = spool.counts()
    assert (counts.waiting, counts.pictures_waiting) == (0, 0)


def test_the_watch_says_when_pictures_give_way_and_when_that_is_over(
    open_spool: OpenSpool,
) -> None:
    spool, health, now = open_spool(max_bytes=300_000), Health(), [0.0]
    watch = SpoolWatch(spool, health, lambda: now[0])
    watch.look()
    assert health.report().healthy
    fill(spool, 0, 10)
    watch.look()
    gave_way = spool.counts().gave_way
    assert health.report().counters["pictures_gave_way"] == gave_way > 0
    assert f"{gave_way} pictures gave way" in health.report().troubles["spool room"]
    now[0] = GIVES_WAY_FOR_S + 1
    watch.look()
    assert "spool room" not in health.report().troubles


def test_the_watch_says_what_damage_cost(tmp_path: Path, open_spool: OpenSpool) -> None:
    spool = open_spool()
    fill(spool, 0, 3)
    spool.close()
    connection = sqlite3.connect(tmp_path / "spool" / DATABASE)
    with connection:
        connection.execute("DELETE FROM records WHERE seq = 2")
    connection.close()
    spool, health = open_spool(), Health()
    watch = SpoolWatch(spool, health)
    watch.look()
    watch.look()
    assert health.report().counters["records_lost"] == 1
    assert "1 records and 0 pictures were lost" in health.report().troubles["spool damage"]


def test_a_share_of_the_disk_bounds_the_spool_before_its_folder_is_there(tmp_path: Path) -> None:
    total = shutil.disk_usage(tmp_path).total
    folder = tmp_path / "not" / "there"
    assert SpoolSettings(max_share=0.5).limit_bytes(folder) == total // 2
    assert SpoolSettings(max_bytes=2**24).limit_bytes(folder) == min(2**24, int(0.8 * total))


@pytest.mark.policy("M-V-C1")
def test_what_is_purged_lies_in_no_file_any_more(tmp_path: Path, open_spool: OpenSpool) -> None:
    spool = open_spool()
    fill(spool, 0, 4)
    spool.add([read_with(big(9))], by_digest(big(9)), Place("folder", "9.jpg"))
    with sqlite3.connect(tmp_path / "spool" / DATABASE) as connection:
        blobs = [
            blob
            for table in ("records", "pictures")
            for (blob,) in connection.execute(f"SELECT sealed FROM {table}")  # noqa: S608
        ]
    connection.close()
    assert len(blobs) == 10
    pieces = [blob[at : at + 24] for blob in blobs for at in range(0, len(blob) - 24, 2000)]
    assert any(piece in everything(tmp_path) for piece in pieces)
    batch = spool.seal(UNIT_KEY)
    assert batch is not None
    held = [sha256(big(number)) for number in (0, 1, 2, 3, 9)]
    spool.acknowledge(receipt(5, batch.root, held=held))
    left = everything(tmp_path)
    assert not any(piece in left for piece in pieces)


@pytest.mark.policy("M-C7")
def test_a_data_key_dies_with_the_last_that_was_sealed_under_it(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    spool = open_spool()
    for part in range(3):
        fill(spool, part * 2, 2)
        spool.close()
        spool = open_spool()  # a data key for each run
    assert data_keys(tmp_path) == [1, 2, 3]
    spool.add([malfunction], {}, Place("folder", "1.jpg"))
    batch = spool.seal(UNIT_KEY)
    assert batch is not None
    held = [sha256(big(number)) for number in (0, 1, 4, 5)]
    spool.acknowledge(receipt(7, batch.root, held=held))
    # Pictures 2 and 3 wait under the second key, the place lies under the fourth.
    assert data_keys(tmp_path) == [2, 3, 4]
    spool.acknowledge(receipt(7, batch.root, held=[sha256(big(2)), sha256(big(3))]))
    assert data_keys(tmp_path) == [4]
    spool.close()
    assert open_spool().place_in("folder") == "1.jpg"


def data_keys(tmp_path: Path) -> list[int]:
    connection = sqlite3.connect(tmp_path / "spool" / DATABASE)
    found = [
        [number for (number,) in connection.execute(f"SELECT number FROM {table}")]  # noqa: S608
        for table in ("data_keys", "data_keys_again")
    ]
    connection.close()
    assert found[0] == found[1]
    return found[0]


def everything(tmp_path: Path) -> bytes:
    return b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 14 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=14m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_really_full_loses_nothing_and_is_left_again(small_disk: Path) -> None:
    with Spool.open(
        small_disk / "spool", SPOOL_KEY, agency=AGENCY, unit=UNIT, reserve_bytes=0
    ) as spool:
        fill(spool, 0, 20)
        blocker = small_disk / "blocker"
        with pytest.raises(OSError, match="No space"):
            write_without_end(blocker)
        with pytest.raises(SpoolError, match="full"):
            fill(spool, 100, 300)
        stored = spool.counts().spooled
        blocker.unlink()
        spool.add([malfunction], {})
        batches = []
        while batch := spool.seal(UNIT_KEY):
            batches.append(batch)
        sequences = [decode_record(bytes(raw)).seq for one in batches for raw in one.records]
        assert sequences == list(range(1, stored + 2))


RESERVE_BYTES = 2 * 1024 * 1024


def open_on(disk: Path) -> Spool:
    return Spool.open(
        disk / "spool", SPOOL_KEY, agency=AGENCY, unit=UNIT, reserve_bytes=RESERVE_BYTES
    )


def fill_up(path: Path) -> None:
    """Another program takes the last byte of the disk."""
    with pytest.raises(OSError, match="No space"):
        write_without_end(path)
    with path.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1))


def drain(spool: Spool) -> None:
    while batch := spool.seal(UNIT_KEY):
        held = [
            picture.sha256
            for raw in batch.records
            for picture in decode_record(bytes(raw)).pictures  # type: ignore[union-attr]
        ]
        spool.acknowledge(receipt(batch.last_seq, batch.root, held=held))


def test_a_spool_opens_on_a_full_disk_and_receipts_empty_it_start_after_start(
    small_disk: Path,
) -> None:
    with open_on(small_disk) as spool:
        fill(spool, 0, 60)
        stored = spool.counts().spooled
        files = [small_disk / "spool" / name for name in (DATABASE, f"{DATABASE}-wal")]
        contents = [path.read_bytes() for path in files]
    for path, content in zip(files, contents, strict=True):
        path.write_bytes(content)  # as a power cut leaves them
    for turn in range(3):
        blocker = small_disk / f"blocker{turn}"
        fill_up(blocker)
        assert shutil.disk_usage(small_disk).free == 0
        with open_on(small_disk) as spool:
            assert spool.counts().spooled == stored
            with pytest.raises(SpoolError, match="full"):
                fill(spool, 1000, 300)
            stored = spool.counts().spooled
            drain(spool)
            assert spool.counts().waiting == 0
            assert spool.counts().pictures_waiting == 0
    for turn in range(3):
        (small_disk / f"blocker{turn}").unlink()
    with open_on(small_disk) as spool:
        spool.add([malfunction], {})
        assert (small_disk / "spool" / "ballast").stat().st_size == BALLAST_BYTES


def test_what_rang_is_settled_on_a_full_disk(small_disk: Path) -> None:
    with open_on(small_disk) as spool:
        rung = Provisional(read_with(big(1)), by_digest(big(1)))
        spool.add([], {}, provisional=rung)
    fill_up(small_disk / "blocker")
    with open_on(small_disk) as spool:
        assert spool.settle() == 1
        drain(spool)
        assert spool.counts().waiting == 0


def test_the_watch_says_that_not_even_a_record_fits_and_when_one_does(
    open_spool: OpenSpool,
) -> None:
    free = [100_000_000]
    spool, health = open_spool(free_bytes=lambda: free[0], reserve_bytes=64 * 2**20), Health()
    watch = SpoolWatch(spool, health)
    free[0] = 6 * 2**20
    watch.look()
    said = health.report().troubles["spool"]
    assert "6.0 MiB free, 64 MiB are kept free: spool.reserve_bytes" in said
    free[0] = 100_000_000
    watch.look()
    assert "spool" not in health.report().troubles


def test_the_reserve_is_larger_than_what_the_log_may_grow_to() -> None:
    with pytest.raises(ValidationError, match="8388608"):
        SpoolSettings(reserve_bytes=4 * 2**20)
    assert SpoolSettings(reserve_bytes=8 * 2**20).reserve_bytes > BALLAST_BYTES
