"""How holds end: released, reviewed, of a direction that is over, of a case that is disposed of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from repository.retention import holds_ending, holds_review
from repository.retention.holds_listing import show
from repository.retention.holds_request import (
    HoldError,
    PlateTarget,
)
from repository.store.engine import reading
from repository.units.findings import list_findings
from tests.repository.retention.desk import (
    BEN,
    DAY,
    HOUR,
    JANE,
    NOW,
    RITA,
    Desk,
)
from tests.repository.sightings import RULE, sight


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
