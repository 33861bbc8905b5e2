"""Where a damaged spool stands in its chain: what is sent again, sealed anew, or taken up."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.contract.batch import Batch
from edge.contract.records import Malfunction, decode_record
from edge.spool.store import Spool
from tests.edge.spool.samples import (
    UNIT_KEY,
    by_digest,
    malfunction,
    picture_bytes,
    read_with,
    receipt,
    sha256,
)
from tests.edge.spool.test_damage_model import Repository
from tests.edge.spool.test_salvage import DATABASE, change, changed, drained, filled, out_of_chain

OpenSpool = Callable[..., Spool]


def sealed_twice(spool: Spool) -> tuple[Batch, Batch]:
    """Two batches of two records each, and one record in none."""
    batches = []
    for _ in range(2):
        spool.add([malfunction, malfunction], {})
        batch = spool.seal(UNIT_KEY)
        assert batch is not None
        batches.append(batch)
    spool.add([malfunction], {})
    return batches[0], batches[1]


def test_batches_before_the_damage_are_sent_again_as_they_were(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    spool = open_spool()
    one, two = sealed_twice(spool)
    change(tmp_path / "spool", "DELETE FROM records WHERE seq = 4")
    spool.close()
    again = open_spool()
    assert again.unreceipted_batches(9) == (one,)
    new = again.seal(UNIT_KEY)
    assert new is not None
    assert (new.first_seq, new.last_seq, new.previous_root) == (3, 5, one.root)
    assert new.root != two.root


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM batches WHERE first_seq = 1",
        "UPDATE batches SET first_seq = -1 WHERE first_seq = 1",
        "UPDATE batches SET first_seq = 1000001 WHERE first_seq = 1",
        "UPDATE batches SET last_seq = 1000001 WHERE first_seq = 1",
        "UPDATE batches SET last_seq = 1 << 52 WHERE first_seq = 3",
        "UPDATE batches SET root = cast(x'ff30' AS TEXT) WHERE first_seq = 1",
        "UPDATE chain SET receipted_root = cast(x'ff30' AS TEXT)",
        "UPDATE chain SET receipted = -7",
    ],
)
@pytest.mark.parametrize("running", [False, True], ids=["at the start", "while it runs"])
def test_a_damaged_place_in_the_chain_keeps_no_record_from_going_up(
    tmp_path: Path, open_spool: OpenSpool, statement: str, running: bool
) -> None:
    spool = open_spool()
    sealed_twice(spool)
    spool = changed(spool, open_spool, tmp_path / "spool", statement, running=running)
    repository = Repository()
    for _ in range(9):
        waiting = spool.unreceipted_batches(1) or (spool.seal(UNIT_KEY),)
        if waiting[0] is None:
            break
        spool.acknowledge(repository.take(waiting[0]))
    assert [decode_record(one).seq for one in repository.records.values()] == [1, 2, 3, 4, 5]
    assert spool.counts().waiting == spool.counts().lost == 0


def test_a_batch_given_up_that_the_repository_has_after_all_is_purged_by_its_receipt(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    spool = open_spool()
    _, two = sealed_twice(spool)
    spool.close()
    change(tmp_path / "spool", "DELETE FROM records WHERE seq = 1")
    again = open_spool()
    new = again.seal(UNIT_KEY)
    assert new is not None
    assert (new.first_seq, new.last_seq) == (1, 5)
    # It refuses what was sealed anew, standing at the end of what was sent before the damage.
    done = again.acknowledge(out_of_chain(4, two.root))
    assert (done.verdict, done.receipted_through, done.resealed) == ("advanced", 4, True)
    follower = again.seal(UNIT_KEY)
    assert follower is not None
    assert (follower.first_seq, follower.previous_root) == (5, two.root)
    assert again.acknowledge(receipt(5, follower.root)).records_purged == 1


def test_a_disk_that_forgot_what_it_wrote_takes_up_its_place_from_a_refusal(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    spool = open_spool()
    spool.add([malfunction], {})
    first = spool.seal(UNIT_KEY)
    assert first is not None
    spool.acknowledge(receipt(1, first.root))
    spool.close()
    shutil.copytree(tmp_path / "spool", tmp_path / "older")
    spool = open_spool()
    spool.add([malfunction] * 4, {})
    forgotten = spool.seal(UNIT_KEY)
    assert forgotten is not None
    spool.close()
    again = open_spool(folder=tmp_path / "older")
    content = picture_bytes(1)
    (added,) = again.add([read_with(content)], by_digest(content))
    assert again.seal(UNIT_KEY) is not None
    # A receipt alone changes nothing: only a refusal says that the unit's word does not fit.
    assert again.acknowledge(receipt(5, forgotten.root)).verdict == "ahead"
    done = again.acknowledge(out_of_chain(5, forgotten.root))
    assert (done.verdict, done.receipted_through, done.records_purged) == ("taken_up", 5, 0)
    assert done.resealed
    assert "numbered behind them" in again.salvages[0].sentence
    (record,) = drained(again)
    assert (record.id, record.seq) == (added.id, 6)
    (batch,) = again.unreceipted_batches(9)
    assert batch.previous_root == forgotten.root
    again.acknowledge(receipt(6, batch.root))
    assert [picture.sha256 for picture in again.waiting_pictures(9)] == [sha256(content)]
    assert len(again.salvages) == 1


def test_with_everything_gone_the_unit_goes_on_and_the_repository_gives_it_its_place(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    spool = open_spool()
    filled(spool)
    spool.close()
    (tmp_path / "spool" / DATABASE).write_bytes(b"not a database, " * 512)
    (tmp_path / "spool" / "spool.first-page").unlink()
    again = open_spool()
    (said,) = again.salvages
    assert said.place_lost
    assert "Where the unit stands in its chain was lost" in said.sentence
    assert said.aside is not None
    assert (said.aside / DATABASE).read_bytes().startswith(b"not a database")
    again.add([malfunction], {})
    assert again.acknowledge(out_of_chain(3, "a" * 64)).verdict == "taken_up"
    assert [record.seq for record in drained(again)] == [4]


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_a_record_that_was_lost_with_the_place_in_the_chain_is_counted_and_said(
    tmp_path: Path, open_spool: OpenSpool, seq: int
) -> None:
    spool = open_spool()
    filled(spool)
    spool.close()
    change(
        tmp_path / "spool",
        "DELETE FROM batches",
        "DELETE FROM chain",
        f"UPDATE records SET sealed = zeroblob(90) WHERE seq = {seq}",  # noqa: S608
    )
    again = open_spool()
    (said,) = again.salvages
    assert (said.place_lost, said.records_lost, again.counts().lost) == (True, 1, 1)
    found = drained(again)
    assert [record.seq for record in found] == [1, 2, 3]
    assert isinstance(found[seq - 1], Malfunction)
