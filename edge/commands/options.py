"""Options that commands of ``alpr-edge`` have in common."""

from __future__ import annotations

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
