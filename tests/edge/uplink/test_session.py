"""The conversation by itself: what is sent when, what is sent again, and what a receipt may do."""

from __future__ import annotations

from itertools import islice

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.contract.batch import encode_message, message_digest
from edge.spool.pictures import Standing
from edge.uplink.messages import (
    Acknowledge,
    Allowed,
    MarkHitSent,
    OutgoingBatch,
    Pace,
    Publish,
    Refused,
    Room,
    Subscribe,
)
from edge.uplink.session import LOST_WITH_LINKS
from tests.edge.spool.samples import AGENCY, UNIT, receipt
from tests.edge.uplink.sessions import (
    CLOSED,
    HITS,
    PACE,
    RECORDS,
    TIGHT,
    answer,
    batch,
    hit,
    later,
    new_session,
    picture,
    plain_session,
    refuse,
    send,
    texts,
)


def test_nothing_is_asked_for_or_sent_before_the_broker_accepts() -> None:
    session = new_session()
    assert session.room(0) == Room()
    assert send(session, [hit(1), batch(1)], 0) == []
    assert session.next_due(0) is None
    first, *rest = session.connected(1)
    assert first == Subscribe(f"alpr/1/{AGENCY}/{UNIT}/receipt")
    assert texts(rest) == ["hit 1", "batch 1"]


def test_hits_go_before_the_backlog_and_pictures_after() -> None:
    session = new_session()
    session.connected(0)
    session.offer([picture(1), batch(1), batch(2), hit(2)], 0)
    topics = [action.topic for action in session.tick(0) if isinstance(action, Publish)]
    pictures = f"alpr/1/{AGENCY}/{UNIT}/picture/{picture(1).sha256}"
    assert topics == [HITS, RECORDS, RECORDS, pictures]


def test_the_window_is_kept_and_refilled_by_receipts() -> None:
    session = new_session()
    session.connected(0)
    assert session.room(0).batches == 3
    assert send(session, [batch(1), batch(2), batch(3)], 0) == ["batch 1", "batch 2", "batch 3"]
    assert (session.room(0).batches, session.room(0).batches_after) == (0, 3)
    assert answer(session, receipt(2, "a" * 64), 1, through=2) == []
    assert (session.room(1).batches, session.room(1).batches_after) == (2, 3)
    assert send(session, [batch(3)], 1) == []  # it is under way


def test_after_a_silence_the_first_batch_alone_goes_again_ever_less_often() -> None:
    session = new_session()
    session.connected(0)
    send(session, [batch(1), batch(2)], 0)
    sent_at = []
    now = 0.0
    for _ in range(6):
        due = session.next_due(now)
        assert due is not None
        assert session.tick(due - 0.001) == []
        assert texts(session.tick(due)) == ["batch 1"]
        sent_at.append(due - now)
        now = due
    assert sent_at == [5, 10, 20, 40, 40, 40]
    assert texts(answer(session, receipt(1, "a" * 64), now, through=1)) == ["batch 2"]
    assert session.next_due(now) == now + 5


def test_a_new_connection_sends_everything_under_way_at_once() -> None:
    session = new_session()
    session.connected(0)
    send(session, [hit(1), batch(1), batch(2), picture(1)], 0)
    session.disconnected(1)
    assert session.tick(1) == []
    again = texts(session.connected(2))  # long before any silence is over
    assert again == ["hit 1", "batch 1", "batch 2", "0000000001"]
    assert session.counts.sent_again == 4


def test_a_hit_is_settled_by_its_own_receipt_or_by_its_records() -> None:
    session = new_session()
    session.connected(0)
    send(session, [hit(1), hit(2)], 0)
    assert session.room(0).hits == 0
    word = receipt(0, "0" * 64, message=message_digest(hit(1).payload))
    assert answer(session, word, 1) == [MarkHitSent(1)]
    assert answer(session, word, 1) == []
    assert session.room(1).skip_hits == {2}
    answer(session, receipt(2, "a" * 64), 2, through=2)
    assert session.room(2).hits == 2


