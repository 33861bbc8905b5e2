"""``alpr-repository audits``: reports of what users did, and audits."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from repository.accounts.acting import as_person_if_named
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.user import User
from repository.audits import audit_commands, report_commands
from repository.audits.paper_file import write_paper
from repository.audits.transactions import FIELDS, Asked, as_mapping, as_paper, as_row
from repository.bootstrap import Services
from repository.command import AS_JSON
from repository.documents import csv
from repository.moments import moment
from repository.wording import counted


@click.group()
def audits() -> None:
    """Reports of what users did, audits, and what the public may know.

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
@click.option("--person", help="Only of the person with this login.")
@click.option("--action", help="Only of this action, as in search.run.")
@click.option(
    "--limit", type=click.IntRange(1, 5000), default=1000, help="Entries in a page of text or JSON."
)
@click.option("--after", help="The 'next' of the page before.")
@AS_JSON
@click.option("--csv", "to_csv", is_flag=True, help="Print all of it as CSV for a spreadsheet.")
@click.option(
    "--pdf",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write all of it into this file, to print.",
)
@as_person_if_named("Your login, if you ask as the head of your agency or as an auditor.")
def transactions(
    services: Services,
    user: User | None,
    *,
    agency: str | None,
    operators: bool,
    start: datetime,
    end: datetime,
    person: str | None,
    action: str | None,
    limit: int,
    after: str | None,
    as_json: bool,
    to_csv: bool,
    pdf: Path | None,
) -> None:
    """Report every transaction of an agency's users, or of the operators, from the ledger.

    Example: alpr-repository audits transactions --agency salem-pd --from 2026-03-01
    --to 2026-04-01 --csv
    """
    if (agency is None) != operators:
        raise click.UsageError("say either --agency or --operators")
    if [as_json, to_csv, pdf is not None].count(True) > 1:
        raise click.UsageError("--json, --csv and --pdf: choose one")
    if operators and person is not None:
        raise click.UsageError("--person: belongs to --agency")
    asked = Asked(agency, start, end, person, action)
    by = operator() if user is None else user.actor
    report = services.transactions
    if user is not None:
        report.allow(user, asked, COMMAND_LINE)
    if to_csv:
        rows = (as_row(each) for each in report.every(asked, by, COMMAND_LINE))
        for line in csv.lines(FIELDS, rows):
            click.echo(line, nl=False)
    elif pdf is not None:
        write_paper(pdf, lambda: as_paper(asked, report.every(asked, by, COMMAND_LINE)))
    else:
        page = report.page(asked, by, COMMAND_LINE, after=after, limit=limit)
        if as_json:
            found = [as_mapping(each) for each in page.entries]
            click.echo(json.dumps({"agency": agency, "transactions": found, "next": page.next}))
            return
        for row in map(as_mapping, page.entries):
            click.echo(
                f"{row['index']:>8}  {row['at']}  {row['name']} ({row['login']})  "
                f"{row['action']}  {row['outcome']}"
                + ("" if row["count"] is None else f"  returned {row['count']}")
            )
        click.echo(counted(len(page.entries), "transaction"))
        if page.next is not None:
            click.echo(f"there are more: --after {page.next}")


for _command in (*audit_commands.COMMANDS, *report_commands.COMMANDS):
    audits.add_command(_command)
