"""Damage costs what it destroyed and nothing else; what is lost is said, and the unit goes on."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.contract.batch import Receipt, Refusal, verify_batch_root, verify_batch_signature
from edge.contract.records import AnyRecord, Hit, Malfunction, Read, decode_record
from edge.health.health import Health
from edge.health.spool_watch import SpoolWatch
from edge.spool import salvage
from edge.spool.errors import SpoolError, WrongKeyError
from edge.spool.store import Spool
from tests.edge.spool.samples import (
    UNIT_KEY,
    by_digest,
    malfunction,
    matched_read,
    picture_bytes,
    read_and_hit,
    read_with,
    receipt,
    sha256,
)
from tests.edge.spool.test_provisional import as_rung, hit_of, read_id

OpenSpool = Callable[..., Spool]
DATABASE = "spool.sqlite"


def change(folder: Path, *statements: str) -> None:
    connection = sqlite3.connect(folder / DATABASE)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def changed(
    spool: Spool, open_spool: OpenSpool, folder: Path, statement: str, *, running: bool
) -> Spool:
    """The spool once a statement has damaged its file, while it runs or before it opens anew."""
    if running:
        change(folder, statement)
        return spool
    spool.close()
    change(folder, statement)
    return open_spool()


def filled(spool: Spool, reads: int = 3) -> None:
    for number in range(reads):
        content = picture_bytes(number)
        spool.add([read_with(content)], by_digest(content))


def drained(spool: Spool) -> list[AnyRecord]:
    while spool.seal(UNIT_KEY) is not None:
        pass
    batches = spool.unreceipted_batches(10_000)
    for batch in batches:
        verify_batch_signature(batch, UNIT_KEY.public_key())
        verify_batch_root(batch)
    return [decode_record(bytes(raw)) for batch in batches for raw in batch.records]


def out_of_chain(through: int, root: str) -> Receipt:
    refused = [Refusal(seq=None, reason="out_of_chain", detail="")]
    return receipt(through, root, refused=refused)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET sealed = (SELECT sealed FROM records WHERE seq = 1) WHERE seq = 2",
        "UPDATE records SET sealed = zeroblob(length(sealed)) WHERE seq = 2",
        "UPDATE records SET sealed = substr(sealed, 1, 20) WHERE seq = 2",
        "UPDATE records SET sealed = x'' WHERE seq = 2",
        "UPDATE records SET data_key = 99 WHERE seq = 2",
        "DELETE FROM records WHERE seq = 2",
    ],
    ids=["moved", "overwritten", "cut", "emptied", "key", "gone"],
)
@pytest.mark.parametrize("running", [False, True], ids=["at the start", "while it runs"])
def test_a_lost_record_is_said_in_its_place_and_the_others_go_up(
    tmp_path: Path, open_spool: OpenSpool, statement: str, running: bool
) -> None:
    spool = open_spool()
    filled(spool)
    spool = changed(spool, open_spool, tmp_path / "spool", statement, running=running)
    first, second, third = drained(spool)
    assert isinstance(first, Read)
    assert isinstance(second, Malfunction)
    assert isinstance(third, Read)
    assert [one.seq for one in (first, second, third)] == [1, 2, 3]
    assert (second.component, second.reported_by) == ("disk", "unit")
    assert second.description == (
        "record 2 of this unit was destroyed by damage to its disk and is lost"
    )
    (said,) = spool.salvages
    assert said.records_lost == spool.counts().lost == 1
    assert said.aside == tmp_path / "spool" / "damaged" / "0001"
    spool.close()
    again = open_spool()
    assert again.salvages == ()
    assert again.counts().lost == 1
    assert drained(again) == [first, second, third]


@pytest.mark.parametrize("restarts", [0, 2])
def test_a_lost_hit_stops_no_other_hit_from_being_told(
    tmp_path: Path, open_spool: OpenSpool, restarts: int
) -> None:
    spool = open_spool()
    content = picture_bytes(1)
    for _ in range(2):
        spool.add(read_and_hit(content), by_digest(content))
    spool.close()
    change(tmp_path / "spool", "UPDATE records SET sealed = zeroblob(90) WHERE seq = 2")
    spool = open_spool()
    for _ in range(restarts):
        spool.close()
        spool = open_spool()
    assert [hit.seq for hit in spool.waiting_hits(9)] == [4]
    assert [said.records_lost for said in spool.salvages] == [1]
    assert [type(one) for one in drained(spool)] == [Read, Malfunction, Read, Hit]


def test_a_torn_database_keeps_what_is_left_of_it(tmp_path: Path, open_spool: OpenSpool) -> None:
    spool = open_spool()
    filled(spool, 40)
    expected = {record.id for record in drained(spool)}
    spool.close()
    path = tmp_path / "spool" / DATABASE
    os.truncate(path, path.stat().st_size * 3 // 4)
    again = open_spool()
    (said,) = again.salvages
    records = drained(again)
    left = {record.id for record in records if isinstance(record, Read)}
    assert left <= expected
    assert [record.seq for record in records] == list(range(1, 41))
    assert said.records_lost == 40 - len(left)
    assert 0 < len(left) < 40
    assert again.counts().pictures_waiting + said.pictures_lost >= len(left)


def test_any_one_bad_page_costs_only_what_lay_on_it(tmp_path: Path, open_spool: OpenSpool) -> None:
    """A page of every part of the file in turn: noise in its place, as a bad block leaves it."""
    spool = open_spool()
    filled(spool, 30)
    sealed = spool.seal(UNIT_KEY)
    assert sealed is not None
    filled(spool, 30)
    spool.add([hit_of(1)], {}, provisional=as_rung(1))
    spool.close()
    whole = tmp_path / "spool"
    pages = (whole / DATABASE).stat().st_size // 4096
    rng = random.Random(5)
    lost = 0
    for page in {0, 1, 2, *rng.sample(range(pages), 10)}:
        folder = tmp_path / f"page-{page}"
        shutil.copytree(whole, folder)
        with (folder / DATABASE).open("r+b") as file:
            file.seek(page * 4096)
            file.write(rng.randbytes(4096))
        with open_spool(folder=folder) as mended:
            mended.settle()
            records = drained(mended)
            gone = [one for one in records if isinstance(one, Malfunction)]
            assert [one.seq for one in records[:61]] == list(range(1, 62))
            assert len(gone) <= 5, page
            assert not any(said.place_lost for said in mended.salvages)
            lost += len(gone)
            first = mended.unreceipted_batches(1)[0]
            if first == sealed:
                continue
            # Not the batch as it was sealed: the repository may have it nevertheless.
            done = mended.acknowledge(out_of_chain(30, sealed.root))
            assert (done.verdict, done.records_purged, done.resealed) == ("advanced", 30, True)
    assert lost > 0


def test_a_lost_database_beside_its_log_is_survived(tmp_path: Path, open_spool: OpenSpool) -> None:
    spool = open_spool()
    filled(spool)
    shutil.copytree(tmp_path / "spool", tmp_path / "copy")
    (tmp_path / "copy" / DATABASE).unlink()
    again = open_spool(folder=tmp_path / "copy")
    assert "spool.sqlite is gone, its log is there" in again.salvages[0].sentence
    again.add([malfunction], {})


@pytest.mark.parametrize("step", range(6))
def test_a_salvage_that_breaks_off_anywhere_is_done_again(
    tmp_path: Path, open_spool: OpenSpool, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    spool = open_spool()
    filled(spool)
    spool.close()
    change(tmp_path / "spool", "DELETE FROM records WHERE seq = 2")
    real, calls = Path.replace, [0]

    def breaks_off(self: Path, target: Path) -> Path:
        if self.name.startswith("spool.first-page"):
            return real(self, target)
        calls[0] += 1
        if calls[0] == step:
            raise OSError(5, "the power is gone")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", breaks_off)
    if 1 <= step <= 4:
        with pytest.raises(SpoolError, match="the power is gone"):
            open_spool()
    monkeypatch.undo()
    again = open_spool()
    assert [type(record) for record in drained(again)] == [Read, Malfunction, Read]
    assert again.counts().lost == 1
    (aside,) = (tmp_path / "spool" / "damaged").iterdir()
    assert (aside / DATABASE).exists()


def test_only_the_newest_damaged_files_are_kept(tmp_path: Path, open_spool: OpenSpool) -> None:
    spool = open_spool()
    filled(spool, 6)
    spool.close()
    for seq in (1, 2, 3):
        change(tmp_path / "spool", f"DELETE FROM records WHERE seq = {seq}")  # noqa: S608
        spool = open_spool(keep_damaged=2)
        spool.close()
    kept = sorted(path.name for path in (tmp_path / "spool" / "damaged").iterdir())
    assert kept == ["0002", "0003"]
    change(tmp_path / "spool", "DELETE FROM records WHERE seq = 4")
    none_kept = open_spool(keep_damaged=0)
    assert none_kept.salvages[0].aside is None
    assert list((tmp_path / "spool" / "damaged").iterdir()) == []
    assert none_kept.counts().lost == 4


def test_damage_costs_no_provisional_read_and_no_place(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    spool = open_spool()
    content = picture_bytes(7)
    spool.add([hit_of(1)], {}, provisional=as_rung(1, content))
    spool.close()
    change(tmp_path / "spool", "DELETE FROM records")
    again = open_spool()
    assert again.settle() == 1
    records = drained(again)
    assert [type(record) for record in records] == [Malfunction, Read]
    assert records[1].id == read_id(1)
    assert again.counts().pictures_waiting == 1


def test_a_provisional_read_under_a_damaged_name_is_lost_and_keeps_no_other_from_being_settled(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    spool = open_spool()
    for number in (1, 2):
        spool.add([hit_of(number)], {}, provisional=as_rung(number))
    spool.close()
    change(tmp_path / "spool", "UPDATE provisional SET read = '!' WHERE rowid = 1")
    spool = open_spool()
    assert spool.settle() == 1
    assert [type(one) for one in drained(spool)] == [Hit, Hit, Read]
    (said,) = spool.salvages
    assert said.records_lost == spool.counts().lost == 1
    assert spool.settle() == 0
    assert (spool.counts().lost, spool.salvages) == (1, (said,))
    health = Health()
    SpoolWatch(spool, health).look()
    assert health.report().counters["records_lost"] == 1
    assert "1 records and 0 pictures were lost" in health.report().troubles["spool damage"]


def test_pictures_of_receipted_reads_survive_and_one_that_is_damaged_is_counted(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    spool = open_spool()
    filled(spool)
    batch = spool.seal(UNIT_KEY)
    assert batch is not None
    spool.acknowledge(receipt(3, batch.root))
    first = sha256(picture_bytes(0))
    change(
        tmp_path / "spool",
        f"UPDATE pictures SET sealed = zeroblob(100) WHERE sha256 = '{first}'",  # noqa: S608
    )
    left = {picture.sha256 for picture in spool.waiting_pictures(9)}
    assert left == {sha256(picture_bytes(1)), sha256(picture_bytes(2))}
    held = sorted(left)
    assert spool.acknowledge(receipt(3, batch.root, held=held)).pictures_purged == 2


def test_another_key_is_no_damage(tmp_path: Path, open_spool: OpenSpool) -> None:
    spool = open_spool()
    filled(spool)
    spool.close()
    change(tmp_path / "spool", "DELETE FROM chain")
    with pytest.raises(WrongKeyError, match="another key"):
        open_spool(spool_key=b"x" * 32)
    assert not (tmp_path / "spool" / "damaged").exists()
    assert len(drained(open_spool())) == 3


def test_a_salvage_without_room_leaves_the_damaged_spool_as_it_was(
    tmp_path: Path, open_spool: OpenSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = open_spool()
    filled(spool)
    spool.close()
    change(tmp_path / "spool", "DELETE FROM records WHERE seq = 2")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(salvage, "sync_folder", full)
    with pytest.raises(SpoolError, match="the spool is full"):
        open_spool()
    monkeypatch.undo()
    assert len(drained(open_spool())) == 3


def test_without_room_for_two_copies_the_records_and_pictures_of_hits_come_first(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    spool = open_spool()
    filled(spool, 20)
    hit_picture = picture_bytes(99)
    spool.add([lambda seq: matched_read(seq, pictures=[hit_picture])], by_digest(hit_picture))
    spool.close()
    change(tmp_path / "spool", "DELETE FROM records WHERE seq = 2")
    damaged = tmp_path / "spool" / "damaged"
    free, full = [50_000], [False]
    spool = open_spool(
        reserve_bytes=10_000,
        free_bytes=lambda: free[0] if any(damaged.glob("*")) or not full[0] else 2**30,
    )
    counts = spool.counts()
    assert (counts.waiting, counts.lost, counts.pictures_waiting) == (21, 1, 1)
    assert spool.salvages[0].pictures_lost == 19
    free[0] = 2**30
    spool.add([malfunction], {})
    assert len(list(damaged.iterdir())) == 1
    free[0], full[0] = 10_000, True
    spool.add([malfunction], {})  # the damaged file goes before anything that still counts
    assert list(damaged.iterdir()) == []
