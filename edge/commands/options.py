"""Options that commands of ``alpr-edge`` have in common."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from edge.errors import EdgeError

settings_option = click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="ALPR_EDGE_SETTINGS",
    default=Path("edge.toml"),
    show_default=True,
    help="Settings file (TOML); also from ALPR_EDGE_SETTINGS.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
json_array_option = click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON array, an object for each."
)


def private_files() -> None:
    """From here to the command's end, make files and folders that are its user's alone."""
    click.get_current_context().with_resource(_umask(0o077))


def require_owner(data: Path) -> None:
    """Refuse to write as root among a unit's data whose daemon is another user.

    What root leaves there is root's alone, and the daemon could not read it.

    Raises:
        EdgeError: if that is so.
    """
    # Who made the spool is who the daemon is, whosever disk its folder lies on.
    folder = next((one for one in (data / "spool", data) if one.exists()), None)
    if os.geteuid() != 0 or folder is None or (owner := folder.stat().st_uid) == 0:
        return
    name = f"#{owner}"
    with suppress(KeyError):
        name = pwd.getpwuid(owner).pw_name
    raise EdgeError(
        f"{folder} is the user {name}'s, whose daemon could not read what root leaves there: run "
        f"this as that user, with 'runuser -u {name} -- alpr-edge' before it"
    )


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
