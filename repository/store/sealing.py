"""Bytes sealed with AES-256-GCM: a nonce of 12 bytes, then the ciphertext with its tag.

A label is authenticated with the bytes and not kept with them: what is sealed as one thing does not
open as another.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12


class SealError(Exception):
    """The bytes are not what was sealed under that key and label."""


def seal(key: bytes, content: bytes, label: bytes, random_bytes: Callable[[int], bytes]) -> bytes:
    """The content, closed to everyone without the key."""
    nonce = random_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, label)


def open_sealed(key: bytes, sealed: bytes, label: bytes) -> bytes:
    """The content.

    Raises:
        SealError: if a bit differs, or key or label are others.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], label)
    except (InvalidTag, ValueError) as error:
        raise SealError from error
