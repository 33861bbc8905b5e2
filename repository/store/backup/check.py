"""Is a backup whole: its manifest signed, every file of it there and unchanged, nothing beside."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from repository.store.backup.files import LIST, PICTURES, Listed, listed, part_of
from repository.store.backup.manifest import FILE, BackupError, Manifest, open_manifest
from repository.store.pictures import parse_name
from repository.store.pictures_place import FolderOfPictures, PictureError
from repository.wording import counted

_NAMED = 5
_TELL_EVERY = 500


@dataclass(frozen=True, slots=True)
class Checked:
    """A backup whose database is whole; ``damaged`` names the pictures of it that are not."""

    manifest: Manifest
    damaged: frozenset[str] = frozenset()


def read_manifest(folder: Path) -> bytes:
    """The content of the backup's manifest.

    Raises:
        BackupError: if there is none.
    """
    try:
        return (folder / FILE).read_bytes()
    except OSError as error:
        raise BackupError(
            f"backup: {folder / FILE}: {error.strerror}; a backup that was cut off has none"
        ) from error


def verify(
    folder: Path,
    public_key: Ed25519PublicKey,
    progress: Callable[[str], None],
    *,
    damaged_pictures: bool = False,
) -> Checked:
    """Check a backup; with ``damaged_pictures`` it may lack pictures, or hold changed ones.

    Raises:
        BackupError: naming what is missing, changed or not of it, and what to do.
    """
    manifest = open_manifest(read_manifest(folder), public_key)
    faults = [
        f"{part.file}: is not what was written"
        for part in (manifest.database, manifest.pictures)
        if part_of(folder, part.file) != part
    ]
    if faults:
        raise BackupError(
            f"backup {folder}: {_some(faults)}. Without it nothing can be brought back: take "
            "another copy of this backup, or one that was made before or after it"
        )
    faults, damaged = _look_at_pictures(folder, manifest, progress)
    if faults:
        raise BackupError(f"backup {folder}: {_some(faults)}")
    if damaged and not damaged_pictures:
        raise BackupError(
            f"backup {folder}: {_some(list(damaged.values()))}. Of "
            f"{counted(manifest.pictures_count, 'picture')} {len(damaged)} cannot be brought back, "
            "everything else can. Put the same file of another copy of this backup, or of another "
            "backup, in its place; where there is none, `alpr-repository restore` with "
            "--without-damaged-pictures brings back all but these, and names them"
        )
    return Checked(manifest, frozenset(damaged))


def _some(faults: list[str]) -> str:
    more = "" if len(faults) <= _NAMED else f", and {len(faults) - _NAMED} more"
    return "; ".join(faults[:_NAMED]) + more


def _look_at_pictures(
    folder: Path, manifest: Manifest, progress: Callable[[str], None]
) -> tuple[list[str], dict[str, str]]:
    """What is wrong with the list or lies beside it, and what is wrong with pictures, by name."""
    place = FolderOfPictures(folder / PICTURES, bytes)
    there = set(place.names())
    faults = []
    damaged: dict[str, str] = {}
    count = 0
    for count, each in enumerate(listed(folder), start=1):
        if parse_name(each.name) is None:
            faults.append(f"{LIST}: names {each.name!r}, which is no picture")
        elif (wrong := _wrong(place, each, there)) is not None:
            damaged[each.name] = f"{PICTURES}/{each.name}: {wrong}"
        there.discard(each.name)
        if count % _TELL_EVERY == 0:
            progress(f"{count} of {manifest.pictures_count} pictures")
    faults += [
        f"{PICTURES}/{name}: is not of this backup; move it elsewhere" for name in sorted(there)
    ]
    if count != manifest.pictures_count:
        faults.append(f"{LIST}: names {count} pictures instead of {manifest.pictures_count}")
    return faults, damaged


def _wrong(place: FolderOfPictures, picture: Listed, there: set[str]) -> str | None:
    if picture.name not in there:
        return "is missing"
    try:
        content = place.read(picture.name)
    except PictureError:
        return "cannot be read"
    same = hashlib.sha256(content).hexdigest() == picture.sha256
    return None if same else "is not what was written"
