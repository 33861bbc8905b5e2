"""What is older than it may be kept, or of a time to come: refused, and its bytes are not kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from edge.contract import batch as b
from edge.contract import records as r
from repository.ingest.take import Ingest
from repository.retention import purge, watermarks
from repository.retention.duties import Bound
from repository.store.tables.reads import (
    quarantine,
    reads,
)
from tests.repository.ingest.conftest import NOW
from tests.repository.ingest.taking import SEEN, count, one, receipt
from tests.repository.sender import AGENCY, Sender, altered


def test_what_is_older_than_reads_are_kept_is_refused_and_its_bytes_are_not_kept(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    last_year = NOW.replace(year=NOW.year - 1)
    old, kept = sender.read(last_year - timedelta(microseconds=1000)), sender.read(last_year)
    kept = sender_again(sender, kept, last_year + timedelta(milliseconds=1))

    answer = receipt(ingest.take(sender.topic(), sender.message(old, kept)), repository_key)

    assert [(each.seq, each.reason) for each in answer.refused] == [(1, "too_old")]
    row = one(engine, quarantine)
    assert (row.body, row.size_bytes) == (b"", len(r.encode_record(old)))
    assert count(engine, reads) == 1


def other_clock(record: r.Read) -> r.Read:
    """The read as a unit makes it that has had no trustworthy time since it started."""
    return msgspec.structs.replace(record, clock=r.Clock(source="unset", error_ms=None))


def test_what_a_unit_without_the_time_calls_old_is_set_aside_whole(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    read = other_clock(sender.read(datetime(1999, 12, 31, tzinfo=UTC)))
    answer = receipt(ingest.take(sender.topic(), sender.message(read)), repository_key)
    assert [each.reason for each in answer.refused] == ["too_old"]
    row = one(engine, quarantine)
    assert row.body == r.encode_record(read)
    assert row.captured_at is None  # ages by the day on which it came
    assert (
        purge.run(
            engine,
            ingest.pictures,
            ingest.load_duties,
            now=NOW,
        ).certificates
        == ()
    )


EXPIRED = NOW.replace(year=NOW.year - 1) - timedelta(milliseconds=1)


def batch_out_of_chain(sender: Sender) -> tuple[str, bytes]:
    fork = Sender(key=sender.key, previous_root="ab" * 32)
    return sender.topic(), fork.message(fork.read(SEEN), fork.read(EXPIRED))


def batch_of_another_key(sender: Sender) -> tuple[str, bytes]:
    impostor = Sender()
    return sender.topic(), impostor.message(impostor.read(EXPIRED))


def batch_of_a_unit_nobody_knows(_sender: Sender) -> tuple[str, bytes]:
    stranger = Sender(unit="car-99")
    return stranger.topic(), stranger.message(stranger.read(EXPIRED))


def batch_of_another_form(sender: Sender) -> tuple[str, bytes]:
    topic, body = batch_out_of_chain(sender)
    return topic, msgspec.json.encode({**msgspec.json.decode(body), "extra": 1})


def batch_on_no_units_topic(sender: Sender) -> tuple[str, bytes]:
    return f"alpr/1/{AGENCY}/UPPER/records", batch_out_of_chain(sender)[1]


def batch_too_large(sender: Sender) -> tuple[str, bytes]:
    topic, body = batch_out_of_chain(sender)
    return topic, body[:-1] + b" " * b.MAX_MESSAGE_BYTES + body[-1:]


def notice_of_an_expired_hit(sender: Sender) -> tuple[str, bytes]:
    return sender.topic("hits"), sender.notice(sender.hit(EXPIRED, sender.read(EXPIRED).id))


def batch_with_an_expired_record_of_another_form(sender: Sender) -> tuple[str, bytes]:
    return sender.topic(), sender.message(altered(sender.read(EXPIRED), new=1))


@pytest.mark.parametrize(
    "make",
    [
        batch_out_of_chain,
        batch_of_another_key,
        batch_of_a_unit_nobody_knows,
        batch_of_another_form,
        batch_on_no_units_topic,
        batch_too_large,
        notice_of_an_expired_hit,
        batch_with_an_expired_record_of_another_form,
    ],
)
@pytest.mark.policy("C-7b")
def test_nothing_that_has_expired_comes_back_through_quarantine(
    make: Any, ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    topic, body = make(sender)
    ingest.take(topic, body)
    row = one(engine, quarantine)
    assert (row.body, row.captured_at) == (b"", EXPIRED)


def test_what_is_set_aside_goes_with_the_oldest_read_in_it(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    fork = Sender(key=sender.key, previous_root="ab" * 32)
    body = fork.message(fork.read(NOW), fork.read(SEEN))
    ingest.take(sender.topic(), body)
    row = one(engine, quarantine)
    assert (row.body, row.captured_at) == (body, SEEN)


def sender_again(sender: Sender, read: r.Read, captured_at: datetime) -> r.Read:
    sender.seq -= 1
    return sender.read(captured_at)


def test_what_is_older_than_the_watermark_is_refused_even_if_the_clock_went_back(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    with engine.begin() as connection:
        watermarks.advance(connection, [Bound(1, hit, SEEN) for hit in (False, True)])
    purged, kept = sender.read(SEEN - timedelta(milliseconds=1)), sender.read(SEEN)
    answer = receipt(ingest.take(sender.topic(), sender.message(purged, kept)), repository_key)
    assert [(each.seq, each.reason) for each in answer.refused] == [(1, "too_old")]
    assert count(engine, reads) == 1


def test_what_is_more_than_a_day_ahead_is_refused(
    ingest: Ingest, sender: Sender, repository_key: Ed25519PrivateKey
) -> None:
    nearly, far = (
        sender.read(NOW + timedelta(days=1)),
        sender.read(NOW + timedelta(days=1, milliseconds=1)),
    )
    answer = receipt(ingest.take(sender.topic(), sender.message(nearly, far)), repository_key)
    assert [(each.seq, each.reason) for each in answer.refused] == [(2, "in_future")]
