"""Encryption at rest: AES-256-GCM (NIST SP 800-38D) under data keys, those under the spool key.

Every record, picture and place is sealed under a data key; the spool holds the data keys sealed
under the unit's spool key, which lies elsewhere. So the spool key is replaced by sealing a few
data keys anew, and a data key is destroyed once everything sealed under it is purged.

A sealed blob is 12 random bytes of nonce, the ciphertext, and 16 bytes of tag. Its name is its
associated data, so a blob moved to another row does not open.

A row that is found by what must not lie in the clear, as a read's id, which tells its time, is
filed under a pseudonym: HMAC-SHA-256 (FIPS 198-1) of it under the names key, cut to 128 bits. That
key lies among the data keys as number 0 and is never destroyed. If damage destroys it, rows filed
before are no longer found by what they are of; they still open, since no blob's name needs it.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.spool.sound_rows import sound_rows

DATA_KEY_BYTES = 32
SEALS_PER_DATA_KEY = 2048
"""A few batches of reads with their pictures: what is purged together dies with its key."""

_NAMES_KEY = 0
"""The number of the key of pseudonyms among the data keys; nothing is sealed under it."""

_PSEUDONYM_BYTES = 16
_NONCE_BYTES = 12
_KEY_TABLES = ("data_keys", "data_keys_again")
_BRIEFLY_KEPT = (
    "provisional",
    "provisional_pictures",
    "withheld",
    "withheld_parts",
    "withheld_age",
    "places",
)
_DOMAIN = "plateward/spool/1/"


class DamagedBlobError(Exception):
    """A blob does not open: it was altered, moved, cut short or sealed under another key."""


class Cipher:
    """Seals and opens blobs under one key, each under its own name."""

    def __init__(self, key: bytes, random_bytes: Callable[[int], bytes]) -> None:
        """Take a key of 32 bytes and the source of nonces."""
        self._cipher = AESGCM(key)
        self._random_bytes = random_bytes

    def seal(self, name: str, content: bytes) -> bytes:
        """The blob of this content under this name."""
        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, _associated(name))

    def open(self, name: str, blob: bytes) -> bytes:
        """The content sealed under this name.

        Raises:
            DamagedBlobError: if the blob is not one that was sealed under this name and key.
        """
        try:
            nonce, ciphertext = blob[:_NONCE_BYTES], blob[_NONCE_BYTES:]
            return self._cipher.decrypt(nonce, ciphertext, _associated(name))
        except (InvalidTag, ValueError, TypeError) as error:
            raise DamagedBlobError(name) from error


@dataclass(frozen=True, slots=True)
class Sealed:
    """A blob, and the number of the data key that it is sealed under."""

    data_key: int
    blob: bytes


class Vault:
    """The data keys of one spool, opened by its spool key.

    What the memory knows of data keys is only what the database has: after a transaction that was
    rolled back, ``load`` it again.
    """

    def __init__(self, spool_key: bytes, random_bytes: Callable[[int], bytes]) -> None:
        """Take the spool key; ``load`` opens the data keys."""
        self.spool_key = spool_key
        self._random_bytes = random_bytes
        self._above = Cipher(spool_key, random_bytes)
        self._ciphers: dict[int, Cipher] = {}
        self._names_key: bytes | None = None
        self._current: int | None = None
        self._seals = 0

    def with_key(self, spool_key: bytes) -> Vault:
        """A vault of another spool key."""
        return Vault(spool_key, self._random_bytes)

    def seal_key_check(self) -> bytes:
        """A blob that only this spool key opens."""
        return self._above.seal("key_check", b"")

    def opens(self, key_check: bytes) -> bool:
        """Whether the spool was written with this spool key."""
        try:
            self._above.open("key_check", key_check)
        except DamagedBlobError:
            return False
        return True

    def recognises(self, connection: sqlite3.Connection, key_check: bytes) -> bool:
        """Whether this is the spool's key, even where the check itself is damaged."""
        return self.opens(key_check) or bool(self._sound_keys(connection))

    def load(self, connection: sqlite3.Connection) -> None:
        """Open the data keys that the database holds.

        A key that does not open is left out: what lies under it is damaged, the rest is not.
        """
        self._current = None
        keys = self._sound_keys(connection)
        self._names_key = keys.pop(_NAMES_KEY, None)
        self._ciphers = {number: Cipher(key, self._random_bytes) for number, key in keys.items()}

    def double(self, connection: sqlite3.Connection) -> None:
        """Write each data key that only one of the tables has sound to both again."""
        first, again = (self._sound_keys_in(connection, table) for table in _KEY_TABLES)
        for number in first.keys() ^ again.keys():
            self.adopt(connection, number, (first | again)[number])

    def adopt(self, connection: sqlite3.Connection, number: int, key: bytes) -> None:
        """Take a key into the database as a data key, within the caller's transaction."""
        sealed = self._above.seal(_key_name(number), key)
        for table in _KEY_TABLES:
            connection.execute(
                f"INSERT OR REPLACE INTO {table} VALUES (?, ?)",  # noqa: S608
                (number, sealed),
            )
        if number == _NAMES_KEY:
            self._names_key = key
        else:
            self._ciphers[number] = Cipher(key, self._random_bytes)

    def retire(self, connection: sqlite3.Connection) -> None:
        """Destroy data keys under which nothing lies any more, within the caller's transaction.

        They go in their order: one above the oldest of a record or picture stays for now.
        """
        (oldest,) = connection.execute(
            "SELECT min(coalesce((SELECT min(data_key) FROM records), 1 << 62),"
            " coalesce((SELECT min(data_key) FROM pictures), 1 << 62))"
        ).fetchone()
        elsewhere = " UNION ".join(f"SELECT data_key FROM {one}" for one in _BRIEFLY_KEPT)  # noqa: S608
        for table in _KEY_TABLES:
            connection.execute(
                f"DELETE FROM {table} WHERE number > ? AND number < ?"  # noqa: S608
                f" AND number NOT IN ({elsewhere})",
                (_NAMES_KEY, oldest),
            )
        if self._current is not None and self._current < oldest:
            self.load(connection)
            return
        held = {
            number
            for table in _KEY_TABLES
            for (number,) in connection.execute(f"SELECT number FROM {table}")  # noqa: S608
        }
        self._ciphers = {number: one for number, one in self._ciphers.items() if number in held}

    def reseal_keys(self, connection: sqlite3.Connection, above: Vault) -> None:
        """Seal every data key under another vault's spool key, within the caller's transaction."""
        keys = self._sound_keys(connection)
        for table in _KEY_TABLES:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
        for number, key in keys.items():
            above.adopt(connection, number, key)
        connection.execute("UPDATE chain SET key_check = ?", (above.seal_key_check(),))

    def carry_keys(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        """Take over the sound data keys of another database, within the caller's transaction."""
        for number, key in self._sound_keys(old).items():
            self.adopt(new, number, key)
        self.load(new)

    def _sound_keys(self, connection: sqlite3.Connection) -> dict[int, bytes]:
        return {
            number: key
            for table in _KEY_TABLES
            for number, key in self._sound_keys_in(connection, table).items()
        }

    def _sound_keys_in(self, connection: sqlite3.Connection, table: str) -> dict[int, bytes]:
        keys: dict[int, bytes] = {}
        for row in sound_rows(connection, table, "number"):
            with suppress(DamagedBlobError):
                keys[row["number"]] = self._above.open(_key_name(row["number"]), row["sealed"])
        return keys

    def seal(self, connection: sqlite3.Connection, name: str, content: bytes) -> Sealed:
        """Seal content under the data key in use, within the caller's transaction."""
        if self._current is None or self._seals >= SEALS_PER_DATA_KEY:
            self._current = max(self._ciphers, default=0) + 1
            self._seals = 0
            self.adopt(connection, self._current, self._random_bytes(DATA_KEY_BYTES))
        self._seals += 1
        return Sealed(self._current, self._ciphers[self._current].seal(name, content))

    def pseudonym(self, connection: sqlite3.Connection, name: str) -> str:
        """What stands for a name in the clear, within the caller's transaction.

        The same for a name each time, and nothing to whoever has not the spool key: 32
        hexadecimal digits.
        """
        if self._names_key is None:
            self.adopt(connection, _NAMES_KEY, self._random_bytes(DATA_KEY_BYTES))
        key = cast(bytes, self._names_key)
        return hmac.digest(key, _associated(name), "sha256")[:_PSEUDONYM_BYTES].hex()

    def open(self, name: str, sealed: Sealed) -> bytes:
        """The content sealed under this name.

        Raises:
            DamagedBlobError: if the blob or its data key is not what was written.
        """
        cipher = self._ciphers.get(sealed.data_key)
        if cipher is None:
            raise DamagedBlobError(name)
        return cipher.open(name, sealed.blob)


def _key_name(number: int) -> str:
    return f"data_key/{number}"


def _associated(name: str) -> bytes:
    return (_DOMAIN + name).encode("utf-8")
