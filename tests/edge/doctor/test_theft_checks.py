"""What a thief of the disk or another user of the machine could read is found, and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.doctor.findings import Finding
from edge.doctor.theft_checks import Storage, check_theft, storage_of
from edge.settings import Settings
from tests.edge.doctor.units import settings_of

LIST = """
[[hotlists]]
name = "state"
path = "data/incoming/state.csv"
remove_once_built = {removed}
"""
OPEN = Storage(frozenset({"sda"}), encrypted=False)
OTHER = Storage(frozenset({"sdb"}), encrypted=False)
SEALED = Storage(frozenset({"sda"}), encrypted=True)


def look(settings: Settings, keys: Storage = OTHER, data: Storage = OPEN) -> dict[str, Finding]:
    def storage(path: Path) -> Storage:
        return keys if path == settings.unit.keys else data

    return {one.check: one for one in check_theft(settings, storage)}


def with_list(folder: Path, *, removed: bool = True, mode: int = 0o600) -> tuple[Settings, Path]:
    settings = settings_of(folder, LIST.format(removed=str(removed).lower()))
    path = folder / "data" / "incoming" / "state.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("TAG\n")
    path.chmod(mode)
    return settings, path


def test_a_unit_that_leaves_nothing_open_is_told_so(tmp_path: Path) -> None:
    found = look(with_list(tmp_path)[0])
    assert {one.verdict for one in found.values()} == {"ok"}
    assert set(found) == {"file of hot list state", "other lists in the clear", "keys' disk"}


@pytest.mark.parametrize("mode", [0o644, 0o602])
def test_a_list_that_everybody_reads_or_writes_is_told(tmp_path: Path, mode: int) -> None:
    settings, path = with_list(tmp_path, mode=mode)
    finding = look(settings)["file of hot list state"]
    assert (finding.verdict, f"mode 0{mode:o}" in finding.found) == ("warning", True)
    assert f"chmod 600 {path}" in finding.do
    assert look(settings, data=SEALED)["file of hot list state"].verdict == "warning"


def test_a_list_that_is_kept_once_built_is_told_unless_its_disk_is_encrypted(
    tmp_path: Path,
) -> None:
    settings, path = with_list(tmp_path, removed=False)
    finding = look(settings)["file of hot list state"]
    assert finding.verdict == "warning"
    assert "set remove_once_built = true" in finding.do
    assert look(settings, data=SEALED)["file of hot list state"].verdict == "ok"
    path.unlink()
    assert look(settings)["file of hot list state"].verdict == "warning"


def test_copies_of_lists_under_and_beside_the_data_are_told(tmp_path: Path) -> None:
    settings, path = with_list(tmp_path)
    for copy in (path.with_name("state.csv.bak"), tmp_path / "data" / "OLD.CSV"):
        copy.write_text("TAG\n")
    (tmp_path / "mine.csv").write_text("TAG\n")
    (tmp_path / "notes.txt").write_text("nothing\n")
    finding = look(settings)["other lists in the clear"]
    assert finding.verdict == "warning"
    for name in ("state.csv.bak", "OLD.CSV", "mine.csv"):
        assert name in finding.found
    assert "notes.txt" not in finding.found
    assert "remove" in finding.do
    (tmp_path / "data" / "A\nok      disk: well.csv").touch()
    assert look(settings)["other lists in the clear"].found.isprintable()
    for number in range(19):
        (tmp_path / f"more-{number}.csv").touch()
    assert "and 20 more" in look(settings)["other lists in the clear"].found


@pytest.mark.parametrize(
    ("keys", "data", "verdict"),
    [
        (OPEN, OPEN, "warning"),
        (OTHER, OPEN, "ok"),
        (SEALED, SEALED, "ok"),
        (Storage(frozenset({"sda", "sdb"}), encrypted=False), OPEN, "warning"),
        (SEALED, OPEN, "ok"),
    ],
)
def test_keys_on_the_disk_of_what_they_seal_are_told(
    tmp_path: Path, keys: Storage, data: Storage, verdict: str
) -> None:
    settings = settings_of(tmp_path)
    finding = look(settings, keys, data)["keys' disk"]
    assert (finding.verdict, bool(finding.do)) == (verdict, verdict != "ok")


def test_keys_that_only_the_service_has_lie_on_no_disk(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    (settings.unit.keys / "spool.key").unlink()
    assert look(settings, OPEN, OPEN)["keys' disk"].verdict == "ok"
    (settings.unit.keys / "spool.key.former").touch()
    assert look(settings, OPEN, OPEN)["keys' disk"].verdict == "warning"


def block_device(sys: Path, name: str, *, within: str = "", uuid: str = "") -> Path:
    node = sys / "devices" / within / name
    (node / "slaves").mkdir(parents=True)
    if within:
        (node / "partition").write_text("1\n")
    if uuid:
        (node / "dm").mkdir()
        (node / "dm" / "uuid").write_text(f"{uuid}\n")
    return node


def test_what_lies_beneath_a_folder_is_followed_down_to_its_disks(tmp_path: Path) -> None:
    """As sysfs has it: a volume of two parts, the one on LUKS on a partition, the other not."""
    numbers = tmp_path.stat().st_dev
    name = f"{os.major(numbers)}:{os.minor(numbers)}"
    assert storage_of(tmp_path, tmp_path / "sys") == Storage(frozenset({name}), encrypted=False)
    sys = tmp_path / "sys"
    (sys / "devices" / "sda").mkdir(parents=True)
    partition = block_device(sys, "sda1", within="sda")
    sealed = block_device(sys, "dm-0", uuid="CRYPT-LUKS2-00")
    (sealed / "slaves" / "sda1").symlink_to(partition)
    volume = block_device(sys, "dm-1", uuid="LVM-00")
    (volume / "slaves" / "dm-0").symlink_to(sealed)
    (sys / "dev" / "block").mkdir(parents=True)
    (sys / "dev" / "block" / name).symlink_to(volume)
    assert storage_of(tmp_path, sys) == Storage(frozenset({"sda"}), encrypted=True)
    (volume / "slaves" / "sdb").symlink_to(block_device(sys, "sdb"))
    assert storage_of(tmp_path, sys) == Storage(frozenset({"sda", "sdb"}), encrypted=False)


def test_a_folder_that_is_not_there_yet_is_no_fault(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, LIST.format(removed="true"))
    settings.unit.data.rmdir()
    assert {one.verdict for one in check_theft(settings)} <= {"ok", "warning"}
