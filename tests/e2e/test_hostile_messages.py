"""Hostile messages at a broker that lets anyone say anything: ingest alone must refuse them.

Each is refused with a reason in quarantine and in a receipt, and the next good batch of the unit
that it was aimed at goes through.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from demo_site import site as sites
from edge.contract.topics import UnitTopic
from repository.store.engine import reading
from repository.store.tables.fleet import agencies
from repository.store.tables.reads import quarantine, reads
from tests.e2e.conftest import CopySite, Ingesting
from tests.e2e.wire import Client, database
from tests.repository.sender import Sender
from tests.servers import Broker

PLATE = "7QXZ31"


@dataclass(frozen=True)
class Town:
    """A site with ingest at work, and three units that the test speaks for."""

    site: sites.Site
    victim: Sender
    elsewhere: Sender
    intruder: Sender


Message = tuple[Sender, bytes]  # whom it is aimed at, and what is said


@pytest.fixture(scope="module")
def town(
    tmp_path_factory: pytest.TempPathFactory,
    lax_broker: Broker,
    copy_site: CopySite,
    ingesting: Ingesting,
) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("hostile")
    site = copy_site(folder / "site", lax_broker.port)
    made = Town(
        site,
        victim=Sender(agency=sites.AGENCY, unit="car-13"),
        elsewhere=Sender(agency="amherst-pd", unit="car-13"),
        intruder=Sender(agency=sites.AGENCY, unit="car-14"),
    )
    with database(site) as engine:
        for sender in (made.victim, made.elsewhere, made.intruder):
            sender.enrol(engine, now())
    with ingesting(site):
        yield made


def now() -> datetime:
    return datetime.now(UTC)


def next_batch(sender: Sender) -> bytes:
    """The unit's next good batch; the unit itself does not come to know of it."""
    copy = Sender(sender.unit, sender.agency, sender.key, sender.seq, sender.previous_root)
    return copy.message(copy.read(now(), plate=PLATE))


def changed_byte(town: Town) -> Message:
    good = next_batch(town.victim)
    place = good.index(f'"plate":"{PLATE}"'.encode()) + len('"plate":"')
    return town.victim, good[:place] + b"8" + good[place + 1 :]


def out_of_chain(town: Town) -> Message:
    victim = town.victim
    ahead = Sender(victim.unit, victim.agency, victim.key, victim.seq + 1, victim.previous_root)
    return victim, ahead.message(ahead.read(now()))


def unknown_field(town: Town) -> Message:
    fields = msgspec.json.decode(next_batch(town.victim))
    return town.victim, msgspec.json.encode({**fields, "colour": "blue"})


def intruder_as(name: str) -> Callable[[Town], Message]:
    """The intruder's key over a batch that names the victim, on the victim's topic."""

    def made(town: Town) -> Message:
        victim: Sender = getattr(town, name)
        posing = Sender(victim.unit, victim.agency, town.intruder.key, victim.seq)
        return victim, posing.message(posing.read(now()))

    return made


def intruder_in_place_of(name: str) -> Callable[[Town], Message]:
    """The intruder's own good batch, on the victim's topic."""
    return lambda town: (getattr(town, name), next_batch(town.intruder))


@pytest.mark.policy("C-6a")
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (changed_byte, "bad_root"),
        (out_of_chain, "out_of_chain"),
        (unknown_field, "malformed"),
        (lambda town: (town.victim, b"\xff" * 10_000_000), "too_large"),
        (lambda town: (town.victim, b""), "empty"),
        (lambda town: (town.victim, b"\x00{not a batch"), "malformed"),
        (intruder_as("victim"), "bad_signature"),
        (intruder_as("elsewhere"), "bad_signature"),
        (intruder_in_place_of("victim"), "wrong_unit"),
        (intruder_in_place_of("elsewhere"), "wrong_unit"),
    ],
    ids=[
        *("changed byte", "out of chain", "unknown field", "10 MB", "empty", "garbage"),
        *("key of another unit", "key of another agency"),
        *("batch of another unit", "batch of another agency"),
    ],
)
def test_it_is_refused_with_its_reason_and_the_next_good_batch_goes_through(
    town: Town, make: Callable[[Town], Message], reason: str
) -> None:
    victim, body = make(town)
    topic = victim.topic()
    with closing(Client(town.site, "anyone")) as client:
        assert client.subscribe(str(UnitTopic(victim.agency, victim.unit, "receipt")))
        refusal = client.deliver(topic, body)
        assert [(each.seq, each.reason) for each in refusal.refused] == [(None, reason)]
        assert refusal.committed_through == victim.seq
        assert refusal.chain_root == victim.previous_root

        receipt = client.deliver(topic, victim.message(victim.read(now(), plate=PLATE)))
    assert receipt.refused == ()
    assert (receipt.committed_through, receipt.chain_root) == (victim.seq, victim.previous_root)
    with database(town.site) as engine, reading(engine) as connection:
        last = connection.execute(select(quarantine).order_by(quarantine.c.id.desc())).first()
        kept = connection.execute(
            select(reads.c.seq, agencies.c.name)
            .join(agencies, agencies.c.id == reads.c.agency_id)
            .where(agencies.c.name == victim.agency)
            .order_by(reads.c.seq)
        ).all()
    sha256 = hashlib.sha256(body).hexdigest()
    if reason == "out_of_chain":  # it comes again behind what it overtook: nothing to set aside
        assert last is None or last.sha256 != sha256
    else:
        assert last is not None
        assert (last.topic, last.reason, last.sha256) == (topic, reason, sha256)
        assert body.startswith(last.body)
    assert [row.seq for row in kept] == list(range(1, victim.seq + 1))


def test_the_log_names_reasons_and_no_plate(town: Town) -> None:
    with closing(Client(town.site, "anyone")) as client:
        assert client.subscribe(town.victim.topic("receipt"))
        client.deliver(*changed(town))
    log = Path(town.site.logs / "repository.log").read_text(encoding="utf-8")
    assert '"reason": "bad_root"' in log
    assert PLATE not in log
    assert "Traceback" not in log


def changed(town: Town) -> tuple[str, bytes]:
    victim, body = changed_byte(town)
    return victim.topic(), body
