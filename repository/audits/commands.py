"""``alpr-repository audits``: reports for those who answer for the users."""

from __future__ import annotations

import json
from datetime import datetime

import click

from repository.accounts.operator import COMMAND_LINE, operator
from repository.audits.transactions import as_csv, as_mapping
from repository.bootstrap import Services
from repository.command import pass_services
from repository.moments import moment


@click.group()
def audits() -> None:
    """Reports of what users did.

    Example: alpr-repository audits transactions --agency salem-pd --from 2026-03-01 --to 2026-04-01
    """


@audits.command()
@click.option("--agency", help="The agency's short name.")
@click.option(
    "--operators",
    is_flag=True,
    help="Instead of an agency's users: operators of this machine, the repository's own jobs, and "
    "sign-ins without an account.",
)
@click.option("--from", "start", type=moment, required=True, help="First moment (UTC).")
@click.option("--to", "end", type=moment, required=True, help="Moment after the last (UTC).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.option("--csv", "to_csv", is_flag=True, help="Print CSV for a spreadsheet.")
@pass_services
def transactions(
    services: Services,
    agency: str | None,
    operators: bool,
    start: datetime,
    end: datetime,
    as_json: bool,
    to_csv: bool,
) -> None:
    """Report every transaction of an agency's users, or of the operators, from the ledger.

    Example: alpr-repository audits transactions --agency salem-pd --from 2026-03-01
    --to 2026-04-01 --csv
    """
    if (agency is None) != operators:
        raise click.UsageError("say either --agency or --operators")
    if as_json and to_csv:
        raise click.UsageError("--json and --csv: choose one")
    found = services.audits.transactions(agency, start, end, operator(), COMMAND_LINE)
    if to_csv:
        click.echo(as_csv(found), nl=False)
    elif as_json:
        rows = [as_mapping(each) for each in found]
        click.echo(json.dumps({"agency": agency, "transactions": rows}))
    else:
        for row in map(as_mapping, found):
            click.echo(
                f"{row['index']:>8}  {row['at']}  {row['name']} ({row['login']})  "
                f"{row['action']}  {row['outcome']}"
                + ("" if row["count"] is None else f"  returned {row['count']}")
            )
        click.echo(f"{len(found)} transactions")
