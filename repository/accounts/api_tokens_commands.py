"""``alpr-repository tokens``: tokens of services, for the operator of the machine."""

from __future__ import annotations

import json
from uuid import UUID

import click

from repository.accounts.api_tokens import Scope
from repository.accounts.api_tokens_desk import Wanted
from repository.accounts.operator import COMMAND_LINE, operator
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services


@click.group()
def tokens() -> None:
    """Tokens with which services bring hot lists, read statistics or fetch proofs.

    Example: alpr-repository tokens make rms --responsible jdoe --scope hotlists:write
    """


@tokens.command()
@click.argument("name")
@click.option("--responsible", required=True, help="Login of the person who answers for it.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help=f"What it may do, once for each: {', '.join(each.value for each in Scope)}.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 365),
    default=90,
    show_default=True,
    help="For which it is good.",
)
@AS_JSON
@pass_services
def make(
    services: Services,
    name: str,
    responsible: str,
    scopes: tuple[str, ...],
    days: int,
    as_json: bool,
) -> None:
    """Make a token and print it, this once.

    Example: alpr-repository tokens make rms --responsible jdoe --scope hotlists:write --days 180
    """
    wanted = Wanted(name, responsible, scopes, days)
    made = services.accounts.make_token(wanted, operator(), COMMAND_LINE)
    if as_json:
        content = {"id": str(made.id), "token": made.token, "ends": made.expires_at.isoformat()}
        click.echo(json.dumps(content))
        return
    click.echo(f"token {made.id}: {made.token}")
    click.echo(f"It is shown this once, and good until {made.expires_at:%Y-%m-%d %H:%M} UTC.")


@tokens.command(name="list")
@AS_JSON
@pass_services
def list_(services: Services, as_json: bool) -> None:
    """List tokens, the newest first, revoked and ended ones too.

    Example: alpr-repository tokens list --json
    """
    found = services.accounts.list_tokens(operator(), COMMAND_LINE)
    now = services.clock()
    rows = [
        {
            "id": str(each.id),
            "name": each.name,
            "agency": each.agency,
            "responsible": each.responsible,
            "scopes": [scope.value for scope in each.scopes],
            "state": "revoked"
            if each.revoked_at
            else "ended"
            if each.expires_at <= now
            else "good",
            "ends": each.expires_at.isoformat(),
            "last_used": each.last_used_at.isoformat() if each.last_used_at else None,
        }
        for each in found
    ]
    if as_json:
        click.echo(json.dumps({"tokens": rows}))
        return
    for row, each in zip(rows, found, strict=True):
        at = each.last_used_at
        used = "never used" if at is None else f"last used {at:%Y-%m-%d %H:%M} UTC"
        scopes = ", ".join(scope.value for scope in each.scopes)
        click.echo(
            f"{row['id']}  {row['agency']}  {row['name']} ({row['responsible']})  {scopes}  "
            f"{row['state']}, until {each.expires_at:%Y-%m-%d %H:%M} UTC, {used}"
        )
    if not found:
        click.echo("none")


@tokens.command()
@click.argument("token_id", metavar="ID", type=click.UUID)
@pass_services
def revoke(services: Services, token_id: UUID) -> None:
    """End a token at once.

    Example: alpr-repository tokens revoke 0c8f3a52-93c1-4c8e-8a39-5a5d2f3c1b7e
    """
    services.accounts.revoke_token(token_id, operator(), COMMAND_LINE)
    click.echo(f"{token_id}: revoked")
