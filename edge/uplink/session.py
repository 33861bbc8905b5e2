"""The conversation with the repository as a state machine, without input or output.

Rules:

- Nothing is given up on a broker's word. A message is answered by a receipt that the repository
  signed for this unit; what is not answered is sent again, each silence twice as long as the one
  before, up to a limit, with jitter so that many units do not speak at once.
- Hit notices go first. They are answered by a receipt that names them, or by their record's.
- Batches go in the order of their sequence, a few under way at a time. After a silence or a
  refusal only the first goes, until a receipt moves the chain on: the others mean nothing
  without it.
- Pictures go last, a few under way, until a receipt says held.
- Records and pictures go no faster than the pace allows, and pictures leave room for records. Hits
  wait for neither, though their bytes count. Fresh records cannot overtake a backlog, for the chain
  has one order; a hit's notice can.
- A message is not sent again before the broker has taken it: on a slow link that would fill the
  link with copies. A broker that takes nothing for long has stalled.
- What may not be sent now is neither asked for nor sent, whatever is under way.
- A message refused as a whole is reported and tried again after a long while: the cause is a
  person's to mend, and a record is never given up. Where the spool seals a refused batch anew,
  it goes at once.

Events are method calls that carry the time of a monotonic clock in seconds; each returns the
actions to be taken, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.contract.batch import Receipt, Refusal, decode_receipt, verify_receipt
from edge.contract.errors import ContractError
from edge.contract.topics import Channel, UnitTopic
from edge.spool.pictures import Standing
from edge.uplink.bucket import Bucket
from edge.uplink.lanes import BatchLane, BatchUnderWay, Lane, UnderWay
from edge.uplink.messages import (
    Acknowledge,
    Action,
    Allowed,
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

LOST_WITH_LINKS = 3
"""A picture that so many connections broke under is left out for a while, for others to pass."""


_ROUNDING_BYTES = 1.0


@dataclass(frozen=True, slots=True)
class _InFlight:
    """A message that the broker has not taken yet, and how long that is waited for."""

    size_bytes: int
    until: float


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
        self._bucket = Bucket(pace.bytes_per_s, pace.burst_bytes)
        self._in_flight: dict[str, _InFlight] = {}
        self._allowed = Allowed()
        self._newest_receipt: datetime | None = None

    def connected(self, now: float) -> list[Action]:
        """The broker has accepted the unit; everything under way is sent again."""
        self._connected = True
        self._hits.restart(now)
        self._batches.restart()
        self._pictures.restart(now)
        self._in_flight.clear()
        return [Subscribe(self._topic("receipt")), *self.tick(now)]

    def disconnected(self, now: float) -> None:
        """The broker is gone; nothing is sent until ``connected``."""
        self.counts.links_lost += self._connected
        self._connected = False
        for digest in self._in_flight:
            for sha256, message in self._pictures.answered(digest):
                if message.times_sent >= LOST_WITH_LINKS:
                    self._pictures.park(sha256, now + self._pace.refused_wait_s)
        self._in_flight.clear()

    def allow(self, allowed: Allowed) -> None:
        """From now on, send no more than this."""
        self._allowed = allowed

    def taken(self, digest: str, now: float) -> None:
        """The broker has taken the message with this digest, which proves nothing."""
        if self._in_flight.pop(digest, None) is not None:
            self._hits.taken(digest, now)
            self._batches.taken(digest, now)
            self._pictures.taken(digest, now)

    def stalled(self, now: float) -> bool:
        """Whether the broker takes nothing, so that only a new connection can help."""
        return any(one.until <= now for one in self._in_flight.values())

    @property
    def pictures_allowed(self) -> bool:
        """Whether any picture may be sent."""
        return self._allowed.pictures is not None

    def pictures_idle(self) -> bool:
        """Whether no picture is under way."""
        return self._pictures.is_empty()

    def room(self, now: float) -> Room:
        """What to offer now; nothing while there is no connection."""
        if not self._connected:
            return Room()
        least = self._allowed.pictures
        return Room(
            hits=self._hits.room(now) if self._allowed.hits else 0,
            skip_hits=self._hits.names(),
            batches=self._batches.room() if self._allowed.records else 0,
            batches_after=self._batches.last_seq,
            pictures=self._pictures.room(now) if self._pictures_may_go(now) else 0,
            skip_pictures=self._pictures.names(),
            least_pictures=Standing.ORDINARY if least is None else least,
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
        moments = [one.until for one in self._in_flight.values()]
        if self._allowed.hits:
            moments.extend(self._hits.moments())
        if self._allowed.records:
            moments.extend(self._batches.moments())
            if self._batches.waits():
                moments.extend(self._paced(now, 0.0, now))
        if self._allowed.pictures is not None:
            half = self._pace.burst_bytes / 2
            for due in self._pictures.moments():
                moments.extend(self._paced(due, half, now))
            if self._pictures.room(now) and not self._pictures_may_go(now):
                moments.extend(self._paced(now, half, now))
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
        self,
        receipt: Receipt,
        *,
        on_chain: bool,
        receipted_through: int,
        now: float,
        resealed: bool = False,
    ) -> list[Action]:
        """What the spool made of a receipt: whether it fits the chain, and how far that is sure.

        ``resealed``: batches that were offered before mean nothing any more.
        """
        if resealed:
            self.resealed()
        self.taken(receipt.message, now)  # it overtook the broker's own word
        if on_chain:
            self._batches.advance(receipted_through, now)
            self._hits.drop([seq for seq in self._hits.names() if seq <= receipted_through])
            self.counts.pictures_held += self._pictures.drop(receipt.held_pictures)
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
        else:
            self.counts.receipts_late += 1
        return [*answers, *self.tick(now)]

    def resealed(self) -> None:
        """Batches that were offered before mean nothing any more: they are offered anew."""
        self._batches.forget()

    def _due(self, now: float) -> Iterator[Action]:
        if self._allowed.hits:
            for hit in self._hits.due(now, lambda _: True):
                self.counts.hits_sent += 1
                yield self._publish("hits", hit, now)
        if self._allowed.records:
            for batch in self._batches.due(now, lambda payload: self._may_go(payload, 0.0, now)):
                self.counts.batches_sent += 1
                yield self._publish("records", batch, now)
        if self._allowed.pictures is not None:
            half = self._pace.burst_bytes / 2
            for picture in self._pictures.due(
                now, lambda payload: self._may_go(payload, half, now)
            ):
                self.counts.pictures_sent += 1
                yield self._publish("picture", picture, now, picture.outgoing.sha256)

    def _may_go(self, payload: bytes, level_bytes: float, now: float) -> bool:
        """Whether pace and window let this message go, at a level of the bucket."""
        reached = self._bucket.level(now) >= level_bytes - _ROUNDING_BYTES
        return reached and self._fits_window(len(payload))

    def _fits_window(self, size_bytes: int) -> bool:
        waiting = sum(one.size_bytes for one in self._in_flight.values())
        return not waiting or waiting + size_bytes <= self._pace.window_bytes

    def _pictures_may_go(self, now: float) -> bool:
        allowed = self._allowed.pictures is not None
        return allowed and self._bucket.level(now) >= self._pace.burst_bytes / 2 - _ROUNDING_BYTES

    def _paced(self, due: float, level_bytes: float, now: float) -> Iterator[float]:
        """When something due then may go; never by itself while the window is full."""
        if self._fits_window(1):
            yield max(due, self._bucket.reaches(level_bytes, now))

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
        self,
        channel: Channel,
        message: UnderWay[OutgoingHit] | UnderWay[OutgoingPicture] | BatchUnderWay,
        now: float,
        picture: str | None = None,
    ) -> Publish:
        payload = message.outgoing.payload
        if message.times_sent > 1:
            self.counts.sent_again += 1
        self._bucket.spend(len(payload), now)
        waiting = len(payload) + sum(one.size_bytes for one in self._in_flight.values())
        patience_s = self._pace.untaken_s + waiting / self._pace.slowest_bytes_per_s
        self._in_flight[message.digest] = _InFlight(len(payload), now + patience_s)
        return Publish(self._topic(channel, picture), payload, message.digest)

    def _silence(self, silences: int) -> float:
        """Seconds to wait for a receipt: doubled for each silence so far, up to a fifth longer."""
        doubled = self._pace.first_silence_s * 2.0 ** min(silences, 30)
        return min(doubled, self._pace.longest_silence_s) * (1 + 0.2 * self._jitter())

    def _topic(self, channel: Channel, picture: str | None = None) -> str:
        return str(UnitTopic(self._agency, self._unit, channel, picture))
