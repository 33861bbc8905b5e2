"""Holds of every kind and scope, on both databases: what they reach, and how they end."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, insert, select, text, true, update

from edge.contract.records import Disposition, encode_record, mint_id
from repository.ledger.entry import Actor
from repository.retention import holds, holds_ending, holds_objecting, holds_review, purge
from repository.retention.duties import Duties
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
from repository.retention.rules import shipped_rule
from repository.store import locks
from repository.store.engine import reading
from repository.store.locks import Turn
from repository.store.partitions import ensure_days
from repository.store.pictures import PictureStore
from repository.store.tables.agency_data import read_corrections
from repository.store.tables.reads import reads, unit_records
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
from tests.repository.sender import Sender
from tests.repository.sightings import FOLD, RULE, sight


def disposition(hit_id: uuid.UUID, **more: Any) -> dict[str, Any]:
    """What an officer said of a hit, as ingest has it in ``unit_records``."""
    fields: dict[str, Any] = {"hit": hit_id, "officer": "badge 7", "note": "", "case_number": None}
    common = Sender(unit="car-7", agency="salem-pd").common(NOW + HOUR)
    said = Disposition(**common | fields | more)
    return {
        "unit_id": 1,
        "captured_at": said.captured_at,
        "record_id": said.id,
        "agency_id": 1,
        "seq": said.seq,
        "type": "disposition",
        "hit_id": hit_id,
        "record": encode_record(said),
        "received_at": NOW + HOUR,
    }


def preserve(desk: Desk, *rows: Mapping[str, Any]) -> list[int]:
    with desk.engine.begin() as connection:
        locks.share(connection, Turn.RETENTION)
        return holds.preserve_acted_on(connection, 1, 1, rows, NOW + HOUR)


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


def test_a_released_hold_reaches_no_more_reads(desk: Desk) -> None:
    number = desk.place(PlateTarget("1ABC20", None, NOW, NOW + DAY))
    desk.release(number)
    desk.arrive("1ABC20", NOW)
    assert desk.held() == set()


@pytest.mark.policy("C-7b-iv")
def test_evidence_is_released_by_two_people_of_the_agency(desk: Desk) -> None:
    read = sight(desk.engine, "1ABC20", NOW)
    number = desk.place((read,), "evidence")
    with pytest.raises(HoldError, match="nobody has proposed"):
        desk.confirm(number, RITA)
    assert desk.release(number) == "proposed"
    with pytest.raises(HoldError, match="Jane Doe proposed its release already"):
        desk.release(number, by=RITA)
    with pytest.raises(HoldError, match="you proposed its release"):
        desk.confirm(number, JANE)
    with pytest.raises(HoldError, match="not one of agency boston-pd"):
        desk.confirm(number, BEN)
    assert desk.held() == {read}
    desk.confirm(number, RITA)
    assert desk.held() == set()
    assert desk.entry()["action"] == "hold.confirm_release"
    (listed,) = desk.listed()
    assert (listed.release_proposed_by_name, listed.released_by_name) == ("Jane Doe", "Rita Roe")
    assert listed.release_reason == "closed"
    with pytest.raises(HoldError, match="released already"):
        desk.confirm(number, RITA)


def test_a_proposed_release_can_be_refused(desk: Desk) -> None:
    number = desk.place((sight(desk.engine, "1ABC20", NOW),), "evidence")
    desk.release(number)
    with desk.engine.begin() as connection:
        holds_ending.withdraw_release(
            connection, number, reason="appeal", actor=RITA, origin="test", now=NOW
        )
    with pytest.raises(HoldError, match="nobody has proposed"):
        desk.confirm(number, RITA)
    assert desk.release(number, by=RITA) == "proposed"
    desk.confirm(number, JANE)
    assert desk.held() == set()


@pytest.mark.policy("C-7b-iv")
def test_an_overdue_review_is_found_and_listed_until_somebody_reviews(desk: Desk) -> None:
    number = desk.place((sight(desk.engine, "1ABC20", NOW),), "evidence")
    due = datetime(2026, 9, 1, 23, tzinfo=UTC)

    def overdue(now: datetime) -> list[str]:
        with desk.engine.begin() as connection:
            holds_review.raise_overdue(connection, now)
            return [each.detail for each in list_findings(connection)]

    assert (overdue(due), desk.listed(overdue_at=due)) == ([], [])
    late = due + HOUR
    (found,) = overdue(late)
    assert found.startswith(f"hold {number} of salem-pd was to be reviewed by 2026-09-01")
    assert overdue(late + DAY) == [found]
    assert [each.id for each in desk.listed(overdue_at=late)] == [number]
    with pytest.raises(HoldError, match="until: 2026-09-02 is no day that lies ahead"):
        desk.review(number, date(2026, 9, 2), late)
    desk.review(number, date(2027, 3, 1), late)
    assert desk.entry()["request"] == {
        "hold": number,
        "reason": "trial is set",
        "was_due": "2026-09-01",
        "next_due": "2027-03-01",
    }
    assert (overdue(late), desk.listed(overdue_at=late)) == ([], [])
    with reading(desk.engine) as connection:
        _, (review,), _ = show(connection, number)
    assert (review.reviewed_by_name, review.next_due) == ("Jane Doe", date(2027, 3, 1))


@pytest.mark.policy("C-7b-v")
def test_a_direction_falls_away_after_its_last_day_and_says_so(desk: Desk) -> None:
    read = sight(desk.engine, "1ABC20", NOW)
    number = desk.place((read,), "administrator_direction")
    assert desk.lapse(datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == []
    assert desk.held() == {read}
    end = datetime(2027, 1, 1, tzinfo=UTC)
    assert desk.lapse(end) == [number]
    assert desk.held() == set()
    assert (desk.entry()["action"], desk.entry()["request"]) == ("hold.lapse", {"holds": [number]})
    (listed,) = desk.listed()
    assert (listed.released_by_name, listed.released_at) == ("Repository", end)
    assert desk.lapse(end) == []


@pytest.mark.policy("C-7b-i")
def test_a_disposed_case_keeps_its_reads_for_the_year_or_until_then_whichever_is_later(
    desk: Desk,
) -> None:
    old = sight(desk.engine, "1ABC20", NOW - timedelta(days=300))
    young = sight(desk.engine, "1ABC20", NOW - timedelta(days=10))
    acted = desk.place((old, young), "enforcement_action")
    arrest = desk.place((sight(desk.engine, "2XYZ99", NOW),), "arrest")
    half_a_year = NOW + timedelta(days=180)
    assert desk.lapse(half_a_year) == []
    assert desk.held() >= {old, young}  # the old one's year is over, its case is not

    with pytest.raises(HoldError, match="lies ahead"):
        desk.dispose(half_a_year.date() + DAY, now=half_a_year)
    with pytest.raises(HoldError, match="agency boston-pd has no hold"):
        desk.dispose(half_a_year.date(), by=BEN, now=half_a_year)
    assert desk.dispose(half_a_year.date(), now=half_a_year) == [acted]
    assert desk.entry()["request"]["disposition"] == "guilty plea"
    assert desk.lapse(half_a_year) == []
    desk.release(arrest)  # which a disposition does not end
    assert desk.held() == {young}  # not before its year is over

    year_on = RULE.expires_at(NOW - timedelta(days=10), hit=True)
    assert desk.lapse(year_on - timedelta(microseconds=1)) == []
    assert desk.held() == {young}
    assert desk.lapse(year_on) == [acted]
    assert desk.held() == set()
    with pytest.raises(HoldError, match="has no hold"):
        desk.dispose(year_on.date(), now=year_on)


@pytest.mark.policy("C-7b-i")
def test_a_hold_whose_case_is_disposed_of_still_catches_what_is_young_enough(desk: Desk) -> None:
    number = desk.place(PlateTarget("1ABC20", None, NOW, NOW + DAY), "enforcement_action")
    desk.dispose(NOW.date())
    assert desk.lapse(NOW + DAY) == []
    late = desk.arrive("1ABC20", NOW + HOUR)
    assert desk.held() == {late}
    assert desk.lapse(RULE.expires_at(NOW + HOUR, hit=True)) == []
    assert desk.held() == set()
    assert desk.lapse(RULE.expires_at(NOW + DAY, hit=True)) == [number]


@pytest.mark.policy("M-C6")
@pytest.mark.policy("C-7b-i")
def test_a_hit_that_was_acted_on_is_preserved_at_once(desk: Desk) -> None:
    for outcome, case, kind in (
        ("arrest", "26-77", "arrest"),
        ("citation", None, "enforcement_action"),
        ("warning", None, "enforcement_action"),
        ("recovered", None, "enforcement_action"),
        ("no_action", "26-77", "enforcement_action"),
        ("misread", "26-77", "enforcement_action"),
        ("no_action", None, None),
        ("misread", None, None),
        ("not_current", None, None),
        ("other", None, None),
    ):
        read = sight(desk.engine, "1ABC20", NOW)
        hit_id = hit_on(desk.engine, read, NOW + timedelta(seconds=1))
        hit_on(desk.engine, sight(desk.engine, "1ABC20", NOW + HOUR), NOW + HOUR)
        said = disposition(hit_id, outcome=outcome, case_number=case)
        before = desk.held()
        placed = preserve(desk, said)
        assert preserve(desk, said) == []  # the same record once more
        if kind is None:
            assert (placed, desk.held()) == ([], before)
            continue
        assert desk.held() - before == {read}
        listed = desk.listed()[-1]
        assert (listed.id, listed.kind, listed.agency) == (placed[0], kind, "salem-pd")
        assert listed.case_number == (case or str(hit_id))
        assert listed.reason == f"outcome of the hit: {outcome}, said by badge 7"
        entry = desk.entry()
        assert (entry["action"], entry["actor"]["user_id"]) == ("hold.add", "system")
        later = disposition(hit_id, outcome="arrest", case_number="26-78")  # a second word on it
        assert len(preserve(desk, later)) == 1


def test_what_speaks_of_a_hit_that_is_not_here_holds_nothing(desk: Desk) -> None:
    assert preserve(desk, disposition(uuid.uuid4(), outcome="arrest")) == []


def test_nobody_of_an_unknown_agency_holds_anything(desk: Desk) -> None:
    read = sight(desk.engine, "1ABC20", NOW)
    with pytest.raises(HoldError, match="agency nowhere: not known"):
        desk.place((read,), by=Actor("u-9", "x", "X", "nowhere"))


def begin(work: Callable[[], object], engine: Engine) -> threading.Thread:
    """It, begun, and done or waiting for its turn."""
    thread = threading.Thread(target=work, name="meanwhile")
    thread.start()
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    while thread.is_alive():
        with reading(engine) as connection:
            if connection.scalar(waiting):
                break
    return thread


@pytest.fixture
def postgres_desk(desk: Desk) -> Desk:
    if desk.engine.dialect.name != "postgresql":
        pytest.skip("on SQLite one writer is alone as it is")
    return desk


def purge_all(engine: Engine, store: PictureStore) -> None:
    """A purge when everything has expired."""
    now = NOW + 366 * DAY
    purge.run(
        engine,
        store,
        lambda connection: Duties.load(connection, RULE, shipped_rule),
        now=now,
        confirmed=purge.Confirmation(now.date(), 1),
    )


@pytest.mark.policy("C-7b-iv")
def test_a_hold_that_is_placed_while_a_purge_begins_keeps_its_reads(
    postgres_desk: Desk, pictures: PictureStore
) -> None:
    engine = postgres_desk.engine
    read = sight(engine, "1ABC20", NOW)
    sight(engine, "2XYZ99", NOW)
    with engine.begin() as connection:
        request = HoldRequest("24-1", "arrest", "why", (read,))
        holds.add(connection, request, actor=JANE, origin="test", now=NOW)
        thread = begin(lambda: purge_all(engine, pictures), engine)
        assert thread.is_alive()  # it waits for the hold, and sees it then
    thread.join()
    with reading(engine) as connection:
        assert set(connection.scalars(select(reads.c.read_id))) == {read}


def test_a_hold_that_waited_for_a_purge_says_what_is_gone_and_holds_nothing(
    postgres_desk: Desk, pictures: PictureStore
) -> None:
    engine = postgres_desk.engine
    read = sight(engine, "1ABC20", NOW)
    refused: list[str] = []
    threads: list[threading.Thread] = []

    def place() -> None:
        try:
            postgres_desk.place((read,))
        except HoldError as error:
            refused.append(str(error))

    @event.listens_for(engine, "before_cursor_execute")
    def certify(_connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO purges"):  # the reads are gone, not yet for good
            threads.append(begin(place, engine))
            assert threads[0].is_alive()

    purge_all(engine, pictures)
    threads[0].join()
    assert refused == [f"reads: not in the repository: {read}"]
    assert postgres_desk.listed() == []


def test_a_read_that_arrives_while_a_hold_is_placed_comes_under_it(postgres_desk: Desk) -> None:
    engine = postgres_desk.engine
    target = PlateTarget("1ABC20", None, NOW, NOW + DAY)
    with engine.begin() as connection:
        ensure_days(connection, [NOW.date()])
    with engine.begin() as connection:  # ingest, which has not committed
        locks.share(connection, Turn.RETENTION)
        row = {
            "unit_id": 1,
            "captured_at": NOW,
            "read_id": mint_id(NOW, lambda count: uuid.uuid4().bytes[:count]),
            "agency_id": 1,
            "seq": 1,
            "batch_first_seq": 1,
            "camera": "front",
            "plate": "1ABC20",
            "plate_folded": FOLD("1ABC20"),
            "state": "MA",
            "confidence": 0.9,
            "has_hits": False,
            "record": b"{}",
            "received_at": NOW,
        }
        connection.execute(insert(reads).values(**row))
        assert holds.catch(connection, [row]) == 0  # there is no hold yet
        thread = begin(lambda: postgres_desk.place(target), engine)
        assert thread.is_alive()
    thread.join()
    assert postgres_desk.held() == {row["read_id"]}


def test_what_officers_said_of_a_held_hit_is_found_by_its_hit(desk: Desk) -> None:
    read = sight(desk.engine, "1ABC20", NOW)
    hit_id = hit_on(desk.engine, read, NOW)
    said = disposition(hit_id, outcome="arrest")
    with desk.engine.begin() as connection:
        connection.execute(insert(unit_records).values(**said))
    (number,) = preserve(desk, said)
    with reading(desk.engine) as connection:
        found, _, held = show(connection, number)
    assert (found.hit_id, [each.read_id for each in held]) == (hit_id, [read])
