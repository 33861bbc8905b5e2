"""The uplink: moves what waits in the spool to the repository and purges what is receipted.

One thread owns the conversation; the link's thread and the pipeline only leave word in its
mailbox. A broken spool or broker is said in one sentence and tried again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from random import SystemRandom
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge.contract.batch import Receipt, UnitStatus, encode_message, seal_hit
from edge.contract.topics import UnitTopic
from edge.spool.errors import SpoolError
from edge.spool.store import Spool
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
from edge.uplink.mqtt import (
    LinkConnected,
    LinkDisconnected,
    LinkEvent,
    LinkProblem,
    LinkReceived,
    LinkSettings,
    MqttLink,
)
from edge.uplink.session import Session

_SYSTEM_RANDOM = SystemRandom()
_MAX_MAIL = 1000
_LONGEST_WAIT_S = 60.0
_SPOOL_RETRY_S = 5.0

ProblemOf = Literal["link", "spool", "chain"]


@dataclass(frozen=True, slots=True)
class UplinkCounts:
    """Whether the broker has accepted the unit, and what was sent and received since the start."""

    connected: bool
    receipts_dropped: int
    session: SessionCounts


class _Mailbox:
    """Word for the uplink's thread. Receipts beyond the limit are dropped: they come again."""

    def __init__(self) -> None:
        self.dropped = 0
        self._mail: deque[LinkEvent] = deque()
        self._woken = False
        self._changed = threading.Condition()

    def put(self, mail: LinkEvent) -> None:
        with self._changed:
            if isinstance(mail, LinkReceived) and len(self._mail) >= _MAX_MAIL:
                self.dropped += 1
                return
            self._mail.append(mail)
            self._changed.notify()

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify()

    def take(self, timeout_s: float) -> list[LinkEvent]:
        with self._changed:
            self._changed.wait_for(lambda: self._woken or self._mail, timeout_s)
            taken = list(self._mail)
            self._mail.clear()
            self._woken = False
            return taken


class _Problems:
    """Says each problem once, and None once when it is over."""

    def __init__(self, say: Callable[[ProblemOf, str | None], None]) -> None:
        self._say = say
        self._last: dict[ProblemOf, str | None] = {}

    def set(self, of: ProblemOf, sentence: str | None) -> None:
        if self._last.get(of) != sentence:
            self._last[of] = sentence
            self._say(of, sentence)


