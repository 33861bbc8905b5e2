"""A list's file on its way to the unit: kept as far as it came, encrypted, to be gone on with.

Invariants of the format, version 1:

- The file is a row of records: u32 little-endian length, 12 random bytes of nonce, the
  ciphertext, 16 bytes of tag (AES-256-GCM). What is sealed is a piece of the list's file,
  compressed by zlib; pieces follow one another without gaps.
- The key is derived from the unit's spool key for this use alone. The associated data is the
  list's SHA-256 and the record's number, so no record opens in another place or another list.
- A record that was torn by a crash is cut off when the file is opened again, with what follows.
  A record is no promise to be durable: what is lost is fetched again, and the whole is proven
  against the signed manifest before it is used.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from edge.hotfile.errors import HotfileError

PIECE_BYTES = 256 * 1024

_INFO = b"plateward/hotlist-partial/1"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_MAX_RECORD_BYTES = 2 * PIECE_BYTES


class PartialFile:
    """What came of a list's file, plaintext from byte 0 on. Use as a context manager."""

    def __init__(
        self,
        path: Path,
        *,
        sha256: str,
        spool_key: bytes,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Open what is there of the list with that SHA-256, or begin.

        Raises:
            HotfileError: if the disk refuses.
        """
        self._path = path
        self._sha256 = bytes.fromhex(sha256)
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(spool_key)
        self._cipher = AESGCM(key)
        self._random_bytes = random_bytes
        self._gathered = bytearray()
        self._records = 0
        self._stored_bytes = 0
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._file = os.fdopen(handle, "r+b")
            end = 0
            for piece in self._stored():
                self._records += 1
                self._stored_bytes += len(piece)
                end = self._file.tell()
            self._file.truncate(end)
            self._file.seek(end)
        except OSError as error:
            raise self._refused(error) from error

    def __enter__(self) -> PartialFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
        except OSError as refused:
            if error is None:  # else what was raised says more
                raise self._refused(refused) from refused

    @property
    def size_bytes(self) -> int:
        """How much of the list's file is here."""
        return self._stored_bytes + len(self._gathered)

    def append(self, piece: bytes) -> None:
        """Take the next bytes; they are written once enough are gathered, or by :meth:`flush`.

        Raises:
            HotfileError: if the disk refuses.
        """
        self._gathered += piece
        while len(self._gathered) >= PIECE_BYTES:
            self._write(bytes(self._gathered[:PIECE_BYTES]))
            del self._gathered[:PIECE_BYTES]

    def flush(self) -> None:
        """Write what is gathered.

        Raises:
            HotfileError: if the disk refuses.
        """
        if self._gathered:
            self._write(bytes(self._gathered))
            self._gathered.clear()
        try:
            self._file.flush()
        except OSError as error:
            raise self._refused(error) from error

    def restart(self) -> None:
        """Forget what is here.

        Raises:
            HotfileError: if the disk refuses.
        """
        self._gathered.clear()
        self._records = self._stored_bytes = 0
        try:
            self._file.seek(0)
            self._file.truncate(0)
        except OSError as error:
            raise self._refused(error) from error

    def pieces(self) -> Iterator[bytes]:
        """What is here, from byte 0.

        Raises:
            HotfileError: if the disk refuses; a record that was altered ends it early.
        """
        self.flush()
        try:
            yield from self._stored()
        except OSError as error:
            raise self._refused(error) from error

    def _stored(self) -> Iterator[bytes]:
        """The pieces up to the first record that is not whole."""
        self._file.seek(0)
        number = 0
        while True:
            length = int.from_bytes(self._file.read(4), "little")
            if not _NONCE_BYTES + _TAG_BYTES < length <= _MAX_RECORD_BYTES:
                return
            record = self._file.read(length)
            try:
                compressed = self._cipher.decrypt(
                    record[:_NONCE_BYTES], record[_NONCE_BYTES:], self._place(number)
                )
            except (InvalidTag, ValueError):
                return
            yield zlib.decompress(compressed)
            number += 1

    def _write(self, piece: bytes) -> None:
        nonce = self._random_bytes(_NONCE_BYTES)
        compressed = zlib.compress(piece, level=1)
        record = nonce + self._cipher.encrypt(nonce, compressed, self._place(self._records))
        try:
            self._file.seek(0, os.SEEK_END)
            self._file.write(len(record).to_bytes(4, "little") + record)
        except OSError as error:
            raise self._refused(error) from error
        self._records += 1
        self._stored_bytes += len(piece)

    def _place(self, number: int) -> bytes:
        return self._sha256 + number.to_bytes(8, "big")

    def _refused(self, error: OSError) -> HotfileError:
        return HotfileError(
            f"{self._path}: cannot be written or read: {error.strerror}; make room on the disk"
        )
