"""What is under way to the repository: hits and pictures each by themselves, batches in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from edge.contract.batch import message_digest
from edge.uplink.messages import Outgoing, OutgoingBatch

MAX_PARKED = 1000
"""Messages refused as a whole and left out for a while; beyond these a lane takes no more."""

_Name = TypeVar("_Name", int, str)
_Message = TypeVar("_Message", bound=Outgoing)
Silence = Callable[[int], float]
May = Callable[[bytes], bool]


@dataclass(slots=True)
class UnderWay(Generic[_Message]):
    """A message that waits for its receipt, or to be sent; ``due`` is None until it is taken."""

    outgoing: _Message
    digest: str
    due: float | None
    times_sent: int = 0


class Lane(Generic[_Name, _Message]):
    """Messages that stand for themselves: each is sent again after its own silences.

    ``silence`` gives the seconds to wait for a receipt after so many silences before. It begins
    when the broker has taken the message. One that it has not taken is never sent again over the
    same connection, where it still waits: whoever owns the connection gives it up.
    """

    def __init__(self, limit: int, silence: Silence) -> None:
        """Take at most ``limit`` messages under way."""
        self._limit = limit
        self._silence = silence
        self._under_way: dict[_Name, UnderWay[_Message]] = {}
        self._parked: dict[_Name, float] = {}

    def room(self, now: float) -> int:
        """How many more messages can be taken."""
        for name in [name for name, due in self._parked.items() if due <= now]:
            del self._parked[name]
        if len(self._parked) >= MAX_PARKED:
            return 0
        return max(0, self._limit - len(self._under_way))

    def names(self) -> frozenset[_Name]:
        """Everything that is under way or parked."""
        return frozenset(self._under_way).union(self._parked)

    def is_empty(self) -> bool:
        """Whether nothing is under way."""
        return not self._under_way

    def take(self, name: _Name, outgoing: _Message, now: float) -> None:
        """Have this message sent now, unless it is under way."""
        if name not in self._under_way:
            digest = message_digest(outgoing.payload)
            self._under_way[name] = UnderWay(outgoing, digest, due=now)

    def taken(self, digest: str, now: float) -> None:
        """The broker has taken the message with this digest: wait for its receipt from now on."""
        for message in self._under_way.values():
            if message.digest == digest and message.times_sent:
                message.due = now + self._silence(message.times_sent - 1)

    def answered(self, digest: str) -> list[tuple[_Name, UnderWay[_Message]]]:
        """The messages with this digest."""
        return [
            (name, message) for name, message in self._under_way.items() if message.digest == digest
        ]

    def drop(self, names: Collection[_Name]) -> int:
        """Forget these: there is nothing more to send. How many of them were under way."""
        for name in names:
            self._parked.pop(name, None)
        return sum(self._under_way.pop(name, None) is not None for name in names)

    def park(self, name: _Name, until: float) -> None:
        """Leave this one out until then."""
        self._under_way.pop(name, None)
        self._parked[name] = until

    def unpark(self, names: Collection[_Name]) -> None:
        """Take these again as soon as they are offered."""
        for name in names:
            self._parked.pop(name, None)

    def restart(self, now: float) -> None:
        """Have everything sent again."""
        for message in self._under_way.values():
            message.due = now

    def due(self, now: float, may: May) -> Iterator[UnderWay[_Message]]:
        """Each message that is to be sent now, as sent by whoever takes it.

        ``may`` is asked before each; the first that may not go holds up the others.
        """
        for message in self._under_way.values():
            if message.due is None or message.due > now:
                continue
            if not may(message.outgoing.payload):
                return
            message.due = None
            message.times_sent += 1
            yield message

    def moments(self) -> Iterator[float]:
        """When something becomes due."""
        yield from (one.due for one in self._under_way.values() if one.due is not None)
        yield from self._parked.values()


@dataclass(slots=True)
class BatchUnderWay:
    """A batch that waits for its receipt; ``sent`` is false where it has yet to go, or again."""

    outgoing: OutgoingBatch
    digest: str
    times_sent: int = 0
    sent: bool = False
    taken: bool = False
    refused: bool = False


class BatchLane:
    """Batches in the order of the chain. One timer serves all: only the first moves the chain."""

    def __init__(self, limit: int, silence: Silence) -> None:
        """Take at most ``limit`` batches under way."""
        self._limit = limit
        self._silence = silence
        self._batches: list[BatchUnderWay] = []
        self._silences = 0
        self._due: float | None = None
        self._first_only = False
        self.receipted_through = 0

    def room(self) -> int:
        """How many more batches can be taken."""
        return max(0, self._limit - len(self._batches))

    @property
    def last_seq(self) -> int:
        """The last sequence under way, or the last one receipted."""
        return self._batches[-1].outgoing.last_seq if self._batches else self.receipted_through

    def take(self, outgoing: OutgoingBatch) -> None:
        """Have this batch sent after those before it, unless it is under way."""
        if outgoing.first_seq > self.last_seq:
            self._batches.append(BatchUnderWay(outgoing, message_digest(outgoing.payload)))

    def taken(self, digest: str, now: float) -> None:
        """The broker has taken the batch with this digest: wait for its receipt from now on."""
        for index, batch in enumerate(self._batches):
            if batch.digest == digest and batch.sent:
                batch.taken = True
                if index == 0 and not batch.refused:
                    self._due = now + self._silence(self._silences)

    def forget(self) -> None:
        """The spool has sealed anew: what is under way means nothing any more."""
        self._batches = []
        self._silences, self._due, self._first_only = 0, None, False

    def advance(self, receipted_through: int, now: float) -> None:
        """Forget what is receipted; if that moved the chain, what was held back goes on."""
        self.receipted_through = max(self.receipted_through, receipted_through)
        left = [batch for batch in self._batches if batch.outgoing.last_seq > receipted_through]
        if len(left) == len(self._batches):
            return
        self._batches = left
        for batch in left:
            if batch.refused:
                batch.sent = batch.refused = False
        self._silences, self._first_only = 0, False
        first_waits = bool(left) and left[0].sent and left[0].taken
        self._due = now + self._silence(0) if first_waits else None

    def refuse(self, digest: str, until: float) -> OutgoingBatch | None:
        """Note that the batch with this digest was refused, and give it if it was the first.

        The first waits until then, and the others for it. One behind it was most likely refused
        for arriving before the one it follows; it goes again when it is the first.
        """
        for batch in self._batches:
            if batch.digest == digest and batch.sent and not batch.refused:
                batch.refused = True
                if batch is not self._batches[0]:
                    return None
                for follower in self._batches[1:]:
                    follower.sent = False
                self._first_only, self._due = True, until
                return batch.outgoing
        return None

    def restart(self) -> None:
        """Have everything sent again, but for a refused first batch, which keeps its wait."""
        if self._batches and not self._batches[0].refused:
            self._rewind()
            self._silences, self._due, self._first_only = 0, None, False

    def due(self, now: float, may: May) -> Iterator[BatchUnderWay]:
        """Each batch that is to be sent now, as sent by whoever takes it.

        ``may`` is asked before each; the first that may not go holds up the others.
        """
        if self._due is not None and self._due <= now:
            self._silences, self._due, self._first_only = self._silences + 1, None, True
            self._rewind()
        for batch in self._next():
            if batch.sent:
                continue
            if not may(batch.outgoing.payload):
                return
            batch.sent, batch.taken, batch.refused = True, False, False
            batch.times_sent += 1
            yield batch

    def waits(self) -> bool:
        """Whether a batch could go at once but for the pace."""
        return any(not batch.sent for batch in self._next())

    def moments(self) -> Iterator[float]:
        """When something becomes due."""
        if self._due is not None:
            yield self._due

    def _next(self) -> list[BatchUnderWay]:
        return self._batches[:1] if self._first_only else self._batches

    def _rewind(self) -> None:
        for batch in self._batches:
            batch.sent = batch.taken = batch.refused = False
