"""The disk of the unit's data: room, writable, mounted as it should be, and a sound spool."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from edge.doctor.findings import Finding, fail, ok, own, warning
from edge.enrolment import FORMER_SPOOL_KEY, SPOOL_KEY, EnrolmentError, load_spool_key
from edge.spool.database import DATABASE_FILE
from edge.spool.key_check import is_another_keys

LOW_BYTES = 2 * 2**30
LOW_SHARE = 0.05
FULL_BYTES = 256 * 2**20
NEARLY_FULL_SHARE = 0.85
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "vboxsf"})
_GONE_AFTER_RESTART = frozenset({"tmpfs", "ramfs", "overlay"})
_QUICK_CHECK_S = 40.0


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system: where, of what kind, with which options."""

    point: str
    kind: str
    options: tuple[str, ...]


def check_disk(data: Path, reserve_bytes: int) -> Iterator[Finding]:
    """Room, rights and mount of the folder of the unit's data.

    The spool leaves ``reserve_bytes`` of the disk free.
    """
    if not data.is_dir():
        yield _judge_missing(data)
        return
    usage = shutil.disk_usage(data)
    yield judge_room(usage.free, usage.total, reserve_bytes)
    files = os.statvfs(data)
    if files.f_files and files.f_favail < 1000:
        yield fail(
            "disk: files",
            "the file system has no room for more files",
            "remove files that nobody needs from this disk",
        )
    yield _try_to_write(data)
    with contextlib.suppress(OSError):
        mount = mount_of(data, Path("/proc/self/mounts").read_text(encoding="utf-8"))
        if mount is not None:
            yield judge_mount(mount)


def judge_room(free: int, total: int, reserve_bytes: int) -> Finding:
    """Whether there is room for a long time without the repository."""
    said = f"{free / 2**30:.1f} GiB free of {total / 2**30:.1f} GiB"
    if free < max(FULL_BYTES, reserve_bytes):
        return fail(
            "disk: room",
            f"{said}: soon nothing more can be stored",
            "bring the unit in reach of its repository for the spool to empty, or free the disk",
        )
    if free < LOW_BYTES or free < LOW_SHARE * total:
        return warning(
            "disk: room",
            said,
            "see in 'alpr-edge status' whether the spool empties; else free the disk",
        )
    return ok("disk: room", said)


def judge_mount(mount: Mount) -> Finding:
    """Whether the file system keeps what it is given, and is a local one."""
    if "ro" in mount.options:
        return fail(
            "disk: mount",
            f"{mount.point} is mounted read-only",
            "a disk is often turned read-only after errors: look into dmesg, then replace the "
            "disk, or run: mount -o remount,rw " + mount.point,
        )
    if mount.kind in _NETWORK:
        return fail(
            "disk: mount",
            f"{mount.point} is a network file system ({mount.kind}): the spool needs a local one",
            "set unit.data to a folder on a local disk",
        )
    if mount.kind in _GONE_AFTER_RESTART:
        return warning(
            "disk: mount",
            f"{mount.point} is of the kind {mount.kind}: it may be empty after a restart",
            "set unit.data to a folder on a disk, if this is no trial",
        )
    if "nobarrier" in mount.options or "barrier=0" in mount.options:
        return warning(
            "disk: mount",
            f"{mount.point} is mounted without barriers: a power cut may lose what was stored",
            "remove nobarrier from its line in /etc/fstab and restart",
        )
    return ok("disk: mount", f"{mount.point} is {mount.kind}, writable")


def mount_of(path: Path, mounts: str) -> Mount | None:
    """The file system that a path lies on, of the lines of /proc/self/mounts (proc(5))."""
    found: Mount | None = None
    real = str(path.resolve())
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 4:
            continue
        point = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and (found is None or len(point) >= len(found.point)):
            found = Mount(point, fields[2], tuple(fields[3].split(",")))
    return found


