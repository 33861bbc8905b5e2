"""Versions of hot lists, in the caller's transaction; versions of a list only rise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Select, insert, select, update

from edge.contract.hotlist import (
    HotlistManifest,
    HotlistVersion,
    encode_manifest,
    sign_manifest,
)
from repository.hotlists import deltas, files, lines
from repository.hotlists.errors import HotlistError, UnknownListError
from repository.hotlists.lines import Line
from repository.ledger import log
from repository.ledger.entry import Actor, Entry
from repository.store.rows import insert_new
from repository.store.tables.fleet import agencies
from repository.store.tables.hotlists import hotlist_versions, hotlists


@dataclass(frozen=True, slots=True)
class ListKey:
    """A list of an agency; while it is locked, nobody else issues a version of it."""

    id: int
    agency_id: int
    agency: str
    name: str


@dataclass(frozen=True, slots=True)
class Issue:
    """One version of a list as units take it: the signed manifest, and where its file is."""

    hotlist_id: int
    version: int
    issued_at: datetime
    made_at: datetime
    entries: int
    sha256: str
    manifest: bytes
    pruned_at: datetime | None

    @property
    def size_bytes(self) -> int:
        """Size of the list's file."""
        return msgspec.json.decode(self.manifest, type=HotlistManifest).list.size_bytes

    def file(self, connection: Connection) -> Iterator[bytes]:
        """The list's file in pieces.

        Raises:
            HotlistError: as it is read, if a part of it is missing.
        """
        return files.of_version(self.hotlist_id, self.version).read(connection, self.size_bytes)


def lock_list(
    connection: Connection, agency: str, name: str, *, make_at: datetime | None = None
) -> ListKey:
    """The list, locked until the transaction ends; made first, with ``make_at``, if it is none.

    Raises:
        HotlistError: if the agency is not known.
        UnknownListError: if there is no such list and it is not to be made.
    """
    agency_id = connection.scalar(select(agencies.c.id).where(agencies.c.name == agency))
    if agency_id is None:
        raise HotlistError(f"agency {agency}: not known")
    if make_at is not None:
        row = {"agency_id": agency_id, "name": name, "created_at": make_at}
        insert_new(connection, hotlists, [row])
    hotlist_id = connection.scalar(
        select(hotlists.c.id)
        .where(hotlists.c.agency_id == agency_id, hotlists.c.name == name)
        .with_for_update()
    )
    if hotlist_id is None:
        raise UnknownListError(f"list {agency}/{name}: not known; import it first")
    return ListKey(hotlist_id, agency_id, agency, name)


def issue(
    connection: Connection,
    key: ListKey,
    content: Iterable[Line],
    *,
    as_of: datetime,
    private_key: Ed25519PrivateKey,
    actor: Actor,
    origin: str,
    now: datetime,
) -> HotlistManifest:
    """Issue a new version of a locked list and record it in the ledger.

    The content passes once: it is written, digested and compared with the version before as it
    comes. The version's ``issued_at`` is ``as_of``, the moment as of which its content was known,
    so that an old import does not look new because something else in the list changed; it never
    goes back.

    Raises:
        HotlistError: if an id does not rise above the one before.
    """
    previous = _first(connection, _issues(key.agency, key.name))
    number = 1 if previous is None else previous.version + 1
    issued_at = max(as_of, previous.issued_at) if previous is not None else as_of
    row = hotlist_versions.c
    connection.execute(
        insert(hotlist_versions).values(
            hotlist_id=key.id,
            version=number,
            issued_at=issued_at,
            imported_at=now,
            entries=0,
            sha256="",
            manifest=b"",
        )
    )
    passing = _Passing(key.name)
    file = files.of_version(key.id, number)
    changed = deltas.Gathered.since(0 if previous is None else previous.size_bytes)
    before = () if previous is None else lines.split(previous.file(connection))
    file.write(connection, passing.through(changed.compare(before, content)))
    version = HotlistVersion(
        name=key.name,
        version=number,
        issued_at=issued_at.astimezone(UTC),
        entries=passing.entries,
        sha256=passing.digest.hexdigest(),
        size_bytes=passing.size_bytes,
    )
    delta = None if previous is None else changed.delta(previous.version, version)
    manifest = sign_manifest(
        agency=key.agency,
        version=version,
        previous_version=None if previous is None else previous.version,
        delta_base=None if previous is None or delta is None else previous.version,
        private_key=private_key,
    )
    connection.execute(
        update(hotlist_versions)
        .where(row.hotlist_id == key.id, row.version == number)
        .values(
            entries=version.entries,
            sha256=version.sha256,
            manifest=encode_manifest(manifest),
            delta=delta,
        )
    )
    log.append(
        connection,
        Entry(
            action="hotlist.issue",
            actor=actor,
            at=now,
            origin=origin,
            request={"agency": key.agency, "list": key.name, "version": number},
            count=version.entries,
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
        UnknownListError: if the agency has no such list or version, or its file is pruned.
    """
    found = _find(connection, agency, name, version)
    if found.pruned_at is not None:
        raise UnknownListError(f"list {agency}/{name}: version {version} is no longer kept")
    return found


def find_delta(connection: Connection, agency: str, name: str, version: int) -> bytes:
    """The delta that makes that version of the one that its manifest names.

    It may outlast the version's own file, as a step on a unit's way from an older one.

    Raises:
        UnknownListError: if there is no such version, or no delta to it.
    """
    found = _find(connection, agency, name, version)
    delta: bytes | None = connection.scalar(
        select(hotlist_versions.c.delta).where(
            hotlist_versions.c.hotlist_id == found.hotlist_id,
            hotlist_versions.c.version == version,
        )
    )
    if delta is None:
        raise UnknownListError(f"list {agency}/{name}: there is no delta to version {version}")
    return delta


def _find(connection: Connection, agency: str, name: str, version: int) -> Issue:
    found = _first(connection, _issues(agency, name).where(hotlist_versions.c.version == version))
    if found is None:
        raise UnknownListError(f"list {agency}/{name}: there is no version {version}")
    return found


def _issues(agency: str, name: str) -> Select[Any]:
    return (
        select(
            hotlist_versions.c.hotlist_id,
            hotlist_versions.c.version,
            hotlist_versions.c.issued_at,
            hotlist_versions.c.imported_at,
            hotlist_versions.c.entries,
            hotlist_versions.c.sha256,
            hotlist_versions.c.manifest,
            hotlist_versions.c.pruned_at,
        )
        .join(hotlists, hotlists.c.id == hotlist_versions.c.hotlist_id)
        .join(agencies, agencies.c.id == hotlists.c.agency_id)
        .where(agencies.c.name == agency, hotlists.c.name == name)
        .order_by(hotlist_versions.c.version.desc())
        .limit(1)
    )


def _first(connection: Connection, query: Select[Any]) -> Issue | None:
    row = connection.execute(query).one_or_none()
    return None if row is None else Issue(*tuple(row))


class _Passing:
    """What is counted of a list's lines as they pass."""

    def __init__(self, name: str) -> None:
        self.entries = 0
        self.size_bytes = 0
        self.digest = hashlib.sha256()
        self._name = name

    def through(self, content: Iterable[Line]) -> Iterator[bytes]:
        before: str | None = None
        for line in content:
            if before is not None and line.entry <= before:
                raise HotlistError(f"list {self._name}: entry {line.entry!r}: is in the list twice")
            before = line.entry
            self.digest.update(line.raw)
            self.size_bytes += len(line.raw)
            self.entries += 1
            yield line.raw