def test_a_refused_batch_is_reported_once_and_tried_again_after_long() -> None:
    session = new_session()
    session.connected(0)
    send(session, [batch(1), batch(2)], 0)
    word = refuse(batch(1), "bad_signature")
    report = Refused("records", "bad_signature", "so it is", 1, 1)
    assert answer(session, word, 1) == [report]
    assert answer(session, word, 1) == []
    assert answer(session, refuse(batch(2), "out_of_chain"), 1) == []
    assert session.next_due(1) == 601
    session.disconnected(1)
    assert texts(session.connected(2)) == []  # a new connection mends nothing
    assert texts(session.tick(601)) == ["batch 1"]
    assert texts(answer(session, receipt(1, "a" * 64), 602, through=1)) == ["batch 2"]
    assert session.counts.messages_refused == 1


def test_a_batch_that_overtook_the_one_before_is_no_refusal() -> None:
    session = new_session()
    session.connected(0)
    send(session, [batch(1), batch(2)], 0)
    early = refuse(batch(2), "out_of_chain")
    assert answer(session, early, 1) == []
    accepted = later(receipt(1, "a" * 64), 1)
    through_one = {"on_chain": True, "receipted_through": 1}
    assert texts(session.acknowledged(accepted, now=2, **through_one)) == ["batch 2"]
    # The same word once more, from before the receipt that settled it.
    assert session.acknowledged(early, now=3, **through_one) == []
    assert session.next_due(3) == 2 + 5


def test_refused_hits_and_pictures_make_room_for_others() -> None:
    session = new_session()
    session.connected(0)
    send(session, [hit(1), picture(1)], 0)
    assert answer(session, refuse(hit(1), "unknown_unit"), 1) == [
        Refused("hits", "unknown_unit", "so it is", 1, 1)
    ]
    assert answer(session, refuse(picture(1), "wrong_picture"), 1) == [
        Refused("picture", "wrong_picture", "so it is", picture=picture(1).sha256)
    ]
    room = session.room(100)
    assert (room.hits, room.skip_hits) == (2, {1})
    assert (room.pictures, room.skip_pictures) == (2, {picture(1).sha256})
    assert session.next_due(100) == 601
    room = session.room(601)
    assert (room.skip_hits, room.skip_pictures) == (frozenset(), frozenset())


def test_a_picture_named_as_missing_is_tried_before_its_time() -> None:
    session = new_session()
    session.connected(0)
    send(session, [picture(1)], 0)
    answer(session, refuse(picture(1), "unknown_picture"), 1)
    answer(session, receipt(0, "0" * 64, missing=[picture(1).sha256]), 2)
    assert session.room(2).skip_pictures == frozenset()


def test_pictures_go_again_until_held() -> None:
    session = new_session()
    session.connected(0)
    assert send(session, [picture(1)], 0) == ["0000000001"]
    assert texts(session.tick(4.9)) == []
    assert texts(session.tick(5.0)) == ["0000000001"]
    assert texts(session.tick(14.9)) == []  # the second silence is twice the first
    assert texts(session.tick(15.0)) == ["0000000001"]
    answer(session, receipt(0, "0" * 64, held=[picture(1).sha256]), 16)
    assert session.room(16).pictures == 2
    assert session.next_due(16) is None
    assert session.counts.pictures_held == 1


def test_a_receipt_off_the_chain_settles_no_record_and_no_picture() -> None:
    session = new_session()
    session.connected(0)
    send(session, [batch(1), picture(1)], 0)
    word = receipt(9, "f" * 64, held=[picture(1).sha256])
    session.acknowledged(word, on_chain=False, receipted_through=0, now=1)
    assert session.counts.receipts_off_chain == 1
    assert sorted(texts(session.tick(5))) == ["0000000001", "batch 1"]


