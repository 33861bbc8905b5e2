"""Files of hot lists: a good one is put in use at once, a bad one never replaces it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.contract.plates import Confusables
from edge.contract.records import Alternative, Character
from edge.hotfile.errors import HotfileError
from edge.hotfile.open import HotlistFiles
from edge.hotfile.settings import HotlistSource, MatchRule

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
LINES = "plate,note\n" + "".join(f"{number}ABC23,seen\n" for number in range(1, 10))


def files(folder: Path, confusables: Confusables, *names: str) -> HotlistFiles:
    sources = [HotlistSource(name=name, path=folder / f"{name}.csv") for name in names]
    return HotlistFiles(sources, confusables, MatchRule())


def hits(hotlists: HotlistFiles, plate: str) -> int:
    characters = [Character(alternatives=(Alternative(char, 1.0),)) for char in plate]
    return len(hotlists.current.match(plate, characters, None, NOW))


def replace(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path, confusables: Confusables) -> None:
    hotlists = files(tmp_path, confusables, "state")
    assert hotlists.current.lists == ()
    assert hotlists.names == hotlists.changed() == ("state",)
    assert hits(hotlists, "1ABC23") == 0


def test_a_file_is_put_in_use_with_its_own_time(tmp_path: Path, confusables: Confusables) -> None:
    path = tmp_path / "state.csv"
    path.write_text(LINES)
    os.utime(path, (1_772_000_000, 1_772_000_000))
    hotlists = files(tmp_path, confusables, "state")
    build = hotlists.reload("state")
    assert hotlists.current.lists == (build.hotlist,)
    assert build.hotlist.issued_at == datetime.fromtimestamp(1_772_000_000, UTC)
    assert build.hotlist.entries == 9
    assert hits(hotlists, "1ABC23") == 1
    assert hotlists.changed() == ()


def test_a_newer_file_replaces_the_list(tmp_path: Path, confusables: Confusables) -> None:
    path = tmp_path / "state.csv"
    path.write_text(LINES)
    hotlists = files(tmp_path, confusables, "state")
    hotlists.reload("state")
    before = hotlists.current
    replace(path, b"plate\n9XYZ87\n")
    assert hotlists.changed() == ("state",)
    hotlists.reload("state")
    assert (hits(hotlists, "9XYZ87"), hits(hotlists, "1ABC23")) == (1, 0)
    assert before.lists[0].entries == 9


@pytest.mark.parametrize(
    "content",
    [
        b"",
        LINES.encode()[:-1],
        LINES.encode()[:-20],
        b"\x00\xff\xfe broken",
        b"tag\n1ABC23\n",
        b"plate\n***\n",
    ],
)
def test_a_broken_or_cut_off_file_leaves_the_list_in_use(
    tmp_path: Path, confusables: Confusables, content: bytes
) -> None:
    path = tmp_path / "state.csv"
    path.write_text(LINES)
    hotlists = files(tmp_path, confusables, "state")
    good = hotlists.reload("state").hotlist
    replace(path, content)
    with pytest.raises(HotfileError, match="hot list state: "):
        hotlists.reload("state")
    assert hotlists.current.lists == (good,)
    assert hits(hotlists, "1ABC23") == 1
    assert hotlists.changed() == ()
    replace(path, b"plate\n9XYZ87\n")
    hotlists.reload("state")
    assert hits(hotlists, "9XYZ87") == 1


def test_a_missing_file_is_one_sentence_and_the_list_stays(
    tmp_path: Path, confusables: Confusables
) -> None:
    path = tmp_path / "state.csv"
    hotlists = files(tmp_path, confusables, "state")
    with pytest.raises(HotfileError, match=r"state\.csv cannot be read: No such file"):
        hotlists.reload("state")
    assert hotlists.changed() == ()
    path.write_text(LINES)
    assert hotlists.changed() == ("state",)
    hotlists.reload("state")
    path.unlink()
    assert hotlists.changed() == ("state",)
    with pytest.raises(HotfileError):
        hotlists.reload("state")
    assert hits(hotlists, "1ABC23") == 1


def test_one_bad_list_does_not_touch_another(tmp_path: Path, confusables: Confusables) -> None:
    (tmp_path / "town.csv").write_text(LINES)
    hotlists = files(tmp_path, confusables, "state", "town")
    hotlists.reload("town")
    with pytest.raises(HotfileError):
        hotlists.reload("state")
    assert [one.name for one in hotlists.current.lists] == ["town"]


def test_lists_are_named_apart_and_known_by_name(tmp_path: Path, confusables: Confusables) -> None:
    with pytest.raises(HotfileError, match="two lists have one name"):
        files(tmp_path, confusables, "state", "state")
    with pytest.raises(HotfileError, match="not among the configured state"):
        files(tmp_path, confusables, "state").reload("town")
