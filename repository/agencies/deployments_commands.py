"""Commands about approvals to use ALPR."""

from __future__ import annotations

from datetime import datetime

import click

from repository.accounts.operator import COMMAND_LINE
from repository.accounts.user import User
from repository.agencies.agreements_commands import ACTING, AGENCY, NUMBER
from repository.agencies.deployments import Deployment, Wanted
from repository.bootstrap import Services
from repository.command import AS_JSON, tell_each
from repository.moments import end_moment, moment


@click.group("deployments")
def deployments_command() -> None:
    """Approvals under which units run, and what came of each deployment.

    Example: alpr-repository deployments list --agency salem-pd
    """


@deployments_command.command("approve")
@AGENCY
@click.option("--unit", required=True, help="The unit's name within its agency.")
@click.option("--purpose", required=True, help="What it is used for.")
@click.option("--area", required=True, help="Where it is used.")
@click.option("--from", "from_at", type=moment, required=True, help="From when.")
@click.option("--until", "until_at", type=end_moment, required=True, help="Until when.")
@click.option("--approved-by", required=True, help="Who approved: the agency's head, or another.")
@click.option("--title", required=True, help="The approver's title or rank.")
@click.option("--designation", default="", help="Of another: how the head designated them.")
@ACTING
def approve(
    services: Services,
    user: User | None,
    agency: str | None,
    unit: str,
    purpose: str,
    area: str,
    from_at: datetime,
    until_at: datetime,
    approved_by: str,
    title: str,
    designation: str,
) -> None:
    """Record that an agency's head, or who the head designated, approved a unit's use.

    Example: alpr-repository deployments approve --agency salem-pd --unit car-12 --purpose Patrol
    --area "City of Salem" --from 2026-03-02 --until 2026-12-31 --approved-by "Ruth Roe"
    --title "Chief of Police"
    """
    wanted = Wanted(unit, purpose, area, from_at, until_at, approved_by, title, designation)
    number = services.deployments.approve(user, agency, wanted, COMMAND_LINE)
    click.echo(f"deployment {number} of {unit} approved until {until_at:%Y-%m-%d %H:%M} UTC")


@deployments_command.command("end")
@AGENCY
@click.option("--deployment", "number", type=NUMBER, required=True, help="Its number.")
@click.option("--result", required=True, help="What came of it: arrests, incidents, nothing.")
@ACTING
def end(
    services: Services, user: User | None, agency: str | None, number: int, result: str
) -> None:
    """Record what came of a deployment; one that still runs ends now.

    Example: alpr-repository deployments end --agency salem-pd --deployment 3
    --result "Two stolen vehicles recovered"
    """
    services.deployments.end(user, agency, number, result, COMMAND_LINE)
    click.echo(f"deployment {number} ended")


@deployments_command.command("list")
@AGENCY
@AS_JSON
@ACTING
def list_command(services: Services, user: User | None, agency: str | None, as_json: bool) -> None:
    """List the deployments of an agency's units.

    Example: alpr-repository deployments list --agency salem-pd --json
    """
    found = services.deployments.show(user, agency, COMMAND_LINE)
    tell_each(found, _line, as_json)


def _line(each: Deployment) -> str:
    result = f"; ended {each.ended_at:%Y-%m-%d}: {each.result}" if each.ended_at else ""
    return (
        f"{each.id}  {each.unit}  {each.from_at:%Y-%m-%d %H:%M} to {each.until_at:%Y-%m-%d %H:%M} "
        f"UTC  {each.purpose}, {each.area}; approved by {each.approved_by_name}, "
        f"{each.approved_as}{result}"
    )
