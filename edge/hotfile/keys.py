"""The keys of hot lists at rest, all derived from the unit's spool key."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_INFO = b"plateward/hotfile/1"


def hotfile_key(spool_key: bytes) -> bytes:
    """The 32 bytes under which the keys of built lists are wrapped (HKDF, RFC 5869)."""
    return _derived(spool_key, b"")


def plate_numbers(file_key: bytes) -> tuple[int, int]:
    """The factor and the summand, of 128 bits each, that spread the plates of one file.

    Each file has numbers of its own, so the digests in two files cannot be compared.
    """
    derived = _derived(file_key, b"/plates")
    return int.from_bytes(derived[:16], "big") | 1, int.from_bytes(derived[16:], "big")


def file_identity(file_key: bytes) -> str:
    """What tells a built file from every other, whatever key its own is wrapped under."""
    return _derived(file_key, b"/identity").hex()


def _derived(key: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO + use).derive(key)
