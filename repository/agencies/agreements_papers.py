"""Papers of agencies: texts and signed copies, sealed and named by their SHA-256.

A paper is kept once however often it is given, and never changed or dropped. It is sealed with
AES-256-GCM under a key that HKDF-SHA-256 derives from the repository's master key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, select

from repository.agencies.errors import AgencyError
from repository.store.rows import insert_new
from repository.store.sealing import KEY_BYTES, SealError, open_sealed, seal
from repository.store.tables.agreements import papers

MAX_BYTES = 10 * 1024 * 1024
_PURPOSE = b"plateward papers of agencies, version 1"
_SCANS = {
    b"%PDF-": "application/pdf",
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
}


@dataclass(frozen=True, slots=True)
class Papers:
    """Where papers are kept. ``master_key`` gives the repository's 32 bytes."""

    master_key: Callable[[], bytes]
    random_bytes: Callable[[int], bytes]

    def keep_text(self, connection: Connection, content: bytes, now: datetime) -> str:
        """Keep a text, plain in UTF-8 or a PDF, and give its SHA-256 in hexadecimal.

        Raises:
            AgencyError: if it is empty, too large, or neither.
        """
        return self._keep(connection, content, media_type(content) or _plain(content), now)

    def keep_scan(self, connection: Connection, content: bytes, now: datetime) -> str:
        """Keep a signed copy, as PDF, JPEG, PNG or TIFF, and give its SHA-256 in hexadecimal.

        Raises:
            AgencyError: if it is empty, too large, or none of these.
        """
        kind = media_type(content)
        if kind is None:
            raise AgencyError("signed copy: expected a PDF, or a scan as JPEG, PNG or TIFF")
        return self._keep(connection, content, kind, now)

    def get(self, connection: Connection, sha256: str) -> bytes:
        """The paper as it was given.

        Raises:
            AgencyError: if there is none of that digest, or it does not open.
        """
        sealed = connection.scalar(select(papers.c.sealed).where(papers.c.sha256 == sha256))
        if sealed is None:
            raise AgencyError(f"paper {sha256}: not kept here")
        try:
            return open_sealed(self._key(), sealed, sha256.encode())
        except SealError as error:
            raise AgencyError(
                f"paper {sha256}: does not open; was it changed, or is the master key another?"
            ) from error

    def _keep(self, connection: Connection, content: bytes, kind: str, now: datetime) -> str:
        if not 0 < len(content) <= MAX_BYTES:
            raise AgencyError(f"paper: {len(content)} bytes; expected 1 to {MAX_BYTES}")
        sha256 = hashlib.sha256(content).hexdigest()
        row = {
            "sha256": sha256,
            "media_type": kind,
            "size_bytes": len(content),
            "sealed": seal(self._key(), content, sha256.encode(), self.random_bytes),
            "kept_at": now,
        }
        insert_new(connection, papers, [row])
        return sha256

    def _key(self) -> bytes:
        derivation = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=_PURPOSE)
        return derivation.derive(self.master_key())


def media_type(content: bytes) -> str | None:
    """What kind of document or scan the bytes begin as; None if they do not."""
    return next((kind for start, kind in _SCANS.items() if content.startswith(start)), None)


def _plain(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise AgencyError("text: expected a PDF, or plain text in UTF-8") from error
    if not text.strip():
        raise AgencyError("text: the file is empty")
    return "text/plain"
