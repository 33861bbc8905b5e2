"""Lists in use: a good file is put in use at once, a bad one never replaces what is there."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.contract.plates import Confusables
from edge.hotfile.build import build_here, build_hotfile
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import ImplausibleListError
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.layout import HEADER_BYTES, peek_header
from edge.hotfile.local import LocalList
from edge.hotfile.open import HotlistFiles
from edge.hotfile.settings import HotlistSource, MatchRule
from tests.edge.hotfile.lists import (
    ISSUED,
    KEY,
    Files,
    csv_file,
    errors,
    facts_of,
    listed,
    load,
    surely,
)

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
LINES = "plate,note\n" + "".join(f"{number}ABC23,seen\n" for number in range(1, 10))


def hits(hotlists: HotlistFiles, plate: str) -> int:
    return len(hotlists.current.match(plate, surely(plate), None, NOW))


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path, files: Files) -> None:
    csv_file(tmp_path / "state.csv", LINES)
    hotlists = files("state")
    assert hotlists.current.lists == ()
    assert not hotlists.complete
    assert hotlists.names == hotlists.changed() == ("state",)
    assert hits(hotlists, "1ABC23") == 0


def test_a_file_is_put_in_use_with_its_own_time(tmp_path: Path, files: Files) -> None:
    csv_file(tmp_path / "state.csv", LINES)
    hotlists = files("state")
    built, opened = load(hotlists)
    assert (built.part, built.error) == ("file", None)
    assert built.build is not None
    assert opened.hotlist is not None
    assert opened.hotlist.facts == built.build.facts
    assert hotlists.current.lists == (opened.hotlist,)
    assert opened.hotlist.issued_at == ISSUED
    assert opened.hotlist.entries == 9
    assert hits(hotlists, "1ABC23") == 1
    assert hotlists.complete
    assert load(hotlists) == []


def test_a_newer_file_replaces_the_list_and_who_holds_the_old_one_keeps_it(
    tmp_path: Path, files: Files
) -> None:
    csv_file(tmp_path / "state.csv", LINES)
    hotlists = files("state")
    load(hotlists)
    before = hotlists.current
    csv_file(tmp_path / "state.csv", "plate\n9XYZ87\n", ISSUED + timedelta(hours=1))
    assert hotlists.changed() == ("state",)
    assert errors(load(hotlists)) == []
    assert (hits(hotlists, "9XYZ87"), hits(hotlists, "1ABC23")) == (1, 0)
    assert len(before.match("1ABC23", surely("1ABC23"), None, NOW)) == 1
    kept = sorted(path.name for path in (tmp_path / "hotlists" / "state").iterdir())
    version = hotlists.current.lists[0].version
    assert kept == [f"{version}.hotfile", "current", "facts.json", "lock"]


def test_a_restart_opens_what_was_built_and_builds_nothing(tmp_path: Path, files: Files) -> None:
    csv_file(tmp_path / "state.csv", LINES)
    load(files("state"))
    after = files("state")
    (opened,) = after.poll()
    assert (opened.part, opened.error) == ("list", None)
    assert hits(after, "1ABC23") == 1
    assert after.changed() == ()
    (tmp_path / "state.csv").unlink()
    assert errors(load(after)) == [
        f"hot list state: {tmp_path}/state.csv is not there; put the department's file there"
    ]
    assert hits(after, "1ABC23") == 1


def test_other_columns_make_another_list_of_the_same_file(tmp_path: Path, files: Files) -> None:
    csv_file(tmp_path / "state.csv", "plate,tag\n1ABC23,9XYZ87\n")
    load(files("state"))
    after = files("state", columns={"plate": "tag"})
    after.poll()
    assert after.changed() == ("state",)
    load(after)
    assert (hits(after, "9XYZ87"), hits(after, "1ABC23")) == (1, 0)


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
    tmp_path: Path, files: Files, content: bytes
) -> None:
    path = csv_file(tmp_path / "state.csv", LINES)
    hotlists = files("state")
    load(hotlists)
    good = hotlists.current.lists
    path.write_bytes(content)
    (said,) = errors(load(hotlists))
    assert said.startswith("hot list state: ")
    assert hotlists.current.lists == good
    assert hits(hotlists, "1ABC23") == 1
    assert load(hotlists) == []
    csv_file(path, "plate\n9XYZ87\n", ISSUED + timedelta(hours=1))
    load(hotlists)
    assert hits(hotlists, "9XYZ87") == 1


def test_an_older_file_and_one_that_changes_too_much_are_refused_unless_allowed(
    tmp_path: Path, files: Files
) -> None:
    path = tmp_path / "state.csv"
    many = "plate\n" + "".join(f"{number}ABC\n" for number in range(200))
    csv_file(path, many)
    hotlists = files("state")
    load(hotlists)
    csv_file(path, many + "9XYZ87\n", ISSUED - timedelta(hours=1))
    (said,) = errors(load(hotlists))
    assert "is older than version" in said
    for others, why in ((99, "shrunk"), (301, "grown")):
        changed = "plate\n" + "".join(f"{number}XYZ\n" for number in range(others))
        csv_file(path, changed, ISSUED + timedelta(hours=1))
        (said,) = errors(load(hotlists))
        assert f"has {others} entries" in said
        assert hits(hotlists, "1ABC") == 1
        with pytest.raises(ImplausibleListError) as caught:
            hotlists.build("state", {"older"})
        assert caught.value.why == why
    hotlists.build("state", {"grown"})
    hotlists.poll()
    assert (hits(hotlists, "1ABC"), hits(hotlists, "1XYZ")) == (0, 1)


def test_one_bad_list_does_not_touch_another(tmp_path: Path, files: Files) -> None:
    csv_file(tmp_path / "town.csv", LINES)
    hotlists = files("state", "town")
    assert len(errors(load(hotlists))) == 1
    assert [one.name for one in hotlists.current.lists] == ["town"]
    csv_file(tmp_path / "state.csv", LINES)
    load(hotlists)
    assert [one.name for one in hotlists.current.lists] == ["state", "town"]


def test_lists_are_named_apart_and_known_by_name(files: Files) -> None:
    with pytest.raises(HotfileError, match="two lists have one name"):
        files("state", "state")
    with pytest.raises(HotfileError, match="no list of that name is built from a file"):
        files("state").build("town")


def test_a_list_that_others_install_is_put_in_use_at_the_next_look(
    folder: HotlistFolder, confusables: Confusables
) -> None:
    source = HotlistSource.model_validate({"name": "state", "from": "repository"})
    hotlists = HotlistFiles([source], folder, MatchRule(), builder=build_here)
    assert load(hotlists) == []
    for number, plate in ((1, "1ABC23"), (2, "9XYZ87")):
        target = folder.path_for("state", str(number))
        build_hotfile(
            [listed("1", plate)],
            facts=facts_of(1, version=str(number), number=number),
            confusables=confusables,
            key=KEY,
            target=target,
        )
        assert load(hotlists) == []
        folder.install("state", target)
        (opened,) = load(hotlists)
        assert opened.hotlist is not None
        assert opened.hotlist.source == "repository"
        assert hits(hotlists, plate) == 1
    assert folder.current("state") == facts_of(1, version="2", number=2)
    assert list(folder.entries("state")) == [listed("1", "9XYZ87")]


def test_a_damaged_list_is_said_and_a_departments_is_built_again(
    tmp_path: Path, files: Files
) -> None:
    csv_file(tmp_path / "state.csv", LINES)
    hotlists = files("state")
    load(hotlists)
    (built,) = (tmp_path / "hotlists" / "state").glob("*.hotfile")
    whole = built.read_bytes()
    header = peek_header(whole[:HEADER_BYTES], len(whole), built)
    with built.open("r+b") as file:
        file.seek(HEADER_BYTES)
        file.write(bytes(header.index_at - HEADER_BYTES))
    assert hits(hotlists, "1ABC23") == 0
    (outcome,) = hotlists.poll()
    assert outcome.part == "list"
    assert "is damaged" in (outcome.error or "")
    assert errors(load(hotlists)) == []
    assert hits(hotlists, "1ABC23") == 1
    assert hotlists.poll() == []


def test_a_list_that_does_not_open_leaves_the_one_in_use(tmp_path: Path, files: Files) -> None:
    csv_file(tmp_path / "state.csv", LINES)
    hotlists = files("state")
    load(hotlists)
    pointer = tmp_path / "hotlists" / "state" / "current"
    pointer.write_text("gone.hotfile\n")
    (said,) = errors(hotlists.poll())
    assert "gone.hotfile: cannot be read" in said
    pointer.write_text("../../elsewhere.hotfile\n")
    os.utime(pointer, (1, 1))
    (said,) = errors(hotlists.poll())
    assert "names no list" in said
    assert hits(hotlists, "1ABC23") == 1


def test_a_list_that_could_not_be_opened_for_want_of_memory_is_tried_again(
    tmp_path: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    csv_file(tmp_path / "state.csv", LINES)
    files("state").tend()
    hotlists = files("state")

    def refuse(_: int) -> None:
        raise OSError(12, "Cannot allocate memory")

    with monkeypatch.context() as patch:
        patch.setattr("edge.hotfile.store._large", refuse)
        for _ in range(2):
            (said,) = errors(hotlists.poll())
            assert said.endswith("cannot be read: Cannot allocate memory")
            assert hotlists.missing == ("state",)
            assert hotlists.changed() == (), "it may well be sound"
    (outcome,) = hotlists.poll()
    assert (outcome.error, hits(hotlists, "1ABC23")) == (None, 1)
    assert hotlists.poll() == []


def test_a_list_that_is_damaged_is_not_read_again_and_again(tmp_path: Path, files: Files) -> None:
    csv_file(tmp_path / "state.csv", LINES)
    files("state").tend()
    (built,) = (tmp_path / "hotlists" / "state").glob("*.hotfile")
    content = built.read_bytes()
    built.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    hotlists = files("state")
    (said,) = errors(hotlists.poll())
    assert "is damaged" in said
    assert hotlists.poll() == []


def test_only_a_list_built_in_its_place_is_installed(
    tmp_path: Path, folder: HotlistFolder, confusables: Confusables
) -> None:
    target = tmp_path / "1.hotfile"
    build_hotfile([], facts=facts_of(0), confusables=confusables, key=KEY, target=target)
    for name in ("state", "town"):
        with pytest.raises(HotfileError, match="is not its file"):
            folder.install(name, target)
    assert folder.current("state") is None
    assert list(folder.entries("state")) == []


def test_a_list_taken_in_is_in_use_at_once_and_said_once_at_the_next_poll(
    tmp_path: Path, files: Files
) -> None:
    csv_file(tmp_path / "state.csv", LINES)
    hotlists = files("state", "absent")
    hotlists.tend()
    assert hotlists.missing == ("state", "absent")
    hotlists.take_in()
    assert hits(hotlists, "1ABC23") == 1
    assert (hotlists.missing, hotlists.complete) == (("absent",), False)
    hotlists.take_in()
    (outcome,) = hotlists.poll()
    assert (outcome.name, outcome.hotlist) == ("state", *hotlists.current.lists)
    assert hotlists.poll() == []


def test_the_units_own_list_is_matched_with_the_others(
    tmp_path: Path, folder: HotlistFolder, confusables: Confusables
) -> None:
    own = LocalList(tmp_path / "own", KEY, confusables)
    hotlists = HotlistFiles([], folder, MatchRule(), builder=build_here, own=own)
    assert hotlists.current.lists == ()
    elsewhere = LocalList(tmp_path / "own", KEY, confusables)
    change = elsewhere.enter(
        plate="1ABC23",
        state="MA",
        kind="bolo",
        priority=1,
        reason="seen leaving",
        officer="Reed",
        authorized_by="Sgt. Ames",
        expires=None,
        now=NOW,
    )
    elsewhere.apply(change)
    hotlists.poll()
    assert hits(hotlists, "1ABC23") == 0
    elsewhere.apply(elsewhere.check(change.entry.entry, checked_by="Stone"))
    (outcome,) = hotlists.poll()
    assert outcome.name == "local"
    (match,) = hotlists.current.match("IABC23", surely("IABC23"), "MA", NOW)
    assert (match.list_name, match.list_source, match.how) == ("local", "local", "confusable")
    assert not match.list_stale
    (tmp_path / "own").write_bytes(b"damaged")
    for _ in range(2):
        (said,) = errors(hotlists.poll())
        assert "remove it" in said
    assert hits(hotlists, "1ABC23") == 1
    (tmp_path / "own").unlink()
    (outcome,) = hotlists.poll()
    assert (outcome.name, outcome.error, hits(hotlists, "1ABC23")) == ("local", None, 0)
    assert hotlists.poll() == []


def test_the_units_own_list_recovers_though_nothing_in_it_changed(
    tmp_path: Path, folder: HotlistFolder, confusables: Confusables
) -> None:
    (tmp_path / "room").mkdir()
    own = LocalList(tmp_path / "room" / "own", KEY, confusables)
    hotlists = HotlistFiles([], folder, MatchRule(), builder=build_here, own=own)
    assert hotlists.poll() == []
    (tmp_path / "room").rename(tmp_path / "aside")
    (tmp_path / "room").write_bytes(b"")
    assert len(errors(hotlists.poll())) == 1
    (tmp_path / "room").unlink()
    (tmp_path / "aside").rename(tmp_path / "room")
    (outcome,) = hotlists.poll()
    assert (outcome.name, outcome.error) == ("local", None)
    assert hotlists.poll() == []
