"""Two repositories: a department's, over each kind of database in turn, and the state's."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from repository.bootstrap import Services
from repository.forwarding import exchange
from repository.forwarding.forwarder import Forwarder
from repository.forwarding.state import Position, positions
from repository.settings import ForwardSettings
from repository.store.engine import reading
from repository.units import enrolment
from tests.repository.sender import AGENCY, PICTURE, Sender
from tests.repository.whole import NOW, Clock, services


@dataclass
class Wire:
    """Both brokers at once: what is published reaches the state's ingest, and its receipt returns.

    ``loses`` says of each message whether it, and of each receipt whether that, is lost.
    """

    state: Services
    loses: Callable[[str], bool] = lambda _what: False
    connections: int = 1
    ready: bool = True
    sent: list[str] = field(default_factory=list)
    waiting: deque[bytes] = field(default_factory=deque)

    def start(self) -> None:
        self.waiting.clear()

    def stop(self) -> None:
        self.waiting.clear()

    def publish(self, topic: str, message: bytes) -> None:
        self.sent.append(topic)
        if self.loses("message"):
            return
        taken = self.state.ingest.take(topic, message)
        if taken.reply is not None and not self.loses("receipt"):
            self.waiting.append(taken.reply.payload)

    def receipt(self, timeout_s: float) -> bytes | None:
        return self.waiting.popleft() if self.waiting else None


class Ticks:
    """A clock that counts a second whenever it is asked."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def __call__(self) -> float:
        self.time_s += 1
        return self.time_s


@dataclass
class Pair:
    """The department's repository, the state's, and a unit of the department."""

    department: Services
    state: Services
    clock: Clock
    unit: Sender
    wire: Wire

    def forwarder(self) -> Forwarder:
        """A forwarder as it is after a start."""
        settings = ForwardSettings(
            agencies=(AGENCY,), receipts_key=Path("unused"), retry_s=5, in_flight=4
        )
        return Forwarder(
            self.department.engine,
            self.department.pictures,
            settings,
            self.state.receipts_key.public_key(),
            self.wire,
            self.clock,
            Ticks(),
        )

    def forward(self, steps: int = 40) -> None:
        """Forward for a while."""
        forwarder = self.forwarder()
        for _ in range(steps):
            forwarder.step()

    def take(self, reads: int = 1, pictures: tuple[bytes, ...] = ()) -> bytes:
        """A batch of that many reads that the department takes; its message."""
        made = [
            self.unit.read(self.clock() - timedelta(minutes=each + 1), pictures=pictures)
            for each in range(reads)
        ]
        message = self.unit.message(*made)
        assert self.department.ingest.take(self.unit.topic(), message).outcome == "committed"
        return message

    def take_picture(self, picture: bytes = PICTURE) -> str:
        """The picture of a read, as the department takes it; its digest."""
        sha256 = hashlib.sha256(picture).hexdigest()
        taken = self.department.ingest.take(self.unit.topic("picture", sha256), picture)
        assert taken.outcome == "committed"
        return sha256

    def enrol_with_state(self) -> None:
        """What an administrator does: the file goes from one repository to the other."""
        with self.department.engine.begin() as connection:
            data = exchange.encode(exchange.export(connection, AGENCY))
        with self.state.engine.begin() as connection:
            if enrolment.find_agency(connection, AGENCY) is None:
                enrolment.add_agency(connection, name=AGENCY, title="N", ori=None, now=NOW)
            exchange.take(connection, exchange.decode(data), NOW)

    def position(self) -> Position:
        with reading(self.department.engine) as connection:
            (found,) = positions(connection, [AGENCY])
        return found


@pytest.fixture
def pair(engine: Engine, migrated_sqlite: Path, tmp_path: Path) -> Iterator[Pair]:
    clock = Clock()
    database = engine.url.render_as_string(hide_password=False)
    department = services(tmp_path / "department", database, clock)
    state = services(tmp_path / "state", migrated_sqlite, clock)
    unit = Sender()
    unit.enrol(department.engine, NOW)
    made = Pair(department, state, clock, unit, Wire(state))
    made.enrol_with_state()
    yield made
    for site in (department, state):
        site.close()
