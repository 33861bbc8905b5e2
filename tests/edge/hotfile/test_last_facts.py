"""A list that does not open any more still bounds what may come after it, and says what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from edge.hotfile.folder import FACTS, HotlistFolder
from edge.hotfile.layout import HEADER_BYTES, MAGIC
from tests.edge.hotfile.lists import ISSUED, Files, csv_file, errors, load

LINES = "plate\n" + "".join(f"{number}ABC\n" for number in range(200))
ONE = "plate\n1ABC\n"

pytestmark = pytest.mark.policy("M-D1")


def of_former_format(built: Path) -> None:
    content = bytearray(built.read_bytes())
    content[len(MAGIC) - 1] -= 1
    built.write_bytes(content)


def header_rotten(built: Path) -> None:
    content = bytearray(built.read_bytes())
    content[len(MAGIC) + 4] ^= 1
    built.write_bytes(content)


def index_rotten(built: Path) -> None:
    content = bytearray(built.read_bytes())
    content[-1] ^= 1
    built.write_bytes(content)


def cut_off(built: Path) -> None:
    built.write_bytes(built.read_bytes()[:HEADER_BYTES])


def gone(built: Path) -> None:
    built.unlink()


def pointer_rotten(built: Path) -> None:
    (built.parent / "current").write_text("\0")


HARMS = [of_former_format, header_rotten, index_rotten, cut_off, gone, pointer_rotten]


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_a_list_that_does_not_open_lets_in_nothing_older_and_nothing_implausible(
    tmp_path: Path, files: Files, harm: Callable[[Path], None]
) -> None:
    path = csv_file(tmp_path / "state.csv", LINES)
    hotlists = files("state", remove_once_built=True)
    load(hotlists)
    load(hotlists)
    assert not path.exists()
    (built,) = (tmp_path / "hotlists" / "state").glob("*.hotfile")
    harm(built)
    after = files("state", remove_once_built=True)
    (said,) = errors(after.poll())
    assert said.endswith(
        f"put the department's file at {path} again, and the unit builds it at once"
    )
    csv_file(path, ONE, ISSUED + timedelta(hours=1))
    (said, *_) = errors(after.tend())
    assert "has 1 entries, version" in said
    csv_file(path, LINES + "1XYZ\n", ISSUED - timedelta(hours=1))
    (said, *_) = errors(after.tend())
    assert "is older than version" in said
    assert after.missing == ("state",)
    csv_file(path, LINES)
    after.tend()
    assert errors(after.poll()) == []
    assert after.complete


def test_a_former_format_bounds_what_comes_though_nothing_else_was_noted(
    tmp_path: Path, files: Files, folder: HotlistFolder
) -> None:
    path = csv_file(tmp_path / "state.csv", LINES)
    load(files("state"))
    (built,) = (tmp_path / "hotlists" / "state").glob("*.hotfile")
    (built.parent / FACTS).unlink()
    before = folder.current("state")
    of_former_format(built)
    assert folder.last("state") == before
    csv_file(path, ONE, ISSUED + timedelta(hours=1))
    (said,) = errors(files("state").tend())
    assert "has 1 entries, version" in said


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"name": 1}', b"[]"])
def test_facts_that_cannot_be_read_are_none(
    tmp_path: Path, files: Files, folder: HotlistFolder, content: bytes
) -> None:
    csv_file(tmp_path / "state.csv", LINES)
    load(files("state"))
    (built,) = (tmp_path / "hotlists" / "state").glob("*.hotfile")
    assert folder.last("town") is None
    (built.parent / FACTS).write_bytes(content)
    assert folder.last("state") == folder.current("state")
    built.write_bytes(content)
    assert folder.last("state") is None
