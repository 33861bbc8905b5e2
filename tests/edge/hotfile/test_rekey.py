"""With the spool key replaced, lists open under the new key alone, entry for entry."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.contract.plates import load_confusables
from edge.hotfile.build import build_hotfile
from edge.hotfile.errors import HotfileError
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.local import LocalList
from edge.hotfile.rekey import ENTRIES_FILE, rekey
from edge.hotfile.settings import LOCAL_LIST
from tests.edge.hotfile.lists import facts_of, listed
from tests.edge.hotfile.test_local import enter

OLD, NEW = b"o" * 32, b"n" * 32
CONFUSABLES = load_confusables()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A built list and a list of the unit's own."""
    folder = HotlistFolder(tmp_path, OLD, CONFUSABLES)
    target = folder.path_for("state", "1")
    target.parent.mkdir(parents=True)
    entries = [listed("1", "1ABC23"), listed("2", "9XYZ87")]
    build_hotfile(entries, facts=facts_of(2), confusables=CONFUSABLES, key=OLD, target=target)
    folder.install("state", target)
    local = own(tmp_path, OLD)
    local.apply(enter(local))
    return tmp_path


def own(root: Path, key: bytes) -> LocalList:
    return LocalList(root / LOCAL_LIST / ENTRIES_FILE, key, CONFUSABLES)


@pytest.mark.policy("M-C7")
def test_every_list_opens_under_the_new_key_alone(root: Path) -> None:
    assert rekey(root, OLD, NEW, CONFUSABLES) == 2
    entries = HotlistFolder(root, NEW, CONFUSABLES).entries("state")
    assert [entry.plate for entry in entries] == ["1ABC23", "9XYZ87"]
    again = own(root, NEW)
    again.poll()
    assert [entry.plate for entry in again.entries] == ["1ABC23"]
    with pytest.raises(HotfileError, match="another key"):
        HotlistFolder(root, OLD, CONFUSABLES).current("state")
    with pytest.raises(HotfileError, match="another key"):
        own(root, OLD).poll()
    assert not list(root.rglob("*.rekeyed"))
    assert rekey(root, OLD, NEW, CONFUSABLES) == 0


def test_what_opens_under_neither_key_is_left_as_it_is(root: Path) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert rekey(root, b"x" * 32, NEW, CONFUSABLES) == 0
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_a_disk_that_refuses_is_one_sentence_and_the_list_stays(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("edge.hotfile.rekey.os.fsync", refuse)
        with pytest.raises(HotfileError, match="cannot be sealed anew: No space left"):
            rekey(root, OLD, NEW, CONFUSABLES)
    assert rekey(root, OLD, NEW, CONFUSABLES) == 2
