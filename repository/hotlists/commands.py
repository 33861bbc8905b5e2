"""Commands about hot lists."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from repository.accounts.acting import as_person_if_named
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.hotlists import entry_commands, upkeep_commands, versions
from repository.hotlists.errors import HotlistError
from repository.hotlists.importing import Accepted
from repository.hotlists.settings import LIST_NAME
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import Entry, as_typed
from repository.store.engine import reading
from repository.wording import counted

_AGENCY = click.option("--agency", required=True, help="The agency's short name.")
_LIST = click.option("--list", "name", required=True, help="The list's name.")
_REJECTIONS_SHOWN = 20


@click.group()
def hotlists() -> None:
    """Hot lists of agencies, and handing them to units.

    Example: alpr-repository hotlists export --agency salem-pd --list stolen --to /media/usb
    """


@hotlists.command("import")
@_AGENCY
@_LIST
@click.option("--source", help="The source's name, where the list has several.")
@click.option(
    "--file",
    "path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file; its columns are named in the settings, hotlists.sources.columns.",
)
@click.option(
    "--accept-change",
    is_flag=True,
    help="The list is right although it has far more or fewer entries; needs --user, --reason.",
)
@click.option("--reason", default="", help="Why the change is right, in words.")
@AS_JSON
@as_person_if_named("Your login, to accept a change.")
def import_list(
    services: Services,
    user: User | None,
    agency: str,
    name: str,
    source: str | None,
    path: Path,
    accept_change: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Issue a list's next version from a CSV file; lines that make no entry are left out and said.

    Example: alpr-repository hotlists import --agency salem-pd --list stolen --file stolen.csv
    """
    for what, value in (("list", name), ("source", source or name)):
        if not LIST_NAME.fullmatch(value):
            raise HotlistError(f"{what}: {value!r} is not lower-case letters, digits and hyphens")
    if accept_change != (user is not None):
        raise click.UsageError("--accept-change and --user belong together")
    accepted = None if user is None else Accepted(user, reason)
    done = services.hotlist_imports.take(
        path,
        services.settings.hotlists.source(agency, name, source or name),
        actor=operator(),
        origin=COMMAND_LINE,
        accepted=accepted,
    )
    issued = done.manifest.list
    if as_json:
        content = {
            "version": issued.version,
            "entries": issued.entries,
            "sha256": issued.sha256,
            "source_entries": done.source_entries,
            "rejected": done.rejected,
            "rejections": [dataclasses.asdict(each) for each in done.rejections],
        }
        click.echo(json.dumps(content))
        return
    for each in done.rejections[:_REJECTIONS_SHOWN]:
        click.echo(f"line {each.line}: {each.reason}", err=True)
    left_out = f"; {counted(done.rejected, 'line')} left out" if done.rejected else ""
    click.echo(
        f"list {agency}/{name}: version {issued.version} with {issued.entries} entries{left_out}"
    )


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


for _command in (*entry_commands.COMMANDS, *upkeep_commands.COMMANDS):
    hotlists.add_command(_command)


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
