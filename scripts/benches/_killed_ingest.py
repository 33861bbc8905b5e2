"""One unit's many reads, doubled and in disorder, through ingest processes that are killed."""

from __future__ import annotations

import queue
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from paho.mqtt.enums import CallbackAPIVersion

from benches._unit_batches import AGENCY, Unit
from demo_site.processes import BIN, DemoError, start, wait_for_line
from edge.contract import batch as b
from edge.contract import records as r
from edge.contract.topics import UnitTopic

UNIT = "car-1"
UNDER_WAY = 6
_STARTS_WITHIN_S = 120.0
_SILENCE_S = 1.0
_LONGEST_SILENCE_S = 16.0
_APART = timedelta(milliseconds=100)


@dataclass
class Reads:
    """Batches of so many reads, made one after the other as they are asked for."""

    records: int
    at_once: int
    rng: random.Random
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def __iter__(self) -> Iterator[bytes]:
        """Each batch as it travels, of a unit that has read ten plates a second until now."""
        begin = datetime.now(UTC).replace(microsecond=250_000) - self.records * _APART
        (first,) = Unit(UNIT, self.rng, begin, self.key).messages(1, 1)
        template = bytes(b.decode_batch(first.body).records[0])
        read = r.decode_record(template)
        if not isinstance(read, r.Read):
            raise TypeError("not a read")
        previous_root = b.GENESIS_ROOT
        for first_seq in range(1, self.records + 1, self.at_once):
            last = min(first_seq + self.at_once - 1, self.records)
            batch = b.seal_batch(
                agency=AGENCY,
                unit=UNIT,
                first_seq=first_seq,
                previous_root=previous_root,
                records=[self._another(template, read, seq) for seq in range(first_seq, last + 1)],
                private_key=self.key,
            )
            previous_root = batch.root
            yield b.encode_message(batch)

    def _another(self, template: bytes, read: r.Read, seq: int) -> bytes:
        """The same read of another moment, under another number, id and salt; still canonical."""
        later = (seq - 1) * _APART
        identifier = r.mint_id(read.captured_at + later, self.rng.randbytes)
        changed = template.replace(b'"seq":1,', b'"seq":%d,' % seq)
        changed = changed.replace(str(read.id).encode(), str(identifier).encode())
        changed = changed.replace(read.salt.encode(), self.rng.randbytes(16).hex().encode())
        for name in ("captured_at", "first_seen", "last_seen"):
            at: datetime = getattr(read, name)
            changed = changed.replace(_moment(name, at), _moment(name, at + later))
        return changed


def _moment(name: str, at: datetime) -> bytes:
    """The field as records have it; a whole second, which none of these is, is written shorter."""
    return f'"{name}":"{at:%Y-%m-%dT%H:%M:%S.%f}Z"'.encode()


@dataclass(frozen=True)
class Outcome:
    """How it ended: what the receipts say, and what happened on the way."""

    receipted: int
    messages_sent: int
    kills: int
    took_s: float


