"""An ingest process: messages in, receipts out, nothing acknowledged that is not committed.

The link's thread opens messages, while the worker waits for the database, and puts them into a
bounded queue; the worker takes what is there, up to ``ROWS_AT_ONCE`` rows or what comes within
``GATHER_S``, commits it together and publishes the receipts. A message is acknowledged when the
broker has its receipt: a process that ends before that gets it again, and answers it again. When
the queue is full, by number or by bytes, the link's thread waits, so that the broker's window
closes; should that last beyond the keep-alive, the broker drops the connection and delivers again
what is not acknowledged, which is harmless.

A batch that is ahead of its unit's chain waits for what it follows, which another process may be
about to commit, until the chain has stood still for ``HELD_S``, without holding up the others.
Pictures go to the disk in threads of their own, after the records that came with them.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from repository.errors import RepositoryError
from repository.ingest.arrived import Arrived, open_message
from repository.ingest.consumers import HEARTBEAT_S
from repository.ingest.link import Delivery, Link
from repository.ingest.take import ROWS_AT_ONCE, Taken
from repository.settings import BrokerSettings

GATHER_S = 0.05
HELD_S = 4.0
BYTES_IN_HAND = 64 * 1024 * 1024
PICTURE_THREADS = 4
_FIRST_RETRY_S = 1
_LAST_RETRY_S = 60
_TICK_S = 0.5
_HELD_TICK_S = 0.05
# What bytes that nobody foresaw can bring about, in the program or in a statement's values. The
# database's own faults are subclasses of StatementError; see where these are caught.
_FAULTS_OF_A_MESSAGE = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    StatementError,
)

_log = structlog.get_logger("ingest")
_T = TypeVar("_T")


class Taker(Protocol):
    """What the consumer hands messages to; see `repository.ingest.take.Ingest`."""

    def take_all(self, arrived: Sequence[Arrived], overdue: Sequence[bool]) -> list[Taken]:
        """Commit messages together and answer each."""
        ...

    def take_picture(self, arrived: Arrived) -> Taken:
        """Commit a picture and answer it."""
        ...

    def refuse_unprocessable(self, topic: str, body: bytes, error: Exception) -> Taken:
        """Set aside a message that could not be taken for no fault of the unit's."""
        ...

    def beat(self, client_id: str, host: str) -> None:
        """Say that this process lives."""
        ...


@dataclass(frozen=True, slots=True)
class _InHand:
    """A message that is not committed; ``fault`` is why it could not even be opened.

    The worker has it, or has had it ahead of its chain with the chain where it is, ``since`` then.
    """

    delivery: Delivery
    arrived: Arrived | None
    since: float = 0.0
    fault: Exception | None = None
    expected: int | None = None

    @property
    def rows(self) -> int:
        return self.arrived.rows if self.arrived else 1


@dataclass
class Counts:
    """What the consumer did since it started."""

    messages: int = 0
    transactions: int = 0
    records_kept: int = 0
    records_refused: int = 0
    duplicates: int = 0
    waited_for: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def add(self, taken: Taken) -> None:
        """Count one message."""
        self.messages += 1
        self.records_kept += taken.records_kept
        self.records_refused += taken.records_refused
        self.duplicates += taken.outcome == "duplicate"
        if taken.reason is not None:
            self.refused[taken.reason] = self.refused.get(taken.reason, 0) + 1


