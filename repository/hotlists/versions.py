"""Versions of hot lists, in the caller's transaction; versions of a list only rise."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, insert, select

from edge.contract.errors import ContractError
from edge.contract.hotlist import (
    HotlistEntry,
    HotlistManifest,
    HotlistVersion,
    encode_list,
    encode_manifest,
    sign_manifest,
)
from repository.hotlists.table import HotlistError
from repository.ledger import log
from repository.ledger.entry import Actor, Entry
from repository.store.rows import insert_new
from repository.store.tables.fleet import agencies
from repository.store.tables.hotlists import hotlist_versions, hotlists


@dataclass(frozen=True, slots=True)
class Issue:
    """One version of a list as units take it: its file and the signed manifest of that file."""

    agency: str
    name: str
    version: int
    issued_at: datetime
    entries: int
    sha256: str
    body: bytes
    manifest: bytes


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
    try:
        body = encode_list(entries)
    except ContractError as error:
        raise HotlistError(f"list {name}: {error}") from error
    insert_new(connection, hotlists, [{"agency_id": agency_id, "name": name, "created_at": now}])
    hotlist_id = connection.execute(
        select(hotlists.c.id)
        .where(hotlists.c.agency_id == agency_id, hotlists.c.name == name)
        .with_for_update()
    ).scalar_one()
    previous = connection.scalar(
        select(hotlist_versions.c.version)
        .where(hotlist_versions.c.hotlist_id == hotlist_id)
        .order_by(hotlist_versions.c.version.desc())
        .limit(1)
    )
    manifest = sign_manifest(
        agency=agency,
        version=HotlistVersion(
            name=name,
            version=(previous or 0) + 1,
            issued_at=now,
            entries=len(entries),
            sha256=hashlib.sha256(body).hexdigest(),
            size_bytes=len(body),
        ),
        previous_version=previous,
        delta_base=None,
        private_key=private_key,
    )
    connection.execute(
        insert(hotlist_versions).values(
            hotlist_id=hotlist_id,
            version=manifest.list.version,
            issued_at=now,
            imported_at=now,
            entries=len(entries),
            sha256=manifest.list.sha256,
            body=body,
            manifest=encode_manifest(manifest),
        )
    )
    log.append(
        connection,
        Entry(
            action="hotlist.issue",
            actor=actor,
            at=now,
            origin=origin,
            request={"agency": agency, "list": name, "version": manifest.list.version},
            count=len(entries),
            result_digest=manifest.list.sha256,
        ),
    )
    return manifest


def newest(connection: Connection, agency: str, name: str) -> Issue:
    """The newest version of an agency's list.

    Raises:
        HotlistError: if the agency has no such list.
    """
    query = (
        select(
            agencies.c.name.label("agency"),
            hotlists.c.name,
            hotlist_versions.c.version,
            hotlist_versions.c.issued_at,
            hotlist_versions.c.entries,
            hotlist_versions.c.sha256,
            hotlist_versions.c.body,
            hotlist_versions.c.manifest,
        )
        .join(hotlists, hotlists.c.id == hotlist_versions.c.hotlist_id)
        .join(agencies, agencies.c.id == hotlists.c.agency_id)
        .where(agencies.c.name == agency, hotlists.c.name == name)
        .order_by(hotlist_versions.c.version.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise HotlistError(f"list {agency}/{name}: not known; import it first")
    return Issue(*row)
