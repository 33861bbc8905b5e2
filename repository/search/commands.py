"""``alpr-repository search``: one search by a named person, on the record."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from repository.accounts import secret_input
from repository.accounts.operator import COMMAND_LINE
from repository.bootstrap import Services
from repository.command import pass_services
from repository.moments import moment
from repository.search.criteria import DEFAULT_RESULTS
from repository.search.present import as_mapping
from repository.search.purpose import AFFIRMATION, PurposeKind
from repository.search.result import FoundRead
from repository.search.service import SearchRequest


@click.command()
@click.option("--user", "login", required=True, help="Your login; the password is asked for.")
@secret_input.password_file
@click.option("--plate", required=True, help="The plate, as one spells it.")
@click.option("--folded", is_flag=True, help="Also find what is easily taken for it (0 and O).")
@click.option("--from", "start", type=moment, required=True, help="First moment (UTC).")
@click.option("--to", "end", type=moment, required=True, help="Moment after the last (UTC).")
@click.option("--limit", type=int, default=DEFAULT_RESULTS, show_default=True, help="Most reads.")
@click.option("--purpose", required=True, help=f"One of: {', '.join(PurposeKind)}.")
@click.option("--facts", default="", help="What makes this search necessary, in words.")
@click.option("--case", "case_number", default="", help="Number of the case it belongs to.")
@click.option("--court-order", help="Court and number of the order, for that purpose.")
@click.option("--affirm", is_flag=True, help=f"Your word: {AFFIRMATION}")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@pass_services
def search(
    services: Services,
    login: str,
    password_file: Path | None,
    plate: str,
    folded: bool,
    start: datetime,
    end: datetime,
    limit: int,
    purpose: str,
    facts: str,
    case_number: str,
    court_order: str | None,
    affirm: bool,
    as_json: bool,
) -> None:
    """Search the reads for a plate in a window of time.

    Example: alpr-repository search --user jdoe --plate 1ABC23 --from 2026-03-01 --to 2026-03-08
    --purpose criminal_investigation --facts "Blue sedan left the robbery on Essex Street at
    21:40, plate given by a clerk" --case 24-1187 --affirm
    """
    password = secret_input.current_password(password_file)
    user = services.accounts.sign_in(login, password, COMMAND_LINE)
    request = SearchRequest(
        plate=plate,
        start=start.isoformat(),
        end=end.isoformat(),
        purpose=purpose,
        facts=facts,
        case_number=case_number,
        affirmed=affirm,
        court_order=court_order,
        folded=folded,
        limit=limit,
    )
    result = services.searches.search(user, request, COMMAND_LINE)
    if as_json:
        click.echo(json.dumps(as_mapping(result)))
        return
    click.echo(result.notice)
    for read in result.reads:
        click.echo(_line(read))
        click.echo(f"    {read.how_to_confirm}")
    more = ", and more that the limit cut off" if result.more else ""
    click.echo(f"{len(result.reads)} reads{more}; ledger entry {result.ledger_index}")


def _line(read: FoundRead) -> str:
    if read.latitude_deg is None or read.longitude_deg is None:
        place = "place not known"
    else:
        place = f"{read.latitude_deg:.5f}, {read.longitude_deg:.5f}"
    at = f"{read.site} ({place})" if read.site else place
    return (
        f"{read.captured_at:%Y-%m-%d %H:%M:%S} UTC  {read.plate} {read.state or '--'}  "
        f"{read.how}, confidence {read.confidence:.2f}  {at}  "
        f"{read.agency_title}, unit {read.unit}, camera {read.camera}"
        + ("  ON A HOT LIST" if read.on_hotlist else "")
    )
