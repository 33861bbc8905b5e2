"""``alpr-repository audits``: patterns, quarterly and public reports, private plates."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from repository.accounts.acting import as_person, as_person_if_named
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.user import User
from repository.audits import quarterly as reports
from repository.audits import transparency as public
from repository.audits.audit_commands import AS_JSON
from repository.audits.present import DECIDES_NOTHING, pattern_as_mapping, pattern_line
from repository.audits.quarterly import Register
from repository.bootstrap import Services
from repository.command import pass_services
from repository.moments import moment
from repository.wording import counted

QUARTER = click.option("--quarter", required=True, help="As in 2026-Q1; it must be over.")
PDF = click.option(
    "--pdf",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write it into this file, to print.",
)


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


@click.command("quarterly")
@QUARTER
@click.option("--agency", help="Of this agency; without it of all, if you may.")
@PDF
@as_person_if_named("Your login, if you ask for your agency or as an auditor.")
def quarterly(
    services: Services, user: User | None, *, quarter: str, agency: str | None, pdf: Path | None
) -> None:
    """Print the quarter's documented searches with the eight fields of the law, as CSV.

    Example: alpr-repository audits quarterly --quarter 2026-Q1 --agency salem-pd > searches.csv
    """
    print_quarterly(services, user, "searches", quarter, agency, pdf)


def print_quarterly(
    services: Services,
    user: User | None,
    register: Register,
    quarter: str,
    agency: str | None,
    pdf: Path | None,
) -> None:
    """The same for either register, for a person or the operator."""
    by = operator() if user is None else user.actor
    if user is not None:
        services.quarterly.allow(user, register, quarter, agency, COMMAND_LINE)
    found = services.quarterly.report(register, quarter, agency, by, COMMAND_LINE)
    if not found:
        _say_nothing(quarter)
    if pdf is None:
        click.echo(reports.as_csv(found), nl=False)
        return
    pdf.write_bytes(reports.as_paper(register, quarter, agency, found))
    click.echo(f"wrote {pdf}")


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
    lines = release.release(quarter, operator(), COMMAND_LINE)
    if not lines:
        _say_nothing(quarter)
    if pdf is not None:
        pdf.write_bytes(public.as_paper(quarter, lines, release.smallest))
        click.echo(f"wrote {pdf}")
    elif as_json:
        click.echo(public.as_json(lines, release.smallest))
    else:
        click.echo(public.as_csv(lines), nl=False)


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
