"""A data key lives as long as anything that is sealed under it, and no longer."""

from __future__ import annotations

import inspect
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.contract.batch import Batch, Refusal
from edge.contract.records import Malfunction, Read, decode_record
from edge.spool.store import Place, Spool
from edge.spool.withheld import Age, Withheld
from edge.spool.withheld_reads import WithheldReads
from tests.edge.spool.samples import (
    AGENCY,
    SPOOL_KEY,
    UNIT,
    UNIT_KEY,
    by_digest,
    malfunction,
    picture_bytes,
    read_with,
    receipt,
    sealing_tables,
    sha256,
    wanting_data_keys,
)
from tests.edge.spool.test_provisional import as_rung, hit_of

OpenSpool = Callable[..., Spool]
DATABASE = "spool.sqlite"


def sealed(spool: Spool) -> Batch:
    batch = spool.seal(UNIT_KEY)
    assert batch is not None
    return batch


def spoil(tmp_path: Path, seq: int) -> None:
    connection = sqlite3.connect(tmp_path / "spool" / DATABASE)
    with connection:
        connection.execute(
            "UPDATE records SET sealed = zeroblob(length(sealed)) WHERE seq = ?", (seq,)
        )
    connection.close()


def records_of(spool: Spool) -> list[object]:
    while spool.seal(UNIT_KEY) is not None:
        pass
    batches = spool.unreceipted_batches(1000)
    return [decode_record(bytes(raw)) for batch in batches for raw in batch.records]


@pytest.mark.parametrize("pictured", [False, True], ids=["bare", "pictured"])
def test_a_lost_record_takes_nothing_with_it_when_those_before_it_are_receipted(
    tmp_path: Path, open_spool: OpenSpool, pictured: bool
) -> None:
    spool = open_spool()

    def fill(first: int, last: int) -> None:
        for number in range(first, last + 1):
            contents = [picture_bytes(number)] if pictured else []
            spool.add([read_with(*contents)], by_digest(*contents))

    fill(1, 3)
    before = sealed(spool)
    fill(4, 8)
    spool.close()
    spoil(tmp_path, 4)
    # Without room for two copies the pictures are not carried.
    size = (tmp_path / "spool" / DATABASE).stat().st_size
    spool = open_spool(reserve_bytes=0, free_bytes=lambda: size - 1)
    assert [said.records_lost for said in spool.salvages] == []
    assert len(records_of(spool)) == 8
    spool.acknowledge(receipt(3, before.root))
    assert [type(one) for one in records_of(spool)] == [Malfunction, Read, Read, Read, Read]
    assert [said.records_lost for said in spool.salvages] == [1]


