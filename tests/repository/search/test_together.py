"""Which plates were seen together with one: what a plain loop finds, and only when approved."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from repository.search import together
from repository.search.errors import ApprovalNeededError, SearchRefusedError
from repository.search.place import Circle, Point
from repository.search.present import together_mapping
from repository.search.result import LEAD_ONLY
from tests.repository.people import recorded
from tests.repository.search.desk import Desk
from tests.repository.sightings import FOLD, sight

SALEM = (42.5195, -70.8967)
Seen = tuple[str, datetime, tuple[float, float] | None]


def north(metres: float) -> tuple[float, float]:
    return SALEM[0] + metres / 111_195, SALEM[1]


def expected(seen: list[Seen], within_s: float, distance_m: float) -> dict[str, int]:
    """How often each plate was near, counted plainly."""
    apart = timedelta(seconds=within_s)
    own = sorted((at, place) for plate, at, place in seen if plate == "1ABC20" and place)
    occasions: dict[str, set[int]] = defaultdict(set)
    number, before = 0, None
    for at, place in own:
        number += before is None or at - before > apart
        before = at
        circle = Circle(Point(*place), distance_m)
        for plate, other_at, there in seen:
            alike = FOLD(plate) == FOLD("1ABC20")
            if not alike and there and abs(other_at - at) <= apart and circle.contains(*there):
                occasions[FOLD(plate)].add(number)
    return {plate: len(times) for plate, times in occasions.items()}


def test_plates_seen_as_often_as_asked_for_are_found_once_a_supervisor_agreed(desk: Desk) -> None:
    start = desk.clock() - timedelta(days=10)
    seen: list[Seen] = []
    for day in range(4):
        at = start + timedelta(days=day)
        seen += [
            ("1ABC20", at, SALEM),
            ("IABC2O", at + timedelta(seconds=5), SALEM),
            ("7LEAD1", at - timedelta(seconds=59), north(150)),
            ("8CHASE" if day % 2 else "BCHASE", at + timedelta(seconds=60), north(199)),
            ("2LATE2", at + timedelta(seconds=61), SALEM),
            ("3FAR33", at, north(201)),
            ("4BLIND", at, None),
        ]
    seen += [
        ("5TWICE", start, SALEM), ("5TWICE", start + timedelta(days=1), SALEM),
        ("1ABC20", start + timedelta(seconds=30), SALEM),
        ("6ONCE6", start + timedelta(seconds=1), SALEM),
        ("6ONCE6", start + timedelta(seconds=31), SALEM),
        ("1ABC20", start + timedelta(hours=5), None),
    ]  # fmt: skip
    for plate, at, place in seen:
        sight(desk.engine, plate, at, place=place)
    question = desk.association(times=2)
    with pytest.raises(ApprovalNeededError, match="which plates were seen with another"):
        desk.searches.together(desk.officer, question, "here")
    approval = desk.approve(question)
    assert approval.kind == "together"
    result = desk.searches.together(desk.officer, question, "here")
    found = {FOLD(each.plate): each.times for each in result.found.companions}
    plain = expected(seen, 60, 200)
    assert found == {plate: times for plate, times in plain.items() if times >= 2}
    assert [each.times for each in result.found.companions] == [4, 4, 2]
    assert (result.found.occasions, result.found.without_place) == (4, 1)
    assert plain[FOLD("6ONCE6")] == 1
    shown = together_mapping(result)
    assert json.loads(json.dumps(shown)) == shown
    assert shown["notice"] == LEAD_ONLY
    entry = recorded(desk.engine)[-1]
    assert (entry["request"]["kind"], entry["count"]) == ("together", 10)
    assert entry["request"]["approval"] == approval.number
    with pytest.raises(ApprovalNeededError):
        desk.searches.together(desk.officer, replace(question, times=3), "here")
    desk.rule(associations=False)
    with pytest.raises(SearchRefusedError, match=r"together: .*Ordinance 12"):
        desk.searches.together(desk.officer, question, "here")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"plate": "1ABC*"}, "plate: "),
        ({"start": "2026-01-01T00:00:00Z"}, "from: "),
        ({"start": ""}, "from: "),
        ({"distance_m": 1001.0}, "distance: "),
        ({"distance_m": float("nan")}, "distance: "),
        ({"within_s": 0.0}, "within: "),
        ({"times": 1}, "times: "),
        ({"facts": "none"}, "facts: "),
    ],
)
def test_a_question_is_bounded(small_desk: Desk, change: dict[str, object], message: str) -> None:
    question = replace(small_desk.association(), **change)  # type: ignore[arg-type]
    with pytest.raises(SearchRefusedError, match=message):
        small_desk.searches.together(small_desk.officer, question, "here")
    assert recorded(small_desk.engine)[-1]["outcome"] == "refused"


def test_what_is_too_much_to_go_through_is_refused_with_what_to_do(
    small_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = small_desk
    for hour in range(3):
        at = desk.clock() - timedelta(hours=1 + hour)
        sight(desk.engine, "1ABC20", at)
        for number in range(3):
            sight(desk.engine, f"{number}XYZ99", at)
    question = desk.association(times=2)
    desk.approve(question)
    for bound, most, message in (
        ("MAX_SEEN", 2, "read more than 2 times"),
        ("MAX_RESULTS", 3, "more than 3 reads"),
        ("MAX_COMPANIONS", 2, "too many plates"),
        ("MAX_READS", 8, "too many plates"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(together, bound, most)
            with pytest.raises(SearchRefusedError, match=message):
                desk.searches.together(desk.officer, question, "here")
    assert len(desk.searches.together(desk.officer, question, "here").found.companions) == 3
