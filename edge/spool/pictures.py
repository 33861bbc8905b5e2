"""The pictures in the spool: stored with the records that name them, purged without an owner.

Every function works inside the caller's transaction.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from edge.contract.batch import MAX_PICTURE_BYTES
from edge.contract.records import AnyRecord, Read, ShiftCheck
from edge.spool.encryption import Sealed, Vault
from edge.spool.errors import UnfitRecordError


class Standing(IntEnum):
    """Which pictures give way when room runs out: the lower, the earlier."""

    ORDINARY = 0
    """Of a read that no hot list matched."""
    HIT_SCENE = 1
    HIT_PLATE = 2
    """A hit's plate patch, or a shift check's picture."""


@dataclass(frozen=True, slots=True)
class WaitingPicture:
    """A picture that a receipted record names and that is not known to be held."""

    sha256: str
    content: bytes


def named_by(record: AnyRecord) -> Iterator[tuple[str, Standing]]:
    """The pictures that a record names, by SHA-256, and how each stands."""
    match record:
        case Read(pictures=pictures, hits=hits):
            for picture in pictures:
                of_hit = Standing.HIT_PLATE if picture.kind == "plate" else Standing.HIT_SCENE
                yield picture.sha256, of_hit if hits else Standing.ORDINARY
        case ShiftCheck(cameras=cameras):
            for check in cameras:
                if check.picture is not None:
                    yield check.picture, Standing.HIT_PLATE


def require_fit(named: Iterable[AnyRecord], given: Mapping[str, bytes]) -> None:
    """Check that the bytes given are those of the pictures that the records name, all of them.

    Raises:
        UnfitRecordError: if they are not, or are too many to be sent.
    """
    for sha256, content in given.items():
        if hashlib.sha256(content).hexdigest() != sha256:
            raise UnfitRecordError(f"picture {sha256}: its bytes have another digest")
        if not 0 < len(content) <= MAX_PICTURE_BYTES:
            raise UnfitRecordError(
                f"picture {sha256}: {len(content)} bytes, between 1 and {MAX_PICTURE_BYTES} can "
                "be sent: lower the picture's size or quality in the settings"
            )
    digests = {sha256 for record in named for sha256, _ in named_by(record)}
    if missing := digests - given.keys():
        raise UnfitRecordError(f"picture {min(missing)}: named by a record, its bytes are missing")
    if foreign := given.keys() - digests:
        raise UnfitRecordError(f"picture {min(foreign)}: its bytes are given, nobody names it")


def store(
    connection: sqlite3.Connection,
    vault: Vault,
    records: Iterable[AnyRecord],
    contents: Mapping[str, bytes],
) -> None:
    """Store the pictures that these records name, and that they name them.

    A picture whose bytes are not given is none that the spool will ever have.
    """
    present: set[str] = set()
    for record in records:
        for sha256, standing in named_by(record):
            if sha256 not in contents:
                continue
            if sha256 not in present:
                _store_one(connection, vault, sha256, contents[sha256])
                present.add(sha256)
            connection.execute(
                "UPDATE pictures SET standing = max(standing, ?) WHERE sha256 = ?",
                (standing, sha256),
            )
            connection.execute(
                "INSERT INTO picture_owners VALUES (?, ?) ON CONFLICT DO NOTHING",
                (sha256, record.seq),
            )


def _store_one(connection: sqlite3.Connection, vault: Vault, sha256: str, content: bytes) -> None:
    sealed = vault.seal(connection, picture_name(sha256), content)
    connection.execute(
        "INSERT INTO pictures (sha256, sealed, data_key, standing) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (sha256, sealed.blob, sealed.data_key, Standing.ORDINARY),
    )


def waiting(
    connection: sqlite3.Connection, limit: int, skip: Collection[str], least: Standing
) -> Iterator[tuple[str, Sealed]]:
    """Pictures that a receipted record names, oldest first, but for those skipped."""
    rows = connection.execute(
        "SELECT sha256, min(seq) AS first_seq FROM picture_owners JOIN pictures USING (sha256)"
        " WHERE seq <= (SELECT receipted FROM chain) AND standing >= ?"
        " GROUP BY sha256 ORDER BY first_seq, sha256 LIMIT ?",
        (least, limit + len(skip)),
    ).fetchall()
    for sha256 in [sha256 for sha256, _ in rows if sha256 not in skip][:limit]:
        for data_key, blob in connection.execute(
            "SELECT data_key, sealed FROM pictures WHERE sha256 = ?", (sha256,)
        ).fetchall():
            yield sha256, Sealed(data_key, blob)


def picture_name(sha256: str) -> str:
    """The name under which a picture is sealed."""
    return f"picture/{sha256}"
