"""The uplink: moves what waits in the spool to the repository and purges what is receipted.

One thread owns the conversation; the link's thread and the pipeline only leave word in its
mailbox. A broken spool or broker is said in one sentence and tried again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from random import SystemRandom
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import UNSET, structs

from edge.contract.batch import Receipt, RefusalReason, UnitStatus, encode_message
from edge.contract.status import MAX_COUNTERS, UnitHealth
from edge.contract.topics import UnitTopic
from edge.errors import EdgeError
from edge.spool.store import Spool
from edge.uplink.beat import StatusBeat
from edge.uplink.certificate import CertificateWatch
from edge.uplink.gate import LOOK_EVERY_S, Gate, UploadPlan
from edge.uplink.mailbox import Mailbox, ProblemOf, Problems
from edge.uplink.messages import (
    Acknowledge,
    Action,
    MarkHitSent,
    Pace,
    Publish,
    Refused,
    SessionCounts,
    Subscribe,
)
from edge.uplink.mqtt import (
    LinkConnected,
    LinkDisconnected,
    LinkEvent,
    LinkLeft,
    LinkProblem,
    LinkReceived,
    LinkSettings,
    LinkTaken,
    MqttLink,
)
from edge.uplink.refusals import Refusals
from edge.uplink.session import Session
from edge.uplink.supply import Supply

THREADS = ("uplink", "uplink-link")
"""Names of the two threads: the conversation, and the connection to the broker."""

_SYSTEM_RANDOM = SystemRandom()
_SPOOL_RETRY_S = 5.0
_OTHER_KEY: frozenset[RefusalReason] = frozenset({"bad_signature", "bad_root"})
_ANOTHER_KEY = (
    "records that wait were sealed under another signing key than the unit.key in use, so one of "
    "the two is not the key that this unit was enrolled with: if this lasts, put back the unit.key "
    "made at enrolment and restart the daemon"
)


@dataclass(frozen=True, slots=True)
class UplinkCounts:
    """Whether the broker has accepted the unit, and what was sent and received since the start.

    ``uploading`` says whether records may go now, ``metered`` whether the link costs by the byte;
    ``oldest_waiting_at`` is when the record that waits longest was captured, None if none waits.
    """

    connected: bool
    receipts_dropped: int
    session: SessionCounts
    uploading: bool
    metered: bool
    oldest_waiting_at: datetime | None


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
        plan: UploadPlan | None = None,
        health: Callable[[], UnitHealth] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = _SYSTEM_RANDOM.random,
        beat: Callable[[str], None] = lambda _thread: None,
    ) -> None:
        """Prepare; nothing is connected to before ``start``.

        ``on_problem`` is told, by area, one sentence when something does not work and None when
        it works again; ``on_refusal`` of each message refused as a whole. Both are called from
        the uplink's thread, as is ``health`` for what the unit says of itself, and must not block.
        ``beat`` is called with a thread's name, one of ``THREADS``, as long as it turns.

        Raises:
            UplinkError: if a file that the link's settings name cannot be used.
            SpoolError: if the spool cannot be read.
        """
        self._spool = spool
        self._software = software
        self._on_refusal = on_refusal
        self._health = health
        self._monotonic = monotonic
        self._utc_now = utc_now
        self._turns = partial(beat, THREADS[0])
        self._mailbox = Mailbox()
        self._problems = Problems(on_problem)
        self._beat = StatusBeat()
        self._certificate = CertificateWatch(
            link.certificate_file,
            utc_now,
            lambda sentence: self._problems.set("certificate", sentence),
        )
        self._gate = Gate(plan or UploadPlan())
        self._supply = Supply(spool, private_key)
        self._public_key = private_key.public_key()
        self._refusals = Refusals()
        self._connected = False
        self._counts = spool.counts()
        self._oldest_waiting_at: datetime | None = None
        self._pictures_idle = False
        self._numbers: dict[int, str] = {}
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
            goodbye=lambda: self._status("offline", self._health_now()),
            jitter=jitter,
            beat=partial(beat, THREADS[1]),
        )
        self._thread = threading.Thread(target=self._run, name=THREADS[0], daemon=True)

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

    def send_everything(self) -> None:
        """Send all there is from now on, whatever the hour and the link's cost."""
        self._gate.send_everything()
        self._mailbox.wake()

    def is_alive(self) -> bool:
        """Whether both threads run."""
        return self._thread.is_alive() and self._link.is_alive()

    def counts(self) -> UplinkCounts:
        """What happened so far."""
        return UplinkCounts(
            connected=self._connected,
            receipts_dropped=self._mailbox.dropped,
            session=replace(self._session.counts),
            uploading=self._gate.is_open,
            metered=self._gate.metered,
            oldest_waiting_at=self._oldest_waiting_at,
        )

    def _run(self) -> None:
        wait_s = 0.0
        while not self._stopping.is_set():
            self._turns()
            sound = True
            for event in self._mailbox.take(wait_s):
                sound &= self._try(partial(self._handle, event))
            now = self._monotonic()
            if self._session.stalled(now):
                self._session.disconnected(now)
                self._link.renew()
            sound &= self._try(self._fill)
            self._perform(self._session.tick(self._monotonic()))
            self._say_how_it_is()
            if sound:
                self._problems.set("spool", None)
            wait_s = self._wait_s() if sound else _SPOOL_RETRY_S

    def _try(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except EdgeError as error:
            self._problems.set("spool", str(error))
            return False
        return True

    def _handle(self, event: LinkEvent) -> None:
        match event:
            case LinkConnected():
                self._connected = True
                self._numbers.clear()
                self._problems.set("link", None)
                self._beat.restart()
                self._look()
                self._perform(self._session.connected(self._monotonic()))
            case LinkDisconnected():
                self._connected = False
                self._session.disconnected(self._monotonic())
            case LinkTaken(number=number):
                if (digest := self._numbers.pop(number, None)) is not None:
                    self._session.taken(digest, self._monotonic())
            case LinkReceived(payload=payload):
                self._perform(self._session.received(payload))
            case LinkLeft():
                self._session.counts.links_left += 1
            case LinkProblem(sentence=sentence):
                self._problems.set("link", sentence)

    def _look(self) -> None:
        """See what may be sent now."""
        held = self._session.counts.pictures_held
        self._session.allow(self._gate.look(self._monotonic(), self._link.peer, self._counts, held))

    def _fill(self) -> None:
        self._look()
        room = self._session.room(self._monotonic())
        outgoing = list(self._supply.fetch(room))
        self._session.offer(outgoing, self._monotonic())
        self._counts = self._spool.counts()
        self._problems.set(
            "key", _ANOTHER_KEY if self._spool.sealed_otherwise(self._public_key) else None
        )
        self._pictures_idle = self._session.pictures_idle() and (
            room.pictures > 0 or not self._session.pictures_allowed
        )
        self._oldest_waiting_at = self._supply.oldest_waiting_at(self._counts)
        self._gate.finish(
            self._counts,
            self._session.counts.pictures_held,
            pictures_idle=self._pictures_idle,
            at=self._utc_now(),
        )

    def _wait_s(self) -> float:
        now = self._monotonic()
        due = self._session.next_due(now)
        return LOOK_EVERY_S if due is None else min(max(due - now, 0.0), LOOK_EVERY_S)

    def _perform(self, actions: Iterable[Action]) -> None:
        pending = deque(actions)
        while pending:
            match pending.popleft():
                case Subscribe(topic=topic):
                    self._link.subscribe(topic)
                case Publish(topic=topic, payload=payload, digest=digest):
                    number = self._link.publish(topic, payload)
                    if number is not None:
                        self._numbers[number] = digest
                case Acknowledge(receipt=receipt):
                    pending.extend(self._acknowledge(receipt))
                case MarkHitSent(seq=seq):
                    self._spool.mark_hit_sent(seq)
                    self._refusals.taken("hits")
                case Refused() as refused:
                    self._on_refusal(refused)
                    self._refused(refused)
        self._problems.set("refused", self._refusals.sentence)

    def _refused(self, refused: Refused) -> None:
        """Have a batch that another key sealed sealed anew, or say what is refused."""
        if (
            refused.channel == "records"
            and refused.reason in _OTHER_KEY
            and refused.first_seq is not None
            and self._spool.give_up_refused(refused.first_seq, self._public_key)
        ):
            self._session.resealed()
            self._refusals.taken("records")
        else:
            self._refusals.note(refused)

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
            self._refusals.receipted(done.receipted_through)
        if done.pictures_purged:
            self._refusals.taken("picture")
        return self._session.acknowledged(
            receipt,
            on_chain=on_chain,
            receipted_through=done.receipted_through,
            resealed=done.resealed,
            now=self._monotonic(),
        )

    def _say_how_it_is(self) -> None:
        now = self._monotonic()
        self._certificate.look(now)
        if self._connected and self._beat.is_look_due(now):
            health = self._health_now()
            parts = frozenset(() if health is None else (one.part for one in health.troubles))
            if self._beat.is_due(parts, now):
                topic, payload = self._status("online", health)
                self._link.publish(topic, payload, retain=True)

    def _health_now(self) -> UnitHealth | None:
        """What the unit says of itself, and this conversation's counts among its counters."""
        if self._health is None:
            return None
        health = self._health()
        own = {f"uplink_{what}": count for what, count in asdict(self._session.counts).items()}
        others = islice(health.counters.items(), MAX_COUNTERS - len(own))
        return structs.replace(health, counters={**dict(others), **own})

    def _status(
        self, state: Literal["online", "offline"], health: UnitHealth | None = None
    ) -> tuple[str, bytes]:
        status = UnitStatus(
            agency=self._spool.agency,
            unit=self._spool.unit,
            state=state,
            at=self._utc_now(),
            software=self._software,
            waiting_records=self._counts.waiting,
            health=UNSET if health is None else health,
        )
        topic = UnitTopic(self._spool.agency, self._spool.unit, "status")
        return str(topic), encode_message(status)
