"""What a build left that was cut off is removed before the next, and nothing of one that runs."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edge.contract.plates import Confusables
from edge.hotfile.build import build_here
from edge.hotfile.build_process import BuildProcess
from edge.hotfile.errors import BusyListError, HotfileError
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.settings import HotlistSource
from edge.hotfile.write import HotfileWriter
from tests.edge.hotfile.lists import KEY, Files, csv_file, errors, listed, load

LINES = "plate\n1ABC23\n9XYZ87\n"


@pytest.fixture
def place(folder: HotlistFolder) -> Path:
    return folder.root / "state"


def unfinished(place: Path) -> list[str]:
    return sorted(path.name for path in place.glob("*.hotfile.*"))


def leave(place: Path, confusables: Confusables) -> None:
    """A build that was killed on its way."""
    writer = HotfileWriter(place / "1.hotfile", confusables=confusables, key=KEY)
    writer.add(listed("1", "1ABC23"))
    for file in writer._files:
        file.close()
    assert len(unfinished(place)) == 2


def test_a_daemon_that_starts_removes_what_was_left_though_it_builds_nothing(
    tmp_path: Path, files: Files, place: Path, confusables: Confusables
) -> None:
    csv_file(tmp_path / "state.csv", LINES)
    load(files("state"))
    leave(place, confusables)
    hotlists = files("state", "absent")
    hotlists.poll()
    assert "state" not in hotlists.changed()
    hotlists.tend()
    assert unfinished(place) == []
    assert [one.name for one in hotlists.current.lists] == ["state"]


def test_a_build_that_comes_to_nothing_has_removed_what_others_left(
    tmp_path: Path, files: Files, place: Path, confusables: Confusables
) -> None:
    csv_file(tmp_path / "state.csv", "plate\n--\n")
    hotlists = files("state")
    load(hotlists)
    for number in range(2):
        leave(place, confusables)
        csv_file(tmp_path / "state.csv", "plate\n" + "--\n" * (2 + number))
        (said,) = errors(hotlists.tend())
        assert "make no entry" in said
        assert unfinished(place) == []


def test_a_build_that_is_stopped_leaves_no_more_than_the_next_one_removes(
    tmp_path: Path, folder: HotlistFolder, place: Path
) -> None:
    lines = "".join(f"{number},A{number}\n" for number in range(400_000))
    path = csv_file(tmp_path / "state.csv", "entry,plate\n" + lines)
    source = HotlistSource(name="state", path=path)
    for _ in range(2):
        stop = threading.Event()

        def beat(stop: threading.Event = stop) -> None:
            if unfinished(place):
                stop.set()

        with pytest.raises(HotfileError, match="the unit stops"):
            BuildProcess(stop, beat, apart_from_bytes=0)(source, folder, None, ())
        assert len(unfinished(place)) == 2


@pytest.mark.parametrize("apart_from_bytes", [0, 1 << 20])
def test_while_a_build_runs_another_waits_and_removes_nothing_of_it(
    tmp_path: Path,
    files: Files,
    folder: HotlistFolder,
    place: Path,
    confusables: Confusables,
    apart_from_bytes: int,
) -> None:
    path = csv_file(tmp_path / "state.csv", LINES)
    builder = BuildProcess(threading.Event(), apart_from_bytes=apart_from_bytes)
    hotlists = files("state", builder=builder)
    with folder.turn("state"):
        leave(place, confusables)
        with pytest.raises(BusyListError, match="is being changed by another process"):
            build_here(HotlistSource(name="state", path=path), folder, None, ())
        assert load(hotlists) == []
        assert len(unfinished(place)) == 2
    assert errors(load(hotlists)) == []
    assert hotlists.complete
    assert unfinished(place) == []
