"""A real spool and a model repository over a network that loses, repeats, reorders and breaks off.

Nothing is purged that the repository did not receipt, nothing arrives twice, and in the end
everything has arrived and nothing is left.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.spool.store import Spool
from edge.uplink.messages import (
    Acknowledge,
    Action,
    Allowed,
    MarkHitSent,
    Pace,
    Publish,
    Refused,
)
from edge.uplink.session import Session
from edge.uplink.supply import Supply
from tests.edge.spool.samples import (
    AGENCY,
    REPOSITORY_KEY,
    SPOOL_KEY,
    UNIT,
    UNIT_KEY,
    by_digest,
    picture_bytes,
    read_and_hit,
    read_with,
    sha256,
)
from tests.edge.uplink.responder import ModelRepository

PACE = Pace(
    hits_under_way=2,
    batches_under_way=2,
    pictures_under_way=2,
    bytes_per_s=4000.0,
    burst_bytes=8000.0,
    window_bytes=6000,
    untaken_s=20.0,
)


class Line:
    """Unit, network and repository, on a drawn clock."""

    def __init__(self, folder: Path, draw: st.DataObject) -> None:
        self.folder = folder
        self.draw = draw
        self.now = 0.0
        self.made = 0
        self.pictures: set[str] = set()
        self.repository = ModelRepository(UNIT_KEY.public_key())
        self.up: list[Publish] = []
        self.down: list[bytes] = []
        self.start()

    def start(self) -> None:
        """A new daemon over the spool."""
        self.spool = Spool.open(self.folder, SPOOL_KEY, agency=AGENCY, unit=UNIT)
        self.supply = Supply(self.spool, UNIT_KEY)
        self.session = Session(
            agency=AGENCY,
            unit=UNIT,
            repository_key=REPOSITORY_KEY.public_key(),
            jitter=lambda: 0.5,
            pace=PACE,
        )
        self.connected = False

    def kill(self) -> None:
        self.spool.close()
        self.up.clear()
        self.start()
        self.connect()

    def see(self) -> None:
        self.made += 1
        picture = picture_bytes(self.made)
        builders: list[Any] = [read_with(picture)]
        if self.made % 3 == 0:
            builders = list(read_and_hit(picture))
        self.spool.add(builders, by_digest(picture))
        self.pictures.add(sha256(picture))

    def connect(self) -> None:
        if not self.connected:
            self.connected = True
            self.perform(self.session.connected(self.now))

    def break_off(self) -> None:
        self.up.clear()
        self.connected = False
        self.session.disconnected(self.now)

    def turn(self) -> None:
        if self.session.stalled(self.now):
            self.break_off()
            self.connect()
        self.session.offer(list(self.supply.fetch(self.session.room(self.now))), self.now)
        self.perform(self.session.tick(self.now))

    def perform(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Publish():
                    self.up.append(action)
                case Acknowledge(receipt=receipt):
                    done = self.spool.acknowledge(receipt)
                    on_chain = done.verdict not in ("ahead", "other_chain")
                    assert on_chain
                    self.perform(
                        self.session.acknowledged(
                            receipt,
                            on_chain=on_chain,
                            receipted_through=done.receipted_through,
                            now=self.now,
                        )
                    )
                case MarkHitSent(seq=seq):
                    self.spool.mark_hit_sent(seq)
                case Refused(reason=reason):
                    assert reason == "out_of_chain"

    def carry_up(self, *, lossy: bool) -> None:
        """The broker takes a message, and brings it to the repository: once, twice or never."""
        if not self.up:
            return
        fate = self.draw.draw(st.sampled_from(["good", "lost", "twice", "late"])) if lossy else ""
        message = self.up.pop(-1 if fate == "late" else 0)
        self.session.taken(message.digest, self.now)
        for _ in range({"lost": 0, "twice": 2}.get(fate, 1)):
            reply = self.repository.answer(message.topic, message.payload)
            if reply is not None:
                self.down.append(reply)

    def carry_down(self, *, lossy: bool) -> None:
        """A receipt comes, perhaps of long ago, perhaps not for the last time, perhaps never."""
        if not self.down or not self.connected:
            return
        fate = "good"
        index = 0
        if lossy:
            fate = self.draw.draw(st.sampled_from(["good", "lost", "again"]))
            index = self.draw.draw(st.integers(0, len(self.down) - 1))
        receipt = self.down[index] if fate == "again" else self.down.pop(index)
        if fate != "lost":
            self.perform(self.session.received(receipt))

    def check(self) -> None:
        """Nothing was purged that the repository does not have, and nothing came twice."""
        arrived = [record.seq for record in self.repository.records]
        assert arrived == list(range(1, len(arrived) + 1))
        counts = self.spool.counts()
        assert counts.receipted <= self.repository.committed_through
        unsent = self.pictures - self.repository.held
        assert counts.pictures_waiting >= len(unsent)


@settings(max_examples=15, deadline=None)
@given(
    st.data(),
    st.lists(
        st.sampled_from(
            [
                *["see", "up", "down"] * 4,
                *["wait", "open", "connect"] * 2,
                *("break", "kill", "close"),
            ]
        ),
        min_size=20,
        max_size=60,
    ),
)
def test_everything_arrives_once_and_nothing_is_purged_without_its_receipt(
    data: st.DataObject, events: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        line = Line(Path(folder) / "spool", data)
        closed = Allowed(hits=True, records=False, pictures=None)
        line.connect()
        for event in events:
            match event:
                case "see":
                    line.see()
                case "up":
                    for _ in range(len(line.up)):
                        line.carry_up(lossy=True)
                case "down":
                    for _ in range(len(line.down)):
                        line.carry_down(lossy=True)
                case "wait":
                    line.now += data.draw(st.floats(0, 90))
                case "connect":
                    line.connect()
                case "break":
                    line.break_off()
                case "kill":
                    line.kill()
                case "close":
                    line.session.allow(closed)
                case "open":
                    line.session.allow(Allowed())
            line.turn()
            line.check()
        line.session.allow(Allowed())
        line.connect()
        for _ in range(1000):
            while line.up or line.down:
                line.carry_up(lossy=False)
                line.carry_down(lossy=False)
            line.turn()
            due = line.session.next_due(line.now)
            if not line.up and due is None:
                break
            line.now = max(line.now, due or 0.0)
        line.check()
        counts = line.spool.counts()
        assert (counts.waiting, counts.hits_waiting, counts.pictures_waiting) == (0, 0, 0)
        assert counts.receipted == counts.spooled == len(line.repository.records)
        assert line.repository.held == line.pictures
        line.spool.close()
