"""``alpr-repository search`` and ``together``: one search by a named person, on the record."""

from __future__ import annotations

import json
from typing import Any

import click

from repository.accounts.acting import as_person
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON
from repository.search import options
from repository.search.present import as_mapping, together_mapping
from repository.search.result import FoundRead, SearchResult, TogetherResult
from repository.wording import counted


@click.command()
@options.of_search
@AS_JSON
@as_person
def search(services: Services, user: User, /, as_json: bool, **asked: Any) -> None:
    """Search the reads by plate, place and time.

    A search needs a whole plate, or at least three adjacent characters of one, or a window of
    time. Of a plate with fewer, or without any, it looks through 31 days at most, through a year
    where a place is given; without a place it is broad. With three characters it is broad over a
    wide area and a long time: name a place, or 31 days. A broad one needs a supervisor's approval
    first: see `alpr-repository approvals propose --help`.

    \b
    Example: alpr-repository search --user jdoe --plate 1ABC23 --from 2026-03-01 --to 2026-03-08
        --purpose criminal_investigation --facts "Blue sedan left the robbery on Essex Street at
        21:40, plate given by a clerk" --offence robbery --case 24-1187 --affirm

    \b
    Others: … --plate "1AB*" --folded
      … --plate 1ABC23 --second-guesses
      … --near 42.5195,-70.8967 --radius 250 --from 2026-03-01T21:00-05:00
        --to 2026-03-01T22:00-05:00
    """
    request = options.search_request(asked)
    result = services.searches.search(user, request, COMMAND_LINE)
    if as_json:
        click.echo(json.dumps(as_mapping(result)))
        return
    click.echo(result.notice)
    for read in result.reads:
        click.echo(_line(read, result))
        if read.guess:
            click.echo(f"    {read.guess}")
        click.echo(f"    {read.how_to_confirm}")
    click.echo(f"{counted(len(result.reads), 'read')}; ledger entry {result.ledger_index}")
    if result.hint is not None:
        click.echo(result.hint)
    _say_review(result)
    if request.state is not None and not request.state_or_unknown:
        click.echo(
            "reads whose state could not be told are left out: --state-or-unknown takes them too"
        )
    if result.next is not None:
        click.echo(f"there are more: search again with --after {result.next}")


@click.command()
@options.of_together
@AS_JSON
@as_person
def together(services: Services, user: User, /, as_json: bool, **asked: Any) -> None:
    """Ask which plates were seen together with one.

    It always needs a supervisor's approval first: see `alpr-repository approvals
    propose-together --help`.

    \b
    Example: alpr-repository together --user jdoe --plate 1ABC23 --from 2026-03-01 --to 2026-03-08
        --distance 200 --seconds 60 --times 3 --purpose criminal_investigation --facts "A second
        car led the way at each of four burglaries on Essex Street" --case 24-1187 --affirm
    """
    result = services.searches.together(user, options.together_request(asked), COMMAND_LINE)
    if as_json:
        click.echo(json.dumps(together_mapping(result)))
        return
    click.echo(result.notice)
    for each in result.found.companions:
        first, last = each.reads[0].captured_at, each.reads[-1].captured_at
        click.echo(
            f"{each.plate}  {counted(each.times, 'time')} on {counted(each.days, 'day')}, "
            f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
        )
    click.echo(
        f"{counted(len(result.found.companions), 'plate')} of "
        f"{counted(result.found.occasions, 'occasion')}; ledger entry {result.ledger_index}"
    )
    if result.found.without_place:
        click.echo(
            f"{counted(result.found.without_place, 'read')} of the plate had no place to compare"
        )
    _say_review(result)


def _say_review(result: SearchResult | TogetherResult) -> None:
    if result.emergency_review is not None:
        click.echo(f"a supervisor reviews this emergency: review {result.emergency_review}")


def _line(read: FoundRead, result: SearchResult) -> str:
    if read.latitude_deg is None or read.longitude_deg is None:
        place = "place not known"
    else:
        place = f"{read.latitude_deg:.5f}, {read.longitude_deg:.5f}"
    at = f"{read.site} ({place})" if read.site else place
    how = "" if read.how == "any" else f"{read.how.replace('_', ' ')}, "
    likely = "" if read.likelihood is None else f"likelihood {read.likelihood:.3f}, "
    age = result.searched_at - read.captured_at
    return (
        f"{read.captured_at:%Y-%m-%d %H:%M:%S} UTC  {read.plate} {read.state or '--'}  "
        f"{how}{likely}confidence {read.confidence:.2f}, "
        f"{age.days} d {age.seconds // 3600} h ago  {at}  "
        f"{read.agency_title}, unit {read.unit}, camera {read.camera}"
        + (f", read by {read.engine}" if read.engine else "")
        + ("  ON A HOT LIST" if read.on_hotlist else "")
        + (
            f"  CORRECTED by its agency to {read.corrected_plate} {read.corrected_state or '--'}"
            if read.corrected_plate is not None
            else ""
        )
    )
