"""``alpr-repository backup`` and ``alpr-repository restore``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from repository import bootstrap
from repository.accounts.operator import COMMAND_LINE, operator
from repository.bootstrap import FACTORS_KEY, LEDGER_KEY, PICTURES_KEY, RECEIPTS_KEY, Services
from repository.command import AS_JSON, chosen_settings, pass_services
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.checkpoints import Checkpoint, open_note
from repository.ledger.entry import JSON, Entry
from repository.retention import purge
from repository.settings import Settings
from repository.store import keyfiles
from repository.store.backup import check, keys, words
from repository.store.backup import restore as restoring
from repository.store.backup.keys import Keys
from repository.store.backup.make import BackupSource, make
from repository.store.backup.manifest import BackupError, digest
from repository.store.backup.restore import Destination
from repository.store.engine import reading
from repository.wording import counted

_KEY_NAMES = (RECEIPTS_KEY, LEDGER_KEY, PICTURES_KEY, FACTORS_KEY)
_LATER_KEYS = (FACTORS_KEY,)
_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def backup() -> None:
    """Backups of database and pictures, and apart from them the keys.

    Example: alpr-repository backup make /mnt/backup/2026-03-01 --keys-to /media/safe/keys.json
    """


@backup.command("make")
@click.argument("target", type=_FOLDER)
@click.option(
    "--keys-to",
    required=True,
    type=_FILE,
    help="File for the keys, on another medium; the one before is replaced.",
)
@AS_JSON
@pass_services
def make_(services: Services, target: Path, keys_to: Path, as_json: bool) -> None:
    """Back up into a new folder, while the repository goes on.

    The folders that this and the keys go into must be there. On PostgreSQL the settings name the
    owner of the tables.

    The keys file holds what opens the pictures and signs for the repository: guard it as such.

    Example: alpr-repository backup make /mnt/backup/2026-03-01 --keys-to /media/safe/keys.json
    """
    entry = Entry("repository.backup", operator(), services.clock(), COMMAND_LINE)
    with attempt(services.engine, entry, BackupError):
        made = make(
            _source(services),
            target,
            keys_to,
            now=services.clock(),
            random_bytes=services.random_bytes,
            progress=_tell,
        )
        said: dict[str, JSON] = {
            "backup": made.digest,
            "ledger_size": made.manifest.ledger_size,
            "pictures": made.manifest.pictures_count,
            "pictures_missing": len(made.missing),
        }
        with services.engine.begin() as connection:
            log.append(
                connection,
                Entry("repository.backup", operator(), services.clock(), COMMAND_LINE, said),
            )
    if as_json:
        click.echo(
            json.dumps(
                said
                | {
                    "target": str(target),
                    "bytes": made.manifest.database.size_bytes + made.manifest.pictures_bytes,
                    "purged_meanwhile": made.purged,
                    "missing": list(made.missing),
                }
            )
        )
        return
    click.echo(
        f"backup {made.digest[:16]} in {target}: database and {made.manifest.pictures_count} "
        f"pictures, ledger up to "
        f"{counted(made.manifest.ledger_size, 'entry', 'entries')}; keys in {keys_to}"
    )
    if made.missing:
        click.echo(
            f"{counted(len(made.missing), 'picture')} are named by reads and not there; "
            "`alpr-repository pictures check --all` says which"
        )


@backup.command("verify")
@click.argument("target", type=_FOLDER)
@click.option("--keys-from", type=_FILE, help="Keys file that was kept for it.")
@click.option("--public-key", type=_FILE, help="Copy of the ledger's public key, ledger.pub.")
@AS_JSON
@click.pass_context
def verify(
    context: click.Context,
    target: Path,
    keys_from: Path | None,
    public_key: Path | None,
    as_json: bool,
) -> None:
    """Check that a backup is signed, whole and unchanged.

    It needs no database. The key that must have signed is that of the keys file or the public key
    that is named, else the one that lies with this repository's keys: after the loss of a server,
    name the keys file.

    Example: alpr-repository backup verify /mnt/backup/2026-03-01 --keys-from /media/safe/keys.json
    """
    if keys_from is not None and public_key is not None:
        raise click.UsageError("name --keys-from or --public-key, not both")
    manifest = check.verify(target, _checking_key(context, keys_from, public_key), _tell).manifest
    name = digest(check.read_manifest(target))
    if as_json:
        click.echo(
            json.dumps(
                {
                    "backup": name,
                    "made_at": manifest.made_at.isoformat(),
                    "kind": manifest.kind,
                    "schema": manifest.schema,
                    "pictures": manifest.pictures_count,
                    "ledger_size": manifest.ledger_size,
                }
            )
        )
        return
    click.echo(
        f"backup {name[:16]} of {manifest.made_at:%Y-%m-%d %H:%M} UTC is whole: {manifest.kind}, "
        f"{counted(manifest.pictures_count, 'picture')}, ledger up to "
        f"{counted(manifest.ledger_size, 'entry', 'entries')}"
    )


@backup.command("keys")
@click.argument("path", type=_FILE)
@pass_services
def keys_(services: Services, path: Path) -> None:
    """Write the keys anew, without a backup, in place of the file that is there.

    Done after each purge, it closes what was purged in every older backup too. Done after a change
    of an agency's rule or access, no restore of an older backup undoes that.

    Example: alpr-repository backup keys /media/safe/keys.json
    """
    with reading(services.engine) as connection:
        found = _source(services).keys_of(connection, services.clock())
    keys.write(path, found)
    with services.engine.begin() as connection:
        said = {"days": len(found.days), "held": len(found.held)}
        entry = Entry("repository.backup_keys", operator(), services.clock(), COMMAND_LINE, said)
        log.append(connection, entry)
    click.echo(
        f"{path}: keys of {counted(len(found.days), 'day')} and {len(found.held)} held pictures"
    )


@click.command()
@click.argument("source", type=_FOLDER)
@click.option("--keys-from", required=True, type=_FILE, help="The newest keys file there is.")
@click.option(
    "--clock-is",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Today's date in UTC by another clock: what has expired by it is purged.",
)
@click.option(
    "--checkpoint",
    type=_FILE,
    help="The newest signed checkpoint of the ledger that was kept elsewhere.",
)
@click.option(
    "--without-damaged-pictures",
    is_flag=True,
    help="Bring back all but the pictures that are damaged in the backup, and name those.",
)
@AS_JSON
@click.pass_context
def restore(
    context: click.Context,
    source: Path,
    keys_from: Path,
    clock_is: datetime,
    checkpoint: Path | None,
    without_damaged_pictures: bool,
    as_json: bool,
) -> None:
    """Bring back a backup, into an empty place that the settings name; run no init before it.

    What has expired since the backup was made is purged before anybody can see it. The answer says
    what people have to do again.

    Example: alpr-repository restore /mnt/backup/2026-03-01 --keys-from /media/safe/keys.json
    --clock-is 2026-03-05 --checkpoint newest-checkpoint.txt
    """
    with _place(chosen_settings(context)) as services:
        now = services.clock()
        _require_today(clock_is.date(), now)
        done = restoring.restore(
            _destination(services, now),
            source,
            keys_from,
            later=lambda found: _later(services, found, checkpoint),
            actor=operator(),
            origin=COMMAND_LINE,
            now=now,
            progress=_tell,
            without_damaged_pictures=without_damaged_pictures,
        )
    if as_json:
        click.echo(json.dumps(words.as_mapping(done)))
        return
    for line in words.lines(done):
        click.echo(line)


def _checking_key(
    context: click.Context, keys_from: Path | None, public_key: Path | None
) -> Ed25519PublicKey:
    if keys_from is not None:
        return keys.read(keys_from).ledger_key(LEDGER_KEY).public_key()
    if public_key is not None:
        return keyfiles.load_public_key(public_key)
    own = keyfiles.public_path(chosen_settings(context).keys_folder / LEDGER_KEY)
    if not own.exists():
        raise BackupError(
            f"backup: there is no key here to check it by ({own} is missing); name the keys file "
            "that was kept for it with --keys-from, or a copy of ledger.pub with --public-key"
        )
    return keyfiles.load_public_key(own)


@contextmanager
def _place(settings: Settings) -> Iterator[Services]:
    """The services of a place whose folders are made; those still empty go again on failure."""
    made = bootstrap.make_folders(settings)
    services = None
    try:
        services = bootstrap.build(settings)
        yield services
    except BaseException:  # Ctrl-C too
        for folder in reversed(made):
            with suppress(OSError):  # something is in it by now
                folder.rmdir()
        raise
    finally:
        if services is not None:
            services.close()


def _source(services: Services) -> BackupSource:
    return BackupSource(
        engine=services.engine,
        store=services.pictures,
        origin=services.settings.ledger.origin,
        ledger_key=services.signer.private_key,
        keys_folder=services.settings.keys_folder,
        key_names=_KEY_NAMES,
    )


def _destination(services: Services, now: datetime) -> Destination:
    def purge_expired() -> int:
        return purge.purge_restored(
            services.engine,
            services.pictures,
            services.duties,
            now=now,
            actor=operator(),
            origin=COMMAND_LINE,
            progress=_tell,
        ).reads_purged

    return Destination(
        engine=services.engine,
        store=services.pictures,
        keys_folder=services.settings.keys_folder,
        ledger_key_name=LEDGER_KEY,
        key_names=_KEY_NAMES,
        later_key_names=_LATER_KEYS,
        purge=purge_expired,
    )


def _later(services: Services, found: Keys, path: Path | None) -> Checkpoint | None:
    origin = services.settings.ledger.origin
    if found.origin != origin:
        raise BackupError(
            f"restore: the keys are of the ledger {found.origin!r}, the settings name {origin!r}"
        )
    if path is None:
        return None
    try:
        note = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(f"restore: {path}: cannot be read") from error
    return open_note(note, origin, found.ledger_key(LEDGER_KEY).public_key())


def _require_today(said: date, now: datetime) -> None:
    if said != now.astimezone(UTC).date():
        raise BackupError(
            f"restore: this machine's clock says {now:%Y-%m-%d} (UTC), you say {said}; set the "
            "clock first, since by it is told what has expired"
        )


def _tell(sentence: str) -> None:
    click.echo(sentence, err=True)
