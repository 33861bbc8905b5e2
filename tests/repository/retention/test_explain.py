"""Why a read is kept and until when, in words; and what is told of one that is gone."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, update

from edge.contract.records import mint_id
from repository.retention import purge
from repository.retention.duties import Duties
from repository.retention.explain import Gone, Kept, explain
from repository.retention.explain_words import (
    gone_as_mapping,
    kept_as_mapping,
    words_of_gone,
    words_of_kept,
)
from repository.retention.holds_request import PlateTarget
from repository.retention.rules import shipped_rule
from repository.store.engine import reading
from repository.store.pictures import PictureStore
from repository.store.tables.agency_data import withdrawn_reads
from repository.store.tables.fleet import agencies
from repository.store.tables.reads import reads
from tests.repository.retention.desk import DAY, HOUR, NOW, Desk
from tests.repository.sightings import RULE, sight


def asked(engine: Engine, read_id: uuid.UUID, now: datetime = NOW) -> tuple[Kept, ...] | Gone:
    with reading(engine) as connection:
        duties = Duties.load(connection, RULE, shipped_rule)
        return explain(connection, read_id, duties, now)


def kept(engine: Engine, read_id: uuid.UUID, now: datetime = NOW) -> Kept:
    found = asked(engine, read_id, now)
    assert isinstance(found, tuple)
    (one,) = found
    return one


def words(read: Kept, now: datetime = NOW) -> str:
    return "\n".join(words_of_kept(read, None, now))


@pytest.mark.policy("C-7b")
def test_a_read_without_a_hold_goes_by_the_repositorys_rule(desk: Desk) -> None:
    read = kept(desk.engine, sight(desk.engine, "1ABC20", NOW))
    expires = datetime(2027, 3, 1, 12, tzinfo=UTC)
    assert (read.expires_at, read.goes_at, read.hit) == (expires, expires, False)
    assert (read.agency, read.unit, read.camera) == ("salem-pd", "car-7", "front")
    said = words(read)
    assert "captured on 2026-03-01 12:00:00 UTC by camera front of unit car-7 of salem-pd" in said
    assert "the repository's rule, Massachusetts (MA DCJIS" in said
    assert RULE.sha256 in said
    assert "a read is kept for 1 year: until 2027-03-01 12:00:00 UTC" in said
    assert "No hold keeps it longer." in said
    assert "goes with the first purge after 2027-03-01 12:00:00 UTC" in said
    assert "1ABC20" not in said
    assert "goes with the next purge" in words(read, expires)
    assert kept_as_mapping(read, None)["decided_by"] == "rule"


@pytest.mark.policy("F-local")
def test_an_agencys_own_rule_and_the_class_are_said(desk: Desk) -> None:
    read_id = sight(desk.engine, "1ABC20", NOW)
    with desk.engine.begin() as connection:
        connection.execute(
            update(agencies).where(agencies.c.id == 1).values(retention_rule="new-hampshire")
        )
        connection.execute(update(reads).values(has_hits=True))
    read = kept(desk.engine, read_id)
    assert read.goes_at == NOW + DAY
    said = words(read)
    assert "It matched an entry of a hot list." in said
    assert "By salem-pd's own rule, New Hampshire (N.H. Rev. Stat. Ann. 261:75-b" in said
    assert "such a read is kept for 1 day" in said
    assert kept_as_mapping(read, None)["rule"]["of"] == "agency"


@pytest.mark.policy("C-7b")
def test_the_longest_duty_decides_and_every_other_is_said_too(desk: Desk) -> None:
    read_id = sight(desk.engine, "1ABC20", NOW)
    ending = desk.place((read_id,), "administrator_direction", ends_on=date(2028, 6, 30))
    short = desk.place((read_id,), "administrator_direction", ends_on=date(2026, 6, 30))
    read = kept(desk.engine, read_id)
    assert [duty.hold.id if duty.hold else 0 for duty in read.duties] == [ending, 0, short]
    assert read.goes_at == datetime(2028, 7, 1, tzinfo=UTC)
    assert f"decides: hold {ending}" in words(read)
    assert "The direction: Keep it. It keeps it until 2028-07-01 00:00:00 UTC." in words(read)

    released = desk.place((read_id,), "arrest")
    desk.release(released)
    evidence = desk.place(PlateTarget("1ABC20", None, NOW, NOW + DAY), "evidence")
    arrest = desk.place((read_id,), "arrest")
    read = kept(desk.engine, read_id)
    assert read.goes_at is None
    said = words(read)
    assert (
        f"Hold {evidence} of salem-pd keeps it for case 24-1187, because of evidence that is "
        "expected (every read of a plate from 2026-03-01 12:00 UTC until 2026-03-02 12:00 UTC), "
        "since 2026-03-01 12:00:00 UTC, placed by Jane Doe: why. The hold is reviewed by "
        "2026-09-01. It keeps it until it is released."
    ) in said
    assert "The record of the case itself is kept: permanent." in said
    assert f"Hold {arrest} " in said
    assert f"Hold {released} " not in said
    assert f"decides: hold {evidence}. The read stays until that hold ends" in said
    mapping = kept_as_mapping(read, None)
    assert (mapping["goes_at"], mapping["decided_by"]) == (None, f"hold {evidence}")
    assert [each["plate"] for each in mapping["holds"]] == [None] * 4


@pytest.mark.policy("C-7b-i")
def test_a_case_without_disposition_keeps_until_then_and_with_one_for_the_year(desk: Desk) -> None:
    read_id = sight(desk.engine, "1ABC20", NOW)
    desk.place((read_id,), "enforcement_action")
    read = kept(desk.engine, read_id)
    assert read.goes_at is None
    assert "It keeps it until the case's final disposition." in words(read)
    desk.dispose(NOW.date())
    read = kept(desk.engine, read_id)
    assert read.goes_at == datetime(2027, 3, 1, 12, tzinfo=UTC)
    assert "final disposition was reached on 2026-03-01. It keeps it until 2027-03-01" in words(
        read
    )
    late = kept(desk.engine, read_id, NOW + 500 * DAY)
    assert late.goes_at == NOW + 500 * DAY


def test_reads_of_two_units_that_have_one_id_are_both_explained(desk: Desk) -> None:
    first, second = (sight(desk.engine, "1ABC20", NOW, unit) for unit in (1, 2))
    with desk.engine.begin() as connection:
        connection.execute(update(reads).where(reads.c.read_id == second).values(read_id=first))
    found = asked(desk.engine, first)
    assert isinstance(found, tuple)
    assert [each.agency for each in found] == ["salem-pd", "boston-pd"]


@pytest.mark.policy("C-6a")
def test_that_its_owner_withdrew_it_is_said(desk: Desk) -> None:
    read_id = sight(desk.engine, "1ABC20", NOW)
    with desk.engine.begin() as connection:
        connection.execute(
            insert(withdrawn_reads).values(
                unit_id=1,
                captured_at=NOW,
                read_id=read_id,
                agency_id=1,
                withdrawn_by="u-1",
                withdrawn_by_name="Jane Doe",
                withdrawn_at=NOW,
            )
        )
    assert "salem-pd has withdrawn it" in words(kept(desk.engine, read_id))


@pytest.mark.policy("C-7b")
def test_of_a_purged_read_the_certificates_of_its_day_are_named(
    desk: Desk, pictures: PictureStore
) -> None:
    gone_id = sight(desk.engine, "1ABC20", NOW)
    traced = sight(desk.engine, "2XYZ99", NOW + HOUR)
    desk.release(desk.place((traced,)))
    now = NOW + 366 * DAY
    done = purge.run(
        desk.engine,
        pictures,
        lambda connection: Duties.load(connection, RULE, shipped_rule),
        now=now,
        confirmed=purge.Confirmation(now.date(), 2),
    )
    (certificate,) = done.certificates

    unknown = asked(desk.engine, gone_id, now)
    assert isinstance(unknown, Gone)
    assert unknown.captured_at == NOW
    (purged,) = unknown.purges
    assert (purged.ledger_index, purged.reads_purged) == (certificate.ledger_index, 2)
    assert purged.agencies == ("boston-pd", "salem-pd")
    said = "\n".join(words_of_gone(unknown))
    assert f"No read {gone_id} is here." in said
    assert f"If it was here, it was purged on {now:%Y-%m-%d %H:%M:%S} UTC by Repository" in said
    assert f"under Massachusetts (MA DCJIS" in said  # noqa: F541
    assert f"certificate in ledger entry {certificate.ledger_index}." in said
    assert gone_as_mapping(unknown)["was_here"] is None

    named = asked(desk.engine, traced, now)
    assert isinstance(named, Gone)
    said = "\n".join(words_of_gone(named))
    assert "It was here, a read of salem-pd: hold 1 named it." in said
    assert "It was purged on" in said
    assert gone_as_mapping(named)["was_here"] is True


def test_an_id_that_was_never_here_is_said_to_be_none(desk: Desk) -> None:
    never = mint_id(NOW, lambda count: uuid.uuid4().bytes[:count])
    found = asked(desk.engine, never)
    assert isinstance(found, Gone)
    assert "it was never here." in "\n".join(words_of_gone(found))
    assert gone_as_mapping(found)["was_here"] is False


def test_what_no_read_can_have_as_its_id_is_refused(desk: Desk) -> None:
    with pytest.raises(ValueError, match="no read can have that id"):
        asked(desk.engine, uuid.UUID(int=2**128 - 1))


def test_a_read_of_another_day_is_covered_by_no_certificate_of_this_one(
    desk: Desk, pictures: PictureStore
) -> None:
    sight(desk.engine, "1ABC20", NOW)
    now = NOW + 366 * DAY
    purge.run(
        desk.engine,
        pictures,
        lambda connection: Duties.load(connection, RULE, shipped_rule),
        now=now,
        confirmed=purge.Confirmation(now.date(), 1),
    )
    other = mint_id(NOW - timedelta(days=2), lambda count: uuid.uuid4().bytes[:count])
    found = asked(desk.engine, other, now)
    assert isinstance(found, Gone)
    assert found.purges == ()


@pytest.mark.policy("F-local")
def test_a_purge_of_one_agencys_reads_says_nothing_of_anothers(
    desk: Desk, pictures: PictureStore
) -> None:
    gone_id = sight(desk.engine, "1ABC20", NOW)
    disposed_of = sight(desk.engine, "2XYZ99", NOW, unit=2)
    desk.release(desk.place((disposed_of,)))
    with desk.engine.begin() as connection:
        rule = update(agencies).where(agencies.c.id == 1).values(retention_rule="new-hampshire")
        connection.execute(rule)
    now = NOW + HOUR
    purge.run(
        desk.engine,
        pictures,
        lambda connection: Duties.load(connection, RULE, shipped_rule),
        now=now,
        confirmed=purge.Confirmation(now.date(), 1),
    )
    found = asked(desk.engine, gone_id, now)
    assert isinstance(found, Gone)
    assert [each.agencies for each in found.purges] == [("salem-pd",)]
    assert "New Hampshire" in found.purges[0].rules[0]
    with desk.engine.begin() as connection:
        connection.execute(reads.delete().where(reads.c.read_id == disposed_of))
    other = asked(desk.engine, disposed_of, now)
    assert isinstance(other, Gone)
    assert (len(other.traces), other.purges) == (1, ())
