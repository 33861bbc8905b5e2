"""The keys of a repository in one small file, kept apart from its backups.

A backup holds no key: without this file nothing of its pictures opens. The file is written anew
with each backup, or alone by ``backup keys``, and replaces the one before: a day's key that a purge
destroyed is then gone from it too, and the day's pictures are closed for good in every backup there
is, however old. It holds the keys of days and of held pictures as the database has them (sealed
under the master key), the files of the folder of keys, and what a restore must not turn back of the
agencies. A digest tells a damaged file.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import Connection, select

from repository.store import keyfiles
from repository.store.backup import agencies
from repository.store.backup.agencies import AgencyNow
from repository.store.backup.files import write_lasting
from repository.store.backup.manifest import BackupError
from repository.store.rows import insert_new
from repository.store.tables.reads import picture_keys
from repository.store.tables.retention import held_picture_keys

_FORM = "plateward/backup-keys/1"


@dataclass(frozen=True)
class DayKey:
    """The key of a day's pictures, sealed under the master key."""

    day: date
    wrapped: bytes
    created_at: datetime


@dataclass(frozen=True)
class HeldKey:
    """The key of one held picture, sealed under the master key."""

    day: date
    sha256: str
    wrapped: bytes


@dataclass(frozen=True)
class Keys:
    """``secrets`` are the contents of the folder of keys, by file name.

    ``agencies`` is None in a file from before keys files held any.
    """

    origin: str
    made_at: datetime
    secrets: Mapping[str, bytes]
    days: tuple[DayKey, ...]
    held: tuple[HeldKey, ...]
    agencies: tuple[AgencyNow, ...] | None

    def ledger_key(self, name: str) -> Ed25519PrivateKey:
        """The ledger's key, the secret of that name.

        Raises:
            BackupError: if it is not there.
        """
        try:
            key = load_pem_private_key(self.secrets[name], password=None)
        except (KeyError, ValueError, TypeError) as error:
            raise BackupError(f"keys: hold no {name}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise BackupError(f"keys: {name} is no Ed25519 key")
        return key


def collect(
    connection: Connection, *, origin: str, now: datetime, folder: Path, names: tuple[str, ...]
) -> Keys:
    """The keys as database and folder have them now.

    Raises:
        KeyFileError: if a file is missing, or open to others.
    """
    days = connection.execute(select(picture_keys).order_by(picture_keys.c.day)).all()
    held = connection.execute(
        select(held_picture_keys).order_by(held_picture_keys.c.day, held_picture_keys.c.sha256)
    ).all()
    for name in names:
        keyfiles.require_private(folder / name)
    return Keys(
        origin=origin,
        made_at=now,
        secrets={name: (folder / name).read_bytes() for name in names},
        days=tuple(DayKey(row.day, row.wrapped_key, row.created_at) for row in days),
        held=tuple(HeldKey(row.day, row.sha256, row.wrapped_key) for row in held),
        agencies=agencies.collect(connection),
    )


def insert(connection: Connection, keys: Keys, held_files: set[tuple[date, str]]) -> None:
    """Give a restored database its keys: of all days, and of held pictures whose file came back."""
    insert_new(
        connection,
        picture_keys,
        [
            {"day": each.day, "wrapped_key": each.wrapped, "created_at": each.created_at}
            for each in keys.days
        ],
    )
    insert_new(
        connection,
        held_picture_keys,
        [
            {"day": each.day, "sha256": each.sha256, "wrapped_key": each.wrapped}
            for each in keys.held
            if (each.day, each.sha256) in held_files
        ],
    )


def write(path: Path, keys: Keys) -> None:
    """Put the keys in the place of the file, for its owner alone.

    Raises:
        BackupError: if the file is of another repository, or the disk refuses.
    """
    if path.exists() and read(path).secrets != dict(keys.secrets):
        raise BackupError(f"keys: {path} holds other keys than this repository's; name a new file")
    said: dict[str, Any] = {
        "form": _FORM,
        "origin": keys.origin,
        "made_at": keys.made_at.isoformat(),
        "secrets": {name: _text(secret) for name, secret in keys.secrets.items()},
        "days": [
            [each.day.isoformat(), _text(each.wrapped), each.created_at.isoformat()]
            for each in keys.days
        ],
        "held": [[each.day.isoformat(), each.sha256, _text(each.wrapped)] for each in keys.held],
    }
    if keys.agencies is not None:
        said["agencies"] = [agencies.to_json(each) for each in keys.agencies]
        said["digest"] = _digest(said)
    write_lasting(path, json.dumps(said, indent=1).encode() + b"\n")


def read(path: Path) -> Keys:
    """The keys in that file.

    Raises:
        KeyFileError: if it is missing or open to others.
        BackupError: if it holds anything else.
    """
    keyfiles.require_private(path)
    try:
        said = json.loads(path.read_bytes())
        if said["form"] != _FORM:
            raise BackupError(f"keys: {path} is of another form")
        known = said.get("agencies")
        if known is not None and said.pop("digest") != _digest(said):
            raise BackupError(f"keys: {path} was changed or is damaged; take another copy")
        return Keys(
            origin=said["origin"],
            made_at=datetime.fromisoformat(said["made_at"]),
            secrets={name: base64.b64decode(text) for name, text in said["secrets"].items()},
            days=tuple(
                DayKey(date.fromisoformat(day), base64.b64decode(text), datetime.fromisoformat(at))
                for day, text, at in said["days"]
            ),
            held=tuple(
                HeldKey(date.fromisoformat(day), sha256, base64.b64decode(text))
                for day, sha256, text in said["held"]
            ),
            agencies=None if known is None else tuple(map(agencies.from_json, known)),
        )
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        rfc8785.CanonicalizationError,
    ) as error:
        raise BackupError(f"keys: {path} is no file of keys") from error


def _digest(said: dict[str, Any]) -> str:
    return hashlib.sha256(rfc8785.dumps(said)).hexdigest()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
