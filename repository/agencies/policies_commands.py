"""Commands about what agencies adopt, and its yearly review."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from repository.accounts.operator import COMMAND_LINE
from repository.accounts.user import User
from repository.agencies.agreements_commands import ACTING, DAY, FILE, NUMBER, given, write_new
from repository.agencies.policies import KINDS, OUTCOMES, REPOSITORY, Adopted, Kind, Outcome, Policy
from repository.bootstrap import Services
from repository.command import AS_JSON, tell_each

_AGENCY = click.option(
    "--agency",
    help=f"The agency's short name, or {REPOSITORY} for the repository's own; left out: yours.",
)
_POLICY = click.option(
    "--policy", "number", type=NUMBER, required=True, help="Its number, from `policies list`."
)


@click.group("policies")
def policies_command() -> None:
    """Policies, protocols and memoranda that agencies adopted, and their reviews.

    Example: alpr-repository policies list --agency salem-pd
    """


@policies_command.command("adopt")
@_AGENCY
@click.option(
    "--kind", type=click.Choice(KINDS), default="policy", show_default=True, help="What it is."
)
@click.option("--title", required=True, help="What it is called.")
@click.option("--version", required=True, help="Which version of it.")
@click.option("--text", type=FILE, required=True, help="Its text, PDF or plain.")
@click.option("--on", "day", type=DAY, required=True, help="The day it was adopted.")
@click.option("--party", help="Of a memorandum: the agency that data is shared with.")
@ACTING
def adopt(
    services: Services,
    user: User | None,
    agency: str | None,
    kind: Kind,
    title: str,
    version: str,
    text: Path,
    day: datetime,
    party: str | None,
) -> None:
    """Record what an agency adopted; an older version of the same title is in use no longer.

    Example: alpr-repository policies adopt --agency salem-pd --title "ALPR policy" --version 3
    --text policy.pdf --on 2026-03-02
    """
    adopted = Adopted(kind, title, version, day.date(), given(text), party)
    number = services.policies.adopt(user, agency, adopted, COMMAND_LINE)
    click.echo(f"{kind} {number} recorded")


@policies_command.command("list")
@_AGENCY
@AS_JSON
@ACTING
def list_command(services: Services, user: User | None, agency: str | None, as_json: bool) -> None:
    """List what an agency adopted, and by when each is to be reviewed.

    Example: alpr-repository policies list --agency salem-pd --json
    """
    found = services.policies.show(user, agency, COMMAND_LINE)
    tell_each(found, _line, as_json)


@policies_command.command("review")
@_AGENCY
@_POLICY
@click.option("--outcome", type=click.Choice(OUTCOMES), required=True, help="What became of it.")
@click.option("--recommendation", required=True, help="What was found, and is recommended.")
@ACTING
def review(
    services: Services,
    user: User | None,
    agency: str | None,
    number: int,
    outcome: Outcome,
    recommendation: str,
) -> None:
    """Record that a policy was reviewed today, as is due once a year.

    Example: alpr-repository policies review --user jdoe --policy 3 --outcome stands
    --recommendation "No change in law or technology"
    """
    next_by = services.policies.review(user, agency, number, outcome, recommendation, COMMAND_LINE)
    click.echo(f"policy {number} reviewed; next by {next_by}")


@policies_command.command("end")
@_AGENCY
@_POLICY
@click.option("--from", "day", type=DAY, required=True, help="First day it is not in use.")
@ACTING
def end(
    services: Services, user: User | None, agency: str | None, number: int, day: datetime
) -> None:
    """Record that something adopted is in use no longer.

    Example: alpr-repository policies end --agency salem-pd --policy 3 --from 2026-03-02
    """
    services.policies.end(user, agency, number, day.date(), COMMAND_LINE)
    click.echo(f"policy {number} in use no longer from {day.date()} on")


@policies_command.command("text")
@_AGENCY
@_POLICY
@click.option("--output", type=FILE, required=True, help="File to write; it must not be there.")
@ACTING
def text(
    services: Services, user: User | None, agency: str | None, number: int, output: Path
) -> None:
    """Write the text of what was adopted to a file.

    Example: alpr-repository policies text --agency salem-pd --policy 3 --output policy.pdf
    """
    content = services.policies.text(user, agency, number, COMMAND_LINE)
    write_new(output, content)
    click.echo(f"{output} written")


def _line(policy: Policy) -> str:
    party = f" with {policy.party}" if policy.party else ""
    state = f"review by {policy.review_by}" if policy.review_by else f"ended {policy.ended_on}"
    return (
        f"{policy.id}  {policy.kind}{party}  {policy.title}, version {policy.version}, adopted "
        f"{policy.adopted_on}; {state}"
    )
