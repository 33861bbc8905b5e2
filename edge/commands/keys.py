"""The command ``alpr-edge keys``."""

from __future__ import annotations

from pathlib import Path

import click

from edge.bootstrap.spool import open_spool
from edge.commands.options import private_files, require_owner, settings_option
from edge.commands.say import say
from edge.enrolment import load_keys
from edge.key_rotation import begin_rotation, finish_rotation
from edge.settings import Settings, load_settings


@click.group()
def keys() -> None:
    """The unit's keys.

    Example: alpr-edge keys rotate --settings /etc/plateward/edge.toml
    """
    private_files()


@keys.command()
@settings_option
def rotate(settings: Path) -> None:
    """Replace the key that the spool and the hot lists are encrypted under.

    Stop the daemon first. It takes a moment, whatever the spool holds: only the keys within it
    are encrypted anew. If it breaks off, run it again, or just start the daemon. Damaged files
    kept for examination can be read with the former key alone, which is destroyed.

    Example: alpr-edge keys rotate --settings /etc/plateward/edge.toml
    """
    chosen = load_settings(settings)
    folder = chosen.unit.keys
    require_owner(chosen.unit.data)
    # First what an earlier rotation left; it also finds out whether the daemon still runs.
    _reseal(chosen)
    begin_rotation(folder)
    _reseal(chosen)
    say(f"the spool's key in {folder} is new, the former one is destroyed")


def _reseal(settings: Settings) -> None:
    open_spool(settings, load_keys(settings.unit.keys)).close()
    finish_rotation(settings.unit.keys)
