"""What a backup holds, signed with the ledger's key. Pure.

``manifest.json`` is the canonical JSON (RFC 8785) of ``{"key": …, "manifest": …, "signature": …}``,
the signature being Ed25519, in hexadecimal, over ``plateward/backup/1``, a zero byte and the
canonical JSON of the manifest. ``key`` is the public key that signed it, 32 bytes in hexadecimal:
nobody trusts it, it tells a manifest that another key signed from one that was changed; backups
from before it was written have none. The file is written last: a backup without it was cut off.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from repository.errors import RepositoryError
from repository.ledger.checkpoints import key_id

FILE = "manifest.json"
VERSION = 1
_DOMAIN = b"plateward/backup/1\x00"
_KEEP = (
    "Do not throw the backup away: `alpr-repository init` makes new keys, which no backup from "
    "before fits. Name the keys file that was kept for it with --keys-from"
)


class BackupError(RepositoryError):
    """A backup cannot be made, or is not whole, or cannot be restored here; nothing is changed."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the backup: its name in the backup's folder, its size, its SHA-256."""

    file: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """``schema`` is the database's last migration; ``pictures`` the list of all picture files.

    ``ledger_size`` and ``ledger_root`` (hexadecimal) say where the ledger in it ends.
    """

    made_at: datetime
    origin: str
    kind: str
    schema: str
    database: Part
    pictures: Part
    pictures_count: int
    pictures_bytes: int
    ledger_size: int
    ledger_root: str


def sign(manifest: Manifest, private_key: Ed25519PrivateKey) -> bytes:
    """The content of ``manifest.json``."""
    said = {"v": VERSION, **asdict(manifest), "made_at": manifest.made_at.isoformat()}
    signature = private_key.sign(_DOMAIN + rfc8785.dumps(said)).hex()
    key = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    return rfc8785.dumps({"key": key, "manifest": said, "signature": signature})


def open_manifest(content: bytes, public_key: Ed25519PublicKey) -> Manifest:
    """The manifest in that content, its signature by that key checked.

    Raises:
        BackupError: if it is of another form or version, was changed, or another key signed it.
    """
    try:
        whole = json.loads(content)
        said: dict[str, Any] = whole["manifest"]
        signature = bytes.fromhex(whole["signature"])
        signed = _DOMAIN + rfc8785.dumps(said)
        if not _fits(public_key, signature, signed):
            raise BackupError(f"{FILE}: {_why_not(whole, signature, signed, public_key)}")
        if said.pop("v") != VERSION:
            raise BackupError(f"{FILE}: of another version; restore it with the one that made it")
        database, pictures = (Part(**said.pop(name)) for name in ("database", "pictures"))
        made_at = datetime.fromisoformat(said.pop("made_at"))
        return Manifest(made_at=made_at, database=database, pictures=pictures, **said)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        rfc8785.CanonicalizationError,
    ) as error:
        raise BackupError(f"{FILE}: is no manifest of a backup") from error


def _fits(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _why_not(
    whole: dict[str, Any], signature: bytes, signed: bytes, public_key: Ed25519PublicKey
) -> str:
    origin: str = whole["manifest"]["origin"]
    by = f"{origin}+{key_id(origin, public_key).hex()}"
    if "key" not in whole:
        return (
            f"was changed, or is signed by another key than {by}; of an older version's backup "
            f"that cannot be told apart. {_KEEP}"
        )
    named = Ed25519PublicKey.from_public_bytes(bytes.fromhex(whole["key"]))
    if not _fits(named, signature, signed):
        return (
            "was changed after it was signed; take another copy of this backup, or one that was "
            "made before or after it"
        )
    return (
        f"is as it was signed, but signed by another key, {origin}+{key_id(origin, named).hex()}, "
        f"than the one it is checked by, {by}. {_KEEP}"
    )


def digest(content: bytes) -> str:
    """What names a backup: the SHA-256 of its ``manifest.json``, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
