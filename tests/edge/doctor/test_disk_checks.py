"""Room, rights, mounts, and a spool that was tampered with."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from edge.doctor import disk_checks
from edge.doctor.disk_checks import (
    Mount,
    check_disk,
    check_spool,
    judge_mount,
    judge_room,
    judge_spool_error,
    judge_writing,
    mount_of,
)
from edge.enrolment import FORMER_SPOOL_KEY, SPOOL_KEY, enrol
from edge.spool.store import Spool

GIB = 2**30
MOUNTS = r"""
/dev/sda2 / ext4 rw,relatime 0 0
/dev/sdb1 /var/lib/plateward ext4 ro,relatime,errors=remount-ro 0 0
server:/x /mnt/with\040room nfs4 rw 0 0
tmpfs /var/lib/plateward-old tmpfs rw 0 0
short
"""


@pytest.mark.parametrize(
    ("free", "total", "verdict"),
    [
        (30 * GIB, 60 * GIB, "ok"),
        (3 * GIB, 60 * GIB, "ok"),
        (3 * GIB - 1, 60 * GIB, "warning"),
        (2 * GIB - 1, 8 * GIB, "warning"),
        (256 * 2**20 - 1, 8 * GIB, "fail"),
    ],
)
def test_room(free: int, total: int, verdict: str) -> None:
    assert judge_room(free, total, 2**26).verdict == verdict


def test_the_mount_nearest_to_the_folder_counts() -> None:
    mount = mount_of(Path("/var/lib/plateward/spool"), MOUNTS)
    assert mount == Mount("/var/lib/plateward", "ext4", ("ro", "relatime", "errors=remount-ro"))
    root = mount_of(Path("/var/lib/plateward-new"), MOUNTS)
    assert root is not None
    assert root.point == "/"
    spaced = mount_of(Path("/mnt/with room/a"), MOUNTS)
    assert spaced is not None
    assert spaced.kind == "nfs4"
    assert mount_of(Path("/x"), "") is None


@pytest.mark.parametrize(
    ("mount", "verdict"),
    [
        (Mount("/d", "ext4", ("rw",)), "ok"),
        (Mount("/d", "ext4", ("ro", "errors=remount-ro")), "fail"),
        (Mount("/d", "nfs4", ("rw",)), "fail"),
        (Mount("/d", "tmpfs", ("rw",)), "warning"),
        (Mount("/d", "ext4", ("rw", "nobarrier")), "warning"),
    ],
)
def test_mounts(mount: Mount, verdict: str) -> None:
    finding = judge_mount(mount)
    assert finding.verdict == verdict
    assert bool(finding.do) == (verdict != "ok")


def test_a_folder_that_takes_files_is_left_as_it_was(tmp_path: Path) -> None:
    found = {one.check: one.verdict for one in check_disk(tmp_path, 2**26)}
    assert found["disk: writing"] == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_or_takes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (missing,) = check_disk(tmp_path / "not" / "yet", 2**26)
    assert (missing.verdict, "makes it" in missing.found) == ("warning", True)
    assert not (tmp_path / "not").exists()
    (tmp_path / "file").touch()
    for never in (tmp_path / "file", tmp_path / "file" / "data"):
        (missing,) = check_disk(never, 2**26)
        assert missing.verdict == "fail"
    # The kernel's own refusal: /proc takes no file from anyone, root included.
    found = {one.check: one for one in check_disk(Path("/proc"), 2**26)}
    assert found["disk: writing"].verdict == "fail"


def test_a_full_disk_is_no_matter_of_owners(tmp_path: Path) -> None:
    full = judge_writing(tmp_path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert (full.verdict, "free this disk" in full.do, "own" in full.do) == ("fail", True, False)
    denied = judge_writing(tmp_path, OSError(errno.EACCES, os.strerror(errno.EACCES)))
    assert f"chown -R plateward {tmp_path}" in denied.do
    broken = judge_writing(tmp_path, OSError(errno.EIO, os.strerror(errno.EIO)))
    assert ("dmesg" in broken.do, "chown" in broken.do) == (True, False)


def test_a_spool_in_use_is_looked_through_and_stays_in_use(tmp_path: Path) -> None:
    with Spool.open(tmp_path / "spool", b"s" * 32, agency="a", unit="u") as spool:
        (finding,) = check_spool(tmp_path, tmp_path / "keys", GIB)
        assert (finding.verdict, finding.found.startswith("sound")) == ("ok", True)
        assert spool.counts().spooled == 0


def test_a_spool_that_is_nearly_full_is_told_before_pictures_give_way(tmp_path: Path) -> None:
    with Spool.open(tmp_path / "spool", b"s" * 32, agency="a", unit="u"):
        (room,) = check_spool(tmp_path, tmp_path / "keys", GIB)
        assert (room.verdict, "of the 1,024 MiB that it may hold" in room.found) == ("ok", True)
        (full,) = check_spool(tmp_path, tmp_path / "keys", 65_536)
    assert (full.verdict, full.found.startswith("nearly full")) == ("warning", True)
    assert full.do.startswith("bring the unit in reach of its repository")


def test_what_the_spool_leaves_free_is_no_room(tmp_path: Path) -> None:
    assert judge_room(3 * GIB, 60 * GIB, 2**26).verdict == "ok"
    assert judge_room(3 * GIB, 60 * GIB, 4 * GIB).verdict == "fail"


def test_a_damaged_spool_is_told(tmp_path: Path) -> None:
    Spool.open(tmp_path / "spool", b"s" * 32, agency="a", unit="u").close()
    path = tmp_path / "spool" / "spool.sqlite"
    content = bytearray(path.read_bytes())
    content[4096:12288] = os.urandom(8192)
    path.write_bytes(content)
    (finding,) = check_spool(tmp_path, tmp_path / "keys", GIB)
    assert (finding.verdict, finding.found) == ("fail", "it is damaged")
    path.write_bytes(b"no database at all, and long enough to be looked at" * 100)
    (finding,) = check_spool(tmp_path, tmp_path / "keys", GIB)
    assert finding.found == "it is damaged"


def test_a_spool_too_large_to_look_through_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Spool.open(tmp_path / "spool", b"s" * 32, agency="a", unit="u").close()
    with sqlite3.connect(tmp_path / "spool" / "spool.sqlite") as connection:
        connection.execute("CREATE TABLE large (x)")
        connection.executemany("INSERT INTO large VALUES (?)", [(os.urandom(500),)] * 20_000)
    connection.close()
    monkeypatch.setattr(disk_checks, "_QUICK_CHECK_S", 0.0)
    (finding,) = check_spool(tmp_path, tmp_path / "keys", GIB)
    assert (finding.verdict, "too large" in finding.found) == ("warning", True)


def test_no_spool_yet_is_well_and_one_that_cannot_be_opened_is_not(tmp_path: Path) -> None:
    (finding,) = check_spool(tmp_path, tmp_path / "keys", GIB)
    assert finding.verdict == "ok"
    (tmp_path / "spool" / "spool.sqlite").mkdir(parents=True)
    (finding,) = check_spool(tmp_path, tmp_path / "keys", GIB)
    assert finding.verdict == "fail"
    assert judge_spool_error(sqlite3.OperationalError("locked"), 1).verdict == "fail"


def test_a_spool_of_another_key_is_told_beside_the_daemon_that_holds_it(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    key = enrol(keys).spool_key
    with Spool.open(tmp_path / "spool", key, agency="a", unit="u"):
        (finding,) = check_spool(tmp_path, keys, GIB)
        assert finding.verdict == "ok"
        (keys / SPOOL_KEY).write_text("0f" * 32)
        (finding,) = check_spool(tmp_path, keys, GIB)
        assert (finding.verdict, "another key" in finding.found) == ("fail", True)
        assert "spool.key" in finding.do
        # While the key is being replaced, the former may still be the spool's.
        (keys / FORMER_SPOOL_KEY).write_text(key.hex())
        (keys / FORMER_SPOOL_KEY).chmod(0o600)
        (finding,) = check_spool(tmp_path, keys, GIB)
        assert finding.verdict == "ok"
