"""``alpr-repository cases``: what was searched and is held in each case."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from repository.accounts.operator import COMMAND_LINE, operator
from repository.bootstrap import Services
from repository.command import pass_services
from repository.retention.holds_present import hold_line
from repository.search.result import LEAD_ONLY

_AGENCY = click.option("--agency", required=True, help="The agency's short name.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group()
def cases() -> None:
    """Case files: their searches, what those returned, and what is held for them.

    Example: alpr-repository cases show 24-1187 --agency salem-pd
    """


@cases.command(name="list")
@_AGENCY
@_JSON
@pass_services
def list_(services: Services, agency: str, as_json: bool) -> None:
    """List an agency's cases.

    Example: alpr-repository cases list --agency salem-pd
    """
    found = services.case_files.list(agency, operator(), COMMAND_LINE)
    if as_json:
        click.echo(json.dumps({"cases": [asdict(each) for each in found]}, default=str))
        return
    for each in found:
        click.echo(
            f"{each.number}  opened {each.opened_at:%Y-%m-%d}  searches: {each.searches}  "
            f"holds: {each.holds}"
        )
    click.echo(f"{len(found)} cases")


@cases.command()
@click.argument("number")
@_AGENCY
@_JSON
@pass_services
def show(services: Services, number: str, agency: str, as_json: bool) -> None:
    """Show one case file.

    Example: alpr-repository cases show 24-1187 --agency salem-pd --json
    """
    found = services.case_files.show(agency, number, operator(), COMMAND_LINE)
    if as_json:
        click.echo(json.dumps({"notice": LEAD_ONLY} | asdict(found), default=str))
        return
    click.echo(f"case {found.number} of {found.agency}, opened {found.opened_at:%Y-%m-%d}")
    for each in found.searches:
        purpose = each.request["purpose"]
        click.echo(
            f"  {each.searched_at:%Y-%m-%d %H:%M} UTC  {each.name} ({each.login})  "
            f"{_asked(each.request)}  {purpose['purpose']}: {purpose['facts']}  "
            f"reads: {len(each.reads)}  ledger entry {each.ledger_index}"
        )
    for hold in found.holds:
        click.echo(f"  hold {hold_line(hold, services.clock())}: {hold.reason}")
    click.echo(LEAD_ONLY)


def _asked(request: Mapping[str, Any]) -> str:
    if "picture" in request:
        return f"{request['picture']['kind']} picture of read {request['picture']['read']}"
    if "explained" in request:
        return f"why read {request['explained']['read']} is kept"
    return f"plate {request['criteria']['plate']}"
