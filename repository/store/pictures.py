"""Pictures on disk, encrypted, under a key for each UTC day of capture.

Invariants:

- A picture lies at ``YYYY-MM-DD/ab/SHA256``, the day being that of capture, the digest that of the
  plain picture, ``ab`` its first two digits.
- A file is a nonce of 12 bytes and then the AES-256-GCM ciphertext of the picture; day and digest
  are authenticated with it, so a file cannot pass for another.
- The day's key is random and lies in ``picture_keys``, itself encrypted under the master key.
  Without that row nobody can open the day's pictures, in whatever copy or backup.
- A file appears whole or not at all, and is on disk before :meth:`PictureStore.put` returns.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, select

from repository.errors import RepositoryError
from repository.store.rows import insert_new
from repository.store.tables.reads import picture_keys

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NONCE_BYTES = 12
_KEY_BYTES = 32
_PICTURE_DOMAIN = b"plateward/picture/1\x00"
_KEY_DOMAIN = b"plateward/picture-key/1\x00"


class PictureError(RepositoryError):
    """A picture cannot be kept, or is not there, or is not what it was."""


class PictureKeyError(PictureError):
    """The key of a day does not open under the master key; trying again will not help."""


@dataclass(frozen=True)
class PictureStore:
    """The folder of pictures; ``master_key`` gives the 32 bytes that the days' keys are under."""

    folder: Path
    master_key: Callable[[], bytes]
    random_bytes: Callable[[int], bytes]

    def check_master_key(self, connection: Connection) -> None:
        """Refuse a master key that opens no day's key, unless there are none.

        Raises:
            PictureKeyError: if this master key is another than that of the pictures.
            RepositoryError: if it cannot be read.
        """
        self.master_key()
        days = connection.scalars(select(picture_keys.c.day).order_by(picture_keys.c.day.desc()))
        fault: PictureKeyError | None = None
        for day in days.all():
            try:
                self._find_key(connection, day)
            except PictureKeyError as error:
                fault = error
            else:
                return
        if fault is not None:
            raise fault

    def put(
        self, connection: Connection, day: date, sha256: str, picture: bytes, now: datetime
    ) -> None:
        """Keep a picture; keeping it again is harmless.

        The day's key is made in the caller's transaction: the picture can be opened once that
        commits. A file whose transaction failed is overwritten when the picture comes again.

        Raises:
            PictureKeyError: if the day's key does not open.
            PictureError: if the disk refuses it.
        """
        key = self._make_key(connection, day, now)
        nonce = self.random_bytes(_NONCE_BYTES)
        sealed = nonce + AESGCM(key).encrypt(nonce, picture, _picture_label(day, sha256))
        path = self.path(day, sha256)
        partial = path.with_name(f".{self.random_bytes(8).hex()}.partial")
        try:
            _make_folders(self.folder, path.parent)
            try:
                with partial.open("xb") as file:
                    file.write(sealed)
                    file.flush()
                    os.fsync(file.fileno())
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
            _sync_folder(path.parent)
        except OSError as error:
            raise PictureError(f"pictures: {path.parent}: {error.strerror}") from error

    def get(self, connection: Connection, day: date, sha256: str) -> bytes:
        """The picture, checked against its digest.

        Raises:
            PictureError: if it or its day's key is gone, or the file was changed.
        """
        path = self.path(day, sha256)
        try:
            sealed = path.read_bytes()
        except OSError as error:
            raise PictureError(f"picture {path}: {error.strerror}") from error
        key = self._find_key(connection, day)
        if key is None:
            raise PictureError(f"picture {path}: the key of its day is gone")
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            picture = AESGCM(key).decrypt(nonce, ciphertext, _picture_label(day, sha256))
        except (InvalidTag, ValueError) as error:
            raise PictureError(f"picture {path}: was changed on disk") from error
        if hashlib.sha256(picture).hexdigest() != sha256:
            raise PictureError(f"picture {path}: is another picture than its name says")
        return picture

    def remove(self, day: date, sha256: str) -> None:
        """Delete a picture; one that is gone already is no error.

        Raises:
            PictureError: if the disk refuses.
        """
        path = self.path(day, sha256)
        try:
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                _sync_folder(path.parent)
        except OSError as error:
            raise PictureError(f"picture {path}: {error.strerror}") from error

    def remove_day(self, day: date) -> None:
        """Delete everything of a day, half-written files included.

        Raises:
            PictureError: if the disk refuses.
        """
        try:
            shutil.rmtree(self._day_folder(day))
            _sync_folder(self.folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise PictureError(f"pictures of {day}: {error.strerror}") from error

    def days(self) -> list[date]:
        """The days that have a folder."""
        if not self.folder.is_dir():
            return []
        names = (each.name for each in self.folder.iterdir())
        return sorted(date.fromisoformat(name) for name in names if _DAY.fullmatch(name))

    def path(self, day: date, sha256: str) -> Path:
        """Where a picture lies."""
        return self._day_folder(day) / sha256[:2] / sha256

    def _day_folder(self, day: date) -> Path:
        return self.folder / day.isoformat()

    def _make_key(self, connection: Connection, day: date, now: datetime) -> bytes:
        found = self._find_key(connection, day)
        if found is not None:
            return found
        nonce = self.random_bytes(_NONCE_BYTES)
        wrapped = nonce + AESGCM(self.master_key()).encrypt(
            nonce, self.random_bytes(_KEY_BYTES), _key_label(day)
        )
        insert_new(
            connection, picture_keys, [{"day": day, "wrapped_key": wrapped, "created_at": now}]
        )
        made = self._find_key(connection, day)  # another transaction's, if it was there first
        if made is None:
            raise PictureError(f"pictures of {day}: the day's key could not be kept")
        return made

    def _find_key(self, connection: Connection, day: date) -> bytes | None:
        query = select(picture_keys.c.wrapped_key).where(picture_keys.c.day == day)
        wrapped = connection.scalar(query)
        if wrapped is None:
            return None
        try:
            return AESGCM(self.master_key()).decrypt(
                wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], _key_label(day)
            )
        except (InvalidTag, ValueError) as error:
            raise PictureKeyError(
                f"pictures of {day}: the master key is not the one that their key is under"
            ) from error


def _picture_label(day: date, sha256: str) -> bytes:
    return _PICTURE_DOMAIN + f"{day.isoformat()}/{sha256}".encode()


def _key_label(day: date) -> bytes:
    return _KEY_DOMAIN + day.isoformat().encode()


def _make_folders(root: Path, folder: Path) -> None:
    """Make the folder and those above it down from the root, each entry on disk."""
    missing = []
    current = folder
    while not current.is_dir():
        missing.append(current)
        if current == root:
            break
        current = current.parent
    for path in reversed(missing):
        path.mkdir(mode=0o700, parents=path == root, exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
