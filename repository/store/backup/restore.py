"""Restoring a backup: into an empty place, whole or not at all, purged before it opens.

Invariants:

- Nothing is touched until the whole backup and its keys have been checked and the place is empty.
- Pictures that are damaged in the backup stay away only where that was asked for; the answer, the
  ledger's entry and a finding name them.
- From the moment the database is there until the end it is closed: first it is at no migration,
  then a row of ``restores`` without ``opened_at`` stands in it, which `migrate.require_opened`
  heeds. The ledger goes on with the entry that says so, what has expired is purged, and only then
  is it opened.
- What the keys say of the agencies (rules, access, what was purged) is put in before the purge: it
  is newer than the backup.
- What was cut off is not gone on with: the place is emptied and the restore done again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update

from edge.contract import merkle
from repository.ledger import log
from repository.ledger.checkpoints import Checkpoint
from repository.ledger.entry import JSON, Actor, Entry
from repository.ledger.restores import ACTION
from repository.store import keyfiles, migrate
from repository.store.backup import agencies, check, database, keys
from repository.store.backup.files import PICTURES, listed, write_lasting
from repository.store.backup.keys import Keys
from repository.store.backup.manifest import BackupError, Manifest, digest
from repository.store.backup.redo import DO_AGAIN
from repository.store.pictures import PictureStore, parse_name
from repository.store.pictures_place import FolderOfPictures
from repository.store.tables.fleet import units
from repository.store.tables.restores import restores
from repository.store.tables.sessions import api_tokens, oidc_sign_ins, sessions
from repository.units.findings import raise_finding
from repository.wording import counted

FINDING = "restored"
WITHOUT_PICTURES = "restored_without_pictures"
_TELL_EVERY = 500
_NAMED = 200  # they stand in the ledger's entry, which has a largest size
_NAMED_IN_FINDING = 3


@dataclass(frozen=True)
class Restored:
    """What a restore did.

    ``pictures_damaged`` names those that a key opens and that did not come back, since the backup
    has them damaged or not at all; ``pictures_closed`` counts those that no key opens any more.
    ``entries_lost`` is how many entries of the ledger a later checkpoint proves that the backup
    does not have; None without one. ``agencies_as_of`` is of when the agencies' rules and access
    are, ``agencies_changed`` what became of those that were otherwise in the backup, by name.
    """

    backup: str
    manifest: Manifest
    pictures: int
    pictures_closed: int
    pictures_damaged: tuple[str, ...]
    reads_purged: int
    units: int
    entries_lost: int | None
    ledger_index: int
    agencies_as_of: datetime
    agencies_changed: Mapping[str, dict[str, JSON]]


@dataclass(frozen=True)
class Destination:
    """Where a backup goes: all of it empty. ``purge`` purges all that has expired.

    ``later_key_names`` are those of ``key_names`` that a backup of an older version lacks.
    """

    engine: Engine
    store: PictureStore
    keys_folder: Path
    ledger_key_name: str
    key_names: tuple[str, ...]
    later_key_names: tuple[str, ...]
    purge: Callable[[], int]


def restore(
    to: Destination,
    source: Path,
    keys_from: Path,
    *,
    later: Callable[[Keys], Checkpoint | None],
    actor: Actor,
    origin: str,
    now: datetime,
    progress: Callable[[str], None],
    without_damaged_pictures: bool = False,
) -> Restored:
    """Check a backup, put it in its place, purge what has expired since, and open it.

    ``later`` gives the checkpoint that the administrator holds, its signature checked by the
    ledger's key in these keys. ``without_damaged_pictures`` brings back a backup that is whole but
    for pictures.

    Raises:
        BackupError: if the backup or its keys are not whole or not of one repository, the place is
            not empty, or the ledger is not the one of the checkpoint.
        PurgeError, PictureError, DatabaseUnavailableError: if that failed; it stays closed then.
    """
    found = keys.read(keys_from)
    progress("checking the backup")
    public_key = found.ledger_key(to.ledger_key_name).public_key()
    checked = check.verify(source, public_key, progress, damaged_pictures=without_damaged_pictures)
    manifest = checked.manifest
    backup = digest(check.read_manifest(source))
    checkpoint = later(found)
    _require_fit(to, manifest, found, checkpoint, now)
    progress("the database")
    database.load(to.engine, source)
    _write_keys(to, found)
    with to.engine.begin() as connection:
        _close(connection, manifest, backup, now)
    migrate.upgrade(to.engine)
    progress("the pictures")
    brought = _bring_pictures(to, source, found, checked.damaged, progress)
    lost = None if checkpoint is None else max(0, checkpoint.size - manifest.ledger_size)
    as_of = manifest.made_at if found.agencies is None else found.made_at
    with to.engine.begin() as connection:
        keys.insert(connection, found, brought.held)
        for opened in (sessions, oidc_sign_ins):
            connection.execute(delete(opened))
        # Which tokens were revoked after the backup, nobody knows: services are given new ones.
        standing = api_tokens.c.revoked_at.is_(None)
        connection.execute(update(api_tokens).where(standing).values(revoked_at=now))
        _require_same_ledger(connection, manifest, checkpoint)
        changed = agencies.apply(connection, found.agencies or ())
        said = (
            _said(backup, manifest, checkpoint, lost)
            | agencies.for_ledger(as_of, changed)
            | _without(brought.damaged)
        )
        entry = Entry(ACTION, actor, now, origin, said, count=brought.pictures)
        appended = log.append(connection, entry)
    progress("purging what has expired since")
    purged = to.purge()
    with to.engine.begin() as connection:
        count = connection.scalar(select(func.count()).select_from(units)) or 0
        raise_finding(connection, FINDING, None, _to_do(manifest, appended.index), now)
        if brought.damaged:
            raise_finding(connection, WITHOUT_PICTURES, None, _not_there(brought.damaged), now)
        connection.execute(update(restores).values(opened_at=now))
    return Restored(
        backup=backup,
        manifest=manifest,
        pictures=brought.pictures,
        pictures_closed=brought.closed,
        pictures_damaged=tuple(brought.damaged),
        reads_purged=purged,
        units=count,
        entries_lost=lost,
        ledger_index=appended.index,
        agencies_as_of=as_of,
        agencies_changed=changed,
    )


def _to_do(manifest: Manifest, ledger_index: int) -> str:
    return (
        f"restored from a backup of {manifest.made_at:%Y-%m-%d %H:%M} UTC (ledger entry "
        f"{ledger_index}). What was done after it is not in it; do it again: "
        f"{', '.join(DO_AGAIN)}. Units refused since: `alpr-repository units resume`"
    )


def _not_there(damaged: list[str]) -> str:
    more = "" if len(damaged) <= _NAMED_IN_FINDING else " and more"
    return (
        f"{counted(len(damaged), 'picture')} did not come back with the restore, damaged in the "
        f"backup: {', '.join(damaged[:_NAMED_IN_FINDING])}{more}; `alpr-repository pictures check "
        "--all` names each whose read is there. Their reads came back"
    )


def _without(damaged: list[str]) -> dict[str, JSON]:
    if not damaged:
        return {}
    return {"pictures_damaged": len(damaged), "damaged": damaged[:_NAMED]}


def _require_fit(
    to: Destination,
    manifest: Manifest,
    found: Keys,
    checkpoint: Checkpoint | None,
    now: datetime,
) -> None:
    kind = to.engine.dialect.name
    if manifest.kind != kind:
        raise BackupError(f"restore: the backup is of {manifest.kind}, the settings name {kind}")
    if manifest.origin != found.origin:
        raise BackupError("restore: backup and keys are of different repositories")
    if now < manifest.made_at or now < found.made_at:
        raise BackupError(f"restore: by this clock ({now:%Y-%m-%d}) the backup is of the future")
    if found.made_at < manifest.made_at:
        raise BackupError(
            f"restore: the keys are of {found.made_at:%Y-%m-%d %H:%M} UTC, older than the backup, "
            "and would leave its newest pictures closed; name the newest keys file"
        )
    missing = sorted(set(to.key_names) - set(to.later_key_names) - set(found.secrets))
    if missing:
        raise BackupError(f"restore: the keys lack {', '.join(missing)}")
    root = bytes.fromhex(manifest.ledger_root)
    at_the_end = checkpoint is not None and checkpoint.size == manifest.ledger_size
    if checkpoint is not None and at_the_end and checkpoint.root != root:
        raise BackupError(_other_ledger(checkpoint))
    database.require_empty(to.engine)
    if next(to.store.place.names(), None) is not None:
        raise BackupError("restore: there are pictures already; name an empty folder or bucket")
    for name in set(to.key_names) & set(found.secrets):
        path = to.keys_folder / name
        if path.exists() and path.read_bytes() != found.secrets[name]:
            raise BackupError(f"restore: {path} is another key; move it away")


def _write_keys(to: Destination, found: Keys) -> None:
    to.keys_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in set(to.key_names) & set(found.secrets):
        path = to.keys_folder / name
        if not path.exists():
            write_lasting(path, found.secrets[name])
        if path.suffix == ".pem":
            public = keyfiles.load_signing_key(path).public_key()
            write_lasting(keyfiles.public_path(path), keyfiles.public_pem(public), mode=0o644)


def _close(connection: Connection, manifest: Manifest, backup: str, now: datetime) -> None:
    connection.execute(
        text("INSERT INTO alembic_version (version_num) VALUES (:schema)"),
        {"schema": manifest.schema},
    )
    row = {"backup": backup, "made_at": manifest.made_at, "begun_at": now}
    connection.execute(insert(restores).values(**row))


@dataclass
class _Brought:
    """How many pictures came, how many no key opens; what of held ones came; what is damaged."""

    held: set[tuple[date, str]]
    damaged: list[str]
    pictures: int = 0
    closed: int = 0


def _bring_pictures(
    to: Destination,
    source: Path,
    found: Keys,
    damaged: frozenset[str],
    progress: Callable[[str], None],
) -> _Brought:
    """Copy the pictures that a key opens, but the damaged ones."""
    days = {each.day for each in found.days}
    own = {(each.day, each.sha256) for each in found.held}
    place = FolderOfPictures(source / PICTURES, os.urandom)
    brought = _Brought(set(), [])
    for each in listed(source):
        parsed = parse_name(each.name)
        if parsed is None:
            raise BackupError(f"restore: {each.name!r} is no picture's name")
        day, sha256, has_own = parsed
        if not ((day, sha256) in own if has_own else day in days):
            brought.closed += 1
            continue
        if each.name in damaged:
            brought.damaged.append(each.name)
            continue
        if has_own:
            brought.held.add((day, sha256))
        to.store.place.write(each.name, place.read(each.name))
        brought.pictures += 1
        if brought.pictures % _TELL_EVERY == 0:
            progress(f"{brought.pictures} pictures")
    return brought


def _require_same_ledger(
    connection: Connection, manifest: Manifest, checkpoint: Checkpoint | None
) -> None:
    tree = log.state(connection)
    if (tree.size, tree.root().hex()) != (manifest.ledger_size, manifest.ledger_root):
        raise BackupError("restore: the ledger is not the one that the manifest speaks of")
    if checkpoint is None or checkpoint.size > tree.size:
        return
    then = merkle.Frontier()
    for row in log.rows(connection, until=checkpoint.size):
        then = then.append(merkle.leaf_hash(row.leaf))
    if then.root() != checkpoint.root:
        raise BackupError(_other_ledger(checkpoint))


def _other_ledger(checkpoint: Checkpoint) -> str:
    return (
        f"restore: the checkpoint of size {checkpoint.size} has another root than the backup's "
        "ledger had at that size: one of them is not of this ledger"
    )


def _said(
    backup: str, manifest: Manifest, checkpoint: Checkpoint | None, lost: int | None
) -> dict[str, JSON]:
    said: dict[str, Any] = {
        "backup": backup,
        "made_at": manifest.made_at.isoformat(),
        "goes_on_from_size": manifest.ledger_size,
        "goes_on_from_root": manifest.ledger_root,
    }
    if checkpoint is not None:
        said["later_checkpoint_size"] = checkpoint.size
        said["later_checkpoint_root"] = checkpoint.root.hex()
        said["entries_lost"] = lost
    return said
