"""``alpr-repository cases``: what happened in each case, and what may be added to it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import click

from repository.accounts.acting import as_person, as_person_if_named
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.cases.disseminations import Dissemination
from repository.cases.errors import CaseError
from repository.cases.present import (
    as_mapping,
    dissemination_lines,
    event_as_mapping,
    timeline,
)
from repository.cases.recipient_options import recipient_of, recipient_options
from repository.command import AS_JSON
from repository.ledger.entry import Actor
from repository.store.engine import reading
from repository.units.enrolment import require_known
from repository.wording import counted

_NUMBER = click.argument("number")
_AGENCY = click.option("--agency", help="The agency's short name, where no --user is named.")
_LOOKER = as_person_if_named("Your login; without it, the host's operator looks.")


@click.group()
def cases() -> None:
    """Case files: searches and what they showed, holds, notes, dispositions, what was given away.

    Example: alpr-repository cases show 24-1187 --user jdoe
    """


@cases.command(name="list")
@_AGENCY
@AS_JSON
@_LOOKER
def list_(services: Services, user: User | None, agency: str | None, as_json: bool) -> None:
    """List your agency's cases.

    Example: alpr-repository cases list --user jdoe
    """
    name, by = _looker(user, agency)
    if user is None:
        with reading(services.engine) as connection:
            require_known(connection, name)
    found = services.case_files.list(name, by, COMMAND_LINE)
    if as_json:
        click.echo(json.dumps({"cases": [asdict(each) for each in found]}, default=str))
        return
    for each in found:
        click.echo(
            f"{each.number}  opened {each.opened_at:%Y-%m-%d}  searches: {each.searches}  "
            f"holds: {each.holds}"
        )
    click.echo(counted(len(found), "case"))


@cases.command()
@_NUMBER
@_AGENCY
@AS_JSON
@_LOOKER
def show(
    services: Services, user: User | None, number: str, agency: str | None, as_json: bool
) -> None:
    """Show one case file of your agency, in order of time.

    What a search showed of a read stands here as long as the read itself is kept.

    Example: alpr-repository cases show 24-1187 --user jdoe --json
    """
    name, by = _looker(user, agency)
    found = services.case_files.show(name, number, by, COMMAND_LINE)
    if as_json:
        click.echo(json.dumps(as_mapping(found), default=str))
        return
    for line in timeline(found, services.clock()):
        click.echo(line)


@cases.command()
@_NUMBER
@click.option("--text", required=True, help="The note; name reads by their ids.")
@AS_JSON
@as_person
def note(services: Services, user: User, number: str, text: str, as_json: bool) -> None:
    """Write a note in a case file.

    Example: alpr-repository cases note 24-1187 --user jdoe --text "Owner interviewed"
    """
    written = services.case_files.note(user, number, text, COMMAND_LINE)
    click.echo(json.dumps({"note": written}) if as_json else f"note {written} in case {number}")


@cases.command()
@_NUMBER
@click.option(
    "--on", "on", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Day it was reached."
)
@click.option("--text", "disposition", required=True, help="The final disposition, in words.")
@AS_JSON
@as_person
def dispose(
    services: Services, user: User, number: str, on: datetime, disposition: str, as_json: bool
) -> None:
    """Record a case's final disposition, which ends its holds for an enforcement action.

    Their reads are kept until then or for the repository's ordinary time, whichever is later.

    Example: alpr-repository cases dispose 24-1187 --user jdoe --on 2026-11-02 --text
    "Guilty plea, Salem District Court"
    """
    ended = services.case_files.dispose(
        user, number, on=on.date(), disposition=disposition, origin=COMMAND_LINE
    )
    if as_json:
        click.echo(json.dumps({"holds": list(ended)}))
        return
    holds = f": hold {', '.join(map(str, ended))} ends by it" if ended else ""
    click.echo(f"disposition of case {number} recorded{holds}")


@cases.command()
@_NUMBER
@click.option("--what", required=True, help="What is given, in words; no plates.")
@click.option("--read", "reads", multiple=True, help="Id of a read that is given; give each.")
@recipient_options(required=True)
@AS_JSON
@as_person
def disseminate(
    services: Services,
    user: User,
    number: str,
    what: str,
    reads: tuple[str, ...],
    as_json: bool,
    **given_to: str | None,
) -> None:
    """Record what somebody outside your agency is given, before you give it.

    Nothing goes to a private party unless a law requires it, which --law names.

    Example: alpr-repository cases disseminate 24-1187 --user jdoe --what "Printed search result"
    --read 0195f3a2-7c1b-7def-8a01-23456789abcd --to "Ann Lee" --organisation "Essex District
    Attorney" --kind prosecutor --why "Charging decision" --authority "Request of 3 March 2026"
    """
    try:
        recipient = recipient_of(**given_to)
        if recipient is None:
            raise CaseError("to: missing; say who receives it")
        given = Dissemination.of(recipient, what, reads)
    except CaseError as error:
        services.case_files.refuse(user, "cases.disseminate", error, COMMAND_LINE)
        raise
    written = services.case_files.disseminate(user, number, given, COMMAND_LINE)
    click.echo(
        json.dumps({"dissemination": written})
        if as_json
        else f"dissemination {written} of case {number} recorded"
    )


@cases.command()
@AS_JSON
@as_person
def disseminations(services: Services, user: User, as_json: bool) -> None:
    """Show your agency's secondary dissemination log.

    Example: alpr-repository cases disseminations --user jdoe --json
    """
    found = services.case_files.disseminations(user, COMMAND_LINE)
    if as_json:
        said = [
            {"case": each.case_number, "number": each.number, **event_as_mapping(each.event)}
            for each in found
        ]
        click.echo(json.dumps({"disseminations": said}, default=str))
        return
    for each in found:
        click.echo("\n".join(dissemination_lines(each)))
    click.echo(counted(len(found), "dissemination"))


def _looker(user: User | None, agency: str | None) -> tuple[str, Actor | User]:
    """Whose cases, and who looks: people at those of their own agency."""
    if user is not None:
        return agency or user.agency, user
    if agency is None:
        raise click.UsageError("Missing option '--user', or '--agency' for the host's operator.")
    return agency, operator()
