"""Pictures, encrypted: under a key for each UTC day of capture, or under one of their own.

Invariants:

- A picture lies at ``YYYY-MM-DD/ab/SHA256``, the day being that of capture, the digest that of the
  plain picture, ``ab`` its first two digits; sealed (`sealing`) under the day's key, with
  day and digest authenticated, so that a file cannot pass for another.
- The day's key is random and lies in ``picture_keys``, itself sealed under the master key. Without
  that row nobody can open the day's pictures, in whatever copy or backup.
- A picture that is held when its day's key is destroyed lies once more at
  ``held/YYYY-MM-DD/ab/SHA256``, under a random key of its own in ``held_picture_keys``. Where that
  row is, the held file is the one that counts.
- A file is written before the row that opens it commits, and removed after the row's end has. What
  a crash leaves between is a file that nobody can open or that another of its name replaces:
  harmless, and found by `pictures_leftovers`.

Whoever keeps, drops or looks for leftovers has the turn RETENTION of ``store.locks``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, delete, select

from repository.store.pictures_place import PictureError, PictureMissingError, PicturePlace
from repository.store.rows import insert_new
from repository.store.sealing import KEY_BYTES, SealError, open_sealed, seal
from repository.store.tables.reads import picture_keys
from repository.store.tables.retention import held_picture_keys

__all__ = [
    "PictureChangedError",
    "PictureError",
    "PictureKeyError",
    "PictureMissingError",
    "PictureStore",
]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HELD = "held"
_PICTURE_DOMAIN = b"plateward/picture/1\x00"
_KEY_DOMAIN = b"plateward/picture-key/1\x00"
_HELD_PICTURE_DOMAIN = b"plateward/held-picture/1\x00"
_HELD_KEY_DOMAIN = b"plateward/held-picture-key/1\x00"


class PictureKeyError(PictureError):
    """A picture's key is gone or does not open under the master key; it will not by waiting."""


class PictureChangedError(PictureError):
    """What lies under a picture's name is not what was kept there."""


