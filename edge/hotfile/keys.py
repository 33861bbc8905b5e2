"""The keys of hot lists at rest, all derived from the unit's spool key."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_INFO = b"plateward/hotfile/1"


def hotfile_key(spool_key: bytes) -> bytes:
    """The 32 bytes under which the keys of built lists are wrapped (HKDF, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(spool_key)


def digest_key(file_key: bytes) -> bytes:
    """The 32 bytes that key the digests of one file's plates.

    Each file has a key of its own, so the digests in two files cannot be compared.
    """
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO + b"/digest").derive(file_key)
