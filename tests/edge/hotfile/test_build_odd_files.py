"""What is no file of lines, or far too long, is refused at once, and the other lists are built."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.hotfile.build import build_here
from edge.hotfile.build_process import BuildProcess
from edge.hotfile.errors import HotfileError
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.open import HotlistFiles
from edge.hotfile.settings import HotlistSource, MatchRule
from tests.edge.hotfile.lists import csv_file

TEN_MILLION_LINES_BYTES = 10_000_000 * 300


def giant(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 50)


def utf16(path: Path) -> None:
    path.write_bytes("plate\n1ABC23\n".encode("utf-16"))


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "fifo": (os.mkfifo, "is no regular file"),
    "folder": (Path.mkdir, "is no regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is no regular file"),
    "utf16": (utf16, "is UTF-16; save it as CSV in UTF-8"),
    "giant": (giant, "is longer than hotlists.max_bytes allows"),
}


@pytest.mark.parametrize(("make", "said"), ODD.values(), ids=ODD.keys())
def test_what_is_no_file_of_lines_is_refused_and_the_next_list_is_built(
    tmp_path: Path, folder: HotlistFolder, make: Callable[[Path], None], said: str
) -> None:
    odd = tmp_path / "department.csv"
    make(odd)
    sources = [
        HotlistSource(name="department", path=odd),
        HotlistSource(name="state", path=csv_file(tmp_path / "state.csv", "plate\n1ABC23\n")),
    ]
    lists = HotlistFiles(sources, folder, MatchRule(), builder=BuildProcess(threading.Event()))
    tended: dict[str, str | None] = {}
    working = threading.Thread(
        target=lambda: tended.update({one.name: one.error for one in lists.tend()}), daemon=True
    )
    working.start()
    working.join(60.0)
    assert not working.is_alive(), "it waits for the odd file"
    assert (tended["department"] or "").startswith(f"hot list department: {odd}: {said}")
    assert tended["state"] is None
    lists.poll()
    assert lists.missing == ("department",)
    assert lists.tend() == [], "it is not tried again before it changes"


def test_the_longest_file_is_a_setting_that_ten_million_lines_pass(
    tmp_path: Path, folder: HotlistFolder
) -> None:
    path = csv_file(tmp_path / "state.csv", "plate\n1ABC23\n")
    assert HotlistSource(name="state", path=path).max_bytes >= TEN_MILLION_LINES_BYTES
    size = path.stat().st_size
    with pytest.raises(HotfileError, match="is longer"):
        build_here(HotlistSource(name="state", path=path, max_bytes=size - 1), folder, None, ())
    build_here(HotlistSource(name="state", path=path, max_bytes=size), folder, None, ())


def test_a_file_that_grows_while_it_is_read_is_read_no_further_than_that(
    tmp_path: Path, folder: HotlistFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = csv_file(tmp_path / "state.csv", "plate\n" + "1ABC23\n" * 3)
    monkeypatch.setattr("edge.hotfile.department_file._PIECE_BYTES", 8)
    real = os.fstat

    def grown(handle: int) -> os.stat_result:
        status = real(handle)
        with path.open("a") as file:
            file.write("1ABC23\n" * 30)
        return status

    monkeypatch.setattr("edge.hotfile.department_file.os.fstat", grown)
    with pytest.raises(HotfileError, match="is longer than hotlists"):
        build_here(HotlistSource(name="state", path=path, max_bytes=40), folder, None, ())


def test_a_short_file_does_not_wait_for_a_long_one(tmp_path: Path, folder: HotlistFolder) -> None:
    built: list[str] = []

    def building(source: HotlistSource, *more: object) -> None:
        built.append(source.name)
        raise HotfileError("not here")

    sizes = {"long": 5000, "shorter": 50, "short": 1}
    sources = [
        HotlistSource(
            name=name, path=csv_file(tmp_path / f"{name}.csv", "plate\n" + "1ABC23\n" * lines)
        )
        for name, lines in sizes.items()
    ]
    lists = HotlistFiles(sources, folder, MatchRule(), builder=building)  # type: ignore[arg-type]
    assert [one.name for one in lists.tend()] == ["short", "shorter", "long"]
    assert built == ["short", "shorter", "long"]
