"""Commands about a unit's equipment, under `units log`."""

from __future__ import annotations

import json
from datetime import datetime

import click

from repository.accounts.operator import COMMAND_LINE
from repository.accounts.user import User
from repository.agencies.agreements_commands import ACTING, AGENCY
from repository.agencies.upkeep import KINDS, PLANNED, Kind, Logged, Planned, Work
from repository.bootstrap import Services
from repository.command import AS_JSON, tell_each
from repository.moments import moment
from repository.present import plain

_UNIT = click.option("--unit", required=True, help="The unit's name within its agency.")
_SOURCE = click.option("--source", required=True, help="The firm's or person's full name.")


@click.group("log")
def log_command() -> None:
    """What was done with units' equipment, and what is due.

    Example: alpr-repository units log due --agency salem-pd
    """


@log_command.command("add")
@AGENCY
@_UNIT
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What was done.")
@click.option("--detail", required=True, help="In words: what was found, done or seen, and where.")
@click.option("--done-by", required=True, help="Who did it; of a repair, its source.")
@click.option("--at", type=moment, help="When; left out: now.")
@ACTING
def add(
    services: Services,
    user: User | None,
    agency: str | None,
    unit: str,
    kind: Kind,
    detail: str,
    done_by: str,
    at: datetime | None,
) -> None:
    """Record a repair, cleaning, maintenance, check or damage, where a unit was secured at the end
    of a shift, or that it goes out of service or comes back.

    Example: alpr-repository units log add --user jdoe --unit car-12 --kind cleaning
    --detail "Both lenses wiped" --done-by "Jane Doe"
    """
    work = Work(kind, at or services.clock(), detail, done_by)
    recorded = services.upkeep.record(user, agency, unit, work, COMMAND_LINE)
    click.echo(f"{kind} of {unit} recorded as {recorded.number}")
    if recorded.authorized is False:
        click.echo(
            f"{done_by} was not authorized to repair at that time: have the unit checked, or "
            "authorize them with `alpr-repository units log authorize` before the next repair"
        )


@log_command.command("list")
@AGENCY
@click.option("--unit", help="One unit's alone.")
@AS_JSON
@ACTING
def list_command(
    services: Services, user: User | None, agency: str | None, unit: str | None, as_json: bool
) -> None:
    """List what was recorded of an agency's units.

    Example: alpr-repository units log list --agency salem-pd --unit car-12
    """
    found = services.upkeep.show(user, agency, unit, COMMAND_LINE)
    tell_each(found, _line, as_json)


def _line(each: Logged) -> str:
    unauthorized = ", NOT AUTHORIZED" if each.authorized is False else ""
    return (
        f"{each.id}  {each.at:%Y-%m-%d %H:%M}  {each.unit}  {each.kind}  {each.detail}  "
        f"(by {each.done_by}{unauthorized})"
    )


@log_command.command("plan")
@AGENCY
@_UNIT
@click.option("--kind", type=click.Choice(PLANNED), required=True, help="What is to be done.")
@click.option(
    "--every",
    "every_days",
    type=click.IntRange(1, 36_525),
    required=True,
    help="After how many days.",
)
@click.option("--advice", required=True, help="Where the maker advises it.")
@ACTING
def plan(
    services: Services,
    user: User | None,
    agency: str | None,
    unit: str,
    kind: Planned,
    every_days: int,
    advice: str,
) -> None:
    """Say how often a unit is cleaned, maintained or checked, as its maker advises.

    Example: alpr-repository units log plan --agency salem-pd --unit car-12 --kind cleaning
    --every 30 --advice "Manual, page 14"
    """
    services.upkeep.plan(user, agency, unit, kind, every_days, advice, COMMAND_LINE)
    click.echo(f"{kind} of {unit} every {every_days} days")


@log_command.command("due")
@AGENCY
@AS_JSON
@ACTING
def due(services: Services, user: User | None, agency: str | None, as_json: bool) -> None:
    """List what units' plans ask for by when, and which units are out of service.

    Example: alpr-repository units log due --agency salem-pd --json
    """
    found = services.upkeep.due(user, agency, COMMAND_LINE)
    out = services.upkeep.out_of_service(user, agency, COMMAND_LINE)
    if as_json:
        click.echo(json.dumps({"due": plain(found), "out_of_service": plain(out)}))
        return
    for each in found:
        late = "  LATE" if each.due_at < services.clock() else ""
        click.echo(f"{each.due_at:%Y-%m-%d}  {each.unit}  {each.kind} ({each.advice}){late}")
    for one in out:
        click.echo(f"{one.unit}  OUT OF SERVICE since {one.since:%Y-%m-%d %H:%M}: {one.reason}")
    if not found and not out:
        click.echo("none")


@log_command.command("authorize")
@AGENCY
@_SOURCE
@click.option("--end", is_flag=True, help="It may repair nothing more.")
@ACTING
def authorize(
    services: Services, user: User | None, agency: str | None, source: str, end: bool
) -> None:
    """Say who may repair an agency's equipment, or with --end no longer.

    Example: alpr-repository units log authorize --agency salem-pd --source "Bay State Radio"
    """
    if end:
        services.upkeep.end_authorization(user, agency, source, COMMAND_LINE)
    else:
        services.upkeep.authorize(user, agency, source, COMMAND_LINE)
    click.echo(f"{source}: {'may repair nothing more' if end else 'may repair'}")


@log_command.command("sources")
@AGENCY
@AS_JSON
@ACTING
def sources(services: Services, user: User | None, agency: str | None, as_json: bool) -> None:
    """List who may repair an agency's equipment.

    Example: alpr-repository units log sources --agency salem-pd
    """
    found = services.upkeep.sources(user, agency, COMMAND_LINE)
    click.echo(json.dumps(found) if as_json else "\n".join(found) or "none")
