"""How far recordings were read, so that a killed daemon goes on where it was.

A source or a picture's file may be named after a plate: neither lies in the file in the clear.
Every function works inside the caller's transaction.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass

from edge.spool.encryption import Sealed, Vault


@dataclass(frozen=True, slots=True)
class Place:
    """How far a recording is read: the source, and the last picture of it."""

    source: str
    at: str


def remember(connection: sqlite3.Connection, vault: Vault, place: Place) -> None:
    """Remember how far a recording is read."""
    content = place.at.encode("utf-8", "surrogateescape")
    sealed = vault.seal(connection, place_name(place.source), content)
    connection.execute(
        "INSERT INTO places (source, sealed, data_key) VALUES (?, ?, ?) ON CONFLICT (source)"
        " DO UPDATE SET sealed = excluded.sealed, data_key = excluded.data_key",
        (_source_digest(place.source), sealed.blob, sealed.data_key),
    )


def find(connection: sqlite3.Connection, source: str) -> Sealed | None:
    """The sealed place in a recording; None if there is none."""
    row = connection.execute(
        "SELECT data_key, sealed FROM places WHERE source = ?", (_source_digest(source),)
    ).fetchone()
    return None if row is None else Sealed(*row)


def forget(connection: sqlite3.Connection, source: str) -> None:
    """A recording was read to its end."""
    connection.execute("DELETE FROM places WHERE source = ?", (_source_digest(source),))


def place_name(source: str) -> str:
    """The name under which a recording's place is sealed."""
    return name_of_digest(_source_digest(source))


def name_of_digest(digest: str) -> str:
    """The same, from the digest under which the place is filed."""
    return f"place/{digest}"


def _source_digest(source: str) -> str:
    return hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()
