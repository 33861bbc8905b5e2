"""What the chores say of hot lists that are missing, damaged or half there."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from edge.hotfile.build import CsvBuild, Rejection
from edge.hotfile.match import Hotlist
from edge.hotfile.open import Outcome
from edge.housekeeping import Housekeeping
from tests.edge.hotfile.lists import facts_of
from tests.edge.recording_parts import START, recording


class Lists:
    """Hot lists that are not in use, and what there is to say of them."""

    names = ("state",)
    complete = False
    current = SimpleNamespace(lists=())

    def __init__(self, *outcomes: Outcome) -> None:
        self._outcomes = list(outcomes)

    def poll(self) -> list[Outcome]:
        said, self._outcomes = self._outcomes, []
        return said

    def tend(self) -> list[Outcome]:
        return []


def troubles(tmp_path: Path, *outcomes: Outcome, age: timedelta | None = None) -> dict[str, str]:
    """What is said of these outcomes, and of a list of that age that is in use, if one is."""
    stop = threading.Event()
    stop.set()
    with recording(tmp_path, [START]) as recorder:
        lists: Any = Lists(*outcomes)
        if age is not None:
            issued_at = recorder.clock.now() - age
            facts = msgspec.structs.replace(facts_of(3), name="state", issued_at=issued_at)
            stored: Any = None
            lists.current = SimpleNamespace(lists=(Hotlist(facts, 86_400.0, stored),))
        observer: Any = None
        chores = Housekeeping(
            replace(recorder, hotlists=lists),
            observer,
            tmp_path / "status.json",
            stop,
            link_down_for_s=1.0,
        )
        chores.keep_hotlists()
        return dict(recorder.health.report().troubles)


def test_a_list_that_is_not_there_says_how_it_may_come(tmp_path: Path) -> None:
    said = troubles(tmp_path)["hot list state"]
    assert "no read is compared with it" in said
    assert "alpr-edge hotfile import" in said


def test_a_list_that_is_damaged_goes_on_saying_so(tmp_path: Path) -> None:
    outcome = Outcome("state", "list", "state is damaged; fetch it again")
    assert troubles(tmp_path, outcome)["hot list state"] == "state is damaged; fetch it again"


@pytest.mark.policy("M-D1")
@pytest.mark.parametrize(
    ("age", "says"),
    [
        (timedelta(hours=23), None),
        (timedelta(hours=25), "is older than its limit: update it"),
        (timedelta(minutes=-4), None),
        (timedelta(hours=-25), "ahead of this unit's clock, which says"),
    ],
)
def test_a_list_that_may_not_be_relied_on_says_whether_it_is_old_or_dated_ahead(
    tmp_path: Path, age: timedelta, says: str | None
) -> None:
    found = troubles(tmp_path, age=age).get("age of hot list state")
    assert (found is None) is (says is None)
    if says is not None:
        assert found is not None
        assert says in found
        assert ("older" in found) is (age > timedelta(0))
        assert ("check the unit's clock" in found) is (age < timedelta(0))


@pytest.mark.parametrize(("rejected", "said"), [(4, True), (1, False), (0, False)])
def test_a_list_of_which_much_was_rejected_is_said_to_be_half_there(
    tmp_path: Path, rejected: int, said: bool
) -> None:
    lines = tuple(Rejection(line, "priority: 9 is not 1 to 5") for line in range(3, 3 + rejected))
    facts = facts_of(5 if said else 200)
    build = CsvBuild(facts, tmp_path / "list", rejected, lines)
    part = "lines of hot list state"
    found = troubles(tmp_path, Outcome("state", "list", None, None, build))
    assert (part in found) is said
    if said:
        assert "4 of 9 lines" in found[part]
        assert "line 3: priority" in found[part]
