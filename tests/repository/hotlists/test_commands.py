"""``alpr-repository hotlists``: from CSV to a stick, on the ledger before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repository.people import CommandLine, recorded

LIST = ("--agency=salem-pd", "--list=stolen")


@pytest.fixture
def stick(command_line: CommandLine, tmp_path: Path) -> Path:
    """A folder for the list of two entries that was imported."""
    table = command_line.file("stolen.csv", "entry,plate\nA1,1ABC23\nA2,9XYZ88\n")
    command_line.ok("hotlists", "import", *LIST, "--file", table)
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


@pytest.mark.policy("C-4a")
def test_an_export_is_on_the_ledger_with_who_and_what(
    command_line: CommandLine, stick: Path
) -> None:
    command_line.ok("hotlists", "export", *LIST, "--to", str(stick))
    entry = recorded(command_line.engine)[-1]
    assert (entry["action"], entry["outcome"], entry["count"]) == ("hotlist.export", "done", 2)
    assert entry["actor"]["login"].startswith("os:")
    assert (entry["request"]["agency"], entry["request"]["list"]) == ("salem-pd", "stolen")


@pytest.mark.policy("C-conf")
def test_what_is_exported_is_its_owners_alone(command_line: CommandLine, stick: Path) -> None:
    left = stick / "stolen.jsonl.partial"
    left.touch(0o644)
    command_line.ok("hotlists", "export", *LIST, "--to", str(stick))
    assert {each.name: each.stat().st_mode & 0o777 for each in stick.iterdir()} == {
        "stolen.jsonl": 0o600,
        "stolen.manifest.json": 0o600,
    }


@pytest.mark.policy("C-4a")
def test_a_refused_export_is_on_the_ledger_too(command_line: CommandLine, stick: Path) -> None:
    said = command_line.refused(
        "hotlists", "export", "--agency=salem-pd", "--list=wanted", "--to", str(stick)
    )
    assert "import it first" in said
    entry = recorded(command_line.engine)[-1]
    assert (entry["action"], entry["outcome"]) == ("hotlist.export", "refused")
    assert list(stick.iterdir()) == []


def test_without_its_entry_nothing_is_written(command_line: CommandLine, stick: Path) -> None:
    with command_line.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ledger_state")
    said = command_line.refused("hotlists", "export", *LIST, "--to", str(stick))
    assert "the ledger's state is missing" in said
    assert list(stick.iterdir()) == []