class Uplink:
    """Runs the conversation between one spool and its repository until it is stopped.

    It is used once: to start again, make another over the same spool.
    """

    def __init__(
        self,
        spool: Spool,
        private_key: Ed25519PrivateKey,
        repository_key: Ed25519PublicKey,
        link: LinkSettings,
        *,
        software: str,
        on_problem: Callable[[ProblemOf, str | None], None],
        on_refusal: Callable[[Refused], None],
        pace: Pace | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = _SYSTEM_RANDOM.random,
    ) -> None:
        """Prepare; nothing is connected to before ``start``.

        ``on_problem`` is told, by area, one sentence when something does not work and None when
        it works again; ``on_refusal`` of each message refused as a whole. Both are called from
        the uplink's thread and must not block.

        Raises:
            UplinkError: if a file that the link's settings name cannot be used.
            SpoolError: if the spool cannot be read.
        """
        self._spool = spool
        self._private_key = private_key
        self._software = software
        self._on_refusal = on_refusal
        self._monotonic = monotonic
        self._utc_now = utc_now
        self._mailbox = _Mailbox()
        self._problems = _Problems(on_problem)
        self._connected = False
        self._waiting = spool.counts().waiting
        self._stopping = threading.Event()
        self._session = Session(
            agency=spool.agency,
            unit=spool.unit,
            repository_key=repository_key,
            jitter=jitter,
            pace=pace or Pace(),
        )
        self._link = MqttLink(
            link,
            client_id=f"{spool.agency}:{spool.unit}",  # no name has a colon: no two units collide
            on_event=self._mailbox.put,
            last_will=lambda: self._status("offline"),
            jitter=jitter,
        )
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)

    def start(self) -> None:
        """Connect and begin to send."""
        self._thread.start()
        self._link.start()

    def stop(self) -> None:
        """Say goodbye to the broker and end both threads. The spool stays open."""
        self._stopping.set()
        self._mailbox.wake()
        if self._thread.ident is not None:
            self._thread.join()
        self._link.stop()
        self._connected = False

    def wake(self) -> None:
        """There is something new in the spool."""
        self._mailbox.wake()

    def is_alive(self) -> bool:
        """Whether both threads run."""
        return self._thread.is_alive() and self._link.is_alive()

    def counts(self) -> UplinkCounts:
        """What happened so far."""
        return UplinkCounts(self._connected, self._mailbox.dropped, replace(self._session.counts))

    def _run(self) -> None:
        wait_s = _LONGEST_WAIT_S
        while not self._stopping.is_set():
            sound = True
            for event in self._mailbox.take(wait_s):
                sound &= self._try(partial(self._handle, event))
            sound &= self._try(self._fill)
            self._perform(self._session.tick(self._monotonic()))
            if sound:
                self._problems.set("spool", None)
            wait_s = self._wait_s() if sound else _SPOOL_RETRY_S

    def _try(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except SpoolError as error:
            self._problems.set("spool", str(error))
            return False
        return True

    def _handle(self, event: LinkEvent) -> None:
        match event:
            case LinkConnected():
                self._connected = True
                self._problems.set("link", None)
                self._perform(self._session.connected(self._monotonic()))
                topic, payload = self._status("online")
                self._link.publish(topic, payload, retain=True)
            case LinkDisconnected():
                self._connected = False
                self._session.disconnected()
            case LinkReceived(payload=payload):
                self._perform(self._session.received(payload))
            case LinkProblem(sentence=sentence):
                self._problems.set("link", sentence)

    def _fill(self) -> None:
        room = self._session.room(self._monotonic())
        self._session.offer(self._fetch(room), self._monotonic())
        self._waiting = self._spool.counts().waiting

    def _wait_s(self) -> float:
        now = self._monotonic()
        due = self._session.next_due(now)
        return _LONGEST_WAIT_S if due is None else min(max(due - now, 0.0), _LONGEST_WAIT_S)

    def _fetch(self, room: Room) -> Iterable[Outgoing]:
        spool = self._spool
        if room.hits:
            for hit in spool.waiting_hits(room.hits, skip=room.skip_hits):
                notice = seal_hit(
                    agency=spool.agency,
                    unit=spool.unit,
                    record=hit.record,
                    private_key=self._private_key,
                )
                yield OutgoingHit(hit.seq, encode_message(notice))
        if room.batches:
            batches = list(spool.unreceipted_batches(room.batches, after=room.batches_after))
            while len(batches) < room.batches and (sealed := spool.seal(self._private_key)):
                batches.append(sealed)
            for batch in batches:
                yield OutgoingBatch(batch.first_seq, batch.last_seq, encode_message(batch))
        if room.pictures:
            for picture in spool.waiting_pictures(room.pictures, skip=room.skip_pictures):
                yield OutgoingPicture(picture.sha256, picture.content)

    def _perform(self, actions: Iterable[Action]) -> None:
        pending = deque(actions)
        while pending:
            match pending.popleft():
                case Subscribe(topic=topic):
                    self._link.subscribe(topic)
                case Publish(topic=topic, payload=payload):
                    self._link.publish(topic, payload)
                case Acknowledge(receipt=receipt):
                    pending.extend(self._acknowledge(receipt))
                case MarkHitSent(seq=seq):
                    self._spool.mark_hit_sent(seq)
                case Refused() as refused:
                    self._on_refusal(refused)

    def _acknowledge(self, receipt: Receipt) -> list[Action]:
        done = self._spool.acknowledge(receipt)
        on_chain = done.verdict not in ("ahead", "other_chain")
        behind = done.verdict == "old" and any(
            refusal.seq is None and refusal.reason == "out_of_chain" for refusal in receipt.refused
        )
        if not on_chain or behind:
            self._problems.set(
                "chain",
                f"the repository's receipt ends at record {receipt.committed_through} of another "
                "chain than this unit's, and nothing was purged: ask its administrator whether "
                "this unit was enrolled twice or the repository restored from a backup",
            )
        elif done.verdict == "advanced":
            self._problems.set("chain", None)
        return self._session.acknowledged(
            receipt,
            on_chain=on_chain,
            receipted_through=done.receipted_through,
            now=self._monotonic(),
        )

    def _status(self, state: Literal["online", "offline"]) -> tuple[str, bytes]:
        status = UnitStatus(
            agency=self._spool.agency,
            unit=self._spool.unit,
            state=state,
            at=self._utc_now(),
            software=self._software,
            waiting_records=self._waiting,
        )
        topic = UnitTopic(self._spool.agency, self._spool.unit, "status")
        return str(topic), encode_message(status)
