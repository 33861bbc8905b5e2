"""``alpr-repository picture``: one picture for a named person, on the record."""

from __future__ import annotations

import json
from pathlib import Path

import click

from repository.accounts.acting import as_person
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON
from repository.new_file import fill_new_file
from repository.search.picture import KINDS, PictureRequest
from repository.search.purpose import AFFIRMATION, PurposeKind


@click.command()
@click.argument("read_id")
@click.option("--kind", required=True, type=click.Choice(KINDS), help="Which picture of the read.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; it must not be there yet.",
)
@click.option("--purpose", required=True, help=f"One of: {', '.join(PurposeKind)}.")
@click.option("--facts", default="", help="What makes it necessary to see it, in words.")
@click.option("--offence", help="The suspected crime, where there is one.")
@click.option("--case", "case_number", default="", help="Number of the case it belongs to.")
@click.option("--court-order", help="Court and number of the order, for that purpose.")
@click.option("--affirm", is_flag=True, help=f"Your word: {AFFIRMATION}")
@AS_JSON
@as_person
def picture(
    services: Services,
    user: User,
    read_id: str,
    kind: str,
    out: Path,
    purpose: str,
    facts: str,
    offence: str | None,
    case_number: str,
    court_order: str | None,
    affirm: bool,
    as_json: bool,
) -> None:
    """Write a read's picture to a file that you alone can read.

    Example: alpr-repository picture 0195f3a2-7c1b-7def-8a01-23456789abcd --kind plate
    --out plate.jpg --user jdoe --purpose criminal_investigation --facts "Blue sedan left the
    robbery on Essex Street at 21:40, plate given by a clerk" --case 24-1187 --affirm
    """
    request = PictureRequest(
        read=read_id,
        kind=kind,
        purpose=purpose,
        facts=facts,
        case_number=case_number,
        affirmed=affirm,
        court_order=court_order,
        offence=offence,
    )
    shown = fill_new_file(out, lambda: services.shown_pictures.show(user, request, COMMAND_LINE))
    said = {
        "file": str(out),
        "media_type": shown.media_type,
        "sha256": shown.sha256,
        "ledger_entry": shown.ledger_index,
    }
    click.echo(
        json.dumps(said)
        if as_json
        else f"{out}: {shown.media_type}, {len(shown.content)} bytes; "
        f"ledger entry {shown.ledger_index}"
    )
