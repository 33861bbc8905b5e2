"""What the chores say of hot lists that are missing, damaged or half there."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import UNSET

from edge.contract.plates import Confusables
from edge.hotfile.build import build_here
from edge.hotfile.facts import LeftOut
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.match import Hotlist
from edge.hotfile.open import HotlistFiles, Outcome
from edge.hotfile.settings import HotlistSource, MatchRule
from edge.housekeeping import Housekeeping
from edge.recording.recorder import Recorder
from tests.edge.hotfile.lists import GROUPS, ISSUED, KEY, csv_file, facts_of
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


def keeping(tmp_path: Path, recorder: Recorder) -> Housekeeping:
    """The chores of a daemon that is told to stop as soon as each was done once."""
    stop = threading.Event()
    stop.set()
    observer: Any = None
    return Housekeeping(recorder, observer, tmp_path / "status.json", stop, link_down_for_s=1.0)


def chores(tmp_path: Path, lists: Any) -> dict[str, str]:
    """What is said of these lists by a daemon that starts."""
    with recording(tmp_path, [START]) as recorder:
        keeping(tmp_path, replace(recorder, hotlists=lists)).keep_hotlists()
        return dict(recorder.health.report().troubles)


def troubles(tmp_path: Path, *outcomes: Outcome, age: timedelta | None = None) -> dict[str, str]:
    """What is said of these outcomes, and of a list of that age that is in use, if one is."""
    lists: Any = Lists(*outcomes)
    if age is not None:
        facts = facts_of(3, issued_at=START - age)
        stored: Any = None
        lists.current = SimpleNamespace(lists=(Hotlist(facts, 86_400.0, stored),))
    return chores(tmp_path, lists)


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
    left_out = LeftOut(rejected, "line 3: priority: 9 is not 1 to 5") if rejected else UNSET
    facts = facts_of(5 if said else 200, left_out=left_out)
    stored: Any = None
    part = "lines of hot list state"
    found = troubles(tmp_path, Outcome("state", "list", None, Hotlist(facts, 86_400.0, stored)))
    assert (part in found) is said
    if said:
        assert "4 of 9 lines" in found[part]
        assert "line 3: priority" in found[part]


@pytest.mark.policy("M-D1")
def test_a_list_that_is_half_there_is_said_after_a_restart_too_until_a_whole_one_is_in_use(
    tmp_path: Path,
) -> None:
    folder = HotlistFolder(tmp_path / "built", KEY, Confusables.of(GROUPS))
    path, part = tmp_path / "state.csv", "lines of hot list state"
    source = HotlistSource(name="state", path=path)
    text = "plate,priority\n" + "".join(f"{number}ABC,1\n" for number in range(6))
    csv_file(path, text + "1XYZ,9\n2XYZ,9\n")
    for _ in range(2):
        lists = HotlistFiles([source], folder, MatchRule(), builder=build_here)
        said = chores(tmp_path, lists)[part]
        assert "2 of 8 lines of state were rejected" in said
        assert "the first is line 8: priority: " in said
    csv_file(path, text, ISSUED + timedelta(hours=1))
    with recording(tmp_path, [START]) as recorder:
        recorder.health.trouble(part, said)
        build_here(source, folder, folder.last("state"), ())  # as 'alpr-edge hotfile import' does
        keeping(tmp_path, replace(recorder, hotlists=lists)).keep_hotlists()
        assert part not in recorder.health.report().troubles
