"""Versions of hot lists, in the caller's transaction; versions of a list only rise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Select, insert, select

from edge.contract.errors import ContractError
from edge.contract.hotlist import (
    HotlistDelta,
    HotlistEntry,
    HotlistManifest,
    HotlistVersion,
    encode_delta,
    encode_manifest,
    sign_manifest,
)
from edge.contract.hotlist_stream import changes_between, decode_lines, encode_lines
from repository.hotlists import files
from repository.hotlists.table import HotlistError
from repository.ledger import log
from repository.ledger.entry import Actor, Entry
from repository.store.rows import insert_new
from repository.store.tables.fleet import agencies
from repository.store.tables.hotlists import hotlist_versions, hotlists

MAX_DELTA_SHARE = 0.5
"""A delta longer than this share of the list's file is not made: units fetch the file."""
MAX_DELTA_BYTES = 16 * 1024 * 1024
"""A unit holds a delta in memory while it applies it."""


class UnknownListError(HotlistError):
    """There is no such list, version or delta."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One version of a list as units take it: the signed manifest, and where its file is."""

    hotlist_id: int
    version: int
    entries: int
    sha256: str
    manifest: bytes

    @property
    def size_bytes(self) -> int:
        """Size of the list's file."""
        return msgspec.json.decode(self.manifest, type=HotlistManifest).list.size_bytes

    def file(self, connection: Connection) -> Iterator[bytes]:
        """The list's file in pieces.

        Raises:
            HotlistError: as it is read, if a part of it is missing.
        """
        return files.read(connection, self.hotlist_id, self.version, self.size_bytes)


def issue(
    connection: Connection,
    *,
    agency: str,
    name: str,
    entries: Sequence[HotlistEntry],
    private_key: Ed25519PrivateKey,
    actor: Actor,
    origin: str,
    now: datetime,
) -> HotlistManifest:
    """Issue a new version of an agency's list and record it in the ledger.

    Raises:
        HotlistError: if the agency is not known, the name is none, or two entries have one id.
    """
    agency_id = connection.scalar(select(agencies.c.id).where(agencies.c.name == agency))
    if agency_id is None:
        raise HotlistError(f"agency {agency}: not known")
    now = now.astimezone(UTC)
    entries = _ascending(name, entries)
    insert_new(connection, hotlists, [{"agency_id": agency_id, "name": name, "created_at": now}])
    hotlist_id = connection.execute(
        select(hotlists.c.id)
        .where(hotlists.c.agency_id == agency_id, hotlists.c.name == name)
        .with_for_update()
    ).scalar_one()
    previous = _first(connection, _issues(agency, name))
    number = 1 if previous is None else previous.version + 1
    version = _describe(name, number, entries, now)
    delta = None if previous is None else _delta(connection, previous, version, entries)
    manifest = sign_manifest(
        agency=agency,
        version=version,
        previous_version=None if previous is None else previous.version,
        delta_base=None if previous is None or delta is None else previous.version,
        private_key=private_key,
    )
    connection.execute(
        insert(hotlist_versions).values(
            hotlist_id=hotlist_id,
            version=number,
            issued_at=now,
            imported_at=now,
            entries=len(entries),
            sha256=version.sha256,
            manifest=encode_manifest(manifest),
            delta=delta,
        )
    )
    files.write(connection, hotlist_id, number, encode_lines(entries))
    log.append(
        connection,
        Entry(
            action="hotlist.issue",
            actor=actor,
            at=now,
            origin=origin,
            request={"agency": agency, "list": name, "version": number},
            count=len(entries),
            result_digest=version.sha256,
        ),
    )
    return manifest


def newest(connection: Connection, agency: str, name: str) -> Issue:
    """The newest version of an agency's list.

    Raises:
        UnknownListError: if the agency has no such list.
    """
    found = _first(connection, _issues(agency, name))
    if found is None:
        raise UnknownListError(f"list {agency}/{name}: not known; import it first")
    return found


def find(connection: Connection, agency: str, name: str, version: int) -> Issue:
    """That version of an agency's list.

    Raises:
        UnknownListError: if the agency has no such list or version.
    """
    found = _first(connection, _issues(agency, name).where(hotlist_versions.c.version == version))
    if found is None:
        raise UnknownListError(f"list {agency}/{name}: there is no version {version}")
    return found


def find_delta(connection: Connection, agency: str, name: str, version: int) -> bytes:
    """The delta that makes that version of the one that its manifest names.

    Raises:
        UnknownListError: if there is no such version, or no delta to it.
    """
    found = find(connection, agency, name, version)
    delta: bytes | None = connection.scalar(
        select(hotlist_versions.c.delta).where(
            hotlist_versions.c.hotlist_id == found.hotlist_id,
            hotlist_versions.c.version == version,
        )
    )
    if delta is None:
        raise UnknownListError(f"list {agency}/{name}: there is no delta to version {version}")
    return delta


def _issues(agency: str, name: str) -> Select[Any]:
    return (
        select(
            hotlist_versions.c.hotlist_id,
            hotlist_versions.c.version,
            hotlist_versions.c.entries,
            hotlist_versions.c.sha256,
            hotlist_versions.c.manifest,
        )
        .join(hotlists, hotlists.c.id == hotlist_versions.c.hotlist_id)
        .join(agencies, agencies.c.id == hotlists.c.agency_id)
        .where(agencies.c.name == agency, hotlists.c.name == name)
        .order_by(hotlist_versions.c.version.desc())
        .limit(1)
    )


def _first(connection: Connection, query: Select[Any]) -> Issue | None:
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Issue(row.hotlist_id, row.version, row.entries, row.sha256, row.manifest)


def _ascending(name: str, entries: Sequence[HotlistEntry]) -> list[HotlistEntry]:
    ordered = sorted(entries, key=lambda entry: entry.entry)
    for before, after in pairwise(ordered):
        if before.entry == after.entry:
            raise HotlistError(f"list {name}: entry {after.entry!r}: is in the list twice")
    return ordered


def _describe(
    name: str, number: int, entries: Sequence[HotlistEntry], now: datetime
) -> HotlistVersion:
    digest, size_bytes = hashlib.sha256(), 0
    try:
        for line in encode_lines(entries):
            digest.update(line)
            size_bytes += len(line)
        return HotlistVersion(
            name=name,
            version=number,
            issued_at=now,
            entries=len(entries),
            sha256=digest.hexdigest(),
            size_bytes=size_bytes,
        )
    except ContractError as error:
        raise HotlistError(f"list {name}: {error}") from error


def _delta(
    connection: Connection,
    previous: Issue,
    version: HotlistVersion,
    entries: Sequence[HotlistEntry],
) -> bytes | None:
    """The delta from the previous version; None where the file itself serves better."""
    limit = min(MAX_DELTA_BYTES, int(version.size_bytes * MAX_DELTA_SHARE))
    added: list[HotlistEntry] = []
    removed: list[str] = []
    rough_bytes = 0
    for change in changes_between(decode_lines(previous.file(connection)), entries):
        if isinstance(change, str):
            removed.append(change)
            rough_bytes += len(change)
        else:
            added.append(change)
            rough_bytes += len(change.note) + len(change.entry)
        if rough_bytes > limit:
            return None
    delta = encode_delta(
        HotlistDelta(
            name=version.name,
            from_version=previous.version,
            to_version=version.version,
            added=tuple(added),
            removed=tuple(removed),
        )
    )
    return delta if len(delta) <= limit else None