def check_spool(data: Path, keys: Path, limit_bytes: int) -> Iterator[Finding]:
    """SQLite's own quick check of the spool, and its key's, which harm no running daemon.

    ``keys`` is the folder of the unit's keys. A key that a service alone has is not compared. The
    spool may hold ``limit_bytes``.
    """
    path = data / "spool" / DATABASE_FILE
    if not path.exists():
        yield ok("spool", "there is none yet: the daemon makes it at its first start")
        return
    until_s = time.monotonic() + _QUICK_CHECK_S
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5)
        ) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > until_s, 10_000)
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            pages, free, page_bytes = (
                connection.execute(f"PRAGMA {what}").fetchone()[0]
                for what in ("page_count", "freelist_count", "page_size")
            )
    except sqlite3.Error as error:
        yield judge_spool_error(error, path.stat().st_size)
        return
    if verdict != "ok":
        yield _damaged()
    elif spool_is_another_keys(data, keys):
        yield fail(
            "spool",
            f"it was written with another key than {keys / SPOOL_KEY}: the daemon will not start, "
            "and nothing that waits in it can be read",
            "put back the spool.key that was made when the unit was enrolled",
        )
    else:
        yield judge_fill((pages - free) * page_bytes, limit_bytes)


def judge_fill(held: int, limit: int) -> Finding:
    """Whether a sound spool that holds so many bytes will take more for a while."""
    said = f"{held / 2**20:,.0f} MiB of the {limit / 2**20:,.0f} MiB that it may hold"
    if held < NEARLY_FULL_SHARE * limit:
        return ok("spool", f"sound, {said}")
    return warning(
        "spool",
        f"nearly full, {said}: the oldest pictures of reads without a hit give way first, and in "
        "the end nothing more is stored",
        "bring the unit in reach of its repository for the spool to empty, or raise "
        "spool.max_bytes or spool.max_share",
    )


def spool_is_another_keys(data: Path, keys: Path) -> bool:
    """Whether the spool was written with another key than those in the folder of keys."""
    found = []
    for name in (SPOOL_KEY, FORMER_SPOOL_KEY):
        with contextlib.suppress(EnrolmentError):
            found.append(load_spool_key(keys / name))
    return bool(found) and is_another_keys(data / "spool", found)


def judge_spool_error(error: sqlite3.Error, size: int) -> Finding:
    """What SQLite's refusal to look through a spool of that size in bytes means."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_INTERRUPT:
        return warning(
            "spool",
            f"too large ({size / 2**30:.1f} GiB) to look through in {_QUICK_CHECK_S:.0f} s",
            "see in 'alpr-edge status' whether it empties",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _damaged()
    return fail(
        "spool",
        "it cannot be opened",
        "run as the daemon's user; if it stays so, check the disk and the folder's rights",
    )


def _damaged() -> Finding:
    return fail(
        "spool",
        "it is damaged",
        "restart the daemon: it keeps apart what is damaged and says what it could not save; then "
        "have the disk checked",
    )


def _judge_missing(data: Path) -> Finding:
    """Whether the daemon can make the folder, as it does at its first start."""
    above = next(folder for folder in data.absolute().parents if folder.exists())
    if not data.exists() and above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return warning(
            "disk",
            f"{data} is not there yet: 'alpr-edge run' makes it at its first start",
            "start the daemon; if it ran here before, see whether its disk is mounted and "
            "unit.data is right",
        )
    return fail(
        "disk",
        f"{data} is not there, and cannot be made by this user",
        "make the folder, owned by the daemon's user with mode 700, or correct unit.data",
    )


def judge_writing(data: Path, error: OSError) -> Finding:
    """What it means that the folder takes no file."""
    found = f"nothing can be written to {data} ({error.strerror})"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return fail(
            "disk: writing",
            found,
            "free this disk, or raise the user's quota; what the unit holds stays and goes up "
            "where the repository is in reach",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return fail("disk: writing", found, own(data))
    return fail(
        "disk: writing",
        found,
        "look into dmesg for errors of the disk; replace the disk if there are any, else restart "
        "the machine",
    )


def _try_to_write(data: Path) -> Finding:
    trial = data / f".doctor-{os.getpid()}"
    try:
        with trial.open("xb") as file:
            file.write(b"trial\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return judge_writing(data, error)
    finally:
        with contextlib.suppress(OSError):
            trial.unlink(missing_ok=True)
    return ok("disk: writing", f"{data} takes files")
