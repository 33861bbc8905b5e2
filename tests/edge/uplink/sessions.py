"""Sessions, what they are given to send, and what they are answered, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from edge.contract.batch import Receipt, Refusal, RefusalReason, encode_message, message_digest
from edge.uplink.messages import (
    Acknowledge,
    Action,
    Allowed,
    Outgoing,
    OutgoingBatch,
    OutgoingHit,
    OutgoingPicture,
    Pace,
    Publish,
)
from edge.uplink.session import Session
from tests.edge.spool.samples import AGENCY, MOMENT, REPOSITORY_KEY, UNIT, receipt, sha256

PACE = Pace(
    hits_under_way=2,
    batches_under_way=3,
    pictures_under_way=2,
    first_silence_s=5.0,
    longest_silence_s=40.0,
    refused_wait_s=600.0,
)
TIGHT = Pace(
    hits_under_way=2,
    batches_under_way=3,
    pictures_under_way=2,
    bytes_per_s=5.0,
    burst_bytes=20.0,
    window_bytes=25,
    first_silence_s=5.0,
    longest_silence_s=40.0,
    untaken_s=20.0,
    slowest_bytes_per_s=1.0,
)
CLOSED = Allowed(hits=True, records=False, pictures=None)
HITS = f"alpr/1/{AGENCY}/{UNIT}/hits"
RECORDS = f"alpr/1/{AGENCY}/{UNIT}/records"


class PromptSession(Session):
    """A session over a broker that takes every message at once."""

    def tick(self, now: float) -> list[Action]:
        actions = super().tick(now)
        for action in actions:
            if isinstance(action, Publish):
                self.taken(action.digest, now)
        return actions


def new_session(pace: Pace = PACE, kind: type[Session] = PromptSession) -> Session:
    return kind(
        agency=AGENCY,
        unit=UNIT,
        repository_key=REPOSITORY_KEY.public_key(),
        jitter=lambda: 0.0,
        pace=pace,
    )


def batch(seq: int) -> OutgoingBatch:
    """A batch of the one record with this sequence."""
    return OutgoingBatch(seq, seq, f"batch {seq}".encode())


def hit(seq: int) -> OutgoingHit:
    return OutgoingHit(seq, f"hit {seq}".encode())


def picture(number: int) -> OutgoingPicture:
    content = b"%010d" % number
    return OutgoingPicture(sha256(content), content)


def send(session: Session, messages: Sequence[Outgoing], now: float) -> list[str]:
    session.offer(messages, now)
    return texts(session.tick(now))


def texts(actions: Sequence[Action]) -> list[str]:
    return [action.payload.decode() for action in actions if isinstance(action, Publish)]


def refuse(outgoing: Outgoing, reason: RefusalReason, through: int = 0, **changes: Any) -> Receipt:
    return receipt(
        through,
        "0" * 64,
        message=message_digest(outgoing.payload),
        refused=[Refusal(seq=None, reason=reason, detail="so it is")],
        **changes,
    )


def answer(session: Session, word: Receipt, now: float, through: int = 0) -> list[Action]:
    assert session.received(encode_message(word)) == [Acknowledge(word)]
    return session.acknowledged(word, on_chain=True, receipted_through=through, now=now)


def later(word: Receipt, seconds: float) -> Receipt:
    """The same words of a later time; whoever skips ``received`` needs no signature."""
    return msgspec.structs.replace(word, issued_at=MOMENT + timedelta(seconds=seconds))


def plain_session(pace: Pace) -> Session:
    return new_session(pace, Session)
