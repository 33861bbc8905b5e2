"""Long lists are built in a process of their own, with the same results."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edge.hotfile.build import build_here
from edge.hotfile.build_process import BuildProcess
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import ImplausibleListError
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.settings import HotlistSource
from tests.edge.hotfile.lists import csv_file, facts_of


def apart(stop: threading.Event | None = None) -> BuildProcess:
    return BuildProcess(stop or threading.Event(), apart_from_bytes=0)


def test_what_is_built_apart_is_what_is_built_here(tmp_path: Path, folder: HotlistFolder) -> None:
    path = csv_file(tmp_path / "state.csv", "TAG,expires\n1ABC23,2027-01-01\n--,\n9XYZ87,\n")
    source = HotlistSource.model_validate(
        {"name": "state", "path": path, "columns": {"plate": "tag"}}
    )
    here = build_here(source, folder, None, ())
    folder.install("state", here.file)
    entries = list(folder.entries("state"))
    assert apart()(source, folder, facts_of(1000), ["shrunk", "older"]) == here
    assert list(folder.entries("state")) == entries
    assert here.rejected == 1


def test_what_is_refused_apart_is_refused_here(tmp_path: Path, folder: HotlistFolder) -> None:
    path = csv_file(tmp_path / "state.csv", "plate\n1ABC23")
    source = HotlistSource(name="state", path=path)
    with pytest.raises(HotfileError, match=r"state\.csv: its last line has no end"):
        apart()(source, folder, None, ())
    csv_file(path, "plate\n1ABC23\n")
    with pytest.raises(ImplausibleListError) as caught:
        apart()(source, folder, facts_of(1000), ())
    assert caught.value.why == "shrunk"


def test_a_build_ends_when_the_unit_stops(tmp_path: Path, folder: HotlistFolder) -> None:
    lines = "".join(f"{number},A{number}\n" for number in range(400_000))
    path = csv_file(tmp_path / "state.csv", "entry,plate\n" + lines)
    stop = threading.Event()
    beats: list[None] = []

    def beat() -> None:
        beats.append(None)
        stop.set()

    build = BuildProcess(stop, beat, apart_from_bytes=0)
    with pytest.raises(HotfileError, match="the unit stops"):
        build(HotlistSource(name="state", path=path), folder, None, ())
    assert beats
    assert folder.current("state") is None


def test_a_process_that_dies_is_one_sentence(
    tmp_path: Path, folder: HotlistFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = csv_file(tmp_path / "state.csv", "plate\n1ABC23\n")
    monkeypatch.setattr("edge.hotfile.process_apart.sys.executable", "/bin/false")
    with pytest.raises(HotfileError, match="ended with status 1"):
        apart()(HotlistSource(name="state", path=path), folder, None, ())
