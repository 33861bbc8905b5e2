"""Everything that a department has reaches the state once, through every kind of trouble."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update

from edge.contract.batch import Batch, decode_batch, verify_batch_signature
from repository.agencies.service import AgencyData
from repository.bootstrap import Services
from repository.store.engine import reading
from repository.store.tables.fleet import chains, units
from repository.store.tables.reads import batches, pictures, reads
from repository.units import enrolment
from repository.units.findings import list_findings
from tests.repository.forwarding.conftest import Pair, Wire
from tests.repository.people import hire
from tests.repository.sender import AGENCY, PICTURE, Sender
from tests.repository.whole import NOW, Clock, services


def stored(site: Services) -> list[tuple[int, bytes]]:
    with reading(site.engine) as connection:
        query = select(reads.c.seq, reads.c.record).order_by(reads.c.seq)
        return [(row.seq, row.record) for row in connection.execute(query)]


def findings(site: Services) -> list[str]:
    with reading(site.engine) as connection:
        return [each.kind for each in list_findings(connection)]


def proven(site: Services) -> list[Batch]:
    """The batches that the state has, each with its unit's signature over it."""
    with reading(site.engine) as connection:
        found = connection.execute(select(batches).order_by(batches.c.first_seq)).all()
        key = connection.scalar(select(units.c.public_key))
    made = []
    for row in found:
        batch = Batch(
            agency=AGENCY,
            unit="car-12",
            key=row.key_id,
            first_seq=row.first_seq,
            previous_root=row.previous_root,
            root=row.root,
            signature=row.signature,
            records=(b"{}",) * (row.last_seq - row.first_seq + 1),  # type: ignore[arg-type]
        )
        verify_batch_signature(batch, Ed25519PublicKey.from_public_bytes(key or b""))
        made.append(batch)
    return made


@pytest.mark.policy("M-VI")
def test_batches_and_pictures_arrive_with_the_units_own_signatures(pair: Pair) -> None:
    messages = [pair.take(2), pair.take(pictures=(PICTURE,)), pair.take(3)]
    pair.forward()
    assert stored(pair.state) == stored(pair.department)
    sealed = [decode_batch(each) for each in messages]
    assert [each.signature for each in proven(pair.state)] == [each.signature for each in sealed]
    assert pair.position().through == 6
    topics = {each.rpartition("/")[2] for each in pair.wire.sent}
    assert topics == {"records"}  # the picture is not here yet
    sha256 = pair.take_picture()
    pair.take()
    pair.forward()
    with reading(pair.state.engine) as connection:
        row = connection.execute(select(pictures)).one()
        assert row.stored_at is not None
        assert pair.state.pictures.get(connection, NOW.date(), sha256) == PICTURE
    before = len(pair.wire.sent)
    pair.forward()
    assert len(pair.wire.sent) == before
    assert findings(pair.department) == []


@settings(max_examples=6, deadline=None, phases=(Phase.reuse, Phase.generate))
@given(data=st.data())
def test_whatever_is_lost_or_killed_each_read_arrives_once(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path, data: st.DataObject
) -> None:
    clock = Clock()
    folder = tmp_path_factory.mktemp("pair")
    department = services(folder / "department", migrated_sqlite, clock)
    state = services(folder / "state", migrated_sqlite, clock)
    unit = Sender()
    unit.enrol(department.engine, NOW)
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    wire = Wire(state, loses=lambda _what: chance.random() < 0.3)
    pair = Pair(department, state, clock, unit, wire)
    if data.draw(st.booleans()):
        pair.enrol_with_state()
    for action in data.draw(
        st.lists(st.sampled_from(["take", "step", "start", "connect", "restore"]), max_size=25)
    ):
        match action:
            case "take":
                pair.take(chance.randrange(1, 4))
            case "step":
                pair.forward(chance.randrange(1, 8))
            case "start":
                wire.start()
            case "connect":
                wire.connections += 1
            case "restore":
                go_back(state, chance)
    wire.loses = lambda _what: False
    pair.enrol_with_state()
    pair.take()  # what the state's repository lost with a restore, the next receipt tells
    pair.forward(120)
    assert stored(state) == stored(department)
    assert pair.position().through == unit.seq
    proven(state)
    for site in (department, state):
        site.close()


def go_back(state: Services, chance: random.Random, to: int | None = None) -> None:
    """The state's repository as an older backup of it was."""
    with state.engine.begin() as connection:
        ends = connection.execute(
            select(batches.c.unit_id, batches.c.last_seq, batches.c.root)
        ).all()
        ends = [each for each in ends if to in (None, each.last_seq)]
        if not ends:
            return
        unit_id, through, root = chance.choice(ends)
        connection.execute(delete(batches).where(batches.c.first_seq > through))
        connection.execute(delete(reads).where(reads.c.seq > through))
        connection.execute(
            update(chains)
            .where(chains.c.unit_id == unit_id)
            .values(committed_through=through, chain_root=root)
        )


