"""Options that commands of ``alpr-edge`` have in common."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

settings_option = click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="ALPR_EDGE_SETTINGS",
    default=Path("edge.toml"),
    show_default=True,
    help="Settings file (TOML); also from ALPR_EDGE_SETTINGS.",
)


def private_files() -> None:
    """From here to the command's end, make files and folders that are its user's alone."""
    click.get_current_context().with_resource(_umask(0o077))


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
