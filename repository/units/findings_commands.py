"""Commands about what the repository found out by itself."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime

import click

from repository.accounts.acting import as_person
from repository.accounts.authority import reaches_all
from repository.accounts.entering import enter
from repository.accounts.errors import AccountError
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed
from repository.store.engine import reading
from repository.units import last_look
from repository.units.findings import Finding, FindingError, close_finding, list_findings


@click.group("findings")
def findings_command() -> None:
    """What the repository found out and somebody should look at.

    Example: alpr-repository findings list
    """


@findings_command.command("list")
@click.option("--all", "closed_too", is_flag=True, help="Closed ones too.")
@AS_JSON
@pass_services
def list_command(services: Services, closed_too: bool, as_json: bool) -> None:
    """List what is open: its number, since when, how often, of which unit, and what to do.

    Example: alpr-repository findings list --json
    """
    with reading(services.engine) as connection:
        found = list_findings(connection, closed_too=closed_too)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], default=_moment))
        return
    for each in found:
        click.echo(_line(each))
    if not found:
        click.echo("none")
    click.echo(last_look.words(services.settings.data), err=True)


@findings_command.command("close")
@click.option(
    "--finding",
    "number",
    type=click.IntRange(1, 2**31 - 1),
    required=True,
    help="The finding's number.",
)
@click.option("--reason", required=True, help="What was done about it, in words.")
@as_person
def close_command(services: Services, user: User, number: int, reason: str) -> None:
    """Close a finding that is dealt with; the ledger keeps who did it and why.

    Example: alpr-repository findings close --user jdoe --finding 7 --reason "Disk replaced"
    """
    asked: dict[str, JSON] = {"finding": number, "reason_given": as_typed(reason)}
    entry = Entry("finding.close", user.actor, services.clock(), COMMAND_LINE, asked)
    refusals = (FindingError, AccountError)
    with attempt(services.engine, entry, refusals), services.engine.begin() as connection:
        user = enter(connection, user, Power.OPERATE, Power.MANAGE_UNITS, Power.MANAGE_USERS)
        closed = close_finding(connection, number, user.actor, reason, services.clock())
        _require_theirs(user, closed)
        log.append(
            connection, dataclasses.replace(entry, request={**asked, "kind": closed.kind}, count=1)
        )
    click.echo(f"finding {number} ({closed.kind}) closed")


def _require_theirs(user: User, finding: Finding) -> None:
    """Leave to operators what is about another agency, or about the repository itself."""
    whose = finding.agency or finding.subject.partition("/")[0]
    if whose != user.agency and not reaches_all(user, Power.OPERATE):
        raise FindingError(f"finding {finding.id}: not about your agency; ask an operator")


def _line(finding: Finding) -> str:
    about = f"{finding.agency}/{finding.unit}" if finding.unit else finding.subject or "repository"
    state = ""
    if finding.closed_at is not None:
        by = f" by {finding.closed_by_name}" if finding.closed_by_name else ""
        state = f"  closed {finding.closed_at:%Y-%m-%d %H:%M}{by}: {finding.close_reason}"
    return (
        f"{finding.id}  {finding.raised_at:%Y-%m-%d %H:%M}  {finding.kind}  {about}  "
        f"{finding.times}x  {finding.detail}{state}"
    )


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
