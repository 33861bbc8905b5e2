"""Commands about hot lists."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from repository.accounts.operator import COMMAND_LINE, operator
from repository.bootstrap import Services
from repository.command import pass_services
from repository.hotlists import versions
from repository.hotlists.table import HotlistError, read_table
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import Entry, as_typed
from repository.store.engine import reading

_AGENCY = click.option("--agency", required=True, help="The agency's short name.")
_LIST = click.option("--list", "name", required=True, help="The list's name.")
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@click.group()
def hotlists() -> None:
    """Hot lists of agencies, and handing them to units.

    Example: alpr-repository hotlists export --agency salem-pd --list stolen --to /media/usb
    """


@hotlists.command("import")
@_AGENCY
@_LIST
@click.option(
    "--file",
    "path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file with columns entry and plate, and any of state, kind, priority, entered, "
    "expires, note.",
)
@_AS_JSON
@pass_services
def import_list(services: Services, agency: str, name: str, path: Path, as_json: bool) -> None:
    """Issue a new version of a list from a CSV file; one bad line refuses it whole.

    Example: alpr-repository hotlists import --agency salem-pd --list stolen --file stolen.csv
    """
    if not _NAME.fullmatch(name):
        raise HotlistError(f"list: {name!r} is not lower-case letters, digits and hyphens")
    try:
        entries = read_table(path.read_bytes())
    except OSError as error:
        raise HotlistError(f"{path}: {error.strerror}") from error
    except HotlistError as error:
        raise HotlistError(f"{path}: {error}") from error
    with services.engine.begin() as connection:
        manifest = versions.issue(
            connection,
            agency=agency,
            name=name,
            entries=entries,
            private_key=services.receipts_key,
            actor=operator(),
            origin=COMMAND_LINE,
            now=services.clock(),
        )
    issued = manifest.list
    if as_json:
        click.echo(
            json.dumps(
                {"version": issued.version, "entries": issued.entries, "sha256": issued.sha256}
            )
        )
        return
    click.echo(f"list {agency}/{name}: version {issued.version} with {issued.entries} entries")


@hotlists.command("export")
@_AGENCY
@_LIST
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder, such as a USB stick's.",
)
@pass_services
def export_list(services: Services, agency: str, name: str, folder: Path) -> None:
    """Write a list's newest version and its signed manifest to a folder, for its owner alone.

    The ledger keeps that it was written before it is.

    Example: alpr-repository hotlists export --agency salem-pd --list stolen --to /media/usb
    """
    asked = {"agency": as_typed(agency), "list": as_typed(name), "to": as_typed(str(folder))}
    entry = Entry("hotlist.export", operator(), services.clock(), COMMAND_LINE, asked)
    with attempt(services.engine, entry, HotlistError), services.engine.begin() as connection:
        found = versions.newest(connection, agency, name)
        log.append(
            connection,
            replace(
                entry,
                request={**asked, "version": found.version},
                count=found.entries,
                result_digest=found.sha256,
            ),
        )
    # The manifest comes last: where it lies, the whole list does.
    with reading(services.engine) as connection:
        _write_whole(folder / f"{name}.jsonl", found.file(connection))
    _write_whole(folder / f"{name}.manifest.json", [found.manifest])


def _write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    partial = path.with_name(path.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        # Created closed, so that there is no moment in which another user could read it.
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise HotlistError(f"{path}: {error.strerror}") from error
    click.echo(f"wrote {path}")
