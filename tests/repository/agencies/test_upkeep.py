"""Units' equipment: repairs, cleaning, damage, secured or not, out of service (M-B1, M-B2, M-D)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from sqlalchemy import Engine, insert

from edge.contract import records as r
from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.agencies import upkeep_duties
from repository.agencies.acts import Acts
from repository.agencies.errors import AgencyError
from repository.agencies.upkeep import Kind, Work
from repository.agencies.upkeep_desk import UpkeepDesk
from repository.store.tables.reads import unit_records
from tests.repository.agencies.office import ON_SQLITE, captured, employ, open_findings
from tests.repository.people import Clock, recorded
from tests.repository.sender import Sender
from tests.repository.sightings import add_units

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CAR = "salem-pd/car-7"


@pytest.fixture
def desk(engine: Engine, clock: Clock, accounts: Accounts) -> UpkeepDesk:
    """A unit of each agency, both of which have captured."""
    add_units(engine, clock())
    with engine.begin() as connection:
        for unit_id in (1, 2):
            captured(connection, unit_id, NOON - timedelta(days=2))
    return UpkeepDesk(Acts(engine, clock))


def remind(desk: UpkeepDesk) -> None:
    with desk.acts.engine.begin() as connection:
        upkeep_duties.remind(connection, desk.acts.now(), timedelta(hours=24))


def log(desk: UpkeepDesk, kind: Kind, by: str = "Bay State Radio") -> bool | None:
    work = Work(kind, desk.acts.now(), "As found", by)
    done = desk.record(None, "salem-pd", "car-7", work, "here")
    desk.acts.now.pass_(minutes=1)  # type: ignore[attr-defined]
    return done.authorized


def say(engine: Engine, record: r.AnyRecord) -> None:
    """What the unit of Salem said, as ingest would have stored it."""
    kind = "malfunction" if isinstance(record, r.Malfunction) else "shift_check"
    row = {
        "unit_id": 1,
        "captured_at": record.captured_at,
        "record_id": record.id,
        "agency_id": 1,
        "seq": record.seq,
        "type": kind,
        "record": r.encode_record(record),
        "received_at": record.captured_at,
    }
    with engine.begin() as connection:
        connection.execute(insert(unit_records).values(**row))


def shift(
    at: datetime, moment: Literal["start", "end"], secured: bool | None = None
) -> r.ShiftCheck:
    check = Sender(agency="salem-pd", unit="car-7").shift_check(at)
    return r.ShiftCheck(**{
        **{each: getattr(check, each) for each in check.__struct_fields__},
        "moment": moment, "secured": secured,
    })  # fmt: skip


def malfunction(at: datetime) -> r.Malfunction:
    common = Sender(agency="salem-pd", unit="car-7").common(at)
    return r.Malfunction(
        **common, component="camera", camera="front", description="No picture", reported_by="unit"
    )


@pytest.mark.policy("M-B2")
def test_a_repair_by_a_source_that_is_not_authorized_is_said(
    desk: UpkeepDesk, engine: Engine
) -> None:
    desk.authorize(None, "salem-pd", "Bay State Radio", "here")
    desk.authorize(None, "boston-pd", "A Friend", "here")
    assert log(desk, "repair", "bay state  radio") is True
    remind(desk)
    assert open_findings(engine, "repair_unauthorized") == []
    assert log(desk, "repair", "A Friend") is False
    remind(desk)
    assert open_findings(engine, "repair_unauthorized") == [CAR]
    assert recorded(engine)[-1]["request"]["authorized"] is False
    log(desk, "check")
    remind(desk)
    assert open_findings(engine, "repair_unauthorized") == []
    desk.end_authorization(None, "salem-pd", "Bay State Radio", "here")
    assert desk.sources(None, "salem-pd", "here") == []
    assert log(desk, "repair") is False
    shown = [(each.done_by, each.authorized) for each in desk.show(None, "salem-pd", None, "here")]
    assert shown == [
        ("bay state radio", True), ("A Friend", False), ("Bay State Radio", None),
        ("Bay State Radio", False),
    ]  # fmt: skip


@ON_SQLITE
@pytest.mark.policy("M-D3")
def test_cleaning_is_due_as_the_maker_advises(
    desk: UpkeepDesk, engine: Engine, clock: Clock
) -> None:
    desk.plan(None, "salem-pd", "car-7", "cleaning", 30, "Manual, page 14", "here")
    (due,) = desk.due(None, "salem-pd", "here")
    assert (due.last_at, due.due_at) == (None, clock() + timedelta(days=30))
    clock.pass_(days=30)
    remind(desk)
    assert open_findings(engine, "upkeep_due") == []
    clock.pass_(seconds=1)
    remind(desk)
    assert open_findings(engine, "upkeep_due") == ["cleaning"]
    log(desk, "maintenance")
    remind(desk)
    assert open_findings(engine, "upkeep_due") == ["cleaning"]
    cleaned_at = clock()
    log(desk, "cleaning")
    remind(desk)
    assert open_findings(engine, "upkeep_due") == []
    desk.plan(None, "salem-pd", "car-7", "cleaning", 10, "Manual, 2nd edition", "here")
    (due,) = desk.due(None, "salem-pd", "here")
    assert (due.due_at, due.advice) == (cleaned_at + timedelta(days=10), "Manual, 2nd edition")


@ON_SQLITE
@pytest.mark.policy("M-B1")
def test_equipment_that_falls_short_stays_out_of_service_until_it_was_mended(
    desk: UpkeepDesk, engine: Engine, clock: Clock
) -> None:
    log(desk, "check")
    log(desk, "out_of_service")
    (out,) = desk.out_of_service(None, "salem-pd", "here")
    assert (out.unit, out.reason) == ("car-7", "As found")
    with pytest.raises(AgencyError, match="out of service already"):
        log(desk, "out_of_service")
    with pytest.raises(AgencyError, match="neither repaired nor checked since"):
        log(desk, "in_service")
    remind(desk)
    assert open_findings(engine, "unit_out_of_service_used") == []
    with engine.begin() as connection:
        captured(connection, 1, clock())
    remind(desk)
    assert open_findings(engine, "unit_out_of_service_used") == [CAR]
    log(desk, "repair")
    log(desk, "in_service")
    assert desk.out_of_service(None, "salem-pd", "here") == []
    remind(desk)
    assert open_findings(engine, "unit_out_of_service_used") == []
    with pytest.raises(AgencyError, match="in service already"):
        log(desk, "in_service")


@ON_SQLITE
@pytest.mark.policy("M-D4")
def test_damage_and_malfunctions_are_shown_until_they_are_mended(
    desk: UpkeepDesk, engine: Engine, clock: Clock
) -> None:
    officer = employ(engine, "jdoe", Role.OFFICER)
    work = Work("damage", clock(), "Left lens cracked", "Jane Doe")
    desk.record(officer, None, "car-7", work, "here")
    say(engine, malfunction(clock() - timedelta(hours=1)))
    remind(desk)
    assert open_findings(engine, "unit_damaged") == [CAR]
    assert open_findings(engine, "unit_malfunction") == ["camera"]
    clock.pass_(minutes=1)
    log(desk, "repair")
    remind(desk)
    assert open_findings(engine, "unit_damaged") == []
    assert open_findings(engine, "unit_malfunction") == []
    say(engine, malfunction(clock()))
    log(desk, "damage", "Jane Doe")
    remind(desk)
    assert open_findings(engine, "unit_malfunction") == ["camera"]
    assert open_findings(engine, "unit_damaged") == [CAR]


@ON_SQLITE
@pytest.mark.policy("M-D5")
def test_a_unit_that_nobody_secured_after_its_shift_is_a_finding(
    desk: UpkeepDesk, engine: Engine, clock: Clock
) -> None:
    def unsecured() -> list[str]:
        remind(desk)
        return open_findings(engine, "unit_unsecured")

    assert unsecured() == []
    say(engine, shift(clock(), "start"))
    clock.pass_(hours=24)
    assert unsecured() == []
    clock.pass_(seconds=1)
    assert unsecured() == [CAR]
    say(engine, shift(clock(), "end", secured=True))
    assert unsecured() == []
    clock.pass_(hours=1)
    say(engine, shift(clock(), "end", secured=False))
    assert unsecured() == [CAR]
    clock.pass_(hours=1)
    log(desk, "secured", "Jane Doe")
    assert unsecured() == []


@ON_SQLITE
@pytest.mark.policy("M-B1")
def test_an_administrator_records_for_the_agency_s_own_units(
    desk: UpkeepDesk, engine: Engine, clock: Clock
) -> None:
    administrator = employ(engine, "admin", Role.ALPR_ADMINISTRATOR)
    officer = employ(engine, "jdoe", Role.OFFICER)
    done = Work("cleaning", clock(), "Lenses wiped", "Jane Doe")
    desk.record(administrator, None, "car-7", done, "here")
    desk.record(officer, None, "car-7", replace(done, kind="secured"), "here")
    for agency, unit in (("boston-pd", "pole-3"), (None, "pole-3"), (None, "car-8")):
        with pytest.raises(AgencyError):
            desk.record(administrator, agency, unit, done, "here")
    for wrong in (
        replace(done, at=clock() + timedelta(seconds=1)),
        replace(done, at=datetime(1, 1, 1, tzinfo=UTC)),
        replace(done, detail="\x00"),
        replace(done, done_by=" "),
    ):
        with pytest.raises(AgencyError):
            desk.record(administrator, None, "car-7", wrong, "here")
    for refused in (
        lambda: desk.record(officer, None, "car-7", done, "here"),
        lambda: desk.plan(officer, None, "car-7", "check", 30, "Manual", "here"),
        lambda: desk.show(officer, None, None, "here"),
    ):
        with pytest.raises(NotAllowedError):
            refused()
    assert [each.kind for each in desk.show(administrator, None, None, "here")] == [
        "cleaning", "secured",
    ]  # fmt: skip
    assert sum(each["outcome"] == "refused" for each in recorded(engine)) == 10
