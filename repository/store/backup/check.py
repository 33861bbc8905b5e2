"""Is a backup whole: its manifest signed, every file of it there and unchanged, nothing beside."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from repository.store.backup.files import LIST, PICTURES, listed, part_of
from repository.store.backup.manifest import FILE, BackupError, Manifest, open_manifest
from repository.store.pictures import parse_name
from repository.store.pictures_place import FolderOfPictures

_NAMED = 5
_TELL_EVERY = 500


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


def verify(folder: Path, public_key: Ed25519PublicKey, progress: Callable[[str], None]) -> Manifest:
    """The manifest of a backup that is whole.

    Raises:
        BackupError: naming what is missing, changed or not of it.
    """
    manifest = open_manifest(read_manifest(folder), public_key)
    faults = [
        f"{part.file}: is not what was written"
        for part in (manifest.database, manifest.pictures)
        if part_of(folder, part.file) != part
    ]
    if not faults:
        faults = _picture_faults(folder, manifest, progress)
    if faults:
        more = "" if len(faults) <= _NAMED else f", and {len(faults) - _NAMED} more"
        raise BackupError(f"backup {folder}: " + "; ".join(faults[:_NAMED]) + more)
    return manifest


def _picture_faults(folder: Path, manifest: Manifest, progress: Callable[[str], None]) -> list[str]:
    place = FolderOfPictures(folder / PICTURES, bytes)
    there = set(place.names())
    faults = []
    count = 0
    for count, each in enumerate(listed(folder), start=1):
        if parse_name(each.name) is None:
            faults.append(f"{LIST}: names {each.name!r}, which is no picture")
        elif each.name not in there:
            faults.append(f"{PICTURES}/{each.name}: is missing")
        elif hashlib.sha256(place.read(each.name)).hexdigest() != each.sha256:
            faults.append(f"{PICTURES}/{each.name}: is not what was written")
        there.discard(each.name)
        if count % _TELL_EVERY == 0:
            progress(f"{count} of {manifest.pictures_count} pictures")
    faults += [f"{PICTURES}/{name}: is not of this backup" for name in sorted(there)]
    if count != manifest.pictures_count:
        faults.append(f"{LIST}: names {count} pictures instead of {manifest.pictures_count}")
    return faults
