"""``alpr-repository search``: one search by a named person, on the record."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import click

from repository.accounts.acting import as_person
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.moments import moment
from repository.search.asking import SearchRequest
from repository.search.criteria import DEFAULT_RESULTS
from repository.search.present import as_mapping
from repository.search.purpose import AFFIRMATION, PurposeKind
from repository.search.result import FoundRead
from repository.wording import counted


@click.command()
@click.option("--plate", help="The plate; ? stands for any one character, * for any number.")
@click.option("--folded", is_flag=True, help="Also find what is easily taken for it (0 and O).")
@click.option("--from", "start", type=moment, help="First moment (UTC).")
@click.option("--to", "end", type=moment, help="Moment after the last (UTC).")
@click.option("--near", help="Only around this point: LATITUDE,LONGITUDE in degrees.")
@click.option("--radius", "radius_m", type=float, help="How far around it, in metres.")
@click.option("--within", help="Only within these corners: LATITUDE,LONGITUDE, blanks between.")
@click.option("--state", help="Only plates read as of this state, such as MA.")
@click.option(
    "--state-or-unknown",
    is_flag=True,
    help="With --state: also reads whose state could not be told, which are left out otherwise.",
)
@click.option("--agency", help="Only reads of this agency.")
@click.option("--unit", help="Only reads of the unit of this name.")
@click.option("--camera", help="Only reads of the camera of this name.")
@click.option("--hits-only", is_flag=True, help="Only what was on a hot list.")
@click.option("--limit", type=int, default=DEFAULT_RESULTS, show_default=True, help="Most reads.")
@click.option("--after", help="The next page: what the page before gave as its next.")
@click.option("--purpose", required=True, help=f"One of: {', '.join(PurposeKind)}.")
@click.option("--facts", default="", help="What makes this search necessary, in words.")
@click.option("--case", "case_number", default="", help="Number of the case it belongs to.")
@click.option("--court-order", help="Court and number of the order, for that purpose.")
@click.option("--affirm", is_flag=True, help=f"Your word: {AFFIRMATION}")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@as_person
def search(
    services: Services,
    user: User,
    /,
    start: datetime | None,
    end: datetime | None,
    within: str | None,
    case_number: str,
    affirm: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Search the reads by plate, place and time.

    A search needs a whole plate, or at least three adjacent characters of one, or a window of
    time. Of a plate with fewer, or without any, it looks through 31 days at most, through a year
    where a place is given.

    \b
    Example: alpr-repository search --user jdoe --plate 1ABC23 --from 2026-03-01 --to 2026-03-08
        --purpose criminal_investigation --facts "Blue sedan left the robbery on Essex Street at
        21:40, plate given by a clerk" --case 24-1187 --affirm

    \b
    Others: … --plate "1AB*" --folded
      … --near 42.5195,-70.8967 --radius 250 --from 2026-03-01T21:00-05:00
        --to 2026-03-01T22:00-05:00
    """
    request = SearchRequest(
        start=start.isoformat() if start else None,
        end=end.isoformat() if end else None,
        within=within.split() if within is not None else None,
        case_number=case_number,
        affirmed=affirm,
        **asked,
    )
    result = services.searches.search(user, request, COMMAND_LINE)
    if as_json:
        click.echo(json.dumps(as_mapping(result)))
        return
    click.echo(result.notice)
    for read in result.reads:
        click.echo(_line(read))
        click.echo(f"    {read.how_to_confirm}")
    click.echo(f"{counted(len(result.reads), 'read')}; ledger entry {result.ledger_index}")
    if asked["state"] is not None and not asked["state_or_unknown"]:
        click.echo(
            "reads whose state could not be told are left out: --state-or-unknown takes them too"
        )
    if result.next is not None:
        click.echo(f"there are more: search again with --after {result.next}")


def _line(read: FoundRead) -> str:
    if read.latitude_deg is None or read.longitude_deg is None:
        place = "place not known"
    else:
        place = f"{read.latitude_deg:.5f}, {read.longitude_deg:.5f}"
    at = f"{read.site} ({place})" if read.site else place
    how = "" if read.how == "any" else f"{read.how.replace('_', ' ')}, "
    return (
        f"{read.captured_at:%Y-%m-%d %H:%M:%S} UTC  {read.plate} {read.state or '--'}  "
        f"{how}confidence {read.confidence:.2f}  {at}  "
        f"{read.agency_title}, unit {read.unit}, camera {read.camera}"
        + ("  ON A HOT LIST" if read.on_hotlist else "")
        + (
            f"  CORRECTED by its agency to {read.corrected_plate} {read.corrected_state or '--'}"
            if read.corrected_plate is not None
            else ""
        )
    )
