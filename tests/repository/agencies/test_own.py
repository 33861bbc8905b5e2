"""Correcting, withdrawing and disposing of one's own reads, and nobody else's."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, Table, func, insert, select

from repository.accounts.errors import SessionEndedError
from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.agencies import own
from repository.agencies.errors import AgencyError
from repository.agencies.service import AgencyData
from repository.retention import holds as holds_room
from repository.retention.holds_request import HoldRequest, PlateTarget
from repository.store.engine import reading
from repository.store.plates import remember
from repository.store.tables.agency_data import (
    error_reports,
    monthly_counts,
    read_corrections,
    withdrawn_reads,
)
from repository.store.tables.forwarding import forwarded_units
from repository.store.tables.plates import plates
from repository.store.tables.reads import hits, pictures, reads, unit_records
from repository.store.tables.retention import doomed_pictures, hold_reads, holds
from tests.repository.people import OPERATOR, recorded
from tests.repository.sightings import FOLD, sight

NOON = datetime(2026, 2, 27, 12, tzinfo=UTC)
DIGEST = "ab" * 32


def number(engine: Engine, table: Table) -> int:
    with reading(engine) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def hit(engine: Engine, read: UUID, unit: int = 1) -> None:
    """A hit of that read, with an officer's word on it and a picture of the read."""
    hit_id = uuid.uuid4()
    common = {
        "unit_id": unit,
        "captured_at": NOON,
        "agency_id": unit,
        "record": b"{}",
        "received_at": NOON,
    }
    hit_row = {
        "hit_id": hit_id,
        "seq": 2,
        "read_id": read,
        "camera": "front",
        "plate": "1ABC23",
        "list_name": "stolen",
        "kind": "stolen_vehicle",
        "priority": 1,
        "rang": True,
    }
    word = {"record_id": uuid.uuid4(), "seq": 3, "type": "disposition", "hit_id": hit_id}
    picture = {
        "unit_id": unit,
        "captured_at": NOON,
        "read_id": read,
        "sha256": DIGEST,
        "seq": 1,
        "kind": "plate",
        "size_bytes": 5,
        "width_px": 2,
        "height_px": 2,
        "stored_at": NOON,
    }
    with engine.begin() as connection:
        connection.execute(insert(hits).values(**common, **hit_row))
        connection.execute(insert(unit_records).values(**common, **word))
        connection.execute(insert(pictures).values(**picture))
        remember(connection, ["1ABC23"])


def hold(engine: Engine, read: UUID, agency: int = 2) -> int:
    """A hold of an agency on a read of the first one."""
    row = {
        "agency_id": agency,
        "case_number": "24-77",
        "kind": "arrest",
        "reason": "needed",
        "placed_by": "x",
        "placed_by_name": "X",
        "placed_at": NOON,
        "scope": "reads",
    }
    with engine.begin() as connection:
        held = connection.execute(insert(holds).values(**row).returning(holds.c.id)).scalar_one()
        connection.execute(
            insert(hold_reads).values(hold_id=held, unit_id=1, captured_at=NOON, read_id=read)
        )
    return int(held)


@pytest.mark.policy("C-6a")
def test_a_correction_stands_beside_the_read_which_stays_as_signed(
    data: AgencyData, officer: User, engine: Engine
) -> None:
    read = sight(engine, "1ABC23", NOON)
    data.correct(officer, read, "1a8-c23", "ma", "the picture shows an 8", "here")
    with pytest.raises(AgencyError, match="what the machine read"):
        data.correct(officer, read, "1ABC23", "MA", "no", "here")
    for plate, state, said in (("9GP/!", "MA", "plate: 1 to 12"), ("9GP", "ZZ", "state: the two")):
        with pytest.raises(AgencyError, match=said):
            data.correct(officer, read, plate, state, "no", "here")
    data.correct(officer, read, "1A0C23", None, "no, a nought", "here")
    with reading(engine) as connection:
        (stored,) = connection.execute(select(reads)).all()
        (corrected,) = connection.execute(select(read_corrections)).all()
    assert (stored.plate, stored.state, stored.record) == ("1ABC23", "MA", b"{}")
    assert (corrected.plate, corrected.plate_folded, corrected.state) == (
        "1A0C23",
        FOLD("1A0C23"),
        None,
    )
    assert corrected.corrected_by_name == officer.name
    entries = [each for each in recorded(engine) if each["action"] == "reads.correct"]
    assert [each["outcome"] for each in entries] == ["done"] + ["refused"] * 3 + ["done"]
    assert entries[0]["request"]["reason_given"] == "the picture shows an 8"
    assert entries[0]["actor"]["login"] == "jdoe"