@dataclass(frozen=True)
class PictureStore:
    """The pictures; ``master_key`` gives the 32 bytes that all other keys are under."""

    place: PicturePlace
    master_key: Callable[[], bytes]
    random_bytes: Callable[[int], bytes]

    def check_master_key(self, connection: Connection) -> None:
        """Refuse a master key that opens no picture's key, unless there are none.

        Raises:
            PictureKeyError: if this master key is another than that of the pictures.
            RepositoryError: if it cannot be read.
        """
        self.master_key()
        fault: PictureKeyError | None = None
        days = select(picture_keys.c.day).order_by(picture_keys.c.day.desc())
        held = select(held_picture_keys.c.day, held_picture_keys.c.sha256)
        for query, find in ((days, self._find_key), (held, self._find_held_key)):
            for row in connection.execute(query).all():
                try:
                    find(connection, *row)
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
            PictureError: if the place refuses it.
        """
        key = self._make_key(connection, day, now)
        label = _label(_PICTURE_DOMAIN, day, sha256)
        self.place.write(name(day, sha256), seal(key, picture, label, self.random_bytes))

    def get(self, connection: Connection, day: date, sha256: str) -> bytes:
        """The picture, checked against its digest, under whichever key it is.

        Raises:
            PictureMissingError: if its file is gone.
            PictureKeyError: if its key is gone or does not open.
            PictureChangedError: if the file was changed.
        """
        held_key = self._find_held_key(connection, day, sha256)
        if held_key is not None:
            return self._open(held_name(day, sha256), held_key, _HELD_PICTURE_DOMAIN, day, sha256)
        return self._get_by_day(connection, day, sha256)

    def keep_held(self, connection: Connection, day: date, sha256: str) -> None:
        """Put a picture under a key of its own, so that it outlasts the key of its day.

        The file is on disk before this returns, its key in the caller's transaction: the day's key
        may be deleted in the same one. Doing it again is harmless.

        Raises:
            PictureMissingError: if there is no such picture.
            PictureError: if it does not open, or the place refuses it.
        """
        key = self._find_held_key(connection, day, sha256)
        if key is not None:
            try:
                self.get(connection, day, sha256)
            except (PictureMissingError, PictureChangedError):
                pass  # its file is lost or damaged; while the day's is there, that mends it
            else:
                return
        picture = self._get_by_day(connection, day, sha256)
        own = key or self.random_bytes(KEY_BYTES)
        label = _label(_HELD_PICTURE_DOMAIN, day, sha256)
        self.place.write(held_name(day, sha256), seal(own, picture, label, self.random_bytes))
        if key is None:
            label = _label(_HELD_KEY_DOMAIN, day, sha256)
            wrapped = seal(self.master_key(), own, label, self.random_bytes)
            row = {"day": day, "sha256": sha256, "wrapped_key": wrapped}
            insert_new(connection, held_picture_keys, [row])

    def drop_held(self, connection: Connection, day: date, sha256: str) -> None:
        """Destroy a held picture's own key in the caller's transaction, if it has one.

        Its file goes with :meth:`remove` after the commit, never before it.
        """
        columns = held_picture_keys.c
        connection.execute(
            delete(held_picture_keys).where(columns.day == day, columns.sha256 == sha256)
        )

    def remove(self, day: date, sha256: str) -> None:
        """Delete a picture's files, whichever key they are under; gone already is no error.

        Raises:
            PictureError: if the place refuses.
        """
        self.place.remove(name(day, sha256))
        self.place.remove(held_name(day, sha256))

    def remove_day(self, day: date) -> None:
        """Delete what was kept under a day's key, half-written files included; held ones stay.

        Raises:
            PictureError: if the place refuses.
        """
        self.place.remove_folder(day.isoformat())

    def days(self) -> list[date]:
        """The days that have a folder."""
        return [date.fromisoformat(each) for each in self.place.folders() if _DAY.fullmatch(each)]

    def _get_by_day(self, connection: Connection, day: date, sha256: str) -> bytes:
        file = name(day, sha256)
        key = self._find_key(connection, day)
        if key is None:
            self.place.read(file)  # gone with its key is what most often happened
            raise PictureKeyError(f"picture {file}: the key of its day is gone")
        return self._open(file, key, _PICTURE_DOMAIN, day, sha256)

    def _open(self, file: str, key: bytes, domain: bytes, day: date, sha256: str) -> bytes:
        sealed = self.place.read(file)
        try:
            picture = open_sealed(key, sealed, _label(domain, day, sha256))
        except SealError as error:
            raise PictureChangedError(f"picture {file}: was changed since it was kept") from error
        if hashlib.sha256(picture).hexdigest() != sha256:
            raise PictureChangedError(f"picture {file}: is another picture than its name says")
        return picture

    def _make_key(self, connection: Connection, day: date, now: datetime) -> bytes:
        found = self._find_key(connection, day)
        if found is not None:
            return found
        wrapped = seal(
            self.master_key(), self.random_bytes(KEY_BYTES), _label(_KEY_DOMAIN, day),
            self.random_bytes,
        )  # fmt: skip
        insert_new(
            connection, picture_keys, [{"day": day, "wrapped_key": wrapped, "created_at": now}]
        )
        made = self._find_key(connection, day)  # another transaction's, if it was there first
        if made is None:
            raise PictureError(f"pictures of {day}: the day's key could not be kept")
        return made

    def _find_key(self, connection: Connection, day: date) -> bytes | None:
        query = select(picture_keys.c.wrapped_key).where(picture_keys.c.day == day)
        return self._unwrap(connection.scalar(query), _label(_KEY_DOMAIN, day), day)

    def _find_held_key(self, connection: Connection, day: date, sha256: str) -> bytes | None:
        columns = held_picture_keys.c
        query = select(columns.wrapped_key).where(columns.day == day, columns.sha256 == sha256)
        label = _label(_HELD_KEY_DOMAIN, day, sha256)
        return self._unwrap(connection.scalar(query), label, day)

    def _unwrap(self, wrapped: bytes | None, label: bytes, day: date) -> bytes | None:
        if wrapped is None:
            return None
        try:
            return open_sealed(self.master_key(), wrapped, label)
        except SealError as error:
            raise PictureKeyError(
                f"pictures of {day}: the master key is not the one that their key is under"
            ) from error


def name(day: date, sha256: str) -> str:
    """Where a picture lies under the key of its day."""
    return f"{day.isoformat()}/{_checked(sha256)[:2]}/{sha256}"


def held_name(day: date, sha256: str) -> str:
    """Where a held picture lies under a key of its own."""
    return f"{_HELD}/{name(day, sha256)}"


def parse_name(found: str) -> tuple[date, str, bool] | None:
    """Day, digest, and whether under a key of its own; None for what is no picture's name."""
    parts = found.split("/")
    held = parts[0] == _HELD
    if len(parts) != 3 + held or not _DAY.fullmatch(parts[held]) or not is_digest(parts[-1]):
        return None
    try:
        day = date.fromisoformat(parts[held])
    except ValueError:
        return None
    made = held_name(day, parts[-1]) if held else name(day, parts[-1])
    return (day, parts[-1], held) if made == found else None


def is_digest(text: str) -> bool:
    """Whether that is a SHA-256 in lower-case hexadecimal."""
    return _DIGEST.fullmatch(text) is not None


def _checked(sha256: str) -> str:
    if not is_digest(sha256):
        raise PictureError("picture: its name is no SHA-256 in lower-case hexadecimal")
    return sha256


def _label(domain: bytes, day: date, sha256: str | None = None) -> bytes:
    named = day.isoformat() if sha256 is None else f"{day.isoformat()}/{sha256}"
    return domain + named.encode()
