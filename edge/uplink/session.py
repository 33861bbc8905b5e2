"""The conversation with the repository as a state machine, without input or output.

Rules:

- Nothing is given up on a broker's word. A message is answered by a receipt that the repository
  signed for this unit; what is not answered is sent again, each silence twice as long as the one
  before, up to a limit, with jitter so that many units do not speak at once.
- Hit notices go first. They are answered by a receipt that names them, or by their record's.
- Batches go in the order of their sequence, a few under way at a time. After a silence or a
  refusal only the first goes, until a receipt moves the chain on: the others mean nothing
  without it.
- Pictures go last, a few under way, no faster than the pace allows, until a receipt says held.
- A message refused as a whole is reported and tried again after a long while: the cause is a
  person's to mend, and a record is never given up.

Events are method calls that carry the time of a monotonic clock in seconds; each returns the
actions to be taken, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.contract.batch import Receipt, Refusal, decode_receipt, verify_receipt
from edge.contract.errors import ContractError
from edge.contract.topics import Channel, UnitTopic
from edge.uplink.lanes import BatchLane, Lane
from edge.uplink.messages import (
    Acknowledge,
    Action,
    MarkHitSent,
    Outgoing,
    OutgoingBatch,
    OutgoingHit,
    OutgoingPicture,
    Pace,
    Publish,
    Refused,
    Room,
    SessionCounts,
    Subscribe,
)


class Session:
    """One unit's conversation with its repository over any number of connections."""

    def __init__(
        self,
        *,
        agency: str,
        unit: str,
        repository_key: Ed25519PublicKey,
        jitter: Callable[[], float],
        pace: Pace,
    ) -> None:
        """``jitter`` gives numbers from 0 to 1."""
        self.counts = SessionCounts()
        self._agency = agency
        self._unit = unit
        self._repository_key = repository_key
        self._jitter = jitter
        self._pace = pace
        self._connected = False
        self._hits: Lane[int, OutgoingHit] = Lane(pace.hits_under_way, self._silence)
        self._batches = BatchLane(pace.batches_under_way, self._silence)
        self._pictures: Lane[str, OutgoingPicture] = Lane(pace.pictures_under_way, self._silence)
        self._pictures_from = 0.0
        self._newest_receipt: datetime | None = None

    def connected(self, now: float) -> list[Action]:
        """The broker has accepted the unit; everything under way is sent again."""
        self._connected = True
        self._hits.restart(now)
        self._batches.restart()
        self._pictures.restart(now)
        self._pictures_from = now
        return [Subscribe(self._topic("receipt")), *self.tick(now)]

    def disconnected(self) -> None:
        """The broker is gone; nothing is sent until ``connected``."""
        self._connected = False

    def room(self, now: float) -> Room:
        """What to offer now; nothing while there is no connection."""
        if not self._connected:
            return Room()
        return Room(
            hits=self._hits.room(now),
            skip_hits=self._hits.names(),
            batches=self._batches.room(),
            batches_after=self._batches.last_seq,
            pictures=self._pictures.room(now) if self._pictures_from <= now else 0,
            skip_pictures=self._pictures.names(),
        )

    def offer(self, messages: Iterable[Outgoing], now: float) -> None:
        """Take messages that ``room`` asked for, batches in order. ``tick`` sends them."""
        for outgoing in messages:
            match outgoing:
                case OutgoingHit(seq=seq):
                    self._hits.take(seq, outgoing, now)
                case OutgoingBatch():
                    self._batches.take(outgoing)
                case OutgoingPicture(sha256=sha256):
                    self._pictures.take(sha256, outgoing, now)

    def tick(self, now: float) -> list[Action]:
        """Send what is due."""
        return list(self._due(now)) if self._connected else []

    def next_due(self, now: float) -> float | None:
        """When ``tick`` or ``room`` will say something new by themselves; None for never."""
        if not self._connected:
            return None
        moments = [*self._hits.moments(), *self._batches.moments(), *self._pictures.moments()]
        if self._pictures_from > now:
            moments.append(self._pictures_from)
        return min(moments, default=None)

    def received(self, payload: bytes) -> list[Action]:
        """A message came on the receipt topic. What is no receipt for this unit is counted."""
        try:
            receipt = decode_receipt(payload)
        except ContractError:
            self.counts.receipts_malformed += 1
            return []
        if (receipt.agency, receipt.unit) != (self._agency, self._unit):
            self.counts.receipts_of_others += 1
            return []
        try:
            verify_receipt(receipt, self._repository_key)
        except ContractError:
            self.counts.receipts_forged += 1
            return []
        self.counts.receipts += 1
        return [Acknowledge(receipt)]

    def acknowledged(
        self, receipt: Receipt, *, on_chain: bool, receipted_through: int, now: float
    ) -> list[Action]:
        """What the spool made of a receipt: whether it fits the chain, and how far that is sure."""
        if on_chain:
            self._batches.advance(receipted_through, now)
            self._hits.drop([seq for seq in self._hits.names() if seq <= receipted_through])
            self._pictures.drop(receipt.held_pictures)
            self._pictures.unpark(receipt.missing_pictures)
        else:
            self.counts.receipts_off_chain += 1
        refusal = next((refusal for refusal in receipt.refused if refusal.seq is None), None)
        if refusal is None:
            answers = list(self._hits_answered_by(receipt))
        else:
            answers = list(self._refused_by(receipt, refusal, now + self._pace.refused_wait_s))
        if self._newest_receipt is None or self._newest_receipt < receipt.issued_at:
            self._newest_receipt = receipt.issued_at
        return [*answers, *self.tick(now)]

    def _due(self, now: float) -> Iterator[Action]:
        for hit in self._hits.due(now):
            self.counts.hits_sent += 1
            yield self._publish("hits", hit.outgoing.payload, hit.times_sent)
        for batch in self._batches.due(now):
            self.counts.batches_sent += 1
            yield self._publish("records", batch.outgoing.payload, batch.times_sent)
        for picture in self._pictures.due(now):
            self.counts.pictures_sent += 1
            payload, name = picture.outgoing.payload, picture.outgoing.sha256
            cost_s = len(payload) / self._pace.picture_bytes_per_s
            self._pictures_from = max(self._pictures_from, now) + cost_s
            yield self._publish("picture", payload, picture.times_sent, name)

    def _hits_answered_by(self, receipt: Receipt) -> Iterator[Action]:
        for seq, _ in self._hits.answered(receipt.message):
            self._hits.drop([seq])
            yield MarkHitSent(seq)

    def _refused_by(self, receipt: Receipt, refusal: Refusal, until: float) -> Iterator[Action]:
        reason, detail = refusal.reason, refusal.detail
        for seq, _ in self._hits.answered(receipt.message):
            self._hits.park(seq, until)
            yield self._refused(Refused("hits", reason, detail, seq, seq))
        for sha256, _ in self._pictures.answered(receipt.message):
            self._pictures.park(sha256, until)
            yield self._refused(Refused("picture", reason, detail, picture=sha256))
        # A refusal from before the newest receipt speaks of what was since settled.
        if self._newest_receipt is not None and receipt.issued_at < self._newest_receipt:
            return
        batch = self._batches.refuse(receipt.message, until)
        if batch is not None:
            yield self._refused(Refused("records", reason, detail, batch.first_seq, batch.last_seq))

    def _refused(self, refused: Refused) -> Refused:
        self.counts.messages_refused += 1
        return refused

    def _publish(
        self, channel: Channel, payload: bytes, times_sent: int, picture: str | None = None
    ) -> Publish:
        if times_sent > 1:
            self.counts.sent_again += 1
        return Publish(self._topic(channel, picture), payload)

    def _silence(self, silences: int) -> float:
        """Seconds to wait for a receipt: doubled for each silence so far, up to a fifth longer."""
        doubled = self._pace.first_silence_s * 2.0 ** min(silences, 30)
        return min(doubled, self._pace.longest_silence_s) * (1 + 0.2 * self._jitter())

    def _topic(self, channel: Channel, picture: str | None = None) -> str:
        return str(UnitTopic(self._agency, self._unit, channel, picture))
