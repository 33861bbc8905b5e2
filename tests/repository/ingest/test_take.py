"""What becomes of each kind of message: kept, known already, or set aside with a reason."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import UNSET
from sqlalchemy import Engine, insert

from edge.contract import batch as b
from edge.contract import records as r
from edge.contract.status import Trouble, UnitHealth
from repository.ingest.aside import PART_BODY_BYTES
from repository.ingest.take import Ingest
from repository.store.engine import DatabaseUnavailableError, reading
from repository.store.pictures import PictureStore
from repository.store.tables.fleet import unit_status
from repository.store.tables.reads import (
    batches,
    hits,
    picture_keys,
    pictures,
    quarantine,
    reads,
    unit_records,
)
from repository.units import enrolment
from tests.repository.ingest.conftest import NOW, Clock
from tests.repository.ingest.taking import SEEN, count, one, receipt
from tests.repository.picture_files import picture_file
from tests.repository.sender import AGENCY, PICTURE, Sender, altered

DIGEST = hashlib.sha256(PICTURE).hexdigest()


def test_a_batch_is_kept_as_signed_and_receipted(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    read = sender.read(SEEN, plate="1O0BC8", pictures=[PICTURE])
    hit = sender.hit(SEEN, read.id)
    check = sender.shift_check(SEEN)
    message = sender.message(read, hit, check)

    taken = ingest.take(sender.topic(), message)

    assert (taken.outcome, taken.records_kept) == ("committed", 3)
    answer = receipt(taken, repository_key)
    assert answer.message == b.message_digest(message)
    assert (answer.committed_through, answer.chain_root) == (3, sender.previous_root)
    assert answer.refused == ()
    assert (answer.missing_pictures, answer.held_pictures) == ((DIGEST,), ())
    row = one(engine, reads)
    assert row.record == r.encode_record(read)
    assert row.plate == "1O0BC8"
    assert row.captured_at == SEEN
    assert row.captured_at.tzinfo is not None
    assert (row.latitude_deg, row.longitude_deg, row.site) == (42.3, -72.6, None)
    assert one(engine, hits).read_id == read.id
    assert one(engine, unit_records).type == "shift_check"
    stored = one(engine, batches)
    assert stored.record_digests == b"".join(
        r.record_digest(r.encode_record(each)) for each in (read, hit, check)
    )


def test_the_folded_plate_is_that_of_the_shipped_table(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    ingest.take(sender.topic(), sender.message(sender.read(SEEN, plate="1O0BC8")))
    row = one(engine, reads)
    assert row.plate_folded == ingest.fold("1O0BC8") == ingest.fold("I0O8CB")
    assert row.plate_folded != ingest.fold("1O0BC9")


def test_every_message_delivered_twice_changes_nothing_the_second_time(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    first = sender.read(SEEN, pictures=[PICTURE])
    hit = sender.hit(SEEN, first.id)
    whole = sender.message(first, hit)
    third, fourth = sender.read(SEEN), sender.read(SEEN)
    partly = sender.message(third, altered(fourth, plate=None))
    messages = [
        (sender.topic("hits"), sender.notice(hit)),
        (sender.topic(), whole),
        (sender.topic("picture", DIGEST), PICTURE),
        (sender.topic(), partly),
        (sender.topic(), b"not JSON"),
    ]
    for topic, body in messages:
        once, again = (receipt(ingest.take(topic, body), repository_key) for _ in range(2))
        assert replace_moment(once) == replace_moment(again)
    tables = (reads, hits, pictures, quarantine, batches)
    assert [count(engine, table) for table in tables] == [2, 1, 1, 2, 2]


def replace_moment(answer: b.Receipt) -> b.Receipt:
    return msgspec.structs.replace(answer, issued_at=NOW, signature="0" * 128)


def test_another_batch_in_the_place_of_a_committed_one_is_never_called_committed(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    ingest.take(sender.topic(), sender.message(sender.read(SEEN), sender.read(SEEN)))
    reborn = Sender(key=sender.key)  # its spool was lost: it begins again at 1 with new reads

    taken = ingest.take(reborn.topic(), reborn.message(reborn.read(SEEN), reborn.read(SEEN)))

    assert (taken.outcome, taken.reason) == ("refused", "out_of_chain")
    answer = receipt(taken, repository_key)
    assert answer.chain_root == sender.previous_root != reborn.previous_root
    assert count(engine, reads) == 2


def wrong_unit_in_message(sender: Sender) -> tuple[str, bytes]:
    other = Sender(unit="car-13", key=sender.key)
    return sender.topic(), other.message(other.read(SEEN))


def other_units_key(sender: Sender) -> tuple[str, bytes]:
    impostor = Sender()
    return sender.topic(), impostor.message(impostor.read(SEEN))


def signature_over_other_records(sender: Sender) -> tuple[str, bytes]:
    good = Sender(key=sender.key)
    batch = good.seal(good.read(SEEN))
    other = r.encode_record(Sender().read(SEEN))
    return sender.topic(), b.encode_message(
        msgspec.structs.replace(batch, records=(msgspec.Raw(other),))
    )


def flipped_byte_in_the_root(sender: Sender) -> tuple[str, bytes]:
    good = Sender(key=sender.key)
    batch = good.seal(good.read(SEEN))
    changed = ("0" if batch.root[0] != "0" else "1") + batch.root[1:]
    return sender.topic(), b.encode_message(msgspec.structs.replace(batch, root=changed))


def other_previous_root(sender: Sender) -> tuple[str, bytes]:
    fork = Sender(key=sender.key, previous_root="ab" * 32)
    return sender.topic(), fork.message(fork.read(SEEN))


def unknown_field(sender: Sender) -> tuple[str, bytes]:
    good = Sender(key=sender.key)
    message = msgspec.json.decode(good.message(good.read(SEEN)))
    return sender.topic(), msgspec.json.encode({**message, "extra": 1})


REFUSED_WHOLE = [
    (wrong_unit_in_message, "wrong_unit"),
    (other_units_key, "bad_signature"),
    (signature_over_other_records, "bad_root"),
    (flipped_byte_in_the_root, "bad_signature"),
    (other_previous_root, "out_of_chain"),
    (unknown_field, "malformed"),
    (lambda sender: (sender.topic(), b""), "empty"),
    (lambda sender: (sender.topic(), b"x" * 10_000_000), "too_large"),
    (lambda sender: (sender.topic("hits"), b"{}"), "malformed"),
    (lambda sender: (sender.topic("status"), b"{}"), "malformed"),
    (lambda sender: (sender.topic("picture", DIGEST), b"another"), "wrong_picture"),
    (lambda sender: (sender.topic("picture", DIGEST), PICTURE), "unknown_picture"),
    (lambda sender: (sender.topic("receipt"), b"{}"), "malformed"),
    (lambda sender: (Sender(unit="car-99").topic(), b"{}"), "malformed"),
    (lambda sender: (f"alpr/1/{AGENCY}/UPPER/records", b"{}"), "malformed"),
]


@pytest.mark.parametrize(("make", "reason"), REFUSED_WHOLE)
def test_a_refused_message_lies_in_quarantine_and_the_next_good_one_goes_through(
    make: Any,
    reason: str,
    ingest: Ingest,
    sender: Sender,
    engine: Engine,
    repository_key: Ed25519PrivateKey,
) -> None:
    topic, body = make(sender)

    taken = ingest.take(topic, body)

    assert (taken.outcome, taken.reason) == ("refused", reason)
    row = one(engine, quarantine)
    assert (row.reason, row.size_bytes) == (reason, len(body))
    assert row.sha256 == hashlib.sha256(body).hexdigest()
    kept = body if len(body) < PART_BODY_BYTES else body[:PART_BODY_BYTES]
    assert row.body == (b"" if "/picture/" in topic else kept)
    if taken.reply is not None:
        answer = receipt(taken, repository_key)
        assert [each.reason for each in answer.refused] == [reason]
        assert answer.committed_through == 0
    good = ingest.take(sender.topic(), sender.message(sender.read(SEEN)))
    assert good.outcome == "committed"
    assert receipt(good, repository_key).committed_through == 1


def test_units_that_are_not_enrolled_or_no_longer_are_refused(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    stranger = Sender(unit="car-99")
    taken = ingest.take(stranger.topic(), stranger.message(stranger.read(SEEN)))
    assert receipt(taken, repository_key).refused[0].reason == "unknown_unit"

    with engine.begin() as connection:
        enrolment.revoke_unit(connection, agency=AGENCY, name="car-12", now=NOW)
    taken = ingest.take(sender.topic(), sender.message(sender.read(SEEN)))
    assert receipt(taken, repository_key).refused[0].reason == "unknown_unit"
    assert count(engine, reads) == 0


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"plate": None}, "incomplete", "plate"),
        ({"plate": ""}, "incomplete", "plate"),
        ({"position": None}, "incomplete", "position"),
        ({"camera": None}, "incomplete", "camera"),
        ({"captured_at": None}, "incomplete", "captured_at"),
        ({"agency": None}, "incomplete", "agency"),
        ({"unit": None}, "incomplete", "unit"),
        ({"unit": "car-13"}, "wrong_unit", "unit"),
        ({"agency": "other"}, "wrong_unit", "agency"),
        ({"seq": 9}, "out_of_chain", "seq"),
        ({"confidence": 2}, "malformed", "confidence"),
        ({"new": 1}, "malformed", "new"),
        ({"v": 2}, "malformed", "v"),
    ],
)
@pytest.mark.policy("G-15")
def test_a_record_that_will_not_do_is_refused_alone_with_the_fields_name(
    change: dict[str, Any],
    reason: str,
    field: str,
    ingest: Ingest,
    sender: Sender,
    engine: Engine,
    repository_key: Ed25519PrivateKey,
) -> None:
    before, wrong, after = (sender.read(SEEN) for _ in range(3))
    bad = altered(wrong, **change)

    taken = ingest.take(sender.topic(), sender.message(before, bad, after))

    answer = receipt(taken, repository_key)
    assert (answer.committed_through, count(engine, reads)) == (3, 2)
    assert [(each.seq, each.reason) for each in answer.refused] == [(2, reason)]
    assert field in answer.refused[0].detail
    row = one(engine, quarantine)
    assert (row.seq, row.body) == (2, bad)


def test_an_id_used_twice_for_different_records_loses_neither_unseen(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    first = sender.read(SEEN)
    ingest.take(sender.topic(), sender.message(first))
    twin = msgspec.structs.replace(sender.read(SEEN), id=first.id)
    other = sender.read(SEEN)
    again = msgspec.structs.replace(sender.read(SEEN), id=other.id)
    answer = receipt(
        ingest.take(sender.topic(), sender.message(twin, other, again)), repository_key
    )
    assert [(each.seq, each.reason) for each in answer.refused] == [
        (2, "malformed"),
        (4, "malformed"),
    ]
    assert (count(engine, reads), count(engine, quarantine)) == (2, 2)


def test_a_hit_is_kept_at_once_and_its_batch_brings_it_again(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    read = sender.read(SEEN)
    hit = sender.hit(SEEN, read.id)
    taken = ingest.take(sender.topic("hits"), sender.notice(hit))
    assert receipt(taken, repository_key).committed_through == 0
    assert one(engine, hits).hit_id == hit.id
    answer = receipt(ingest.take(sender.topic(), sender.message(read, hit)), repository_key)
    assert (answer.committed_through, answer.refused) == (2, ())
    assert count(engine, hits) == 1


def test_a_notice_signed_by_another_unit_or_of_no_hit_is_refused(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    impostor = Sender()
    hit = impostor.hit(SEEN, impostor.read(SEEN).id)
    assert ingest.take(sender.topic("hits"), impostor.notice(hit)).reason == "bad_signature"
    read = Sender(key=sender.key).read(SEEN)
    assert ingest.take(sender.topic("hits"), sender.notice(read)).reason == "malformed"  # type: ignore[arg-type]
    assert count(engine, hits) == 0


def test_a_picture_is_kept_encrypted_under_the_day_of_its_read(
    ingest: Ingest,
    sender: Sender,
    engine: Engine,
    pictures: PictureStore,
    repository_key: Ed25519PrivateKey,
) -> None:
    just_before_midnight = datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)
    first = sender.read(just_before_midnight, pictures=[PICTURE])
    second = sender.read(SEEN, pictures=[PICTURE])
    ingest.take(sender.topic(), sender.message(first, second))

    answer = receipt(ingest.take(sender.topic("picture", DIGEST), PICTURE), repository_key)

    assert answer.held_pictures == (DIGEST,)
    for day in (just_before_midnight.date(), SEEN.date()):
        assert PICTURE not in picture_file(pictures, day, DIGEST).read_bytes()
        with reading(engine) as connection:
            assert pictures.get(connection, day, DIGEST) == PICTURE
    later = receipt(ingest.take(sender.topic(), sender.message(sender.read(SEEN))), repository_key)
    assert later.missing_pictures == ()


def test_another_units_picture_is_not_taken_for_ones_own(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    other = Sender(unit="car-13")
    other.enrol(engine, NOW)
    ingest.take(sender.topic(), sender.message(sender.read(SEEN, pictures=[PICTURE])))
    assert ingest.take(other.topic("picture", DIGEST), PICTURE).reason == "unknown_picture"


def test_missing_pictures_of_earlier_batches_are_asked_for_again(
    ingest: Ingest, sender: Sender, repository_key: Ed25519PrivateKey
) -> None:
    ingest.take(sender.topic(), sender.message(sender.read(SEEN, pictures=[PICTURE])))
    later = sender.message(sender.read(SEEN, pictures=[b"second"]))
    answer = receipt(ingest.take(sender.topic(), later), repository_key)
    assert answer.missing_pictures == (hashlib.sha256(b"second").hexdigest(), DIGEST)


def test_the_last_status_of_a_unit_is_kept(
    ingest: Ingest, sender: Sender, engine: Engine, clock: Clock
) -> None:
    for state, waiting in (("online", 5), ("offline", 7)):
        status = b.UnitStatus(
            agency=AGENCY,
            unit="car-12",
            state=state,  # type: ignore[arg-type]
            at=NOW,
            software="edge\0 1.0",
            waiting_records=waiting,
        )
        assert ingest.take(sender.topic("status"), b.encode_message(status)).reply is None
    row = one(engine, unit_status)
    assert (row.state, row.waiting_records, row.at) == ("offline", 7, NOW)


HEALTH = UnitHealth(
    started_at=NOW,
    troubles=(Trouble(part="gps", sentence="gps: no sentence", since=NOW),),
    counters={"reads": 7},
    hotlists=(r.ListInUse(name="stolen", version="7", issued_at=NOW, entries=3, stale=False),),
    clock=r.Clock(source="unset", error_ms=None),
)


def test_health_stays_known_through_a_last_will_and_the_same_word_is_no_sign_of_life(
    ingest: Ingest, sender: Sender, engine: Engine, clock: Clock
) -> None:
    def say(state: Literal["online", "offline"], seconds: int, health: Any = UNSET) -> Any:
        status = b.UnitStatus(
            agency=AGENCY,
            unit="car-12",
            state=state,
            at=NOW + timedelta(seconds=seconds),
            software="edge 1.0",
            waiting_records=seconds,
            health=health,
        )
        ingest.take(sender.topic("status"), b.encode_message(status))
        with reading(engine) as connection:
            return enrolment.list_units(connection)[0]

    said = say("online", 1, HEALTH)
    assert msgspec.convert(said.health, UnitHealth) == HEALTH
    clock.now += timedelta(hours=1)
    assert say("online", 1, HEALTH).heard_at == said.heard_at  # what the broker retained
    gone = say("offline", 2)
    assert (gone.state, gone.health, gone.health_at) == ("offline", said.health, said.health_at)
    assert gone.heard_at == said.heard_at + timedelta(hours=1)
    old = say("online", 3)  # software of before, which says nothing of it
    assert (old.health, old.health_at) == (None, None)


def test_text_that_a_database_cannot_hold_stops_nothing(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    site = r.FixedSite(site="gate\0 4", latitude_deg=1.0, longitude_deg=2.0, accuracy_m=None)
    read = sender.read(SEEN, position=site)
    ingest.take(sender.topic(), sender.message(read))
    row = one(engine, reads)
    assert (row.site, row.record) == ("gate 4", r.encode_record(read))


def test_nothing_is_answered_that_is_not_committed(
    ingest: Ingest, sender: Sender, engine: Engine, tmp_path: Any
) -> None:
    class Full(PictureStore):
        def put(self, *arguments: Any) -> None:
            super().put(*arguments)
            raise DatabaseUnavailableError("gone")

    ingest.take(sender.topic(), sender.message(sender.read(SEEN, pictures=[PICTURE])))
    broken = replace(
        ingest,
        pictures=Full(
            ingest.pictures.place, ingest.pictures.master_key, ingest.pictures.random_bytes
        ),
    )
    topic = sender.topic("picture", DIGEST)
    with pytest.raises(DatabaseUnavailableError):
        broken.take(topic, PICTURE)
    assert one(engine, pictures).stored_at is None
    # What the failed attempt left on disk is under a key that was never kept.
    assert ingest.take(topic, PICTURE).outcome == "committed"
    with reading(engine) as connection:
        assert ingest.pictures.get(connection, SEEN.date(), DIGEST) == PICTURE


def test_a_days_key_that_does_not_open_costs_its_pictures_and_nothing_else(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    yesterday = SEEN - timedelta(days=1)
    good, bad = sender.read(yesterday, pictures=[b"good"]), sender.read(SEEN, pictures=[PICTURE])
    ingest.take(sender.topic(), sender.message(good, bad))
    row = {"day": SEEN.date(), "wrapped_key": bytes(60), "created_at": NOW}
    with engine.begin() as connection:
        connection.execute(insert(picture_keys).values(row))

    taken = ingest.take(sender.topic("picture", DIGEST), PICTURE)

    assert taken.reason == "malformed"
    assert receipt(taken, repository_key).held_pictures == ()
    assert one(engine, quarantine).body == b""
    digest = good.pictures[0].sha256
    assert ingest.take(sender.topic("picture", digest), b"good").outcome == "committed"
