"""The command ``alpr-edge status``."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from edge.commands.options import json_option, settings_option
from edge.commands.say import say, say_json, say_text
from edge.health.status import STATUS_FILE, StatusError, read_status
from edge.health.status_text import Standing, status_text
from edge.settings import load_settings

IN_TROUBLE = 3
NOT_RUNNING = 4


@click.command()
@settings_option
@json_option
@click.option("--watch", is_flag=True, help="Show it anew every two seconds, until Ctrl-C.")
def status(settings: Path, as_json: bool, watch: bool) -> None:
    """Show how the unit is: troubles first, then every part.

    \b
    Exit status:
      0  the daemon runs, and no part of it is in trouble
      1  it has never run here, or its status cannot be read
      3  the daemon runs, and something is in trouble
      4  the daemon does not run, and what is shown is what it last said; or it only starts

    Example: alpr-edge status --settings edge.toml --json
    """
    path = load_settings(settings).unit.data / STATUS_FILE
    if watch:
        _watch(path, as_json)
        return
    code = _show(path, as_json)
    sys.exit(code)


def _show(path: Path, as_json: bool) -> int:
    """Print the status; the exit status that goes with it."""
    said, written_s = read_status(path)
    standing = Standing.of(said, written_s, time.time())
    if as_json:
        shown = msgspec.to_builtins(said) | {
            "running": standing.runs and not said.starting,
            "said_ago_s": round(standing.said_ago_s, 1),
        }
        say_json(shown)
    else:
        say_text(status_text(said, standing))
    if not standing.runs or said.starting:
        return NOT_RUNNING
    return IN_TROUBLE if said.troubles else 0


def _watch(path: Path, as_json: bool) -> None:
    try:
        while True:
            if not as_json:
                click.clear()
                say(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, Ctrl-C ends")
            try:
                _show(path, as_json)
            except StatusError as error:
                say(str(error), err=True)
            time.sleep(2)
    except KeyboardInterrupt:
        return
