"""Keys as files that their owner alone can read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from repository.errors import RepositoryError

SECRET_BYTES = 32


class KeyFileError(RepositoryError):
    """A key is missing, open to others, or not what its name says."""


def make_signing_key(path: Path) -> bool:
    """Make an Ed25519 key pair: the private part at ``path``, the public one beside as ``.pub``.

    Returns:
        False if there was a key already; it stays as it is.
    """
    if path.exists():
        return False
    private_key = Ed25519PrivateKey.generate()
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public_path(path).write_bytes(public_pem(private_key.public_key()))
    _write_private(path, pem)
    return True


def make_secret(path: Path, random_bytes: Callable[[int], bytes]) -> bool:
    """Make a secret of 32 random bytes, kept as hexadecimal.

    Returns:
        False if there was one already; it stays as it is.
    """
    if path.exists():
        return False
    _write_private(path, random_bytes(SECRET_BYTES).hex().encode() + b"\n")
    return True


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """The private key in that file.

    Raises:
        KeyFileError: if it is missing, open to others, or not an Ed25519 key.
    """
    try:
        key = load_pem_private_key(_read_private(path), password=None)
    except (ValueError, TypeError) as error:
        raise KeyFileError(f"key {path}: not a PEM private key without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"key {path}: not an Ed25519 key")
    return key


def load_public_key(path: Path) -> Ed25519PublicKey:
    """The public key in that PEM file.

    Raises:
        KeyFileError: if it cannot be read or is not an Ed25519 key.
    """
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise KeyFileError(f"public key {path}: {error.strerror}") from error
    except ValueError as error:
        raise KeyFileError(f"public key {path}: not a PEM public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(f"public key {path}: not an Ed25519 key")
    return key


def load_public_part(path: Path) -> Ed25519PublicKey:
    """The public part of the private key at ``path``, which itself need not be there.

    Raises:
        KeyFileError: if it cannot be read or is not an Ed25519 key.
    """
    public = public_path(path)
    if not public.exists():
        raise KeyFileError(
            f"public key {public}: does not exist; where {path.name} lies, run `alpr-repository "
            "init`, which writes it; else bring it from there, or the whole repository back from "
            "a backup with `alpr-repository restore`"
        )
    return load_public_key(public)


def make_public_part(path: Path) -> None:
    """Write the public part of the private key at ``path`` beside it, where it is missing.

    Raises:
        KeyFileError: if the private key cannot be used.
    """
    if not public_path(path).exists():
        public_path(path).write_bytes(public_pem(load_signing_key(path).public_key()))


def load_secret(path: Path) -> bytes:
    """The 32 bytes in that file.

    Raises:
        KeyFileError: if it is missing, open to others, or holds anything else.
    """
    try:
        secret = bytes.fromhex(_read_private(path).decode())
    except ValueError as error:
        raise KeyFileError(f"key {path}: not hexadecimal") from error
    if len(secret) != SECRET_BYTES:
        raise KeyFileError(f"key {path}: holds {len(secret)} bytes instead of {SECRET_BYTES}")
    return secret


def require_private(path: Path) -> None:
    """Refuse a file of secrets that is missing, or that others can read.

    Raises:
        KeyFileError: saying which it is.
    """
    _read_private(path)


def public_path(path: Path) -> Path:
    """Where the public part of the private key at ``path`` lies."""
    return path.with_suffix(".pub")


def public_pem(key: Ed25519PublicKey) -> bytes:
    """The public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _write_private(path: Path, content: bytes) -> None:
    # Created closed, so that there is no moment in which another user could read it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read_private(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise KeyFileError(
            f"key {path}: does not exist; bring the keys back from your backup (after the loss of "
            "a server with `alpr-repository restore`), or, for a repository that has none yet, run "
            "`alpr-repository init`"
        ) from error
    except OSError as error:
        raise KeyFileError(f"key {path}: {error.strerror}") from error
    if mode & 0o077:
        raise KeyFileError(f"key {path}: others can read it; run `chmod 600 {path}`")
    return content