@pytest.mark.policy("M-VI")
@pytest.mark.policy("C-6a")
def test_a_gap_is_said_and_bridged_by_the_file_and_what_is_behind_it_arrives(pair: Pair) -> None:
    pair.take(2)
    pair.take(3)
    with pair.department.engine.begin() as connection:
        connection.execute(delete(reads).where(reads.c.seq == 4))
    pair.take(2)
    pair.take(1)
    pair.forward()
    waiting = pair.position()
    assert (waiting.through, waiting.gap_through) == (2, 5)
    assert findings(pair.department) == ["forward_gap"]
    assert [seq for seq, _ in stored(pair.state)] == [1, 2]
    pair.enrol_with_state()
    pair.forward()
    assert [seq for seq, _ in stored(pair.state)] == [1, 2, 6, 7, 8]
    assert len(proven(pair.state)) == 4
    assert findings(pair.department) == []
    done = pair.position()
    assert (done.through, done.gap_through, done.refused) == (8, None, None)


def test_what_a_restored_repository_lacks_before_a_gap_is_sent_again(pair: Pair) -> None:
    for _ in range(3):
        pair.take(2)
    with pair.department.engine.begin() as connection:
        connection.execute(delete(reads).where(reads.c.seq > 4))
    pair.take(2)
    pair.forward()
    assert (pair.position().through, pair.position().gap_through) == (4, 6)
    go_back(pair.state, random.Random(), to=2)
    pair.forward()
    assert [seq for seq, _ in stored(pair.state)] == [1, 2, 3, 4]
    pair.enrol_with_state()
    pair.forward()
    assert [seq for seq, _ in stored(pair.state)] == [1, 2, 3, 4, 7, 8]


def test_forwarding_that_begins_late_begins_behind_what_is_gone(pair: Pair) -> None:
    pair.take(2)
    with pair.department.engine.begin() as connection:
        connection.execute(delete(reads))
    pair.take(1)
    with pair.state.engine.begin() as connection:
        connection.execute(delete(chains))
        connection.execute(delete(units))
    pair.forward()
    assert "forward_refused" in findings(pair.department)
    pair.enrol_with_state()
    pair.forward()
    assert [seq for seq, _ in stored(pair.state)] == [3]
    assert findings(pair.department) == []


@pytest.mark.policy("C-6a")
def test_a_withdrawn_read_and_its_picture_stay(pair: Pair) -> None:
    read = pair.unit.read(NOW - timedelta(minutes=1), pictures=(PICTURE,))
    pair.department.ingest.take(pair.unit.topic(), pair.unit.message(read))
    pair.forward()
    pair.take_picture()
    user = hire(pair.department.accounts, "jdoe", AGENCY)
    data: AgencyData = pair.department.agency_data
    assert data.withdraw(user, [read.id], "ours alone", "test").forwarded == 1
    pair.take()
    pair.forward()
    assert not [each for each in pair.wire.sent if "picture" in each]
    data.release_again(user, [read.id], "after all", "test")
    pair.take()
    pair.forward()
    assert [each for each in pair.wire.sent if "picture" in each]


def test_a_unit_with_another_key_goes_on_after_its_former_batches(pair: Pair) -> None:
    pair.take()
    new = Ed25519PrivateKey.generate()
    with pair.department.engine.begin() as connection:
        enrolment.revoke_unit(connection, agency=AGENCY, name="car-12", now=NOW)
        enrolment.add_unit(
            connection, agency=AGENCY, name="car-12", public_key=new.public_key(), now=NOW
        )
    pair.unit.key = new
    pair.take()
    pair.forward()
    assert (pair.position().through, findings(pair.department)) == (1, ["forward_refused"])
    pair.enrol_with_state()
    pair.forward()
    assert stored(pair.state) == stored(pair.department)
    assert findings(pair.department) == []


def test_only_a_receipt_of_the_other_repository_counts(
    pair: Pair, migrated_sqlite: Path, tmp_path: Path
) -> None:
    stranger = services(tmp_path / "stranger", migrated_sqlite, pair.clock)
    pair.take()
    real, pair.wire.state = pair.wire.state, stranger
    pair.unit.enrol(stranger.engine, NOW)
    pair.forward()
    assert [seq for seq, _ in stored(stranger)] == [1]
    assert pair.position().through == 0
    pair.wire.state = real
    pair.forward()
    assert pair.position().through == 1
    stranger.close()


def test_another_chain_under_the_units_name_is_said_and_nothing_moves(pair: Pair) -> None:
    other = Sender(key=pair.unit.key)
    assert pair.state.ingest.take(other.topic(), other.message(other.read(NOW))).outcome == (
        "committed"
    )
    pair.take(2)
    pair.forward()
    assert pair.position().refused == "its chain there is another one"
    assert findings(pair.department) == ["forward_refused"]
    assert pair.position().through == 0


def test_no_more_units_are_under_way_than_allowed(pair: Pair) -> None:
    for number in range(8):
        other = Sender(unit=f"car-{number + 20}")
        other.enrol(pair.department.engine, NOW)
        pair.department.ingest.take(other.topic(), other.message(other.read(NOW)))
    pair.wire.loses = lambda _what: True
    forwarder = pair.forwarder()
    forwarder.step()
    assert len(pair.wire.sent) == 4
    with reading(pair.state.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(reads)) == 0
