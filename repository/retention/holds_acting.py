"""What every command about holds shares: a transaction of the person who signed in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from sqlalchemy import Connection

from edge.contract.plates import load_confusables
from repository.accounts.entering import enter
from repository.accounts.errors import AccountError
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry
from repository.retention.duties import Duties
from repository.retention.holds_permits import Why
from repository.retention.holds_placing import Placing
from repository.retention.holds_request import HoldError
from repository.retention.rules import shipped_rule
from repository.search.errors import SearchRefusedError
from repository.search.permits import Law
from repository.search.purpose import Act, PurposeKind, affirmation

NUMBER = click.option(
    "--hold",
    "number",
    type=click.IntRange(1, 2**31 - 1),
    required=True,
    help="The hold's number.",
)
DAY = click.DateTime(["%Y-%m-%d"])
SEEING = (Power.HOLD, Power.RELEASE_HOLD, Power.SEE_CASES)
"""What lets somebody see which holds their agency has."""
_C = TypeVar("_C", bound=Callable[..., Any])


def why_options(act: Act) -> Callable[[_C], _C]:
    """The options that say why a person is told of reads, for :func:`why_of`."""

    def decorate(command: _C) -> _C:
        for each in (
            click.option(
                "--purpose",
                default=PurposeKind.CRIMINAL_INVESTIGATION.value,
                show_default=True,
                help=f"One of: {', '.join(PurposeKind)}.",
            ),
            click.option("--court-order", help="Court and number of the order, for that purpose."),
            click.option("--offence", help="The suspected crime."),
            click.option("--affirm", is_flag=True, help=f"Your word: {affirmation(act)}"),
        ):
            command = each(command)
        return command

    return decorate


def why_of(why: Mapping[str, Any]) -> Why:
    """What was typed for these options."""
    return Why(why["purpose"], why["affirm"], why["court_order"], why["offence"])


def placing(services: Services, connection: Connection) -> Placing:
    """The rules as they are now, and what is done under them."""
    return Placing(
        services.settings.holds,
        Law.load(connection, services.settings.search),
        Duties.load(connection, services.retention_rule, shipped_rule),
        load_confusables().fold,
    )


def entry_of(services: Services, user: User, action: str, asked: Mapping[str, JSON]) -> Entry:
    """What they are about to do, for the ledger."""
    return Entry(action, user.actor, services.clock(), COMMAND_LINE, asked)


@contextmanager
def acting(
    services: Services, user: User, action: str, asked: Mapping[str, JSON], *powers: Power
) -> Iterator[Connection]:
    """A transaction of a person who has one of the powers; what is refused is on the ledger too."""
    entry = entry_of(services, user, action, asked)
    refusals = (HoldError, AccountError, SearchRefusedError)
    with attempt(services.engine, entry, refusals), services.engine.begin() as connection:
        enter(connection, user, *powers)
        yield connection


def say(as_json: bool, mapping: dict[str, Any], line: str) -> None:
    """Print the one or the other."""
    click.echo(json.dumps(mapping) if as_json else line)
