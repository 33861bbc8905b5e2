"""A department's file holds plates in the clear: it goes once its list is built, if so set."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from edge.hotfile.build import build_here
from edge.hotfile.department_file import remove_once_built
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.layout import HEADER_BYTES
from edge.hotfile.settings import HotlistSource
from tests.edge.hotfile.lists import ISSUED, Files, csv_file, errors, load

LINES = "plate\n" + "".join(f"{number}ABC23\n" for number in range(1, 10))
NEWER = "plate\n" + "".join(f"{number}XYZ87\n" for number in range(1, 10))

pytestmark = pytest.mark.policy("M-C7")


def test_a_file_is_removed_once_its_list_is_in_use(tmp_path: Path, files: Files) -> None:
    path = csv_file(tmp_path / "state.csv", "plate\n--\n")
    hotlists = files("state", remove_once_built=True)
    assert len(errors(load(hotlists))) == 1
    assert path.exists()
    for text, at in ((LINES, ISSUED), (NEWER, ISSUED + timedelta(hours=1))):
        csv_file(path, text, at)
        assert errors([*load(hotlists), *load(hotlists)]) == []
        assert not path.exists()
        assert hotlists.current.lists[0].issued_at == at
        assert load(hotlists) == []
    after = files("state", remove_once_built=True)
    assert errors([*after.poll(), *load(after)]) == []
    assert after.complete


def test_a_file_whose_list_was_built_by_hand_or_before_a_crash_is_removed_by_the_next_daemon(
    tmp_path: Path, files: Files, folder: HotlistFolder
) -> None:
    path = csv_file(tmp_path / "state.csv", LINES)
    build_here(HotlistSource(name="state", path=path, remove_once_built=True), folder, None, ())
    hotlists = files("state", remove_once_built=True)
    assert errors([*hotlists.poll(), *load(hotlists)]) == []
    assert not path.exists()
    assert hotlists.complete


def test_a_file_stays_that_is_not_to_be_removed_or_has_another_list_in_it(
    tmp_path: Path, files: Files
) -> None:
    path = csv_file(tmp_path / "state.csv", LINES)
    hotlists = files("state")
    load(hotlists)
    load(hotlists)
    assert path.exists()
    hotlists = files("state", remove_once_built=True)
    hotlists.poll()
    csv_file(path, "plate\n", ISSUED + timedelta(hours=1))
    assert len(errors([*load(hotlists), *load(hotlists)])) == 1
    assert path.exists()


def test_a_file_that_came_in_place_of_the_one_that_was_built_stays(
    tmp_path: Path, folder: HotlistFolder
) -> None:
    path = csv_file(tmp_path / "state.csv", LINES)
    source = HotlistSource(name="state", path=path, remove_once_built=True)
    build = build_here(source, folder, None, ())
    csv_file(path, NEWER, ISSUED + timedelta(hours=1))
    remove_once_built(source, build.facts.recipe)
    assert path.read_text() == NEWER
    csv_file(path, LINES)
    remove_once_built(source, build.facts.recipe)
    assert not path.exists()


def test_a_file_stays_while_what_was_built_from_it_is_damaged(tmp_path: Path, files: Files) -> None:
    path = csv_file(tmp_path / "state.csv", LINES)
    load(files("state"))
    (built,) = (tmp_path / "hotlists" / "state").glob("*.hotfile")
    built.write_bytes(built.read_bytes()[:HEADER_BYTES])
    hotlists = files("state", remove_once_built=True)
    (said,) = errors(hotlists.poll())
    assert said.endswith(f"the unit builds it again from {path}")
    hotlists.tend()
    assert path.exists(), "the list is not known to open"
    assert errors([*hotlists.poll(), *load(hotlists)]) == []
    assert (path.exists(), hotlists.complete) == (False, True)


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_file_that_cannot_be_removed_is_said_until_it_is_gone(
    tmp_path: Path, files: Files, monkeypatch: pytest.MonkeyPatch, by_hand: bool
) -> None:
    path = csv_file(tmp_path / "state.csv", LINES)
    hotlists = files("state", remove_once_built=True)
    load(hotlists)

    def refuse(_: Path) -> None:  # permissions do not hold the user back who runs tests as root
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("edge.hotfile.department_file.Path.unlink", refuse)
        for _ in range(2):
            (said,) = errors(load(hotlists))
            assert "cannot be removed: Permission denied; it holds plates in the clear" in said
    if by_hand:
        path.unlink()
    (outcome,) = load(hotlists)
    assert (outcome.part, outcome.error, path.exists()) == ("file", None, False)
    assert load(hotlists) == []


def test_a_file_that_was_refused_is_no_trouble_once_its_list_is_in_use(
    tmp_path: Path, files: Files
) -> None:
    path = csv_file(tmp_path / "state.csv", LINES)
    hotlists = files("state")
    load(hotlists)
    csv_file(path, "plate\n", ISSUED + timedelta(hours=1))
    assert len(errors(load(hotlists))) == 1
    csv_file(path, LINES)
    (outcome,) = load(hotlists)
    assert (outcome.part, outcome.error) == ("file", None)
    assert load(hotlists) == []
