"""Whatever a lossy network does, a session brings everything to the repository once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.contract.batch import Receipt, Refusal, encode_message, message_digest
from edge.uplink.messages import (
    Acknowledge,
    Action,
    Allowed,
    MarkHitSent,
    Outgoing,
    Publish,
)
from tests.edge.spool.samples import MOMENT, receipt, sha256
from tests.edge.uplink.sessions import (
    CLOSED,
    HITS,
    PACE,
    RECORDS,
    TIGHT,
    batch,
    hit,
    picture,
    plain_session,
)


class World:
    """A spool, a lossy network and a repository as simple as they can be, on a drawn clock."""

    def __init__(self, draw: st.DataObject, records: int, hits: set[int], pictures: int) -> None:
        self.draw = draw
        self.session = plain_session(draw.draw(st.sampled_from([PACE, TIGHT])))
        self.now = 0.0
        self.up = False
        self.lossy = True
        self.records, self.receipted = records, 0
        self.hits = set(hits)
        self.pictures = {picture(number).sha256: picture(number) for number in range(pictures)}
        self.committed = 0
        self.held: set[str] = set()
        self.receipts_issued = 0
        self.air: list[tuple[str, bytes]] = []
        self.first_sent: list[int] = []

    def connect(self) -> None:
        self.up = True
        self.perform(self.session.connected(self.now))

    def disconnect(self) -> None:
        self.up = False
        self.air.clear()
        self.session.disconnected(self.now)

    def turn(self) -> None:
        if self.session.stalled(self.now):
            self.disconnect()
            self.connect()
        room = self.session.room(self.now)
        after = range(room.batches_after + 1, self.records + 1)
        offers: list[Outgoing] = [hit(s) for s in sorted(self.hits - room.skip_hits)][: room.hits]
        offers += [batch(seq) for seq in after][: room.batches]
        if self.receipted:
            due = [p for digest, p in self.pictures.items() if digest not in room.skip_pictures]
            offers += due[: room.pictures]
        self.session.offer(offers, self.now)
        self.perform(self.session.tick(self.now))

    def perform(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Publish(topic=topic, payload=payload):
                    assert self.up
                    self.air.append((topic, payload))
                    if topic == RECORDS:
                        seq = int(payload.split()[1])
                        assert self.receipted < seq <= self.receipted + PACE.batches_under_way
                        if seq not in self.first_sent:
                            self.first_sent.append(seq)
                case Acknowledge(receipt=word):
                    self.acknowledge(word)
                case MarkHitSent(seq=seq):
                    self.hits.discard(seq)

    def acknowledge(self, word: Receipt) -> None:
        assert word.committed_through <= self.committed
        self.receipted = max(self.receipted, word.committed_through)
        self.hits = {seq for seq in self.hits if seq > self.receipted}
        for digest in word.held_pictures:
            self.pictures.pop(digest, None)
        self.perform(
            self.session.acknowledged(
                word, on_chain=True, receipted_through=self.receipted, now=self.now
            )
        )

    def deliver(self) -> None:
        """Bring one message over: in order, or lost, twice or overtaking while it is lossy."""
        fate = self.draw.draw(st.sampled_from(["good", "lost", "twice", "late"]))
        index = -1 if self.lossy and fate == "late" else 0
        topic, payload = self.air.pop(index)
        if topic != "receipt":
            self.session.taken(message_digest(payload), self.now)
        if self.lossy and fate == "lost":
            return
        for _ in range(2 if fate == "twice" else 1):
            if topic == "receipt":
                self.perform(self.session.received(payload))
            else:
                self.air.append(("receipt", self.answer(topic, payload)))

    def answer(self, topic: str, payload: bytes) -> bytes:
        refused: list[Refusal] = []
        if topic == RECORDS:
            seq = int(payload.split()[1])
            if seq == self.committed + 1:
                self.committed = seq
            elif seq > self.committed:
                refused.append(Refusal(seq=None, reason="out_of_chain", detail=""))
        elif topic != HITS:
            self.held.add(sha256(payload))
        self.receipts_issued += 1
        word = receipt(
            self.committed,
            "a" * 64,
            message=message_digest(payload),
            refused=refused,
            held=sorted(self.held),
            issued_at=MOMENT + timedelta(microseconds=self.receipts_issued),
        )
        return encode_message(word)


@settings(max_examples=60, deadline=None)
@given(
    st.data(),
    st.integers(1, 12),
    st.sets(st.integers(1, 12), max_size=4),
    st.integers(0, 3),
    st.lists(
        st.sampled_from(
            [
                "turn",
                "deliver",
                "deliver",
                "deliver",
                "wait",
                "connect",
                "disconnect",
                "close",
                "open",
            ]
        ),
        max_size=60,
    ),
)
def test_whatever_the_network_does_everything_arrives_in_the_end(
    data: st.DataObject, records: int, hits: set[int], pictures: int, events: list[str]
) -> None:
    world = World(data, records, {seq for seq in hits if seq <= records}, pictures)
    world.connect()
    for event in events:
        match event:
            case "deliver" if world.air:
                world.deliver()
            case "wait":
                world.now += data.draw(st.floats(0, 30))
            case "connect" if not world.up:
                world.connect()
            case "disconnect" if world.up:
                world.disconnect()
            case "close":
                world.session.allow(CLOSED)
            case "open":
                world.session.allow(Allowed())
            case _:
                world.turn()
    world.lossy = False
    world.session.allow(Allowed())
    if not world.up:
        world.connect()
    for _ in range(400):
        while world.air:
            world.deliver()
        world.turn()
        if not world.air:
            due = world.session.next_due(world.now)
            if due is None:
                break
            world.now = max(world.now, due)
    assert (world.committed, world.receipted) == (records, records)
    assert world.hits == set()
    assert world.pictures == {}
    assert world.first_sent == list(range(1, records + 1))
