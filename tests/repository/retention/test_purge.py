"""The purge takes what has expired, spares what is held, and leaves a certificate."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import Engine, select

from repository.ingest.take import Ingest
from repository.ledger.entry import Actor, digest_of_ids
from repository.retention import purge
from repository.retention.certificates import TABLES
from repository.retention.holds_listing import Filter, list_holds
from repository.retention.holds_request import HOLD_KINDS, HoldError, HoldKind, HoldRequest
from repository.retention.purge import PurgeError
from repository.store.engine import reading
from repository.store.tables.reads import hits, picture_keys, quarantine, reads, unit_records
from repository.store.tables.reads import pictures as picture_rows
from repository.store.tables.retention import doomed_pictures, purges
from repository.store.tables.retention import holds as hold_rows
from tests.repository.ingest.conftest import NOW, Clock, load_duties
from tests.repository.ingest.taking import count
from tests.repository.picture_files import picture_file
from tests.repository.retention.purging import (
    A_YEAR_ON,
    MINUTE,
    RULE,
    entries,
    forget_what_was_acted_on,
    held_reads,
    hold,
    purged_before,
    read_ids,
    release,
    run,
)
from tests.repository.sender import AGENCY, PICTURE, Sender, altered


@pytest.mark.policy("C-7b")
def test_a_read_goes_with_all_that_belongs_to_it_after_a_year_and_not_before(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    old = sender.read(NOW - MINUTE, pictures=[PICTURE])
    hit = sender.hit(NOW - MINUTE, old.id)
    said = sender.disposition(NOW - MINUTE, hit.id)
    check = sender.shift_check(NOW - MINUTE)
    young = sender.read(NOW + timedelta(milliseconds=1), pictures=[b"young"])
    bad = altered(sender.read(NOW - MINUTE), camera=None)
    ingest.take(sender.topic(), sender.message(old, hit, said, check, young, bad))
    forget_what_was_acted_on(engine)
    for picture in (old.pictures[0], young.pictures[0]):
        body = PICTURE if picture in old.pictures else b"young"
        ingest.take(sender.topic("picture", picture.sha256), body)
    early = run(ingest, A_YEAR_ON - MINUTE - timedelta(microseconds=1))
    assert (early.reads_purged, count(engine, reads)) == (0, 2)

    counted = purge.preview(engine, load_duties, now=A_YEAR_ON)
    done = run(ingest, A_YEAR_ON)

    assert read_ids(engine) == [str(young.id)]
    assert [count(engine, table) for table in (hits, unit_records, quarantine)] == [0, 1, 0]
    assert [done.counts[name].purged for name in TABLES] == [1, 1, 1, 1, 1]
    (certificate,) = done.certificates
    assert certificate.ids_digest == digest_of_ids(map(str, (old.id, hit.id, said.id)))
    assert certificate.ledger_index == len(entries(engine)) - 1
    assert (counted.plan.days, counted.plan.total) == ((NOW.date(),), 1)
    assert counted.by_rule == {RULE.name: {"reads": 1, "hits": 0}}
    assert counted.counts == certificate.counts
    day = NOW.date()
    assert not picture_file(ingest.pictures, day, old.pictures[0].sha256).exists()
    with reading(engine) as connection:
        assert ingest.pictures.get(connection, day, young.pictures[0].sha256) == b"young"


def test_the_certificate_stands_in_the_ledger_and_beside_it(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    old = sender.read(NOW - MINUTE)
    ingest.take(sender.topic(), sender.message(old))
    done = run(ingest, A_YEAR_ON)
    (entry,) = entries(engine)
    assert (entry["action"], entry["count"]) == ("purge.day", 1)
    (certificate,) = done.certificates
    assert entry["result_digest"] == certificate.ids_digest
    (rule,) = entry["request"]["rules"]
    assert (rule["sha256"], rule["agencies"]) == (RULE.sha256, [1])
    assert datetime.fromisoformat(rule["reads_before"]) == certificate.expired_before
    assert entry["request"]["day"] == "2026-03-01"
    assert entry["request"]["counts"]["reads"] == {"found": 1, "held": 0, "purged": 1}
    with reading(engine) as connection:
        row = connection.execute(select(purges)).one()
    assert (row.ledger_index, row.reads_purged, row.ids_digest) == (0, 1, certificate.ids_digest)


def test_what_is_purged_cannot_come_back(
    ingest: Ingest, sender: Sender, engine: Engine, clock: Clock
) -> None:
    old = sender.read(NOW - MINUTE)
    message = sender.message(old)
    ingest.take(sender.topic(), message)
    run(ingest, A_YEAR_ON)
    again = Sender(key=sender.key, seq=1, previous_root=sender.previous_root)
    late = again.message(again.read(NOW - MINUTE))  # the clock is back where it was
    taken = ingest.take(sender.topic(), late)
    assert (taken.records_kept, taken.records_refused) == (0, 1)
    assert ingest.take(sender.topic(), message).outcome == "duplicate"
    assert count(engine, reads) == 0


def test_a_clock_that_goes_back_takes_the_watermark_nowhere(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    run(ingest, A_YEAR_ON)
    marks = purged_before(engine)
    run(ingest, A_YEAR_ON - timedelta(days=30))
    assert (
        purged_before(engine)
        == marks
        == dict.fromkeys((False, True), RULE.expired_before(A_YEAR_ON, hit=False))
    )


@pytest.mark.parametrize("kind", HOLD_KINDS)
@pytest.mark.policy("C-1d")
@pytest.mark.policy("C-7b-i")
@pytest.mark.policy("C-7b-ii")
@pytest.mark.policy("C-7b-iii")
@pytest.mark.policy("C-7b-iv")
@pytest.mark.policy("C-7b-v")
@pytest.mark.policy("M-C6")
def test_a_held_read_stays_with_all_of_its_own_until_its_last_hold_is_released(
    kind: HoldKind, ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    held = sender.read(NOW - MINUTE, pictures=[PICTURE])
    hit = sender.hit(NOW - MINUTE, held.id)
    said = sender.disposition(NOW - MINUTE, hit.id)
    twin = sender.read(NOW - MINUTE, pictures=[PICTURE])  # names the same picture, is not held
    ingest.take(sender.topic(), sender.message(held, hit, said, twin))
    forget_what_was_acted_on(engine)
    digest = held.pictures[0].sha256
    ingest.take(sender.topic("picture", digest), PICTURE)
    first = hold(engine, held.id, kind=kind, review=date(2027, 1, 1))
    second = hold(engine, held.id, kind="arrest")

    done = run(ingest, A_YEAR_ON)

    assert (done.reads_purged, held_reads(done)) == (1, 1)
    assert read_ids(engine) == [str(held.id)]
    assert [count(engine, table) for table in (hits, unit_records, picture_rows)] == [1, 1, 1]
    with reading(engine) as connection:
        assert ingest.pictures.get(connection, NOW.date(), digest) == PICTURE
    release(engine, first)
    assert run(ingest, A_YEAR_ON).reads_purged == 0
    release(engine, second)
    assert run(ingest, A_YEAR_ON).reads_purged == 1
    tables = (reads, hits, unit_records, picture_rows, picture_keys, doomed_pictures)
    assert [count(engine, table) for table in tables] == [0] * 6
    assert not picture_file(ingest.pictures, NOW.date(), digest).exists()
    run(ingest, A_YEAR_ON + timedelta(days=1))
    assert ingest.pictures.days() == []


@pytest.mark.policy("C-7b-iv")
def test_of_two_units_with_the_same_id_both_reads_are_held(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    other = Sender(unit="car-13")
    other.enrol(engine, NOW)
    mine = sender.read(NOW - MINUTE)
    same_id = msgspec.structs.replace(other.read(NOW - MINUTE), id=mine.id)
    ingest.take(other.topic(), other.message(same_id))
    ingest.take(sender.topic(), sender.message(mine))

    hold(engine, mine.id)

    assert run(ingest, A_YEAR_ON).reads_purged == 0
    assert read_ids(engine) == [str(mine.id)] * 2
    (added,) = entries(engine)
    assert added["count"] == 2


@pytest.mark.policy("C-7b-v")
def test_who_holds_and_who_releases_and_why_is_on_record(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    read = sender.read(NOW)
    ingest.take(sender.topic(), sender.message(read))
    number = hold(engine, read.id, kind="administrator_direction")
    release(engine, number)
    added, released = entries(engine)
    assert (added["action"], added["actor"]["name"]) == ("hold.add", "Jane Doe")
    assert added["request"]["kind"] == "administrator_direction"
    assert added["request"]["reason"] == "seen near the scene"
    assert added["result_digest"] == digest_of_ids([str(read.id)])
    assert (released["action"], released["request"]["reason"]) == ("hold.release", "closed")
    with reading(engine) as connection:
        (listed,) = list_holds(connection, Filter(agency=AGENCY))
        assert list_holds(connection, Filter(agency="other")) == []
    assert (listed.case_number, listed.placed_by_name, listed.reads) == ("24-1187", "Jane Doe", 1)
    assert (listed.released_at, listed.release_reason) == (A_YEAR_ON, "closed")


def test_a_hold_that_cannot_be_placed_says_why_and_leaves_nothing(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    read = sender.read(NOW)
    ingest.take(sender.topic(), sender.message(read))
    absent = Sender().read(NOW)
    with pytest.raises(HoldError, match=f"not in the repository: {absent.id}"):
        hold(engine, read.id, absent.id)
    with pytest.raises(HoldError, match="review"):
        HoldRequest("24-1187", "evidence", "why", (read.id,), None)
    with pytest.raises(HoldError, match="case number"):
        HoldRequest(" ", "arrest", "why", (read.id,), None)
    with pytest.raises(HoldError, match="reason"):
        HoldRequest("24-1187", "arrest", "", (read.id,), None)
    assert (count(engine, hold_rows), entries(engine)) == (0, [])


def test_only_the_agency_that_placed_a_hold_releases_it_and_only_once(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    read = sender.read(NOW)
    ingest.take(sender.topic(), sender.message(read))
    number = hold(engine, read.id)
    with pytest.raises(HoldError, match="not one of agency other"):
        release(engine, number, Actor("u-2", "x", "X", "other"))
    release(engine, number)
    with pytest.raises(HoldError, match="released already"):
        release(engine, number)


@pytest.mark.parametrize("sign", ["entry of the ledger", "read"])
def test_a_clock_that_is_years_ahead_purges_nothing_until_somebody_vouches_for_it(
    sign: str, ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    ahead = A_YEAR_ON + timedelta(days=1, milliseconds=1)
    read = sender.read(NOW - MINUTE)
    ingest.take(sender.topic(), sender.message(read))
    if sign == "entry of the ledger":
        hold(engine, read.id)

    with pytest.raises(PurgeError, match=f"2027-03-02, but the last {sign} is of 2026-03-01"):
        run(ingest, ahead)
    with pytest.raises(PurgeError, match="--clock-is says 2027-03-01"):
        run(ingest, ahead, clock_is=date(2027, 3, 1))
    assert read_ids(engine) == [str(read.id)]

    done = run(ingest, ahead, clock_is=date(2027, 3, 2))
    assert done.reads_purged + count(engine, reads) == 1


def test_a_repository_that_goes_on_taking_in_purges_by_itself(
    ingest: Ingest, sender: Sender, clock: Clock
) -> None:
    ingest.take(sender.topic(), sender.message(sender.read(NOW - MINUTE)))
    clock.now = A_YEAR_ON + timedelta(days=30)
    ingest.take(sender.topic(), sender.message(sender.read(clock.now)))
    assert run(ingest, clock.now).reads_purged == 1
