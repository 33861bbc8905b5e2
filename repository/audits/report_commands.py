"""``alpr-repository audits``: patterns, quarterly and public reports, private plates."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from repository.accounts.acting import as_person, as_person_if_named
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.user import User
from repository.audits import transparency as public
from repository.audits.documented import Register
from repository.audits.paper_file import write_paper
from repository.audits.present import DECIDES_NOTHING, pattern_as_mapping, pattern_line
from repository.audits.quarterly_report import Report
from repository.audits.transparency import Line
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.moments import moment
from repository.wording import counted

QUARTER = click.option("--quarter", required=True, help="As in 2026-Q1; it must be over.")
PDF = click.option(
    "--pdf",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write it into this file, to print.",
)
WHO = "Your login, if you ask for your agency or as an auditor."
_C = TypeVar("_C", bound=Callable[..., Any])


@click.command("patterns")
@click.option("--agency", help="Of this agency's people; without it everybody's, if you may.")
@click.option("--from", "start", type=moment, required=True, help="First moment (UTC).")
@click.option("--to", "end", type=moment, required=True, help="Moment after the last (UTC).")
@AS_JSON
@as_person
def patterns(
    services: Services,
    user: User,
    *,
    agency: str | None,
    start: datetime,
    end: datetime,
    as_json: bool,
) -> None:
    """Show what in the searches of a period is worth a look; it decides nothing.

    Example: alpr-repository audits patterns --user kmiles --agency salem-pd --from 2026-02-01
    --to 2026-03-01
    """
    found = services.patterns.find(user, agency, start, end, COMMAND_LINE)
    if as_json:
        rows = [pattern_as_mapping(each) for each in found]
        click.echo(json.dumps({"notice": DECIDES_NOTHING, "patterns": rows}))
        return
    for each in found:
        click.echo(pattern_line(each))
    click.echo(f"{counted(len(found), 'pattern')}. {DECIDES_NOTHING}")


def quarterly_options(command: _C) -> _C:
    """The options of a quarter's documented searches, for :func:`print_quarterly`."""
    for each in (
        QUARTER,
        click.option("--agency", help="Of this agency; without it of all, if you may."),
        click.option(
            "--so-far",
            is_flag=True,
            help="Of a quarter that still runs: what there is until now, marked as unfinished.",
        ),
        PDF,
        AS_JSON,
    )[::-1]:
        command = each(command)
    return command


@click.command("quarterly")
@quarterly_options
@as_person_if_named(WHO)
def quarterly(services: Services, user: User | None, **asked: Any) -> None:
    """Print the quarter's documented searches with the eight fields of the law, as CSV.

    Example: alpr-repository audits quarterly --quarter 2026-Q1 --agency salem-pd > searches.csv
    """
    print_quarterly(services, user, "searches", **asked)


def print_quarterly(
    services: Services,
    user: User | None,
    register: Register,
    *,
    quarter: str,
    agency: str | None,
    so_far: bool,
    pdf: Path | None,
    as_json: bool,
) -> None:
    """The same for either register, for a person or the operator."""
    rooms, by = services.quarterly, operator() if user is None else user.actor
    if user is not None:
        rooms.allow(user, register, quarter, agency, COMMAND_LINE, so_far=so_far)

    def report() -> Report:
        made = rooms.report(register, quarter, agency, by, COMMAND_LINE, so_far=so_far)
        if made.notice:
            click.echo(made.notice, err=True)
        if not made.rows:
            _say_nothing(quarter)
        return made

    if pdf is not None:
        write_paper(pdf, lambda: report().as_paper())
    elif as_json:
        click.echo(report().as_json())
    else:
        click.echo(report().as_csv(), nl=False)


@click.command("transparency")
@QUARTER
@PDF
@AS_JSON
@pass_services
def transparency(services: Services, quarter: str, pdf: Path | None, as_json: bool) -> None:
    """Print the public report of a quarter, as CSV: numbers alone, no small ones, nothing personal.

    Example: alpr-repository audits transparency --quarter 2026-Q1 --pdf transparency.pdf
    """
    release = services.transparency

    def lines() -> list[Line]:
        found = release.release(quarter, operator(), COMMAND_LINE)
        if not found:
            _say_nothing(quarter)
        return found

    if pdf is not None:
        write_paper(pdf, lambda: public.as_paper(quarter, lines(), release.smallest))
    elif as_json:
        click.echo(public.as_json(lines(), release.smallest))
    else:
        click.echo(public.as_csv(lines()), nl=False)


@click.command("own-plate")
@click.option("--plate", required=True, help="A plate of yours.")
@click.option("--forget", is_flag=True, help="Take it out again.")
@as_person
def own_plate(services: Services, user: User, *, plate: str, forget: bool) -> None:
    """Register a plate as your own, so that auditors see who searches for it; nobody has to.

    It is kept under a key, so that nobody can read it.

    Example: alpr-repository audits own-plate --user jdoe --plate 1ABC23
    """
    if forget:
        services.private_plates.forget(user, plate, COMMAND_LINE)
        click.echo("forgotten")
        return
    services.private_plates.register(user, plate, COMMAND_LINE)
    click.echo("registered")


def _say_nothing(quarter: str) -> None:
    click.echo(f"nothing was documented in {quarter}", err=True)


COMMANDS = (patterns, quarterly, transparency, own_plate)
