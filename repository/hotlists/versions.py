"""Versions of hot lists; versions of a list only rise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import ColumnElement, Connection, Select, func, insert, select, update

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


@dataclass
class Draft:
    """A version on its way: its row has no manifest yet, so that nobody but its maker sees it.

    It follows ``previous``; it can only be issued while that is the newest.
    """

    key: ListKey
    number: int
    previous: Issue | None

    def __post_init__(self) -> None:
        """Nothing has passed yet."""
        size_bytes = 0 if self.previous is None else self.previous.size_bytes
        self._passing = _Passing(self.key.name)
        self._changed = deltas.Gathered.since(size_bytes)
        self._delta: bytes | None = None

    @property
    def file(self) -> files.File:
        """Where its file goes."""
        return files.of_version(self.key.id, self.number)

    def through(self, connection: Connection, content: Iterable[Line]) -> Iterator[bytes]:
        """The content as its file's lines, which are digested and compared on the way, once.

        Raises:
            HotlistError: if an id does not rise above the one before.
        """
        previous = self.previous
        before = () if previous is None else lines.split(previous.file(connection))
        yield from self._passing.through(self._changed.compare(before, content))
        if previous is not None:
            described = self._described(previous.issued_at)
            self._delta = self._changed.delta(previous.version, described)

    def follows_newest(self, connection: Connection) -> bool:
        """Whether no other version was issued meanwhile."""
        latest = _first(connection, _issues(self.key.agency, self.key.name))
        known = None if self.previous is None else self.previous.version
        return (None if latest is None else latest.version) == known

    def issue(
        self,
        connection: Connection,
        *,
        as_of: datetime,
        private_key: Ed25519PrivateKey,
        actor: Actor,
        origin: str,
        now: datetime,
    ) -> HotlistManifest:
        """Issue it, its file written and its list locked, and record it in the ledger.

        Its ``issued_at`` is ``as_of``, the moment as of which its content was known, so that an
        old import does not look new because something else in the list changed; it never goes
        back.
        """
        key, previous = self.key, self.previous
        issued_at = max(as_of, previous.issued_at) if previous is not None else as_of
        version = self._described(issued_at)
        manifest = sign_manifest(
            agency=key.agency,
            version=version,
            previous_version=None if previous is None else previous.version,
            delta_base=None if previous is None or self._delta is None else previous.version,
            private_key=private_key,
        )
        row = hotlist_versions.c
        connection.execute(
            update(hotlist_versions)
            .where(row.hotlist_id == key.id, row.version == self.number)
            .values(
                issued_at=issued_at,
                imported_at=now,
                entries=version.entries,
                sha256=version.sha256,
                manifest=encode_manifest(manifest),
                delta=self._delta,
            )
        )
        log.append(
            connection,
            Entry(
                action="hotlist.issue",
                actor=actor,
                at=now,
                origin=origin,
                request={"agency": key.agency, "list": key.name, "version": self.number},
                count=version.entries,
                result_digest=version.sha256,
            ),
        )
        return manifest

    def _described(self, issued_at: datetime) -> HotlistVersion:
        return HotlistVersion(
            name=self.key.name,
            version=self.number,
            issued_at=issued_at.astimezone(UTC),
            entries=self._passing.entries,
            sha256=self._passing.digest.hexdigest(),
            size_bytes=self._passing.size_bytes,
        )


def prepare(
    connection: Connection, key: ListKey, now: datetime, seen: Connection | None = None
) -> Draft:
    """The row of a locked list's next version, which follows the newest that ``seen`` shows.

    That is a snapshot of the database, where the content comes from one.
    """
    row = hotlist_versions.c
    last = connection.scalar(select(func.max(row.version)).where(row.hotlist_id == key.id))
    draft = Draft(key, (last or 0) + 1, _first(seen or connection, _issues(key.agency, key.name)))
    connection.execute(
        insert(hotlist_versions).values(
            hotlist_id=key.id,
            version=draft.number,
            issued_at=now,
            imported_at=now,
            entries=0,
            sha256="",
            manifest=b"",
        )
    )
    return draft


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
    """Issue a new version of a locked list in the caller's transaction; see :class:`Draft`.

    Raises:
        HotlistError: if an id does not rise above the one before.
    """
    draft = prepare(connection, key, now)
    draft.file.write(connection, draft.through(connection, content))
    return draft.issue(
        connection, as_of=as_of, private_key=private_key, actor=actor, origin=origin, now=now
    )


def is_issued() -> ColumnElement[bool]:
    """Whether a row of ``hotlist_versions`` is a version, and not one on its way."""
    return hotlist_versions.c.manifest != b""


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
        .where(agencies.c.name == agency, hotlists.c.name == name, is_issued())
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
