"""What a hold needs, and which reads it reaches."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, true, update

from edge.contract.records import mint_id
from repository.ledger.entry import Actor
from repository.retention import holds, holds_objecting
from repository.retention.holds_listing import show
from repository.retention.holds_lookalikes import lookalikes
from repository.retention.holds_request import (
    HOLD_KINDS,
    HitTarget,
    HoldError,
    HoldKind,
    HoldRequest,
    PlateTarget,
    UnitTarget,
)
from repository.store.engine import reading
from repository.store.tables.agency_data import read_corrections
from repository.store.tables.reads import reads
from repository.units.findings import list_findings
from tests.repository.retention.desk import (
    BEN,
    DAY,
    HOUR,
    JANE,
    NEEDS,
    NOW,
    RITA,
    Desk,
    hit_on,
)
from tests.repository.sightings import FOLD, sight


@pytest.mark.policy("C-1d")
@pytest.mark.policy("C-7b-i")
@pytest.mark.policy("C-7b-ii")
@pytest.mark.policy("C-7b-iii")
@pytest.mark.policy("C-7b-iv")
@pytest.mark.policy("C-7b-v")
def test_each_kind_of_hold_is_tied_to_a_case_and_says_what_its_kind_needs(desk: Desk) -> None:
    for place, kind in enumerate(HOLD_KINDS):
        read = sight(desk.engine, "1ABC20", NOW, seq=place)
        number = desk.place((read,), kind)
        assert desk.held() == {read}
        (listed,) = desk.listed(case_number="24-1187", kind=kind)
        assert (listed.id, listed.placed_by_name, listed.reason) == (number, "Jane Doe", "why")
        for name, value in NEEDS[kind].items():
            if name == "ends_on":
                assert listed.ends_at == datetime(2027, 1, 1, tzinfo=UTC)
            else:
                assert getattr(listed, name) == value
        said = desk.entry()["request"]
        assert {"hold", "case_number", "kind", "reason", "scope"} <= set(said)
        if desk.release(number) == "proposed":
            desk.confirm(number, RITA)
        assert desk.held() == set()


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("evidence", {"review_due": None}, "review: data held as evidence"),
        ("administrator_direction", {"direction": None}, "direction: needs its text"),
        ("administrator_direction", {"ends_on": None}, "direction: needs its text"),
        ("administrator_direction", {"direction": " "}, "direction: needs 1 to"),
        ("arrest", {"ends_on": date(2027, 1, 1)}, "direction: its text and end belong"),
        ("evidence", {"record_period": "long"}, "record period: belongs to"),
        ("arrest", {"target": ()}, "reads: a hold needs"),
        ("arrest", {"case_number": "\udc80"}, "case number: needs"),
    ],
)
def test_a_request_that_lacks_something_is_refused(
    kind: HoldKind, changes: dict[str, Any], said: str
) -> None:
    whole = {"case_number": "24-1", "kind": kind, "reason": "why", "target": (uuid.uuid4(),)}
    with pytest.raises(HoldError, match=said):
        HoldRequest(**whole | NEEDS[kind] | changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"plate": "1abc20"}, "plate: needs"),
        ({"plate": ""}, "plate: needs"),
        ({"state": "Mass"}, "state: needs"),
        ({"end": NOW}, "period: its beginning"),
        ({"end": datetime(2027, 1, 1)}, "period: its moments"),  # noqa: DTZ001
    ],
)
def test_a_plate_or_a_period_that_is_none_is_refused(changes: dict[str, Any], said: str) -> None:
    whole: dict[str, Any] = {"plate": "1ABC20", "state": None, "start": NOW, "end": NOW + DAY}
    with pytest.raises(HoldError, match=said):
        PlateTarget(**whole | changes)


def test_what_is_easily_taken_for_a_plate_is_counted_but_for_what_the_hold_reaches(
    desk: Desk,
) -> None:
    for plate, at, unit in (
        ("0YBS89", NOW, 1), ("0YBS89", NOW, 2), ("OYBS89", NOW, 1), ("0YBS89", NOW + DAY, 1),
    ):  # fmt: skip
        sight(desk.engine, plate, at, unit)
    with reading(desk.engine) as connection:
        for state, found in ((None, {"0YBS89": 2}), ("MA", {"0YBS89": 2}), ("VT", {})):
            target = PlateTarget("OYBS89", state, NOW, NOW + DAY)
            assert lookalikes(connection, target, FOLD, true()) == found


@pytest.mark.policy("C-6a")
def test_other_agencies_reads_are_let_go_when_their_owner_says_so_or_their_time_is_over(
    desk: Desk,
) -> None:
    span = (NOW - HOUR, NOW + DAY)
    for plate in ("1ABC20", "2XYZ99"):
        target = PlateTarget(plate, None, *span)
        own, others = sight(desk.engine, plate, NOW), sight(desk.engine, plate, NOW, unit=2)
        request = HoldRequest("24-1187", "arrest", "why", target)
        with desk.engine.begin() as connection:
            number = holds.add(
                connection,
                request,
                actor=JANE,
                origin="test",
                now=NOW,
                bounds=holds.Bounds(
                    seen=reads.c.plate == plate,
                    others_until=NOW + 9 * DAY if plate == "1ABC20" else None,
                ),
            )
            if plate == "2XYZ99":
                ends_at = holds_objecting.end_on_ours(
                    connection, number, reason="ours", actor=BEN, origin="test", now=NOW,
                    notice=9 * DAY,
                )  # fmt: skip
                assert ends_at == NOW + 9 * DAY
                (found,) = list_findings(connection)
                assert found.kind == "hold_ended_by_owner"
        assert {own, others} <= desk.held()
    desk.lapse(NOW + 8 * DAY)
    assert len(desk.held()) == 4
    desk.lapse(NOW + 9 * DAY)
    assert len(desk.held()) == 2
    assert desk.entry()["request"]["holds"] == [1, 2]
    late = desk.arrive("1ABC20", NOW + HOUR, unit=2)
    desk.lapse(NOW + 10 * DAY)
    assert late not in desk.held()
    assert all(each.released_at is None for each in desk.listed())


def test_days_that_have_passed_and_what_is_not_there_are_refused(desk: Desk) -> None:
    read = sight(desk.engine, "1ABC20", NOW)
    absent = uuid.uuid4()
    for target, kind, more, said in (
        ((read,), "evidence", {"review_due": date(2026, 2, 28)}, "review: 2026-02-28 has passed"),
        ((read,), "administrator_direction", {"ends_on": date(2026, 2, 28)}, "end: .* has passed"),
        ((read, absent), "arrest", {}, f"not in the repository: {absent}"),
        (HitTarget(absent), "arrest", {}, f"hit {absent}: not in the repository"),
        (UnitTarget("salem-pd", "car-9", NOW, NOW + DAY), "arrest", {}, "car-9: not known"),
    ):
        with pytest.raises(HoldError, match=said):
            desk.place(target, kind, **more)  # type: ignore[arg-type]
    assert (desk.held(), desk.listed()) == (set(), [])


@pytest.mark.policy("C-7b-iv")
def test_a_plate_is_held_over_a_period_whichever_unit_read_it_and_whenever_it_comes(
    desk: Desk,
) -> None:
    inside = {sight(desk.engine, "1ABC20", NOW), sight(desk.engine, "1ABC20", NOW + HOUR, unit=2)}
    sight(desk.engine, "1ABC20", NOW - timedelta(microseconds=1000))
    sight(desk.engine, "1ABC20", NOW + DAY)
    sight(desk.engine, "1ABC2O", NOW)  # another plate, however much it looks like it
    number = desk.place(PlateTarget("1ABC20", None, NOW, NOW + DAY), "evidence")
    assert desk.held() == inside
    assert desk.entry()["request"]["owners"] == {"boston-pd": 1, "salem-pd": 1}
    assert desk.entry()["count"] == 2

    late = {desk.arrive("1ABC20", NOW + 2 * HOUR), desk.arrive("1ABC20", NOW + 3 * HOUR, unit=2)}
    desk.arrive("1ABC20", NOW + DAY)
    desk.arrive("2XYZ99", NOW + HOUR)
    assert desk.held() == inside | late
    (listed,) = desk.listed()
    assert (listed.id, listed.scope, listed.reads) == (number, "plate", 4)


@pytest.mark.policy("C-6a")
def test_a_read_is_held_by_the_plate_that_its_owner_says_it_is_and_by_what_was_read(
    desk: Desk,
) -> None:
    read = sight(desk.engine, "1ABC2O", NOW)
    for plate, state in (("1ABC20", "MA"), ("1ABC2O", "NH")):
        with desk.engine.begin() as connection:
            connection.execute(read_corrections.delete())
            connection.execute(
                insert(read_corrections).values(
                    unit_id=1,
                    captured_at=NOW,
                    read_id=read,
                    agency_id=1,
                    plate=plate,
                    plate_folded=FOLD(plate),
                    state=state,
                    corrected_by="u-1",
                    corrected_by_name="Jane Doe",
                    corrected_at=NOW,
                )
            )
        for target, held in (
            (PlateTarget("1ABC2O", None, NOW, NOW + DAY), True),
            (PlateTarget(plate, None, NOW, NOW + DAY), True),
            (PlateTarget(plate, state, NOW, NOW + DAY), True),
            (PlateTarget(plate, "VT", NOW, NOW + DAY), False),
            (PlateTarget(plate, None, NOW + HOUR, NOW + DAY), False),
        ):
            number = desk.place(target)
            assert (desk.held() == {read}) is held
            desk.release(number)
    desk.place(PlateTarget("1ABC20", None, NOW, NOW + DAY))
    assert desk.held() == set()
    with desk.engine.begin() as connection:
        row = {"unit_id": 1, "captured_at": NOW, "read_id": read, "plate": "1ABC20", "state": None}
        assert holds.catch(connection, [row]) == 1  # its owner says so only now
    assert desk.held() == {read}


def test_a_state_holds_what_may_be_of_it_and_nothing_of_another(desk: Desk) -> None:
    told = sight(desk.engine, "1ABC20", NOW)
    untold = sight(desk.engine, "1ABC20", NOW + HOUR)
    other = sight(desk.engine, "1ABC20", NOW + 2 * HOUR)
    with desk.engine.begin() as connection:
        for read, state in ((untold, None), (other, "NH")):
            connection.execute(update(reads).where(reads.c.read_id == read).values(state=state))
    desk.place(PlateTarget("1ABC20", "MA", NOW, NOW + DAY))
    assert desk.held() == {told, untold}
    desk.place(PlateTarget("1ABC20", "NH", NOW, NOW + DAY))
    assert desk.held() == {told, untold, other}
    late = desk.arrive("1ABC20", NOW + 3 * HOUR)  # of MA
    with reading(desk.engine) as connection:
        by_hold = [
            late in {each.read_id for each in show(connection, hold.id)[2]}
            for hold in desk.listed()
        ]
    assert by_hold == [True, False]


def test_everything_of_a_unit_is_held_over_a_period_and_nothing_of_another(desk: Desk) -> None:
    mine = sight(desk.engine, "1ABC20", NOW)
    sight(desk.engine, "1ABC20", NOW, unit=2)
    sight(desk.engine, "1ABC20", NOW + DAY)
    desk.place(UnitTarget("salem-pd", "car-7", NOW, NOW + DAY))
    late = desk.arrive("9ZZZ99", NOW + HOUR)
    desk.arrive("9ZZZ99", NOW + HOUR, unit=2)
    assert desk.held() == {mine, late}


def test_a_hit_is_held_with_its_read_though_that_comes_later(desk: Desk) -> None:
    read_id = mint_id(NOW, lambda count: uuid.uuid4().bytes[:count])
    hit_id = hit_on(desk.engine, read_id, NOW + timedelta(seconds=1))
    number = desk.place(HitTarget(hit_id))
    with reading(desk.engine) as connection:
        _, _, held = show(connection, number)
    assert [(each.read_id, each.agency) for each in held] == [(read_id, None)]
    late = sight(desk.engine, "1ABC20", NOW)
    with desk.engine.begin() as connection:
        connection.execute(update(reads).where(reads.c.read_id == late).values(read_id=read_id))
        rows = connection.execute(select(reads)).mappings().all()
        assert holds.catch(connection, [dict(row) for row in rows]) == 1
    desk.arrive("1ABC20", NOW)  # of the same moment, not the hit's
    assert desk.held() == {read_id}
    with reading(desk.engine) as connection:
        found, _, held = show(connection, number)
    assert [(each.read_id, each.agency) for each in held] == [(read_id, "salem-pd")]
    assert (found.reads, found.hit_id) == (1, hit_id)


@pytest.mark.policy("C-5a")
def test_reads_of_another_agency_are_held_and_the_ledger_says_whose_they_are(desk: Desk) -> None:
    read = sight(desk.engine, "1ABC20", NOW)
    number = desk.place((read,), by=BEN)
    assert desk.held() == {read}
    assert desk.entry()["request"]["owners"] == {"salem-pd": 1}
    with pytest.raises(HoldError, match=f"hold {number}: not one of agency salem-pd"):
        desk.release(number, by=JANE)
    desk.release(number, by=BEN)
    assert desk.held() == set()


def test_nobody_of_an_unknown_agency_holds_anything(desk: Desk) -> None:
    read = sight(desk.engine, "1ABC20", NOW)
    with pytest.raises(HoldError, match="agency nowhere: not known"):
        desk.place((read,), by=Actor("u-9", "x", "X", "nowhere"))
