"""Encryption at rest: AES-256-GCM (NIST SP 800-38D) under the unit's spool key.

A sealed blob is 12 random bytes of nonce, the ciphertext, and 16 bytes of tag. Its name is its
associated data, so a blob moved to another row does not open.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_DOMAIN = "plateward/spool/1/"


class DamagedBlobError(Exception):
    """A blob does not open: it was altered, moved, cut short or sealed under another key."""


class Encryption:
    """Seals and opens blobs, each under its own name."""

    def __init__(self, key: bytes, random_bytes: Callable[[int], bytes]) -> None:
        """Take a key of 32 bytes and the source of nonces."""
        self._cipher = AESGCM(key)
        self._random_bytes = random_bytes

    def seal(self, name: str, content: bytes) -> bytes:
        """The blob of this content under this name."""
        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, _associated(name))

    def open(self, name: str, sealed: bytes) -> bytes:
        """The content sealed under this name.

        Raises:
            DamagedBlobError: if the blob is not one that was sealed under this name and key.
        """
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, ciphertext, _associated(name))
        except (InvalidTag, ValueError) as error:
            raise DamagedBlobError(name) from error


def _associated(name: str) -> bytes:
    return (_DOMAIN + name).encode("utf-8")
