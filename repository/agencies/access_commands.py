"""Commands that suspend, end and give back an agency's access."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from repository.accounts.operator import COMMAND_LINE, operator
from repository.agencies import access
from repository.agencies.errors import AgencyError
from repository.bootstrap import Services
from repository.command import pass_services
from repository.ledger.attempt import attempt
from repository.ledger.entry import Entry, as_typed

_NAME = click.option("--name", required=True, help="The agency's short name.")
_REASON = click.option("--reason", required=True, help="Why, in words; kept on the ledger.")
_REQUESTED = click.option(
    "--requested-by", help="Who asked for it in writing, where the agency itself did."
)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    return _NAME(_REASON(_REQUESTED(command)))


@click.command("suspend")
@_options
@pass_services
def suspend(services: Services, name: str, reason: str, requested_by: str | None) -> None:
    """Let nobody of an agency in for now; its units go on sending, and its data stays.

    Example: alpr-repository agencies suspend --name salem-pd --reason "Misuse is looked into"
    """
    _change(services, name, "suspended", reason, requested_by)
    click.echo(f"agency {name}: access suspended; its people are signed out")


@click.command("end")
@_options
@pass_services
def end(services: Services, name: str, reason: str, requested_by: str | None) -> None:
    """End an agency's part; its data stays under its owner, its retention and its holds.

    Messages of its units are refused from now on; the units keep what they have.

    Example: alpr-repository agencies end --name salem-pd --reason "Leaves the system"
    --requested-by "Chief R. Roe, letter of 2026-05-04"
    """
    _change(services, name, "ended", reason, requested_by)
    click.echo(f"agency {name}: access ended; its people are signed out, its units are refused")


@click.command("restore")
@_options
@pass_services
def restore(services: Services, name: str, reason: str, requested_by: str | None) -> None:
    """Give an agency its access back.

    Example: alpr-repository agencies restore --name salem-pd --reason "Agreement signed anew"
    """
    _change(services, name, None, reason, requested_by)
    click.echo(f"agency {name}: access given back")


def _change(
    services: Services,
    name: str,
    to: access.Closing | None,
    reason: str,
    requested_by: str | None,
) -> None:
    typed = {
        "agency": as_typed(name),
        "access": to,
        "reason_given": as_typed(reason),
        "requested_by": as_typed(requested_by or ""),
    }
    entry = Entry("agency.access", operator(), services.clock(), COMMAND_LINE, typed)
    with (
        attempt(services.engine, entry, AgencyError),
        services.engine.begin() as connection,
    ):
        access.change(
            connection,
            name,
            to,
            reason=reason,
            requested_by=requested_by,
            actor=operator(),
            origin=COMMAND_LINE,
            now=services.clock(),
        )
