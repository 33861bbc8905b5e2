"""What may be searched for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.search.criteria import Criteria
from repository.search.errors import SearchRefusedError

START = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 3, 8, tzinfo=UTC)


def test_a_plate_is_spelled_one_way() -> None:
    assert Criteria.of(" 1abc-23 ", START, END).plate == "1ABC23"


def test_times_are_taken_to_utc() -> None:
    eastern = timezone(timedelta(hours=-5))
    criteria = Criteria.of("A1", datetime(2026, 3, 1, tzinfo=eastern), END)
    assert criteria.start == datetime(2026, 3, 1, 5, tzinfo=UTC)
    assert criteria.as_json()["from"] == "2026-03-01T05:00:00+00:00"


@pytest.mark.parametrize(
    ("plate", "start", "end", "limit", "message"),
    [
        ("", START, END, 1, "plate: expected"),
        ("--- \0", START, END, 1, "plate: expected"),
        ("ABCDEFGHIJKLM", START, END, 1, "plate: expected"),
        ("A1", START.replace(tzinfo=None), END, 1, "from: needs its offset"),
        ("A1", START, END.replace(tzinfo=None), 1, "to: needs its offset"),
        ("A1", END, START, 1, "from: must lie before"),
        ("A1", START, START, 1, "from: must lie before"),
        ("A1", START, START + timedelta(days=366, seconds=1), 1, "at most 366 days"),
        ("A1", START, END, 0, "limit: expected"),
        ("A1", START, END, 1001, "limit: expected"),
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
    plate: str, start: datetime, end: datetime, limit: int, message: str
) -> None:
    with pytest.raises(SearchRefusedError, match=message):
        Criteria.of(plate, start, end, limit=limit)


@given(st.text(), st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_any_input_is_taken_or_refused(plate: str, start: datetime, end: datetime) -> None:
    try:
        criteria = Criteria.of(plate, start, end)
    except SearchRefusedError:
        return
    assert criteria.plate.isascii()
    assert criteria.plate.isalnum()
    assert timedelta(0) < criteria.end - criteria.start <= timedelta(days=366)