class Consumer:
    """Takes messages from a broker until stopped, through whatever outages there are."""

    def __init__(self, broker: BrokerSettings, share: str, taker: Taker) -> None:
        self.counts = Counts()
        self._session = broker.session
        self._taker = taker
        self._opened: queue.Queue[_InHand] = queue.Queue(maxsize=broker.queue)
        self._window = broker.queue
        self._room = threading.Condition()
        self._bytes_in_hand = 0
        self._stop = threading.Event()
        self._held: list[_InHand] = []
        self._next_beat = 0.0
        self._link = Link(broker, share, self._on_delivery)

    def run(self) -> None:
        """Take messages until :meth:`stop`; call it in the thread that is to be the worker.

        Raises:
            RepositoryError: if the broker can serve no such process.
        """
        self._link.open()
        try:
            with ThreadPoolExecutor(PICTURE_THREADS, thread_name_prefix="pictures") as pool:
                while not self._stop.is_set():
                    if self._link.fault is not None:
                        raise self._link.fault
                    self._beat()
                    gathered = self._gather()
                    if gathered or self._held:
                        self._handle(gathered, pool)
        finally:
            self._stop.set()
            self._link.close()

    def stop(self) -> None:
        """End :meth:`run` after what is in hand; what is not acknowledged comes again."""
        self._stop.set()

    def wait_until_subscribed(self, timeout_s: float) -> bool:
        """Whether the broker confirmed the subscription within that time."""
        return self._link.wait_until_subscribed(timeout_s)

    def _on_delivery(self, delivery: Delivery) -> None:
        with self._room:
            while self._bytes_in_hand > BYTES_IN_HAND and not self._stop.is_set():
                self._room.wait(_TICK_S)
            self._bytes_in_hand += len(delivery.body)
        opened = _open(delivery)
        while not self._stop.is_set():
            try:
                self._opened.put(opened, timeout=_TICK_S)
            except queue.Full:
                continue
            return

    def _gather(self) -> list[_InHand]:
        """What is there and what comes within a moment; nothing after some silence."""
        gathered: list[_InHand] = []
        rows = 0
        if len(self._held) >= self._window:
            self._stop.wait(_HELD_TICK_S)
        wait_s = _HELD_TICK_S if self._held else _TICK_S
        until = time.monotonic() + wait_s
        while rows < ROWS_AT_ONCE and len(gathered) + len(self._held) < self._window:
            left_s = until - time.monotonic()
            try:
                opened = (
                    self._opened.get(timeout=left_s) if left_s > 0 else self._opened.get_nowait()
                )
            except queue.Empty:
                break
            if not gathered:
                until = time.monotonic() + GATHER_S
            gathered.append(replace(opened, since=time.monotonic()))
            rows += opened.rows
        return gathered

    def _handle(self, gathered: list[_InHand], pool: ThreadPoolExecutor) -> None:
        """Commit, answer and acknowledge; what is ahead of its chain goes on waiting."""
        in_hand = [*self._held, *gathered]
        self._held = []
        faulty = [one for one in in_hand if one.arrived is None]
        pictures = [(one, one.arrived) for one in in_hand if one.arrived and one.arrived.is_picture]
        others = [one for one in in_hand if one.arrived and not one.arrived.is_picture]
        if others:
            self._insist(lambda: self._take_together(others))
        for one in faulty:
            self._insist(lambda: self._take_unopened(one))  # noqa: B023 - called at once
        list(pool.map(lambda each: self._insist(lambda: self._take_picture(*each)), pictures))

    def _take_together(self, in_hand: list[_InHand]) -> None:
        """One attempt at all of them, or at each where one of them is at fault."""
        overdue = [time.monotonic() - one.since >= HELD_S for one in in_hand]
        try:
            taken = self._taker.take_all([one.arrived for one in in_hand if one.arrived], overdue)
        except _FAULTS_OF_A_MESSAGE as error:
            if _is_of_the_database(error):
                raise
            if len(in_hand) == 1:
                self._refuse(in_hand[0], error)
                return
            for one in in_hand:
                self._insist(lambda: self._take_together([one]))  # noqa: B023 - called at once
            return
        self.counts.transactions += 1
        for one, result in zip(in_hand, taken, strict=True):
            if result.outcome == "ahead":
                self.counts.waited_for += 1
                moved = result.expected is None or result.expected != one.expected
                since = time.monotonic() if moved else one.since
                self._held.append(replace(one, since=since, expected=result.expected))
            else:
                self._answer(one, result)

    def _take_unopened(self, one: _InHand) -> None:
        """One attempt at what could not be opened: a fault that may pass is no reason to refuse."""
        if not isinstance(one.fault, _FAULTS_OF_A_MESSAGE):
            one = replace(_open(one.delivery), since=one.since)
        if one.arrived is None:
            if not isinstance(one.fault, _FAULTS_OF_A_MESSAGE):
                raise one.fault or ValueError
            self._refuse(one, one.fault)
        elif one.arrived.is_picture:
            self._take_picture(one, one.arrived)
        else:
            self._take_together([one])

    def _take_picture(self, one: _InHand, arrived: Arrived) -> None:
        """One attempt at a picture."""
        try:
            taken = self._taker.take_picture(arrived)
        except _FAULTS_OF_A_MESSAGE as error:
            if _is_of_the_database(error):
                raise
            self._refuse(one, error)
            return
        self._answer(one, taken)

    def _refuse(self, one: _InHand, error: Exception) -> None:
        """Set aside what a fault of the program's own kept from being taken."""
        topic, body = one.delivery.topic, one.delivery.body
        _log.error("a message could not be processed", topic=topic, **_describe(error))
        self._answer(one, self._taker.refuse_unprocessable(topic, body, error))

    def _answer(self, one: _InHand, taken: Taken) -> None:
        with self._room:
            self.counts.add(taken)
            self._bytes_in_hand -= len(one.delivery.body)
            self._room.notify_all()
        if taken.reason is not None:
            _log.warning("message refused", topic=one.delivery.topic, reason=taken.reason)
        if taken.reply is None:
            self._link.acknowledge(one.delivery)
        else:
            self._link.answer(one.delivery, taken.reply.topic, taken.reply.payload)

    def _insist(self, attempt: Callable[[], None]) -> None:
        """Try until it is done, however long that takes, or until stopped."""
        wait_s: float = _FIRST_RETRY_S
        said = False
        while True:
            try:
                attempt()
            except Exception as error:  # noqa: BLE001 - whatever it is, the message is kept
                if not said:
                    _log.error("nothing can be committed; trying again", **_describe(error))
                    said = True
                if self._stop.wait(wait_s):
                    return
                wait_s = min(wait_s * 2, _LAST_RETRY_S)
            else:
                if said:
                    _log.info("committing again")
                return

    def _beat(self) -> None:
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + HEARTBEAT_S
        try:
            self._taker.beat(self._session, socket.gethostname())
        except RepositoryError as error:
            _log.warning("the heartbeat could not be kept", why=str(error))


def _open(delivery: Delivery) -> _InHand:
    # Whatever it is, it must not end the link's thread.
    try:
        arrived = open_message(delivery.topic, delivery.body, retained=delivery.retained)
    except Exception as error:  # noqa: BLE001
        return _InHand(delivery, None, fault=error)
    return _InHand(delivery, arrived)


def _is_of_the_database(error: Exception) -> bool:
    """Whether the database, not the message, is at fault, so that it may go well another time."""
    return isinstance(error, DBAPIError) and not isinstance(error, DataError | IntegrityError)


def _describe(error: Exception) -> dict[str, str]:
    """What happened; of a fault nobody foresaw no text, which may quote a plate, but its place."""
    if isinstance(error, RepositoryError):
        return {"why": str(error)}
    return {
        "error": type(error).__name__,
        "where": "".join(traceback.format_tb(error.__traceback__)[-2:]),
    }
