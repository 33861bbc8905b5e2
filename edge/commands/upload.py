"""The command ``alpr-edge upload``."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from edge.commands.options import private_files, require_owner, settings_option
from edge.commands.say import say
from edge.health.status import STATUS_FILE, StatusError, read_status
from edge.health.status_text import Standing
from edge.settings import load_settings
from edge.uplink.errors import UplinkError
from edge.uplink.orders import Order, Orders, Outcome

NOT_DONE = 3
LOOK_EVERY_S = 0.5


@click.command()
@settings_option
@click.option("--wait", is_flag=True, help="Wait until it is done, and say how it went.")
@click.option(
    "--patience",
    "patience_s",
    type=click.FloatRange(min=1),
    default=3600.0,
    show_default=True,
    help="With --wait: seconds after which to stop waiting; the order stands.",
)
def upload(settings: Path, wait: bool, patience_s: float) -> None:
    """Have the running daemon upload now what it holds, whatever the schedule.

    The order stands until it is carried out, also when the daemon is restarted; asking again
    before that changes nothing. Pictures keep to the link's cost as the settings say.

    \b
    Exit status:
      0  the order is given; with --wait: everything was uploaded, as far as the rules let it
      1  the order cannot be written, or the settings are wrong
      3  with --wait: it is not done yet

    Example: alpr-edge upload --settings edge.toml --wait
    """
    private_files()
    data = load_settings(settings).unit.data
    require_owner(data)
    orders = Orders(data)
    order = orders.ask(Order(id=os.urandom(8).hex(), asked_at=datetime.now(UTC)))
    runs = _runs(data / STATUS_FILE)
    if not runs:
        say("the daemon does not run: it will upload when it is started")
    if not wait:
        if runs:
            say("the daemon uploads now; see 'alpr-edge status'")
        return
    outcome = _wait(orders, order, patience_s)
    if outcome is None:
        say("not done yet; the order stands", err=True)
        sys.exit(NOT_DONE)
    took_s = (outcome.ended_at - outcome.asked_at).total_seconds()
    say(f"uploaded: {outcome.records} records in {max(0.0, took_s):.0f} s")
    if outcome.pictures_left:
        say(f"{outcome.pictures_left} pictures wait for their link or for new records")


def _wait(orders: Orders, order: Order, patience_s: float) -> Outcome | None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        stands = orders.pending() is not None
        outcome = orders.outcome()
        if outcome is not None and outcome.id == order.id:
            return outcome
        if not stands:
            raise UplinkError("the order is gone, and nothing says how it went: ask again")
        time.sleep(LOOK_EVERY_S)
    return None


def _runs(status_file: Path) -> bool:
    try:
        status, written_s = read_status(status_file)
    except StatusError:
        return False
    return Standing.of(status, written_s, time.time()).runs