@pytest.mark.parametrize(
    ("payload", "counter"),
    [
        (b"", "receipts_malformed"),
        (b"{}", "receipts_malformed"),
        (b"\xff" * 100, "receipts_malformed"),
        (b" " * (2 * 1024 * 1024), "receipts_malformed"),
        (encode_message(receipt(1, "a" * 64, unit="car-8")), "receipts_of_others"),
        (
            encode_message(
                receipt(1, "a" * 64, key=Ed25519PrivateKey.from_private_bytes(b"x" * 32))
            ),
            "receipts_forged",
        ),
        (
            encode_message(receipt(1, "a" * 64)).replace(b'through":1', b'through":2'),
            "receipts_forged",
        ),
    ],
)
def test_what_is_no_receipt_for_this_unit_does_nothing_but_count(
    payload: bytes, counter: str
) -> None:
    session = new_session()
    session.connected(0)
    send(session, [batch(1)], 0)
    assert session.received(payload) == []
    assert getattr(session.counts, counter) == 1
    assert session.counts.receipts == 0
    assert session.room(0).batches_after == 1


def test_a_backlog_keeps_to_its_rate_and_hits_do_not_wait_for_it() -> None:
    session = plain_session(TIGHT)
    session.connected(0)
    sent: list[tuple[float, str]] = []
    now, last = 0.0, 0
    session.offer([batch(1), batch(2), batch(3)], now)
    while last < 30:
        for action in session.tick(now):
            if isinstance(action, Publish):
                sent.append((now, action.payload.decode()))
                session.taken(action.digest, now)
        done = [int(text.split()[1]) for _, text in sent if text.startswith("batch")]
        if done and done[-1] > last:
            last = done[-1]
            answer(session, receipt(last, "a" * 64), now, through=last)
            session.offer([batch(last + 1), batch(last + 2), batch(last + 3)], now)
        now = max(now, session.next_due(now) or now)
    assert send(session, [hit(99)], now) == ["hit 99"]
    spent = sum(len(text) for _, text in sent)
    assert spent <= 20 + 5 * now + len("batch 30")
    assert spent >= 5 * now  # and it is not slower than it may be


def test_pictures_leave_room_for_records() -> None:
    session = plain_session(TIGHT)
    session.connected(0)
    assert session.room(0).pictures == 2
    assert send(session, [batch(1), batch(2), picture(1)], 0) == ["batch 1", "batch 2"]
    assert session.room(0).pictures == 0
    due = session.next_due(0)
    assert due == pytest.approx((10 - 6) / 5)  # half the bucket, of which six bytes are left
    assert texts(session.tick(due)) == ["0000000001"]
    assert send(session, [batch(3)], due) == []  # two batches and a picture fill the window


def test_the_window_opens_as_the_broker_takes_messages() -> None:
    session = plain_session(TIGHT)
    session.connected(0)
    wide = [OutgoingBatch(seq, seq, b"%020d" % seq) for seq in (1, 2)]
    session.offer(wide, 0)
    (first,) = session.tick(0)
    assert isinstance(first, Publish)
    assert session.tick(15) == []  # the bucket is full again, the window still is
    session.taken(first.digest, 15)
    assert len(session.tick(15)) == 1


def test_a_message_is_not_sent_again_before_the_broker_has_taken_it() -> None:
    session = plain_session(PACE)
    session.connected(0)
    session.offer([hit(1), batch(1), picture(1)], 0)
    first = [action for action in session.tick(0) if isinstance(action, Publish)]
    assert len(first) == 3
    assert session.tick(59) == []
    assert not session.stalled(59)
    for action in first:
        session.taken(action.digest, 59)
    assert session.tick(63.9) == []
    assert len(session.tick(64)) == 3


def test_a_receipt_that_settles_nothing_shows_that_its_message_was_taken() -> None:
    session = plain_session(PACE)
    session.connected(0)
    send(session, [batch(1)], 0)
    word = receipt(0, "0" * 64, message=message_digest(batch(1).payload))
    assert session.received(encode_message(word)) == [Acknowledge(word)]
    session.acknowledged(word, on_chain=False, receipted_through=0, now=1)
    assert not session.stalled(1000)
    assert texts(session.tick(6)) == ["batch 1"]