def test_a_read_that_turns_out_to_be_of_a_held_plate_is_held(
    data: AgencyData, officer: User, engine: Engine
) -> None:
    read, other = sight(engine, "1ABC23", NOON), sight(engine, "1ABC24", NOON)
    span = (NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    request = HoldRequest("24-77", "arrest", "seen near it", PlateTarget("1A8C23", None, *span))
    with engine.begin() as connection:
        holds_room.add(connection, request, actor=officer.actor, origin="here", now=NOON)
    data.correct(officer, read, "1A8C23", "MA", "the picture shows an 8", "here")
    data.correct(officer, other, "1A8C24", "MA", "the picture shows an 8", "here")
    with reading(engine) as connection:
        held = connection.scalars(select(reads.c.read_id).where(holds_room.is_held(reads))).all()
    assert held == [read]
    with pytest.raises(AgencyError, match="24-77"):
        data.dispose(officer, [read], "no longer needed", "here")


def test_a_correction_that_says_nothing_is_refused(
    data: AgencyData, officer: User, engine: Engine
) -> None:
    read = sight(engine, "1ABC23", NOON)
    for plate, state, reason, said in (
        ("", "MA", "why", "plate"),
        ("1234567890123", "MA", "why", "plate"),
        ("1ABC24", "Mass", "why", "state"),
        ("1ABC24", "MA", " ", "reason"),
    ):
        with pytest.raises(AgencyError, match=said):
            data.correct(officer, read, plate, state, reason, "here")
    assert number(engine, read_corrections) == 0


@pytest.mark.policy("C-6a")
def test_nobody_touches_another_agencys_reads(
    data: AgencyData, officer: User, engine: Engine
) -> None:
    own_read = sight(engine, "1ABC23", NOON)
    theirs = sight(engine, "1ABC23", NOON, unit=2)
    for refused in (
        lambda: data.correct(officer, theirs, "1ABC24", "MA", "why", "here"),
        lambda: data.withdraw(officer, [own_read, theirs], "why", "here"),
        lambda: data.release_again(officer, [theirs], "why", "here"),
        lambda: data.dispose(officer, [own_read, theirs], "why", "here"),
    ):
        with pytest.raises(AgencyError, match=f"not reads of agency salem-pd: {theirs}"):
            refused()
    with pytest.raises(AgencyError, match="not reads of agency"):
        data.dispose(officer, [uuid.uuid4()], "why", "here")
    with pytest.raises(AgencyError, match="1 to 500"):
        data.dispose(officer, [], "why", "here")
    assert (number(engine, reads), number(engine, withdrawn_reads)) == (2, 0)
    assert [each["outcome"] for each in recorded(engine)][-6:] == ["refused"] * 6


def test_a_withdrawal_can_be_undone(data: AgencyData, officer: User, engine: Engine) -> None:
    found = [sight(engine, "1ABC23", NOON), sight(engine, "2DEF45", NOON)]
    assert data.withdraw(officer, found, "our own cars", "here").reads == 2
    assert data.withdraw(officer, found, "once more", "here").reads == 2
    assert number(engine, withdrawn_reads) == 2
    assert data.release_again(officer, found[:1], "a mistake", "here").reads == 1
    with reading(engine) as connection:
        assert connection.scalars(select(withdrawn_reads.c.read_id)).all() == found[1:]


@pytest.mark.policy("C-6a")
def test_what_is_disposed_of_is_gone_with_all_that_was_said_of_it(
    data: AgencyData, officer: User, engine: Engine
) -> None:
    read, other = sight(engine, "1ABC23", NOON), sight(engine, "2DEF45", NOON, seq=4)
    hit(engine, read)
    with engine.begin() as connection:
        remember(connection, ["2DEF45"])
    data.correct(officer, read, "1A8C23", "MA", "an 8", "here")
    data.withdraw(officer, [read], "not for others", "here")
    data.report(officer, read, "1ABC23 is wrong", "here")
    data.dispose(officer, [read], "taken in a test", "here")
    with reading(engine) as connection:
        assert connection.scalars(select(reads.c.read_id)).all() == [other]
        assert connection.scalars(select(plates.c.plate)).all() == ["2DEF45"]
        doomed = connection.execute(select(doomed_pictures)).all()
        assert connection.scalars(select(error_reports.c.error)).all() == [None]
        kept = connection.execute(
            select(monthly_counts.c.agency_id, monthly_counts.c.kind, monthly_counts.c.number)
        ).all()
    assert [tuple(each) for each in doomed] == [(NOON.date(), DIGEST)]
    for table in (hits, unit_records, pictures, read_corrections, withdrawn_reads):
        assert number(engine, table) == 0, table.name
    assert sorted(map(tuple, kept)) == [(1, "reads", 1), (1, "stolen_vehicle", 1)]
    entry = recorded(engine)[-1]
    assert (entry["action"], entry["count"]) == ("reads.dispose", 1)
    assert entry["request"] == {"reads": [str(read)], "reason_given": "taken in a test"}


@pytest.mark.policy("C-6a")
@pytest.mark.policy("C-7b")
def test_a_hold_of_any_agency_keeps_a_read_from_its_owners_hand(
    data: AgencyData, officer: User, engine: Engine
) -> None:
    read, free = sight(engine, "1ABC23", NOON), sight(engine, "2DEF45", NOON)
    held = hold(engine, read)
    with pytest.raises(AgencyError, match=rf"hold {held} of agency boston-pd .*case 24-77"):
        data.dispose(officer, [free, read], "no longer wanted", "here")
    assert number(engine, reads) == 2
    assert recorded(engine)[-1]["outcome"] == "refused"
    with engine.begin() as connection:
        connection.execute(holds.update().values(released_at=NOON))
    assert data.dispose(officer, [free, read], "no longer wanted", "here").reads == 2


def test_a_change_says_what_was_forwarded_before(
    data: AgencyData, officer: User, engine: Engine
) -> None:
    found = [sight(engine, "1ABC23", NOON, seq=5), sight(engine, "2DEF45", NOON, seq=6)]
    with engine.begin() as connection:
        connection.execute(
            insert(forwarded_units).values(unit_id=1, through=5, root="a" * 64, updated_at=NOON)
        )
    changed = data.withdraw(officer, found, "our own", "here")
    assert (changed.reads, changed.forwarded) == (2, 1)


def test_what_is_said_of_a_read_goes_with_it(
    data: AgencyData, officer: User, engine: Engine
) -> None:
    gone, stays = sight(engine, "1ABC23", NOON), sight(engine, "2DEF45", NOON)
    for read in (gone, stays):
        data.correct(officer, read, "1A8C23", "MA", "an 8", "here")
        data.withdraw(officer, [read], "not for others", "here")
        data.report(officer, read, "it is wrong", "here")
    with engine.begin() as connection:
        connection.execute(reads.delete().where(reads.c.read_id == gone))
        own.forget_purged(connection)
    with reading(engine) as connection:
        assert connection.scalars(select(read_corrections.c.read_id)).all() == [stays]
        assert connection.scalars(select(withdrawn_reads.c.read_id)).all() == [stays]
        words = dict(
            connection.execute(select(error_reports.c.read_id, error_reports.c.error)).all()
        )
    assert words == {gone: None, stays: "it is wrong"}


def test_a_closed_account_changes_nothing(
    data: AgencyData, officer: User, accounts: Accounts, engine: Engine
) -> None:
    read = sight(engine, "1ABC23", NOON)
    accounts.close_account("jdoe", OPERATOR, "here")
    with pytest.raises(SessionEndedError):
        data.dispose(officer, [read], "why", "here")
    assert number(engine, reads) == 1
    assert recorded(engine)[-1]["outcome"] == "refused"
