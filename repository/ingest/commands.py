"""Commands about the processes that take in what units send."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime

import click

from repository.accounts.acting import as_person
from repository.accounts.entering import enter
from repository.accounts.errors import AccountError
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.roles import Power, require
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.ingest import consumers, ownclock
from repository.ingest.consumers import ConsumerError
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed
from repository.store.engine import reading

_REFUSALS = (ConsumerError, AccountError)
_REASON = click.option("--reason", required=True, help="Why, in words.")


@click.group("ingest")
def ingest_command() -> None:
    """Processes that share in taking what units send.

    Example: alpr-repository ingest list
    """


@ingest_command.command("list")
@AS_JSON
@pass_services
def list_command(services: Services, as_json: bool) -> None:
    """List the processes that the broker keeps messages for, and when each was last at work.

    Example: alpr-repository ingest list --json
    """
    with reading(services.engine) as connection:
        found = consumers.list_consumers(connection)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], default=_moment))
        return
    for each in found:
        click.echo(
            f"{each.client_id}  {each.host}  last at work {each.last_seen_at:%Y-%m-%d %H:%M:%S}"
        )


@ingest_command.command("retire")
@click.option("--client-id", required=True, help="Its name, as `ingest list` shows it.")
@_REASON
@as_person
def retire_command(services: Services, user: User, client_id: str, reason: str) -> None:
    """Take a process out of service that will not come back.

    The broker drops what waits for it; the units that sent it have no receipt, and send it again.

    Example: alpr-repository ingest retire --user jdoe --client-id plateward-repository-3
    --reason "Two are enough"
    """
    # Only ingest itself needs the client of the broker otherwise.
    from repository.ingest.link import drop_session

    asked: dict[str, JSON] = {"client_id": as_typed(client_id), "reason_given": as_typed(reason)}
    entry = Entry("ingest.retire", user.actor, services.clock(), COMMAND_LINE, asked)
    with attempt(services.engine, entry, _REFUSALS):
        require(user, Power.OPERATE)
        with reading(services.engine) as connection:
            consumers.require_idle(connection, client_id, services.clock())
        drop_session(services.settings.broker, client_id)
        with services.engine.begin() as connection:
            consumers.retire(connection, client_id, services.clock())
            log.append(connection, entry)
    click.echo(f"{client_id} retired")


@ingest_command.command("trust-clock")
@_REASON
@as_person
def trust_command(services: Services, user: User, reason: str) -> None:
    """Say that this machine's clock is right, where the repository doubts it.

    Example: alpr-repository ingest trust-clock --user jdoe --reason "Set by NTP, compared by hand"
    """
    now = services.clock()
    asked: dict[str, JSON] = {"clock": now.isoformat(), "reason_given": as_typed(reason)}
    entry = Entry("ingest.trust_clock", user.actor, now, COMMAND_LINE, asked)
    with attempt(services.engine, entry, _REFUSALS), services.engine.begin() as connection:
        enter(connection, user, Power.OPERATE)
        ownclock.trust(connection, now, f"{user.name} said that the clock is right")
        log.append(connection, entry)
    click.echo(f"the clock is taken to be right: {now:%Y-%m-%d %H:%M} UTC")


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