def test_a_broker_that_takes_nothing_has_stalled_however_slow_the_link() -> None:
    """Nothing is sent again meanwhile: each time the wait would begin anew."""
    session = plain_session(TIGHT)
    session.connected(0)
    send(session, [batch(1)], 0)
    assert session.next_due(0) == 27.0
    for now in (20, 24, 26.9):
        assert session.tick(now) == []
        assert not session.stalled(now)
    assert session.stalled(27)  # twenty seconds, and a byte a second
    session.disconnected(27)
    assert not session.stalled(27)
    assert texts(session.connected(28)) == ["batch 1"]


def test_a_picture_that_links_break_under_is_left_out_for_others() -> None:
    session = plain_session(PACE)
    now = 0.0
    for _ in range(LOST_WITH_LINKS):
        session.connected(now)
        session.offer([picture(1)], now)
        session.tick(now)
        assert picture(1).sha256 in session.room(now).skip_pictures
        now += 1
        session.disconnected(now)
    assert texts(session.connected(now)) == []
    assert send(session, [picture(2)], now) == ["0000000002"]
    assert session.next_due(now) is not None
    assert picture(1).sha256 not in session.room(now + PACE.refused_wait_s).skip_pictures


@pytest.mark.policy("C-7a")
def test_what_may_not_be_sent_now_is_neither_asked_for_nor_sent_again() -> None:
    session = new_session()
    session.connected(0)
    send(session, [batch(1), picture(1)], 0)
    session.allow(CLOSED)
    assert send(session, [hit(1)], 1) == ["hit 1"]
    room = session.room(1)
    assert (room.hits, room.batches, room.pictures) == (1, 0, 0)
    assert session.tick(1000) == [Publish(HITS, b"hit 1", message_digest(b"hit 1"))]
    session.disconnected(1001)
    assert texts(session.connected(1002)) == ["hit 1"]
    session.allow(Allowed(hits=False, records=False, pictures=None))
    assert session.tick(2000) == []
    assert session.next_due(2000) is None
    session.allow(Allowed())
    assert texts(session.tick(2000)) == ["hit 1", "batch 1", "0000000001"]


def test_pictures_of_hits_alone_are_asked_for_where_only_they_may_go() -> None:
    session = new_session()
    session.connected(0)
    session.allow(Allowed(pictures=Standing.HIT_SCENE))
    assert session.room(0).least_pictures == Standing.HIT_SCENE


@pytest.mark.parametrize("bytes_per_s", [1024, 20_000, 1024 * 1024])
def test_the_rate_holds_from_the_first_second_on_and_hits_wait_behind_a_second_of_it(
    bytes_per_s: float,
) -> None:
    session = plain_session(Pace.at(bytes_per_s))
    session.connected(0.0)
    size_bytes, over_s, sent, now = 5000, 10.0, 0, 0.0
    many = iter(range(1, 10**6))
    while now < over_s:
        room = session.room(now).batches
        offered = (OutgoingBatch(seq, seq, b"%05d" % seq * 1000) for seq in islice(many, room))
        session.offer(offered, now)
        gone = [action for action in session.tick(now) if isinstance(action, Publish)]
        sent += len(gone) * size_bytes
        assert len(gone) * size_bytes <= max(bytes_per_s, size_bytes)
        for one in gone:
            session.taken(one.digest, now)
            through = int(one.payload[:5])
            session.acknowledged(
                receipt(through, "0" * 64, message=one.digest),
                on_chain=True,
                receipted_through=through,
                now=now,
            )
        now += 0.01
    assert bytes_per_s * over_s * 0.9 <= sent + size_bytes
    assert sent <= bytes_per_s * (over_s + 2.0) + size_bytes
