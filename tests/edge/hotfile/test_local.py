"""The unit's own list: durable, sealed, and alerting once a second person checked an entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.contract.plates import Confusables
from edge.hotfile.errors import HotfileError
from edge.hotfile.local import LocalList
from edge.hotfile.local_entries import LocalChange
from edge.hotfile.match import Hotlists
from edge.hotfile.settings import MatchRule
from tests.edge.hotfile.lists import GROUPS, KEY, surely

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)

Opens = Callable[[], LocalList]


@pytest.fixture
def opened(tmp_path: Path, confusables: Confusables) -> Opens:
    """Opens the list anew, as after a restart or in another process."""

    def open_it() -> LocalList:
        local = LocalList(tmp_path / "local" / "entries", KEY, confusables)
        local.poll()
        return local

    return open_it


def enter(local: LocalList, plate: str = "1ABC23", **others: Any) -> LocalChange:
    values: dict[str, Any] = {
        "plate": plate,
        "state": "MA",
        "kind": "bolo",
        "priority": 2,
        "reason": "left the scene",
        "officer": "Reed",
        "authorized_by": "Sgt. Ames",
        "expires": None,
        "now": NOW,
    }
    return local.enter(**{**values, **others})


def hits(local: LocalList, plate: str, now: datetime = NOW) -> list[str]:
    hotlists = Hotlists((local.hotlist,), MatchRule(), Confusables.of(GROUPS))
    return [match.entry for match in hotlists.match(plate, surely(plate), "MA", now)]


@pytest.mark.policy("M-E2")
def test_an_entry_alerts_once_a_second_person_has_checked_it(opened: Opens) -> None:
    local = opened()
    change = enter(local, "1abc-23")
    assert local.entries == ()
    local.apply(change)
    (entry,) = local.entries
    assert (entry.plate, entry.alerts, change.action) == ("1ABC23", False, "enter")
    assert hits(local, "1ABC23") == []
    for same in ("Reed", " reed ", ""):
        with pytest.raises(HotfileError, match="a second person must check"):
            local.check(entry.entry, checked_by=same)
    check = local.check(entry.entry, checked_by="Stone")
    assert (check.action, check.entry.officer, check.entry.checked_by) == (
        "update",
        "Reed",
        "Stone",
    )
    local.apply(check)
    assert hits(local, "1ABC23") == hits(opened(), "IABC23") == [entry.entry]


@pytest.mark.policy("M-E3")
def test_what_is_changed_must_be_checked_again_and_what_ended_is_gone(opened: Opens) -> None:
    local = opened()
    change = enter(local)
    name = change.entry.entry
    local.apply(change)
    local.apply(local.check(name, checked_by="Stone"))
    update = local.update(name, officer="Hall", reason="also armed", expires=None, now=NOW)
    local.apply(update)
    assert hits(local, "1ABC23") == []
    assert [one.reason for one in opened().entries] == ["also armed"]
    local.apply(local.check(name, checked_by="Reed"))
    assert hits(local, "1ABC23") == [name]
    end = local.end(name, officer="Hall", reason="found")
    assert (end.action, end.entry.reason) == ("end", "found")
    local.apply(end)
    assert local.entries == opened().entries == ()
    assert hits(local, "1ABC23") == []
    for action in (update, end):
        with pytest.raises(HotfileError, match="has ended meanwhile"):
            local.apply(action)
    with pytest.raises(HotfileError, match="has no entry"):
        local.check(name, checked_by="Stone")


def test_an_entry_ends_by_itself(opened: Opens) -> None:
    local = opened()
    change = enter(local, expires=NOW + timedelta(hours=1))
    local.apply(change)
    local.apply(local.check(change.entry.entry, checked_by="Stone"))
    assert hits(local, "1ABC23", NOW + timedelta(minutes=59)) == [change.entry.entry]
    assert hits(local, "1ABC23", NOW + timedelta(hours=1)) == []


def test_two_processes_lose_nothing_of_each_other(opened: Opens) -> None:
    one, other = opened(), opened()
    one.apply(enter(one, "1ABC23"))
    other.apply(enter(other, "9XYZ87"))
    assert {entry.plate for entry in other.entries} == {"1ABC23", "9XYZ87"}
    one.poll()
    assert one.entries == other.entries == opened().entries


@pytest.mark.policy("M-C7")
def test_the_disk_shows_nothing_of_it_and_another_key_does_not_open_it(
    tmp_path: Path, opened: Opens, confusables: Confusables
) -> None:
    local = opened()
    local.apply(enter(local))
    path = tmp_path / "local" / "entries"
    content = path.read_bytes()
    for shown in (b"1ABC23", b"Reed", b"scene"):
        assert shown not in content
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(HotfileError, match="another key"):
        LocalList(path, b"x" * 32, confusables).poll()
    for damaged in (content[:-1], content[:5], b"", bytes(len(content))):
        path.write_bytes(damaged)
        with pytest.raises(HotfileError, match="was altered"):
            opened()


def test_a_damaged_file_is_said_until_it_is_removed_and_then_has_no_entries(
    tmp_path: Path, opened: Opens
) -> None:
    local = opened()
    change = enter(local)
    local.apply(change)
    local.apply(local.check(change.entry.entry, checked_by="Stone"))
    path = tmp_path / "local" / "entries"
    path.write_bytes(b"x" * 100)
    for _ in range(2):
        with pytest.raises(HotfileError, match="remove it and enter its plates again"):
            local.poll()
        with pytest.raises(HotfileError, match="remove it and enter its plates again"):
            local.apply(enter(local, "9XYZ87"))
    assert hits(local, "1ABC23") == [change.entry.entry]
    assert path.read_bytes() == b"x" * 100
    path.unlink()
    local.poll()
    assert (local.entries, hits(local, "1ABC23")) == ((), [])
    local.apply(enter(local, "9XYZ87"))
    assert [one.plate for one in opened().entries] == ["9XYZ87"]


@pytest.mark.policy("M-E2")
def test_what_was_said_of_an_entry_that_another_person_changed_since_is_refused(
    opened: Opens,
) -> None:
    one, other = opened(), opened()
    entered = enter(one)
    name = entered.entry.entry
    one.apply(entered)
    other.poll()
    said = [
        one.check(name, checked_by="Stone"),
        one.update(name, officer="Hall", reason="also armed", expires=None, now=NOW),
        one.end(name, officer="Hall", reason="found"),
    ]
    tonight = NOW + timedelta(hours=6)
    other.apply(
        other.update(name, officer="Ward", reason="until tonight", expires=tonight, now=NOW)
    )
    for change in said:
        with pytest.raises(HotfileError, match="was changed meanwhile; look at it again"):
            one.apply(change)
    (entry,) = opened().entries
    assert (entry.reason, entry.expires, entry.alerts) == ("until tonight", tonight, False)
    one.apply(one.check(name, checked_by="Stone"))
    assert opened().entries[0].alerts


def test_a_disk_that_refuses_leaves_the_list_as_it_was(
    tmp_path: Path, opened: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = opened()
    local.apply(enter(local))

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("edge.hotfile.local.os.fsync", refuse)
        with pytest.raises(HotfileError, match="cannot be written: No space left"):
            local.apply(enter(local, "9XYZ87"))
    assert [one.plate for one in local.entries] == ["1ABC23"]
    assert opened().entries == local.entries
    assert {path.name for path in (tmp_path / "local").iterdir()} == {"entries", "entries.lock"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"plate": "-"}, "plate: 1 to 12 letters"),
        ({"plate": "AB?C*"}, "without wildcards"),
        ({"plate": "ABCDEFGHIJKLM"}, "plate: 1 to 12"),
        ({"state": "Mass"}, "state: two capital letters"),
        ({"state": "ma"}, "state: two capital letters"),
        ({"priority": 6}, "priority: 1"),
        ({"expires": NOW}, "lies in the past"),
        ({"reason": "  "}, "reason: needs"),
        ({"officer": ""}, "officer: needs"),
        ({"authorized_by": ""}, "authorized_by: needs"),
        ({"reason": "x" * 1001}, "reason: needs"),
    ],
)
@pytest.mark.policy("M-E4")
def test_an_entry_says_everything_that_is_asked_of_it(
    opened: Opens, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(HotfileError, match=said):
        enter(opened(), **wrong)


def test_the_list_is_for_few_plates(opened: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.hotfile.local.MAX_LOCAL_ENTRIES", 1)
    local = opened()
    local.apply(enter(local))
    with pytest.raises(HotfileError, match="end those that are over"):
        enter(local)
