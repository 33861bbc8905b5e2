"""What every command about holds shares: a transaction of the person who signed in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
from sqlalchemy import Connection

from repository.accounts.entering import enter
from repository.accounts.errors import AccountError
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry
from repository.retention.holds_request import HoldError

NUMBER = click.option(
    "--hold",
    "number",
    type=click.IntRange(1, 2**31 - 1),
    required=True,
    help="The hold's number.",
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
DAY = click.DateTime(["%Y-%m-%d"])


def entry_of(services: Services, user: User, action: str, asked: Mapping[str, JSON]) -> Entry:
    """What they are about to do, for the ledger."""
    return Entry(action, user.actor, services.clock(), COMMAND_LINE, asked)


@contextmanager
def acting(
    services: Services, user: User, action: str, asked: Mapping[str, JSON], *powers: Power
) -> Iterator[Connection]:
    """A transaction of a person who has one of the powers; what is refused is on the ledger too."""
    entry = entry_of(services, user, action, asked)
    refusals = (HoldError, AccountError)
    with attempt(services.engine, entry, refusals), services.engine.begin() as connection:
        enter(connection, user, *powers)
        yield connection


def say(as_json: bool, mapping: dict[str, Any], line: str) -> None:
    """Print the one or the other."""
    click.echo(json.dumps(mapping) if as_json else line)