class Processes:
    """Ingest processes of one repository, any of which may be killed at any moment."""

    def __init__(self, settings: Path, logs: Path, count: int) -> None:
        self.kills = 0
        self._settings = settings
        self._logs = logs
        self._running: dict[int, subprocess.Popen[str]] = {}
        for instance in range(1, count + 1):
            self._start(instance)
        for instance in self._running:
            self.wait_for(instance)

    def kill_next(self) -> None:
        """End one as a power cut would, each in its turn, and start it again."""
        instance = 1 + self.kills % len(self._running)
        self._running[instance].send_signal(signal.SIGKILL)
        self._running[instance].wait()
        self.kills += 1
        self._start(instance)

    def wait_for(self, instance: int) -> None:
        """Wait until it takes messages."""
        wait_for_line(
            self._log(instance), "taking messages", self._running[instance], _STARTS_WITHIN_S
        )

    def end(self) -> None:
        """Stop all of them as an administrator would."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            process.wait(_STARTS_WITHIN_S)

    def _start(self, instance: int) -> None:
        self._log(instance).unlink(missing_ok=True)
        command = [str(BIN / "alpr-repository"), "--settings", str(self._settings), "run"]
        self._running[instance] = start(
            [*command, "--only", "ingest", "--instance", str(instance)], self._log(instance)
        )

    def _log(self, instance: int) -> Path:
        return self._logs / f"ingest-{instance}.log"


@contextmanager
def ingest_processes(settings: Path, logs: Path, count: int) -> Iterator[Processes]:
    """So many processes at work, stopped at the end."""
    processes = Processes(settings, logs, count)
    try:
        yield processes
    finally:
        processes.end()


def send_all(
    reads: Reads,
    port: int,
    repository_key: Ed25519PublicKey,
    processes: Processes,
    kill_at: Sequence[float],
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Send every batch, some twice and in disorder, until all are receipted.

    ``kill_at`` are shares of the reads, each of which, once receipted, costs a process its life.

    Raises:
        DemoError: if a receipt is forged, or refuses what is good.
    """
    receipts: queue.Queue[bytes] = queue.Queue()
    client = _connect(port, receipts)
    began = time.monotonic()
    batches = iter(reads)
    under_way: list[tuple[int, bytes]] = []
    through = last = sent = 0
    silence_s = _SILENCE_S
    kills = [share * reads.records for share in kill_at]
    topic = str(UnitTopic(AGENCY, UNIT, "records"))
    try:
        while through < reads.records:
            while len(under_way) < UNDER_WAY and last < reads.records:
                body = next(batches)
                last = min(last + reads.at_once, reads.records)
                under_way.append((last, body))
            disorder = [body for _, body in under_way for _ in range(reads.rng.choice((1, 1, 2)))]
            reads.rng.shuffle(disorder)
            for body in disorder:
                client.publish(topic, body, qos=1)
                sent += 1
            before = through
            through = _newest(receipts, repository_key, through, under_way[-1][0], silence_s)
            # As a unit does: what is sent again too soon is only more to do.
            waited = min(2 * silence_s, _LONGEST_SILENCE_S)
            silence_s = waited if through == before else _SILENCE_S
            under_way = [(end, body) for end, body in under_way if end > through]
            say(f"{through} of {reads.records}")
            while kills and through >= kills[0]:
                kills.pop(0)
                processes.kill_next()
    finally:
        client.disconnect()
        client.loop_stop()
    return Outcome(through, sent, processes.kills, time.monotonic() - began)


def _newest(
    receipts: queue.Queue[bytes],
    key: Ed25519PublicKey,
    through: int,
    until: int,
    silence_s: float,
) -> int:
    """How far all is committed by what the receipts say until they fall silent for so long."""
    while through < until:
        try:
            receipt = b.decode_receipt(receipts.get(timeout=silence_s))
        except queue.Empty:
            return through
        b.verify_receipt(receipt, key)
        for refusal in receipt.refused:
            if refusal.reason != "out_of_chain" or refusal.seq is not None:
                raise DemoError(f"a good batch was refused: {refusal}")
        through = max(through, receipt.committed_through)
    return through


def _connect(port: int, receipts: queue.Queue[bytes]) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"{AGENCY}:{UNIT}")
    subscribed = threading.Event()

    def received(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        receipts.put(bytes(message.payload))

    def connected(client: mqtt.Client, *_: Any) -> None:
        client.subscribe(str(UnitTopic(AGENCY, UNIT, "receipt")), 1)

    client.on_subscribe = lambda *_: subscribed.set()
    client.on_connect = connected
    client.on_message = received
    client.connect("127.0.0.1", port)
    client.loop_start()
    if not subscribed.wait(_STARTS_WITHIN_S):
        raise DemoError("the broker does not answer")
    return client
