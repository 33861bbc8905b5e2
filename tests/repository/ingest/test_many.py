"""So many reads at once that PostgreSQL takes them by COPY: what holds for few holds for them."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, delete, event, func, select, update

from edge.contract.batch import GENESIS_ROOT
from repository.ingest import fleet
from repository.ingest.take import Ingest
from repository.ledger.entry import Actor
from repository.retention import holds, watermarks
from repository.retention.holds_request import HoldRequest, PlateTarget, UnitTarget
from repository.retention.watermarks import Bound
from repository.store.bulk import COPY_FROM
from repository.store.engine import reading
from repository.store.tables.fleet import chains
from repository.store.tables.plates import plates
from repository.store.tables.reads import batches, hits, pictures, quarantine, reads
from repository.store.tables.retention import hold_reads
from tests.repository.ingest.conftest import NOW
from tests.repository.ingest.test_take import SEEN, count, receipt
from tests.repository.ingest.test_work import take_all
from tests.repository.sender import AGENCY, PICTURE, Sender

JOAN = Actor("u-1", "jnorth", "Joan North", AGENCY)
MANY = COPY_FROM + 10
DAY = timedelta(days=1)


def statements(engine: Engine) -> list[str]:
    """What is sent to the database from now on, but for COPY itself."""
    said: list[str] = []
    event.listen(
        engine, "before_cursor_execute", lambda _c, _u, text, *_rest: said.append(str(text))
    )
    return said


def test_what_is_there_though_the_chain_does_not_know_it_stays_and_the_rest_comes(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    old = [sender.read(SEEN, pictures=[PICTURE]) for _ in range(MANY)]
    first = sender.message(*old)
    take_all(ingest, (sender.topic(), first))
    with engine.begin() as connection:  # as after a restore of these tables alone
        connection.execute(delete(batches))
        connection.execute(delete(reads).where(reads.c.seq <= 5))
        connection.execute(
            update(chains).values(
                committed_through=0, chain_root=GENESIS_ROOT, captured_through=fleet.NEVER
            )
        )
    second = sender.message(*(sender.read(SEEN, pictures=[PICTURE]) for _ in range(MANY)))
    said = statements(engine)
    answers = take_all(ingest, (sender.topic(), first), (sender.topic(), second))

    assert [one.outcome for one in answers] == ["committed", "committed"]
    assert receipt(answers[1], repository_key).committed_through == 2 * MANY
    assert (count(engine, reads), count(engine, pictures)) == (2 * MANY, 2 * MANY)
    assert count(engine, quarantine) == 0
    around = any("incoming_reads" in one for one in said)
    assert around == (engine.dialect.name == "postgresql")


def test_reads_that_nothing_is_known_of_are_copied_straight(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    said = statements(engine)
    for day in (2 * DAY, DAY):
        made = (sender.read(SEEN - day, pictures=[PICTURE]) for _ in range(MANY))
        take_all(ingest, (sender.topic(), sender.message(*made)))
    assert (count(engine, reads), count(engine, pictures)) == (2 * MANY, 2 * MANY)
    assert not any("incoming_" in one for one in said)


def test_new_plates_come_last_since_other_processes_wait_for_them(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    for _ in range(2):
        said = statements(engine)
        made = (sender.read(SEEN, plate=f"1AB{number}") for number in range(MANY))
        take_all(ingest, (sender.topic(), sender.message(*made)))
        assert [number for number, one in enumerate(said) if "plates" in one] == [len(said) - 1]
    assert count(engine, plates) == MANY


def test_a_batch_whose_hit_came_first_brings_the_rest(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    made = [sender.read(SEEN) for _ in range(MANY)]
    hit = sender.hit(SEEN, made[0].id)
    ingest.take(sender.topic("hits"), sender.notice(hit))
    (answer,) = take_all(ingest, (sender.topic(), sender.message(*made, hit)))
    assert answer.records_kept == MANY + 1
    assert (count(engine, reads), count(engine, hits)) == (MANY, 1)


def test_an_id_used_twice_among_many_is_refused_alone(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    made = [sender.read(SEEN) for _ in range(MANY)]
    made.append(msgspec.structs.replace(sender.read(SEEN), id=made[7].id))
    (answer,) = take_all(ingest, (sender.topic(), sender.message(*made)))
    refused = receipt(answer, repository_key).refused
    assert [(one.seq, one.reason) for one in refused] == [(MANY + 1, "malformed")]
    assert (count(engine, reads), count(engine, quarantine)) == (MANY, 1)


def test_many_reads_of_several_units_come_under_the_holds_that_reach_them(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    others = [Sender(unit=f"car-{number}") for number in (13, 14)]
    for unit in others:
        unit.enrol(engine, NOW)
    since, until = SEEN - DAY, SEEN + DAY
    with engine.begin() as connection:
        for target in (
            PlateTarget("9XYZ88", None, since, until),
            UnitTarget(AGENCY, "car-13", since, until),
        ):
            request = HoldRequest("24-1", "arrest", "why", target, record_period="permanent")
            holds.add(connection, request, actor=JOAN, origin="test", now=NOW)
    messages, expected = [], set()
    for unit in (sender, *others):
        made = [
            unit.read(SEEN, plate="9XYZ88" if number % 20 == 0 else "1ABC23")
            for number in range(MANY)
        ]
        expected |= {one.id for one in made if one.plate == "9XYZ88" or unit.unit == "car-13"}
        messages.append((unit.topic(), unit.message(*made)))
    take_all(ingest, *messages)
    with reading(engine) as connection:
        held = set(connection.scalars(select(hold_reads.c.read_id)))
        assert connection.scalar(select(func.count()).select_from(reads)) == 3 * MANY
    assert held == expected


def test_of_many_reads_those_before_the_watermark_are_refused(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    with engine.begin() as connection:
        watermarks.advance(connection, [Bound(1, hit, SEEN) for hit in (False, True)])
    moments = [SEEN - timedelta(milliseconds=number % 2) for number in range(2 * MANY)]
    made = [sender.read(moment) for moment in moments]
    (answer,) = take_all(ingest, (sender.topic(), sender.message(*made)))
    refused = receipt(answer, repository_key).refused
    assert {one.reason for one in refused} == {"too_old"}
    assert (len(refused), count(engine, reads)) == (MANY, MANY)