def test_records_that_were_numbered_anew_outlive_the_receipts_of_the_first(
    open_spool: OpenSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.spool.encryption.SEALS_PER_DATA_KEY", 2)
    monkeypatch.setattr("edge.spool.batches.MAX_BATCH_BYTES", 1)
    spool = open_spool()
    spool.add([malfunction] * 6, {})
    refused = [Refusal(seq=None, reason="out_of_chain", detail="")]
    assert spool.acknowledge(receipt(9, "a" * 64, refused=refused)).verdict == "taken_up"
    for seq in range(10, 16):
        batch = sealed(spool)
        assert (batch.first_seq, batch.last_seq) == (seq, seq)
        assert spool.acknowledge(receipt(seq, batch.root)).records_purged == 1
    assert spool.counts().lost == 0


def test_whatever_is_kept_keeps_its_key_and_no_other_stays(
    tmp_path: Path, open_spool: OpenSpool
) -> None:
    contents = [picture_bytes(number) for number in range(4)]
    uses: list[Callable[[Spool], object]] = [
        lambda spool: spool.add([malfunction], {}, Place("folder", "1.jpg")),
        lambda spool: spool.add([hit_of(1)], {}, provisional=as_rung(1, contents[1])),
        lambda spool: spool.add((), {}, withheld=[kept_back(contents[2])]),
        lambda spool: spool.add([malfunction], {}),
        lambda spool: spool.add([read_with(contents[3])], by_digest(contents[3])),
    ]
    for use in uses:
        with open_spool() as spool:  # a data key for each run
            use(spool)
    spool = open_spool()
    batch = sealed(spool)
    with spool._reading() as connection:
        assert len(sealing_tables(connection)) == 8
        spool.acknowledge(receipt(batch.last_seq, batch.root))
        assert numbers(connection) == [0, 1, 2, 3, 5]
        assert wanting_data_keys(connection) == set()
        spool.purge_withheld(Age(9.0, None))
        assert numbers(connection) == [0, 1, 2, 5]
        spool.acknowledge(receipt(batch.last_seq, batch.root, held=[sha256(contents[3])]))
        assert numbers(connection) == [0, 1, 2]
        assert spool.settle() == 1
        batch = sealed(spool)
        spool.acknowledge(receipt(batch.last_seq, batch.root, held=[sha256(contents[1])]))
        assert numbers(connection) == [0, 1]
    assert spool.place_in("folder") == "1.jpg"
    assert spool.salvages == ()


def test_the_due_age_of_a_withheld_read_keeps_its_key_whatever_its_parts_lie_under(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.spool.encryption.SEALS_PER_DATA_KEY", 2)
    spool.add((), {}, withheld=[kept_back(picture_bytes(1))])
    for age_s in (1.0, 2.0):
        spool.purge_withheld(Age(age_s, None))  # what is noted moves on to a later key
        spool.add([malfunction], {})
        batch = sealed(spool)
        spool.acknowledge(receipt(batch.last_seq, batch.root))
    with spool._reading() as connection:
        assert numbers(connection)[:2] == [0, 1]
        assert wanting_data_keys(connection) == set()
    assert (spool.purge_withheld(Age(9.0, None)), spool.counts().lost) == (1, 0)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_nothing_sound_is_ever_lost_before_it_is_receipted(data: st.DataObject) -> None:
    """Damage anywhere, and receipts that come in pieces, with crashes and new records between."""
    number = data.draw(st.integers(1, 9))
    pictured = data.draw(st.sets(st.integers(1, number)))
    spoilt = data.draw(st.sets(st.integers(1, number), max_size=2))
    carried = data.draw(st.booleans())
    crashes = data.draw(st.sets(st.integers(1, number), max_size=2))
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        patch.setattr("edge.spool.encryption.SEALS_PER_DATA_KEY", data.draw(st.integers(2, 20)))
        patch.setattr("edge.spool.batches.MAX_BATCH_BYTES", 1)
        free_bytes = [2**40]

        def opened(folder: str) -> Spool:
            return Spool.open(
                Path(root) / folder,
                SPOOL_KEY,
                agency=AGENCY,
                unit=UNIT,
                reserve_bytes=0,
                free_bytes=lambda: free_bytes[0],
            )

        spool = opened("spool")
        for seq in range(1, number + 1):
            contents = [picture_bytes(seq)] if seq in pictured else []
            spool.add([read_with(*contents)], by_digest(*contents))
        spool.close()
        for seq in spoilt:
            spoil(Path(root), seq)
        spool = opened("spool")
        free_bytes[0] = 2**40 if carried else 1
        records_of(spool)
        free_bytes[0] = 2**40
        found = []
        for seq in range(1, number + 1):
            batch = spool.unreceipted_batches(1)[0]
            found += [type(decode_record(bytes(raw))) for raw in batch.records]
            spool.acknowledge(receipt(batch.last_seq, batch.root))
            with spool._reading() as connection:
                assert wanting_data_keys(connection) == set()
            spool.add([malfunction], {})
            if seq in crashes:
                shutil.copytree(
                    Path(root) / "spool",
                    Path(root) / f"{seq}",
                    ignore=lambda *_: ["spool.sqlite-shm"],
                )
                spool.close()
                shutil.rmtree(Path(root) / "spool")
                (Path(root) / f"{seq}").rename(Path(root) / "spool")
                spool = opened("spool")
        spool.close()
        assert found == [Malfunction if seq in spoilt else Read for seq in range(1, number + 1)]
        assert sum(said.records_lost for said in spool.salvages) in (0, len(spoilt))


def kept_back(content: bytes) -> Withheld:
    return Withheld((read_with(content),), by_digest(content), "a", Age(0.0, None), 9.0)


def numbers(connection: sqlite3.Connection) -> list[int]:
    found = [
        [number for (number,) in connection.execute(f"SELECT number FROM {table}")]  # noqa: S608
        for table in ("data_keys", "data_keys_again")
    ]
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize("table", ["records", "pictures"])
def test_the_oldest_data_key_is_found_without_reading_what_lies_under_it(
    spool: Spool, table: str
) -> None:
    with spool._reading() as connection:
        (plan,) = connection.execute(
            f"EXPLAIN QUERY PLAN SELECT min(data_key) FROM {table}"  # noqa: S608
        ).fetchall()
        assert "USING COVERING INDEX" in plan[3]


PARTS = {"_purge_some", "_note_purged"}
"""What `purge_withheld` is made of, so that others get their turn in between."""


def test_every_use_of_the_spool_mends_it_where_it_proves_damaged() -> None:
    uses = {
        name: use
        for uses_of in (Spool, WithheldReads)
        for name, use in vars(uses_of).items()
        if inspect.isfunction(use) and (not name.startswith("_") or name in PARTS)
    }
    assert len(uses) > 15
    plain = [name for name, use in uses.items() if use.__code__.co_name != "mended"]
    assert plain == ["purge_withheld"]
