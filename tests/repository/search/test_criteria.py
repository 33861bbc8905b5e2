"""What may be searched for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.search.criteria import Criteria, Window
from repository.search.cursor import Cursor
from repository.search.errors import SearchRefusedError
from repository.search.pattern import PlatePattern
from repository.search.place import Circle, Point

START = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 3, 8, tzinfo=UTC)


def test_a_plate_is_spelled_one_way() -> None:
    criteria = Criteria.of(" 1abc-23 ", START, END)
    assert criteria.pattern == PlatePattern("1ABC23")


def test_times_are_taken_to_utc() -> None:
    eastern = timezone(timedelta(hours=-5))
    criteria = Criteria.of("A1", datetime(2026, 3, 1, tzinfo=eastern), END)
    assert criteria.window == Window(datetime(2026, 3, 1, 5, tzinfo=UTC), END)
    assert criteria.as_json()["from"] == "2026-03-01T05:00:00+00:00"


@pytest.mark.parametrize(
    ("plate", "start", "end", "limit", "message"),
    [
        ("", START, END, 1, "plate: expected"),
        ("--- \0", START, END, 1, "plate: expected"),
        ("?*?", START, END, 1, "plate: expected"),
        ("ABCDEFGHIJKLM", START, END, 1, "plate: expected"),
        ("A1", START.replace(tzinfo=None), END, 1, "from: needs its offset"),
        ("A1", START, END.replace(tzinfo=None), 1, "to: needs its offset"),
        ("A1", END, START, 1, "from: must lie before"),
        ("A1", START, START, 1, "from: must lie before"),
        ("A1", START, START + timedelta(days=366, seconds=1), 1, "at most 366 days"),
        ("A1", START, None, 1, "to: missing"),
        ("A1", None, END, 1, "from: missing"),
        ("A1", START, END, 0, "limit: expected"),
        ("A1", START, END, 1001, "limit: expected"),
        ("A1*", None, None, 1, "from: missing; give a window"),
        ("*AB?C*", None, None, 1, "from: missing; give a window"),
        (None, None, None, 1, "from: missing; give a window"),
        ("A1*", START, START + timedelta(days=31, seconds=1), 1, "at most 31 days"),
        (None, START, START + timedelta(days=31, seconds=1), 1, "at most 31 days"),
        (
            "A1",
            datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
            datetime(1, 1, 2, tzinfo=UTC),
            1,
            "no such time",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused_by_field(
    plate: str | None, start: datetime | None, end: datetime | None, limit: int, message: str
) -> None:
    with pytest.raises(SearchRefusedError, match=message):
        Criteria.of(plate, start, end, limit=limit)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"folded": True}, "folded: needs a plate"),
        ({"state": "ZZ"}, "state: expected"),
        ({"state": "ma"}, "state: expected"),
        ({"agency": ""}, "agency: expected its name"),
        ({"unit": "\ud800"}, "unit: expected its name"),
        ({"camera": "c" * 64}, "camera: a name has at most"),
    ],
)
def test_what_else_is_wrong_is_refused_by_field(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(SearchRefusedError, match=message):
        Criteria.of(None, START, END, **asked)


@pytest.mark.parametrize("plate", ["A", "A1", "*ABC*", "AB1?", "?12X"])
def test_a_whole_plate_or_three_adjacent_characters_need_no_window(plate: str) -> None:
    assert Criteria.of(plate).window is None


def test_with_a_place_the_window_may_be_a_year() -> None:
    year = START + timedelta(days=366)
    assert Criteria.of(None, START, year, place=Circle(Point(42.5, -70.9), 250.0)).window


def test_the_ledger_is_told_all_that_was_asked_and_nothing_else() -> None:
    assert Criteria.of("1ABC*").as_json() == {"plate": "1ABC*", "folded": False, "limit": 100}
    cursor = Cursor(START, UUID(int=5), 7)
    asked = Criteria.of(
        "1ABC*",
        START,
        END,
        folded=True,
        place=Circle(Point(42.5, -70.9), 250.0),
        state="MA",
        agency="salem-pd",
        unit="car-7",
        camera="front",
        hits_only=True,
        limit=5,
        after=cursor,
    ).as_json()
    assert asked == {
        "plate": "1ABC*",
        "folded": True,
        "from": START.isoformat(),
        "to": END.isoformat(),
        "near": "42.5,-70.9",
        "radius_m": 250.0,
        "state": "MA",
        "agency": "salem-pd",
        "unit": "car-7",
        "camera": "front",
        "hits_only": True,
        "limit": 5,
        "after": str(cursor),
    }


@given(st.text(), st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_any_input_is_taken_or_refused(plate: str, start: datetime, end: datetime) -> None:
    try:
        criteria = Criteria.of(plate, start, end)
    except SearchRefusedError:
        return
    assert criteria.pattern is not None
    assert criteria.window is not None
    assert set(criteria.pattern.text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789?*")
    assert timedelta(0) < criteria.window.end - criteria.window.start <= timedelta(days=366)
