"""The commands ``alpr-edge hotfile``: take lists in by hand, and show what is in use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from edge.commands.hotfile_import import Taken, folder_of, of_file, of_folder, shown_facts
from edge.commands.options import json_array_option, private_files, require_owner, settings_option
from edge.commands.say import say, say_json

MAX_REASON = 200
SAID_EVERY = 1_000_000
"""How many entries are done is said when so many more are."""


@click.group()
def hotfile() -> None:
    """Take hot lists in by hand, and show which are in use.

    Example: alpr-edge hotfile import /media/usb --settings /etc/plateward/edge.toml
    """
    private_files()


@hotfile.command("import")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@settings_option
@click.option(
    "--force",
    is_flag=True,
    help="Take a list although it shrinks or grows by more than the settings allow.",
)
@click.option("--reason", help="With --force: why that is right; no plates, no names.")
@json_array_option
def import_lists(
    path: Path, settings: Path, force: bool, reason: str | None, as_json: bool
) -> None:
    """Put in use what lies in PATH; a daemon that runs sees it at once.

    PATH is the folder that 'alpr-repository hotlists export' wrote, on a USB stick for instance,
    or the CSV file of a list in the settings, to be built now, and then removed where
    remove_once_built is set. A list with a wrong signature, cut off, or older than the one in use
    is refused, with --force too; the others on the stick are put in use all the same, and the exit
    status is 1. Lines of a CSV file that make no entry are left out: how many, and the first of
    them by number and reason, is said.

    Example: alpr-edge hotfile import /media/usb --settings /etc/plateward/edge.toml
    """
    if force != bool(reason and reason.strip()):
        raise click.UsageError("--force and --reason go together: say why it is right")
    if reason is not None and len(reason) > MAX_REASON:
        raise click.UsageError(f"--reason: {MAX_REASON} characters at most")
    from edge.errors import EdgeError
    from edge.settings import load_settings

    chosen = load_settings(settings)
    require_owner(chosen.unit.data)
    lists = of_file if path.is_file() else of_folder
    taken: list[Taken] = []
    refused: list[str] = []
    for take_one in lists(chosen, path, reason, _progress(as_json)):
        try:
            taken.append(take_one())
        except EdgeError as error:
            refused.append(str(error))
    if as_json and taken:
        say_json([one.shown() for one in taken])
    elif not as_json:
        for one in taken:
            for line in one.lines():
                say(line)
    if refused:
        raise EdgeError("\n".join(refused), lines=True)


@hotfile.command()
@settings_option
@json_array_option
def status(settings: Path, as_json: bool) -> None:
    """Show each list: version, where it came from, when it was issued, how old it is.

    The exit status is 1 if a list is missing, damaged, older than its limit, or dated ahead of the
    clock.

    Example: alpr-edge hotfile status --settings /etc/plateward/edge.toml --json
    """
    from edge.hotfile.errors import HotfileError
    from edge.hotfile.remedy import remedy
    from edge.settings import load_settings

    chosen, now = load_settings(settings), datetime.now(UTC)
    folder = folder_of(chosen)
    shown: list[dict[str, Any]] = []
    for source in chosen.hotlists:
        one: dict[str, Any] = {"name": source.name, "error": None}
        try:
            facts = folder.current(source.name)
        except HotfileError as error:
            shown.append(one | {"error": f"{error}; {remedy(source)}"})
            continue
        if facts is None:
            shown.append(one | {"error": "no list of that name was ever put in use"})
            continue
        age_s = round(facts.age(now).total_seconds())
        stale = facts.stale(now, source.max_age_s)
        shown.append(one | shown_facts(facts) | {"age_s": age_s, "stale": stale})
    if as_json:
        say_json(shown)
    else:
        for one in shown:
            say(_line(one))
    if any(one["error"] or one["stale"] for one in shown):
        raise SystemExit(1)


def _progress(as_json: bool) -> Callable[[int], None]:
    def tell(entries: int) -> None:
        if not as_json and entries % SAID_EVERY == 0:
            say(f"{entries} entries", err=True)

    return tell


def _line(one: dict[str, Any]) -> str:
    if one["error"]:
        return f"{one['name']}: MISSING OR DAMAGED: {one['error']}"
    hours = one["age_s"] / 3600
    age = f"{max(hours, 0.0):.1f} h old" + (", STALE" if one["stale"] else "")
    if one["stale"] and hours < 0:
        age = (
            f"dated {-hours:.1f} h AHEAD of this machine's clock, so its age is not known: check "
            "the clock, then the list's date"
        )
    entries = f"{one['entries']} entries"
    if one["rejected"]:
        entries += f" ({one['rejected']} lines of its file make none)"
    return (
        f"{one['name']}: version {one['version']} ({one['source']}), issued {one['issued_at']}, "
        f"{entries}, {age}"
    )
