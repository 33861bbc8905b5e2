"""What whoever takes the unit's disk, or is another user of the machine, could read."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from pathlib import Path

from edge.contract.printable import on_one_line
from edge.doctor.findings import Finding, ok, warning
from edge.enrolment import FORMER_SPOOL_KEY, SPOOL_KEY
from edge.hotfile.settings import HotlistSource
from edge.settings import Settings

_SHOWN = 3
_MOST_FILES = 20_000
_SYS = Path("/sys")


@dataclass(frozen=True, slots=True)
class Storage:
    """What a folder lies on: its disks by the kernel's names, and whether all is encrypted."""

    disks: frozenset[str]
    encrypted: bool

    def beside(self, other: Storage) -> Storage:
        """Both together."""
        return Storage(self.disks | other.disks, self.encrypted and other.encrypted)


def storage_of(path: Path, sys: Path = _SYS) -> Storage:
    """The disks beneath a path, or the folder where it will be, as sysfs has them.

    dm-crypt is seen, on which LUKS rests. Of a file system that hides its disks (btrfs, ZFS,
    overlay) its own number stands for them, and its own encryption is not seen.
    """
    there = next(one for one in (path, *path.absolute().parents) if _is_there(one))
    number = there.stat().st_dev
    name = f"{os.major(number)}:{os.minor(number)}"
    node = sys / "dev" / "block" / name
    return _beneath(node.resolve()) if node.exists() else Storage(frozenset({name}), False)


def check_theft(
    settings: Settings, storage: Callable[[Path], Storage] = storage_of
) -> Iterator[Finding]:
    """Lists in the clear, and keys beside what they seal."""
    named = [one for one in settings.hotlists if one.path is not None]
    for source in named:
        yield _judge_list(source, storage)
    yield _judge_others(_others(settings.unit.data, [one.csv_path for one in named]))
    yield _judge_keys(settings.unit.keys, settings.unit.data, storage)


def _judge_list(source: HotlistSource, storage: Callable[[Path], Storage]) -> Finding:
    check, path = f"file of hot list {source.name}", source.csv_path
    mode = 0
    with suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o006:
        return warning(
            check,
            f"every user of this machine may read or change {path} (mode {mode:04o}), and plates "
            "lie in it in the clear",
            f"run: chmod 600 {path}; then have what writes it give the next one that mode too",
        )
    if not source.remove_once_built and not storage(path).encrypted:
        return warning(
            check,
            f"{path} stays once its list is built, with its plates in the clear, on a disk where "
            "no encryption is seen",
            "set remove_once_built = true for this list, or keep the file on an encrypted disk",
        )
    kept = "lies on an encrypted disk" if not source.remove_once_built else "goes once it is built"
    return ok(check, f"it {kept}")


def _judge_others(others: list[Path]) -> Finding:
    check = "other lists in the clear"
    if not others:
        return ok(check, "none lies under or beside the data")
    named = ", ".join(on_one_line(str(path)) for path in others[:_SHOWN])
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return warning(
        check,
        f"no setting names {named}{more}: plates may lie in such a file in the clear",
        "see what it is: remove copies of lists, and keep what else you need off the unit",
    )


def _others(data: Path, lists: list[Path]) -> list[Path]:
    """Files under the data, beside it and beside the lists that look like a list."""
    known = {path.absolute() for path in lists}
    starts = tuple(path.name for path in lists)
    seen = {
        path.absolute(): None
        for path in islice(_files(data, lists), _MOST_FILES)
        if ".csv" in path.name.lower() or (starts and path.name.startswith(starts))
    }
    return sorted(path for path in seen if path not in known)


def _files(data: Path, lists: list[Path]) -> Iterator[Path]:
    """What cannot be listed is passed over: another user's folders are none of the unit's."""
    for folder in {data.parent, *(path.parent for path in lists)}:
        with suppress(OSError), os.scandir(folder) as entries:
            yield from (Path(one.path) for one in entries if one.is_file(follow_symlinks=False))
    for within, _, names in os.walk(data):
        yield from (Path(within, name) for name in names)


def _judge_keys(keys: Path, data: Path, storage: Callable[[Path], Storage]) -> Finding:
    check = "keys' disk"
    if not any(_is_there(keys / name) for name in (SPOOL_KEY, FORMER_SPOOL_KEY)):
        return ok(check, "no key that opens the spool lies in the keys' folder")
    of_keys = storage(keys)
    if of_keys.encrypted:
        return ok(check, "it is encrypted")
    if not of_keys.disks & storage(data).disks:
        return ok(check, "it is another one than the data's")
    return warning(
        check,
        f"the spool's key in {keys} lies on the disk of what it seals, and no encryption of that "
        "disk is seen: who takes the disk can read both",
        "have systemd hand out the keys, sealed to this machine's chip (deploy/README.md, Keys), "
        "or encrypt the disk",
    )


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _beneath(node: Path) -> Storage:
    """Follow a block device down: a volume to its parts, a partition to its disk."""
    sealed = False
    with suppress(OSError):
        sealed = (node / "dm" / "uuid").read_text(encoding="ascii").startswith("CRYPT-")
    parts: list[Path] = []
    with suppress(OSError):
        parts = [one.resolve() for one in (node / "slaves").iterdir()]
    if parts:
        found = reduce(Storage.beside, map(_beneath, parts))
        return Storage(found.disks, sealed or found.encrypted)
    if (node / "partition").exists():
        return Storage(_beneath(node.parent).disks, sealed)
    return Storage(frozenset({node.name}), sealed)
