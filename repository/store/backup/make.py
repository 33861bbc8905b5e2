"""Making a backup: the database in one snapshot, then the pictures that belong to it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, select

from repository.ledger import log
from repository.store import migrate
from repository.store.backup import database, keys
from repository.store.backup.files import LIST, PICTURES, Listed, part_of, sync, write_lasting
from repository.store.backup.keys import HeldKey, Keys
from repository.store.backup.manifest import FILE, BackupError, Manifest, digest, sign
from repository.store.engine import reading
from repository.store.pictures import PictureMissingError, PictureStore, held_name, name
from repository.store.pictures_check import is_stored, stored_pictures
from repository.store.pictures_place import FolderOfPictures
from repository.store.tables.retention import held_picture_keys

_TELL_EVERY = 500


@dataclass(frozen=True, slots=True)
class Made:
    """A backup: its manifest, the digest that names it, and what was to be in it and is missing.

    ``purged`` counts pictures that a purge took while the backup was made; ``missing`` names those
    that reads still speak of and that are not there.
    """

    manifest: Manifest
    digest: str
    purged: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class BackupSource:
    """What is backed up: a repository's database, pictures and keys."""

    engine: Engine
    store: PictureStore
    origin: str
    ledger_key: Ed25519PrivateKey
    keys_folder: Path
    key_names: tuple[str, ...]

    def keys_of(self, connection: Connection, now: datetime) -> Keys:
        """The keys as that connection sees them."""
        return keys.collect(
            connection, origin=self.origin, now=now, folder=self.keys_folder, names=self.key_names
        )


def make(
    source: BackupSource,
    target: Path,
    keys_to: Path,
    *,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    progress: Callable[[str], None],
) -> Made:
    """Write a backup into a new folder, and its keys apart.

    Raises:
        BackupError: if the folder is there and not empty, the folder that it or the keys go into is
            missing, the keys would lie in it, or something cannot be written.
        DatabaseUnavailableError: if the database does not answer.
        PictureError: if the pictures' place does not answer.

    What was written is removed again then, and when it is interrupted.
    """
    _require_apart(target, keys_to)
    _require_parent(target)
    _require_parent(keys_to)
    migrate.require_current(source.engine)
    with _new_folder(target):
        return _fill(source, target, keys_to, now, random_bytes, progress)


def _fill(
    source: BackupSource,
    target: Path,
    keys_to: Path,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    progress: Callable[[str], None],
) -> Made:
    progress("the database")
    place = FolderOfPictures(target / PICTURES, random_bytes)
    with database.dumped(source.engine, target) as connection:
        tree = log.state(connection)
        found = source.keys_of(connection, now)
        progress("the pictures")
        copied = _copy(source, connection, place, found, progress)
    sync(target / database.file_of(source.engine))
    write_lasting(target / LIST, "".join(each.line() for each in copied.files).encode())
    manifest = Manifest(
        made_at=now,
        origin=source.origin,
        kind=source.engine.dialect.name,
        schema=migrate.head(),
        database=part_of(target, database.file_of(source.engine)),
        pictures=part_of(target, LIST),
        pictures_count=len(copied.files),
        pictures_bytes=sum(each.size_bytes for each in copied.files),
        ledger_size=tree.size,
        ledger_root=tree.root().hex(),
    )
    keys.write(keys_to, replace(found, held=found.held + tuple(copied.held_since)))
    content = sign(manifest, source.ledger_key)
    write_lasting(target / FILE, content)
    return Made(manifest, digest(content), copied.purged, tuple(copied.missing))


@dataclass
class _Copied:
    files: list[Listed]
    held_since: list[HeldKey]
    missing: list[str]
    purged: int = 0


def _copy(
    source: BackupSource,
    connection: Connection,
    place: FolderOfPictures,
    found: Keys,
    progress: Callable[[str], None],
) -> _Copied:
    held = {(each.day, each.sha256) for each in found.held}
    copied = _Copied([], [], [])
    # A day without a key has nothing that opens: `pictures check` says so, a backup cannot mend it.
    days = sorted({each.day for each in found.days} | {each.day for each in found.held})
    for number, (day, sha256) in enumerate(stored_pictures(connection, days), start=1):
        file = held_name(day, sha256) if (day, sha256) in held else name(day, sha256)
        try:
            _copy_one(source, place, file, copied)
        except PictureMissingError:
            _explain(source, place, day, sha256, file, copied)
        if number % _TELL_EVERY == 0:
            progress(f"{number} pictures")
    return copied


def _copy_one(source: BackupSource, place: FolderOfPictures, file: str, copied: _Copied) -> None:
    sealed = source.store.place.read(file)
    place.write(file, sealed)
    copied.files.append(Listed(file, len(sealed), hashlib.sha256(sealed).hexdigest()))


def _explain(
    source: BackupSource,
    place: FolderOfPictures,
    day: date,
    sha256: str,
    file: str,
    copied: _Copied,
) -> None:
    """A purge since the snapshot took the picture, or put it under a key of its own; or it is lost.

    Looked at in the database as it is now.
    """
    with reading(source.engine) as now:
        columns = held_picture_keys.c
        wrapped = now.scalar(
            select(columns.wrapped_key).where(columns.day == day, columns.sha256 == sha256)
        )
        named = is_stored(now, day, sha256)
    if not named:
        copied.purged += 1
        return
    try:
        _copy_one(source, place, held_name(day, sha256), copied)
    except PictureMissingError:
        copied.missing.append(file)
        return
    if wrapped is not None:
        copied.held_since.append(HeldKey(day, sha256, wrapped))


def _require_apart(target: Path, keys_to: Path) -> None:
    if keys_to.resolve().is_relative_to(target.resolve()):
        raise BackupError(
            "backup: the keys do not belong beside what they open; name another place"
        )


def _require_parent(path: Path) -> None:
    if not path.absolute().parent.is_dir():
        raise BackupError(
            f"backup: there is no folder {path.absolute().parent}; is its medium mounted? "
            "Otherwise make the folder first"
        )


@contextmanager
def _new_folder(target: Path) -> Iterator[None]:
    there = target.exists()
    try:
        target.mkdir(mode=0o700, exist_ok=True)
        if any(target.iterdir()):
            raise BackupError(f"backup: {target} is not empty; name a new folder")
    except OSError as error:
        raise BackupError(f"backup: {target}: {error.strerror}") from error
    try:
        yield
    except BaseException:  # Ctrl-C too: what is left would look like a backup
        for part in target.iterdir():
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)
        if not there:
            target.rmdir()
        raise
