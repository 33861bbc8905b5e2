"""What the spool promises: durable before anyone learns of it, kept until receipted, then gone."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.contract.batch import (
    GENESIS_ROOT,
    MAX_BATCH_RECORDS,
    MAX_MESSAGE_BYTES,
    MAX_PICTURE_BYTES,
    Refusal,
    decode_batch,
    encode_message,
    verify_batch_root,
    verify_batch_signature,
)
from edge.contract.records import (
    Alternative,
    Character,
    Hit,
    Read,
    decode_record,
    encode_record,
)
from edge.spool.acknowledge import Acknowledged
from edge.spool.errors import SpoolError, UnfitRecordError
from edge.spool.store import Counts, Place, Spool
from tests.edge.spool.samples import (
    AGENCY,
    PLATE,
    SPOOL_KEY,
    UNIT,
    UNIT_KEY,
    by_digest,
    malfunction,
    picture_bytes,
    read,
    read_and_hit,
    read_with,
    receipt,
    sha256,
)

OpenSpool = Callable[..., Spool]


def test_a_new_spool_is_empty(spool: Spool) -> None:
    assert spool.counts() == Counts(0, 0, 0, 0, 0, 0)
    assert spool.seal(UNIT_KEY) is None
    assert spool.unreceipted_batches(9) == ()


def test_a_hit_is_built_with_its_reads_id_and_both_survive_a_restart(open_spool: OpenSpool) -> None:
    first = open_spool()
    plate, hit = first.add(read_and_hit(picture_bytes(1)), by_digest(picture_bytes(1)))
    assert isinstance(hit, Hit)
    assert hit.read == plate.id
    assert (plate.seq, hit.seq) == (1, 2)
    first.close()
    again = open_spool()
    assert [waiting.seq for waiting in again.waiting_hits(9)] == [2]
    (third,) = again.add([malfunction], {})
    assert third.seq == 3
    batch = again.seal(UNIT_KEY)
    assert batch is not None
    assert [decode_record(bytes(raw)) for raw in batch.records] == [plate, hit, third]


def test_a_batch_is_sealed_once_chained_and_resent_byte_for_byte(open_spool: OpenSpool) -> None:
    spool = open_spool()
    spool.add([malfunction], {})
    one = spool.seal(UNIT_KEY)
    spool.add([malfunction, malfunction], {})
    two = spool.seal(UNIT_KEY)
    assert one is not None
    assert two is not None
    assert (one.previous_root, two.previous_root) == (GENESIS_ROOT, one.root)
    assert (one.first_seq, one.last_seq, two.first_seq, two.last_seq) == (1, 1, 2, 3)
    for batch in (one, two):
        verify_batch_signature(batch, UNIT_KEY.public_key())
        verify_batch_root(batch)
    sent = [encode_message(one), encode_message(two)]
    spool.close()
    again = open_spool()
    assert [encode_message(batch) for batch in again.unreceipted_batches(9)] == sent
    assert again.unreceipted_batches(1) == (one,)
    assert again.unreceipted_batches(9, after=1) == (two,)
    assert again.seal(UNIT_KEY) is None


def test_batches_keep_to_the_contracts_limits(spool: Spool) -> None:
    spool.add([malfunction] * (MAX_BATCH_RECORDS + 1), {})
    full = spool.seal(UNIT_KEY)
    rest = spool.seal(UNIT_KEY)
    assert full is not None
    assert rest is not None
    assert (len(full.records), len(rest.records)) == (MAX_BATCH_RECORDS, 1)
    spool.add([_large_read] * 80, {})
    sizes = []
    while (batch := spool.seal(UNIT_KEY)) is not None:
        data = encode_message(batch)
        sizes.append(len(data))
        assert decode_batch(data) == batch
    assert len(sizes) > 1
    assert max(sizes) < MAX_MESSAGE_BYTES * 0.6
    assert spool.unreceipted_batches(99)[-1].last_seq == MAX_BATCH_RECORDS + 81


@pytest.mark.policy("M-V-C1")
def test_a_record_is_purged_by_its_receipt_and_by_nothing_else(spool: Spool) -> None:
    spool.add([malfunction, malfunction], {})
    one = spool.seal(UNIT_KEY)
    spool.add([malfunction], {})
    two = spool.seal(UNIT_KEY)
    assert one is not None
    assert two is not None
    untouched = (one, two)
    for through, root, verdict in [
        (0, GENESIS_ROOT, "repeated"),
        (1, one.root, "other_chain"),  # no batch ends there
        (2, two.root, "other_chain"),
        (2, "f" * 64, "other_chain"),
        (3, one.root, "other_chain"),
        (4, two.root, "ahead"),
        (2**53 - 1, "f" * 64, "ahead"),
    ]:
        assert spool.acknowledge(receipt(through, root)) == Acknowledged(verdict, 0, 0, 0, 0)
        assert spool.unreceipted_batches(9) == untouched
        assert spool.counts().waiting == 3

    assert spool.acknowledge(receipt(2, one.root)) == Acknowledged("advanced", 2, 2, 0, 0)
    assert spool.unreceipted_batches(9) == (two,)
    assert spool.acknowledge(receipt(2, one.root)) == Acknowledged("repeated", 2, 0, 0, 0)
    assert spool.acknowledge(receipt(2, two.root)) == Acknowledged("other_chain", 2, 0, 0, 0)
    assert spool.acknowledge(receipt(3, two.root)) == Acknowledged("advanced", 3, 1, 0, 0)
    assert spool.acknowledge(receipt(2, one.root)) == Acknowledged("old", 3, 0, 0, 0)
    assert spool.counts() == Counts(
        spooled=3, receipted=3, refused=0, waiting=0, hits_waiting=0, pictures_waiting=0
    )
    spool.add([malfunction], {})
    three = spool.seal(UNIT_KEY)
    assert three is not None
    assert (three.first_seq, three.previous_root) == (4, two.root)


def test_one_receipt_may_cover_several_batches(spool: Spool) -> None:
    for _ in range(3):
        spool.add([malfunction], {})
        batch = spool.seal(UNIT_KEY)
    assert batch is not None
    assert spool.acknowledge(receipt(3, batch.root)).records_purged == 3


@pytest.mark.policy("M-V-C1")
def test_a_picture_outlives_its_record_until_it_is_held(open_spool: OpenSpool) -> None:
    spool = open_spool()
    content = picture_bytes(1)
    digest = sha256(content)
    spool.add([read_with(content)], by_digest(content))
    batch = spool.seal(UNIT_KEY)
    assert batch is not None
    assert spool.waiting_pictures(9) == ()  # the repository does not know the read yet
    spool.acknowledge(receipt(0, GENESIS_ROOT, held=[digest]))
    assert spool.counts().pictures_waiting == 1
    spool.acknowledge(receipt(1, batch.root, missing=[digest]))
    spool.close()
    again = open_spool()
    (waiting,) = again.waiting_pictures(9)
    assert (waiting.sha256, waiting.content) == (digest, content)
    assert again.waiting_pictures(9, skip={digest}) == ()
    held = receipt(1, batch.root, message=digest, held=[digest])
    assert again.acknowledge(held) == Acknowledged("repeated", 1, 0, 1, 0)
    assert again.acknowledge(held) == Acknowledged("repeated", 1, 0, 0, 0)
    assert again.counts().pictures_waiting == 0


def test_a_picture_of_two_reads_is_stored_once_and_kept_for_both(spool: Spool) -> None:
    content = picture_bytes(1)
    digest = sha256(content)
    spool.add([read_with(content)], by_digest(content))
    one = spool.seal(UNIT_KEY)
    spool.add([read_with(content)], by_digest(content))
    assert one is not None
    assert spool.counts().pictures_waiting == 1
    # Held for the first read; the second one's receipt has not come.
    spool.acknowledge(receipt(1, one.root, held=[digest]))
    assert spool.counts().pictures_waiting == 1
    two = spool.seal(UNIT_KEY)
    assert two is not None
    spool.acknowledge(receipt(2, two.root))
    # The first receipt comes again: it never spoke of the second read's copy.
    assert spool.acknowledge(receipt(1, one.root, held=[digest])).pictures_purged == 0
    assert spool.acknowledge(receipt(2, two.root, held=[digest])).pictures_purged == 1


def test_the_room_that_a_purge_leaves_is_used_again(tmp_path: Path) -> None:
    free = [10_000_000]
    with Spool.open(
        tmp_path / "spool",
        SPOOL_KEY,
        agency=AGENCY,
        unit=UNIT,
        reserve_bytes=3_000_000,
        free_bytes=lambda: free[0],
    ) as spool:
        for number in range(600):
            content = picture_bytes(number)
            spool.add([read_with(content)], by_digest(content))
        free[0] = -1_000_000
        with pytest.raises(SpoolError, match="full"):
            spool.add([malfunction], {})
        held = [sha256(picture_bytes(number)) for number in range(600)]
        while (batch := spool.seal(UNIT_KEY)) is not None:
            spool.acknowledge(receipt(batch.last_seq, batch.root, held=held))
        assert spool.counts().pictures_waiting == 0
        free[0] = 0
        spool.add([malfunction], {})


def test_a_place_is_remembered_with_its_records_or_not_at_all(open_spool: OpenSpool) -> None:
    spool = open_spool()
    content = picture_bytes(1)
    assert spool.place_in("folder") is None
    spool.add([read_with(content)], by_digest(content), Place("folder", "7QXZ31.jpg"))
    with pytest.raises(UnfitRecordError):
        spool.add([read_with(content)], {}, Place("folder", "9.jpg"))
    spool.add([malfunction], {}, Place("other", "1.jpg"))
    spool.close()
    again = open_spool()
    assert again.place_in("folder") == "7QXZ31.jpg"
    assert again.place_in("other") == "1.jpg"
    again.forget_place("folder")
    assert again.place_in("folder") is None
    stored = b"".join(path.read_bytes() for path in again.folder.iterdir() if path.is_file())
    assert b"7QXZ31" not in stored
    assert b"folder" not in stored


def test_a_refused_record_is_counted_once_and_its_picture_goes(open_spool: OpenSpool) -> None:
    spool = open_spool()
    kept, refused = picture_bytes(1), picture_bytes(2)
    spool.add([read_with(kept), read_with(kept, refused)], by_digest(kept, refused))
    batch = spool.seal(UNIT_KEY)
    assert batch is not None
    word = receipt(
        2,
        batch.root,
        refused=[
            Refusal(seq=2, reason="incomplete", detail="camera"),
            Refusal(seq=3, reason="incomplete", detail="beyond what is committed"),
        ],
        missing=[sha256(kept)],
    )
    assert spool.acknowledge(word) == Acknowledged("advanced", 2, 2, 1, 1)
    assert spool.acknowledge(word) == Acknowledged("repeated", 2, 0, 0, 0)
    spool.close()
    again = open_spool()
    assert again.counts().refused == 1
    assert [picture.sha256 for picture in again.waiting_pictures(9)] == [sha256(kept)]


def test_a_picture_that_no_committed_read_names_is_given_up(spool: Spool) -> None:
    # The receipt that refused the read was lost, a later one covered it.
    content = picture_bytes(1)
    spool.add([read_with(content)], by_digest(content))
    batch = spool.seal(UNIT_KEY)
    assert batch is not None
    unknown = [Refusal(seq=None, reason="unknown_picture", detail="")]
    early = receipt(0, GENESIS_ROOT, message=sha256(content), refused=unknown)
    assert spool.acknowledge(early).pictures_purged == 0
    spool.acknowledge(receipt(1, batch.root))
    assert spool.acknowledge(early).pictures_purged == 0  # it speaks of before the commit
    late = receipt(1, batch.root, message=sha256(content), refused=unknown)
    assert spool.acknowledge(late).pictures_purged == 1


def test_a_hits_notice_waits_until_it_is_marked_or_its_record_receipted(spool: Spool) -> None:
    spool.add([*read_and_hit(), *read_and_hit(), *read_and_hit()], {})
    assert [hit.seq for hit in spool.waiting_hits(9)] == [2, 4, 6]
    assert [hit.seq for hit in spool.waiting_hits(1, skip={2})] == [4]
    assert isinstance(decode_record(spool.waiting_hits(1)[0].record), Hit)
    spool.mark_hit_sent(2)
    spool.mark_hit_sent(2)
    assert [hit.seq for hit in spool.waiting_hits(9)] == [4, 6]
    assert spool.counts().hits_waiting == 2
    batch = spool.seal(UNIT_KEY)
    assert batch is not None
    assert len(batch.records) == 6  # a notice does not stand in for the record
    spool.acknowledge(receipt(6, batch.root))
    assert spool.waiting_hits(9) == ()


def test_a_failing_builder_leaves_nothing_behind(spool: Spool) -> None:
    def broken(seq: int) -> Hit:
        raise RuntimeError("no hit")

    with pytest.raises(RuntimeError, match="no hit"):
        spool.add([read_with(picture_bytes(1)), broken], by_digest(picture_bytes(1)))
    assert spool.counts() == Counts(0, 0, 0, 0, 0, 0)
    (record,) = spool.add([malfunction], {})
    assert record.seq == 1


@pytest.mark.parametrize(
    ("builder", "pictures", "sentence"),
    [
        (lambda seq: malfunction(seq + 1), {}, "sequence 2 was given for sequence 1"),
        (lambda seq: read(seq, unit="car-8"), {}, "boston-pd/car-8"),
        (read_with(picture_bytes(1)), {}, "named by a record, its bytes are missing"),
        (malfunction, by_digest(picture_bytes(1)), "nobody names it"),
        (read_with(picture_bytes(1)), {sha256(picture_bytes(1)): b"x"}, "another digest"),
        (read_with(b""), by_digest(b""), "0 bytes, between 1 and"),
        (malfunction, by_digest(bytes(MAX_PICTURE_BYTES + 1)), "4194305 bytes"),
        (lambda seq: read(seq, confidence=2.0), {}, r"cannot be stored: record: .*confidence"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_stored(
    spool: Spool, builder: Callable[[int], Hit], pictures: dict[str, bytes], sentence: str
) -> None:
    with pytest.raises(SpoolError, match=sentence):
        spool.add([malfunction, builder] if "sequence 2" not in sentence else [builder], pictures)
    assert spool.counts() == Counts(0, 0, 0, 0, 0, 0)


def test_a_full_disk_is_said_plainly_and_receipts_still_free_the_spool(
    open_spool: OpenSpool,
) -> None:
    free = [100_000]
    spool = open_spool(free_bytes=lambda: free[0], reserve_bytes=5_000)
    spool.add([malfunction], {})
    batch = spool.seal(UNIT_KEY)
    assert batch is not None
    free[0] = 4_999
    with pytest.raises(SpoolError, match=r"MiB free, .*spool.reserve_bytes.*nothing was stored"):
        spool.add([malfunction], {})
    assert spool.counts().spooled == 1
    assert spool.acknowledge(receipt(1, batch.root)).records_purged == 1
    free[0] = 100_000
    (record,) = spool.add([malfunction], {})
    assert record.seq == 2


def test_a_second_daemon_is_refused_until_the_first_is_gone(open_spool: OpenSpool) -> None:
    first = open_spool()
    with pytest.raises(SpoolError, match="another daemon is using this spool"):
        open_spool()
    first.close()
    open_spool()


def test_a_closed_spool_says_so(spool: Spool) -> None:
    spool.close()
    spool.close()
    with pytest.raises(SpoolError, match="the spool is closed"):
        spool.counts()


@pytest.mark.parametrize("changes", [{"unit": "car-8"}, {"agency": "cambridge-pd"}])
def test_another_units_spool_is_refused(open_spool: OpenSpool, changes: dict[str, str]) -> None:
    open_spool().close()
    with pytest.raises(SpoolError, match=f"belongs to unit {UNIT} of agency {AGENCY}"):
        open_spool(**changes)


def test_another_key_is_refused(open_spool: OpenSpool) -> None:
    open_spool().close()
    with pytest.raises(SpoolError, match=r"written with another key: restore the spool\.key"):
        open_spool(spool_key=b"x" * 32)


@pytest.mark.policy("M-C7")
def test_no_plate_and_no_picture_lies_readable_on_the_disk(tmp_path: Path, spool: Spool) -> None:
    content = picture_bytes(1)
    plate, hit = spool.add(read_and_hit(content), by_digest(content))
    assert PLATE.encode() in encode_record(plate)
    spool.seal(UNIT_KEY)
    for path in sorted((tmp_path / "spool").iterdir()):
        data = path.read_bytes()
        for secret in (PLATE.encode(), content[:16], b'"plate"', b"camera", str(hit.id).encode()):
            assert secret not in data, path.name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700


def _large_read(seq: int) -> Read:
    alternatives = tuple(
        Alternative(char=char, probability=1 / 3) for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    )
    characters = (Character(alternatives=alternatives),) * 12
    return read(seq, plate="ABCDEF123456", characters=characters)


def test_a_place_may_have_a_name_that_is_no_text(open_spool: OpenSpool) -> None:
    name = b"a\xe9.jpg".decode("utf-8", "surrogateescape")
    spool = open_spool()
    spool.add([malfunction], {}, Place("folder", name))
    assert spool.place_in("folder") == name
