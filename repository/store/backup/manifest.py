"""What a backup holds, signed with the ledger's key. Pure.

``manifest.json`` is the canonical JSON (RFC 8785) of ``{"manifest": …, "signature": …}``, the
signature being Ed25519, in hexadecimal, over ``plateward/backup/1``, a zero byte and the canonical
JSON of the manifest. It is written last: a backup without it was cut off.
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

from repository.errors import RepositoryError

FILE = "manifest.json"
VERSION = 1
_DOMAIN = b"plateward/backup/1\x00"


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
    return rfc8785.dumps({"manifest": said, "signature": signature})


def open_manifest(content: bytes, public_key: Ed25519PublicKey) -> Manifest:
    """The manifest in that content, its signature by that key checked.

    Raises:
        BackupError: if it is of another form or version, or another key signed it.
    """
    try:
        both = json.loads(content)
        said: dict[str, Any] = both["manifest"]
        signature = bytes.fromhex(both["signature"])
        public_key.verify(signature, _DOMAIN + rfc8785.dumps(said))
        if said.pop("v") != VERSION:
            raise BackupError(f"{FILE}: of another version; restore it with the one that made it")
        database, pictures = (Part(**said.pop(name)) for name in ("database", "pictures"))
        made_at = datetime.fromisoformat(said.pop("made_at"))
        return Manifest(made_at=made_at, database=database, pictures=pictures, **said)
    except InvalidSignature as error:
        raise BackupError(
            f"{FILE}: was changed, or is signed by another key than this ledger's"
        ) from error
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        rfc8785.CanonicalizationError,
    ) as error:
        raise BackupError(f"{FILE}: is no manifest of a backup") from error


def digest(content: bytes) -> str:
    """What names a backup: the SHA-256 of its ``manifest.json``, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
