"""Many messages in one transaction, and what is answered to units that are out of step."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, update

from edge.contract import batch as b
from edge.contract import records as r
from repository.ingest import fleet, ownclock
from repository.ingest.arrived import open_message
from repository.ingest.aside import Bounds
from repository.ingest.take import Ingest, Taken
from repository.store.engine import reading
from repository.store.tables.fleet import agencies, units
from repository.store.tables.plates import plates
from repository.store.tables.reads import hits, pictures, quarantine, reads
from repository.store.tables.retention import hold_reads, holds
from repository.units.findings import Finding, list_findings
from tests.repository.ingest.conftest import NOW, Clock
from tests.repository.ingest.test_take import SEEN, count, receipt
from tests.repository.sender import AGENCY, PICTURE, Sender, altered, match

MINUTE = timedelta(minutes=1)
_numbers = itertools.count(100)


def take_all(ingest: Ingest, *messages: tuple[str, bytes], overdue: bool = False) -> list[Taken]:
    opened = [open_message(topic, body) for topic, body in messages]
    return ingest.take_all(opened, [overdue] * len(opened))


def found(engine: Engine) -> list[Finding]:
    with reading(engine) as connection:
        return list_findings(connection)


def kinds(engine: Engine) -> list[str]:
    return [each.kind for each in found(engine)]


def test_what_is_refused_undoes_nothing_of_what_came_with_it(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    other = Sender(unit="car-13")
    other.enrol(engine, NOW)
    first, second = (sender.message(sender.read(SEEN), sender.read(SEEN)) for _ in range(2))
    hit = other.hit(SEEN, other.read(SEEN).id)
    impostor = Sender()
    answers = take_all(
        ingest,
        (sender.topic(), second),  # in disorder, as two processes may get them
        (other.topic("hits"), other.notice(hit)),
        (sender.topic(), impostor.message(impostor.read(SEEN))),
        (Sender(unit="car-99").topic(), b"{}"),
        ("alpr/1/UPPER/x/records", b""),
        (sender.topic(), first),
        (sender.topic(), first),
    )
    assert [each.outcome for each in answers] == [
        "committed", "committed", "refused", "refused", "refused", "committed", "duplicate",
    ]  # fmt: skip
    assert [each.reason for each in answers if each.reason] == [
        "bad_signature", "malformed", "malformed",
    ]  # fmt: skip
    assert receipt(answers[5], repository_key).committed_through == 4
    assert (count(engine, reads), count(engine, hits), count(engine, quarantine)) == (4, 1, 3)
    assert kinds(engine) == ["bad_signature"]


def test_many_rows_at_once_are_kept_as_few_are(ingest: Ingest, engine: Engine) -> None:
    fleet = [Sender(unit=f"car-{number}") for number in range(3)]
    site = r.FixedSite(site="gate\0 4", latitude_deg=1.0, longitude_deg=2.0, accuracy_m=None)
    sent: list[r.Read] = []
    messages = []
    for unit in fleet:
        unit.enrol(engine, NOW)
        made = [
            unit.read(
                SEEN - timedelta(days=number % 3, microseconds=number),
                plate=f"1AB{number}",
                pictures=[PICTURE, str(number).encode()],
                position=site if number % 2 else None,
            )
            for number in range(40)
        ]
        sent += made
        messages.append((unit.topic(), unit.message(*made)))

    assert [each.records_kept for each in take_all(ingest, *messages)] == [40] * 3

    with reading(engine) as connection:
        rows = {row.read_id: row for row in connection.execute(select(reads))}
        assert connection.scalar(select(func.count()).select_from(pictures)) == 240
        assert connection.scalar(select(func.count()).select_from(plates)) == 40
    assert len(rows) == 120
    for read in sent:
        row = rows[read.id]
        assert (row.record, row.captured_at, row.plate) == (
            r.encode_record(read),
            read.captured_at,
            read.plate,
        )
        gps = isinstance(read.position, r.GpsFix)
        assert (row.site, row.latitude_deg) == ((None, 42.3) if gps else ("gate 4", 1.0))
        assert (row.received_at, row.has_hits, row.state) == (NOW, False, "MA")


def test_a_batch_that_overtook_the_one_before_it_waits_for_that(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    first, second = (sender.message(sender.read(SEEN)) for _ in range(2))
    (ahead,) = take_all(ingest, (sender.topic(), second))
    assert (ahead.outcome, ahead.reply) == ("ahead", None)
    take_all(ingest, (sender.topic(), first))
    (taken,) = take_all(ingest, (sender.topic(), second))
    assert receipt(taken, repository_key).committed_through == 2
    assert (count(engine, quarantine), kinds(engine)) == (0, [])


def test_a_unit_that_another_process_has_in_hand_holds_up_no_other(
    postgres_engine: Engine, ingest_on: Callable[[Engine], Ingest]
) -> None:
    engine = postgres_engine
    ingest = ingest_on(engine)
    busy, free = Sender(), Sender(unit="car-13")
    for unit in (busy, free):
        unit.enrol(engine, NOW)
    messages = [(unit.topic(), unit.message(unit.read(SEEN))) for unit in (busy, free)]
    with engine.begin() as elsewhere:
        fleet.load_units(elsewhere, [(AGENCY, busy.unit)], lock="wait")
        answers = take_all(ingest, *messages)
        assert [(each.outcome, each.expected, each.reply is None) for each in answers] == [
            ("ahead", None, True),
            ("committed", 2, False),
        ]
    assert [each.outcome for each in take_all(ingest, *messages)] == ["committed", "duplicate"]


def test_a_batch_that_waits_for_another_keeps_no_process_from_its_unit(
    postgres_engine: Engine, ingest_on: Callable[[Engine], Ingest]
) -> None:
    engine = postgres_engine
    waiting, going = Sender(), Sender(unit="car-13")
    for unit in (waiting, going):
        unit.enrol(engine, NOW)
    first, second = (waiting.message(waiting.read(SEEN)) for _ in range(2))
    plain = ingest_on(engine)
    others: list[Taken] = []

    def fold(plate: str) -> str:  # asked for in the midst of the transaction
        others.extend(take_all(plain, (waiting.topic(), first)))
        return plate

    mine = take_all(
        replace(plain, fold=fold),
        (waiting.topic(), second),
        (going.topic(), going.message(going.read(SEEN))),
    )
    assert [each.outcome for each in mine] == ["ahead", "committed"]
    assert [each.outcome for each in others] == ["committed"]


def test_what_was_waited_for_in_vain_is_sent_again_by_its_unit_and_a_gap_is_said(
    ingest: Ingest,
    sender: Sender,
    engine: Engine,
    clock: Clock,
    repository_key: Ed25519PrivateKey,
) -> None:
    first, second = (sender.message(sender.read(SEEN)) for _ in range(2))
    for seconds in (0, 59):
        clock.now = NOW + timedelta(seconds=seconds)
        (refused,) = take_all(ingest, (sender.topic(), second), overdue=True)
        answer = receipt(refused, repository_key)
        assert [(each.seq, each.reason) for each in answer.refused] == [(None, "out_of_chain")]
        # A unit that hears later of what another process committed passes over this refusal.
        assert (answer.committed_through, answer.issued_at) == (0, clock.now)
    assert (count(engine, quarantine), kinds(engine)) == (0, [])

    clock.now = NOW + MINUTE
    take_all(ingest, (sender.topic(), second), overdue=True)
    assert (count(engine, quarantine), kinds(engine)) == (1, ["sequence_gap"])

    take_all(ingest, (sender.topic(), first), (sender.topic(), second))
    assert (count(engine, reads), kinds(engine)) == (2, [])


@pytest.mark.parametrize("how", ["another in its place", "another before it"])
def test_a_forked_chain_is_set_aside_and_said(
    how: str, ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    ingest.take(sender.topic(), sender.message(sender.read(SEEN)))
    twin = Sender(key=sender.key)
    if how == "another before it":
        twin = Sender(key=sender.key, seq=1, previous_root="ab" * 32)
    taken = ingest.take(twin.topic(), twin.message(twin.read(SEEN)))
    assert taken.reason == "out_of_chain"
    assert (count(engine, reads), count(engine, quarantine)) == (1, 1)
    (said,) = found(engine)
    assert (said.kind, said.unit) == ("forked_chain", "car-12")
    assert "two units send with one key" in said.detail


def test_reads_from_the_future_are_said_whether_kept_or_refused(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    ingest.take(sender.topic(), sender.message(sender.read(NOW + 5 * MINUTE)))
    assert kinds(engine) == []
    ingest.take(sender.topic(), sender.message(sender.read(NOW + 6 * MINUTE)))
    assert kinds(engine) == ["future_reads"]
    other = Sender(unit="car-13")
    other.enrol(engine, NOW)
    ingest.take(other.topic(), other.message(other.read(NOW + timedelta(days=2))))
    assert [(each.kind, each.unit) for each in found(engine)] == [
        ("future_reads", "car-12"),
        ("future_reads", "car-13"),
    ]
    assert (count(engine, reads), count(engine, quarantine)) == (2, 1)


def test_reads_that_have_expired_are_said(ingest: Ingest, sender: Sender, engine: Engine) -> None:
    ingest.take(sender.topic(), sender.message(sender.read(NOW - timedelta(days=400))))
    assert kinds(engine) == ["expired_reads"]


@pytest.mark.policy("C-7b")
def test_what_matched_a_list_is_measured_by_the_term_of_hits(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    with engine.begin() as connection:
        connection.execute(update(agencies).values(retention_rule="new-hampshire"))
    plain, listed = sender.read(SEEN), sender.read(SEEN)
    matched = msgspec.structs.replace(listed, hits=(match(listed.plate),))
    hit = sender.hit(SEEN, matched.id)
    answer = receipt(
        ingest.take(sender.topic(), sender.message(plain, matched, hit)), repository_key
    )
    assert [(each.seq, each.reason) for each in answer.refused] == [(1, "too_old")]
    assert (count(engine, reads), count(engine, hits)) == (1, 1)
    with reading(engine) as connection:
        assert connection.scalar(select(quarantine.c.body)) == b""


def status(at: datetime, state: Literal["online", "offline"] = "online") -> bytes:
    return b.encode_message(
        b.UnitStatus(
            agency=AGENCY, unit="car-12", state=state, at=at, software="edge", waiting_records=0
        )
    )


def test_a_units_clock_that_differs_is_said_until_it_agrees(
    ingest: Ingest, sender: Sender, engine: Engine, clock: Clock
) -> None:
    topic = sender.topic("status")
    ingest.take(topic, status(NOW - 6 * MINUTE), retained=True)
    ingest.take(topic, status(NOW - 7 * MINUTE, "offline"))
    assert kinds(engine) == []  # neither was said just now
    ingest.take(topic, status(NOW - 8 * MINUTE))
    (said,) = found(engine)
    assert (said.kind, "behind" in said.detail) == ("unit_clock", True)
    ingest.take(topic, status(NOW - 5 * MINUTE))
    assert kinds(engine) == []


YEARS = timedelta(days=1500)


@pytest.mark.parametrize(("off_by", "reason"), [(YEARS, "too_old"), (-YEARS, "in_future")])
@pytest.mark.policy("G-15")
def test_a_repository_whose_own_clock_is_years_off_leaves_the_reads_with_their_unit(
    off_by: timedelta,
    reason: str,
    ingest: Ingest,
    sender: Sender,
    engine: Engine,
    clock: Clock,
    repository_key: Ed25519PrivateKey,
) -> None:
    ingest.beat("one", "host")
    read = sender.read(SEEN, pictures=[PICTURE])
    hit = sender.hit(SEEN, read.id)
    notice, batch = sender.notice(hit), sender.message(read, hit)
    clock.now = NOW + off_by
    for topic, body in ((sender.topic("hits"), notice), (sender.topic(), batch)):
        answer = receipt(ingest.take(topic, body), repository_key)
        assert [(each.seq, each.reason) for each in answer.refused] == [(None, reason)]
        assert "own clock is in doubt" in answer.refused[0].detail
    ingest.beat("one", "host")
    assert (count(engine, quarantine), kinds(engine)) == (0, ["repository_clock"])

    clock.now = NOW + MINUTE  # set right
    ingest.beat("one", "host")
    assert receipt(ingest.take(sender.topic(), batch), repository_key).committed_through == 2
    assert (count(engine, reads), kinds(engine)) == (1, [])


def test_a_clock_that_really_stood_still_for_long_is_believed_by_a_units_word(
    ingest: Ingest, sender: Sender, engine: Engine, clock: Clock
) -> None:
    ingest.beat("one", "host")
    clock.now = NOW + timedelta(days=40)  # the repository was away
    ingest.take(sender.topic(), sender.message(sender.read(clock.now - MINUTE)))
    ingest.beat("one", "host")
    assert kinds(engine) == []
    old = sender.read(NOW - timedelta(days=400))
    assert ingest.take(sender.topic(), sender.message(old)).outcome == "committed"


@given(
    st.floats(-200, 200).map(lambda days: timedelta(days=days)),
)
def test_a_clock_is_in_doubt_before_the_last_trusted_moment_and_long_after_it(
    passed: timedelta,
) -> None:
    doubt = ownclock.doubt(NOW + passed, NOW)
    assert (doubt == "behind") == (passed < -ownclock.BEHIND)
    assert (doubt == "ahead") == (passed > ownclock.AHEAD)
    assert ownclock.doubt(NOW + passed, None) is None


def test_refused_messages_beyond_a_days_rows_leave_nothing(
    ingest: Ingest, sender: Sender, engine: Engine, clock: Clock
) -> None:
    modest = replace(ingest, bounds=Bounds(bytes_per_day=1000, rows_per_day=3))
    for number in range(6):
        assert modest.take(sender.topic(), b"bad %d" % number).reason == "malformed"
    assert (count(engine, quarantine), kinds(engine)) == (3, ["quarantine_full"])
    clock.now += timedelta(days=1)
    modest.take(sender.topic(), b"bad again")
    assert count(engine, quarantine) == 4


@pytest.mark.policy("G-15")
def test_a_batch_whose_refused_records_find_no_room_stays_with_its_unit(
    ingest: Ingest,
    sender: Sender,
    engine: Engine,
    clock: Clock,
    repository_key: Ed25519PrivateKey,
) -> None:
    modest = replace(ingest, bounds=Bounds(bytes_per_day=1000, rows_per_day=3))
    bad = [altered(sender.read(SEEN), new=1) for _ in range(2)]
    assert receipt(modest.take(sender.topic(), sender.message(*bad)), repository_key).refused
    worse = [altered(sender.read(SEEN), new=1) for _ in range(2)]
    message = sender.message(*worse)
    answer = receipt(modest.take(sender.topic(), message), repository_key)
    assert (answer.committed_through, answer.refused[0].seq) == (2, None)
    assert (count(engine, quarantine), kinds(engine)) == (2, ["quarantine_full"])
    clock.now += timedelta(days=1)
    assert receipt(modest.take(sender.topic(), message), repository_key).committed_through == 4
    assert count(engine, quarantine) == 4


@pytest.mark.policy("M-C6")
def test_a_hit_that_was_acted_on_is_held_by_the_transaction_that_says_so(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    read = sender.read(SEEN)
    hit = sender.hit(SEEN, read.id)
    said = sender.disposition(SEEN, hit.id)
    ingest.take(sender.topic(), sender.message(read, hit, said))
    assert count(engine, holds) == 1
    with reading(engine) as connection:
        assert connection.scalar(select(hold_reads.c.read_id)) == read.id


@given(data=st.data())
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_disorder_any_repeats_and_any_grouping_end_with_every_read_once(
    data: st.DataObject, ingest_on_sqlite: Ingest
) -> None:
    engine = ingest_on_sqlite.engine
    name = f"car-{next(_numbers)}"
    unit = Sender(unit=name)
    unit.enrol(engine, NOW)
    sizes = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=5))
    batches = [unit.message(*(unit.read(SEEN) for _ in range(size))) for size in sizes]
    instances: Sequence[Ingest] = (ingest_on_sqlite, replace(ingest_on_sqlite))
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    waiting = list(batches)
    while waiting:
        some = [rng.choice(waiting) for _ in range(rng.randint(1, 4))]
        take_all(rng.choice(instances), *((unit.topic(), one) for one in some))
        with reading(engine) as connection:
            through = connection.scalar(
                select(func.count()).where(reads.c.unit_id == _number(engine, name))
            )
        done = [sum(sizes[: index + 1]) <= (through or 0) for index in range(len(sizes))]
        waiting = [one for one, is_done in zip(batches, done, strict=True) if not is_done]
    with reading(engine) as connection:
        kept = connection.scalars(
            select(reads.c.seq)
            .where(reads.c.unit_id == _number(engine, name))
            .order_by(reads.c.seq)
        ).all()
    assert kept == list(range(1, sum(sizes) + 1))


def _number(engine: Engine, name: str) -> int:
    with reading(engine) as connection:
        return connection.scalars(select(units.c.id).where(units.c.name == name)).one()
