"""``alpr-repository face-requests``: the register of requests on paper to others."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from repository.accounts.acting import as_person, as_person_if_named
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.user import User
from repository.audits.documented import ENTITIES
from repository.audits.errors import AuditError
from repository.audits.face_register import AFFIRMATION, BASES, FaceRequest
from repository.audits.report_commands import WHO, print_quarterly, quarterly_options
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.moments import moment
from repository.wording import counted

_MAX_FILE = 64 * 1024


@click.group("face-requests")
def face_requests() -> None:
    """Requests in writing to others who search faces; this repository recognises none.

    Example: alpr-repository face-requests list --user kmiles
    """


@face_requests.command("add")
@click.option("--at", type=moment, required=True, help="When it was made (UTC).")
@click.option("--requester", required=True, help="Name of the person who made it.")
@click.option("--position", required=True, help="Their position.")
@click.option("--to", "entity", type=click.Choice(list(ENTITIES)), required=True, help="To whom.")
@click.option("--database", required=True, help="The database that was to be searched.")
@click.option("--basis", type=click.Choice(BASES), required=True, help="What allows it.")
@click.option("--court-order", help="The court and the order's number, for that basis.")
@click.option("--emergency", help="The facts of the emergency, for that basis.")
@click.option("--case", "case_number", required=True, help="Number of the case.")
@click.option("--reason", required=True, help="Why, in words.")
@click.option("--crime", required=True, help="The suspected crime.")
@click.option(
    "--characteristics", required=True, help="The individual characteristics that it named."
)
@click.option(
    "--request-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The request as it was written, as text.",
)
@click.option(
    "--matches", type=click.IntRange(0, 2**31 - 1), help="How many matches came back, if known."
)
@click.option("--affirm", is_flag=True, help=AFFIRMATION)
@AS_JSON
@as_person
def add(
    services: Services,
    user: User,
    *,
    at: datetime,
    requester: str,
    position: str,
    entity: str,
    database: str,
    basis: str,
    court_order: str | None,
    emergency: str | None,
    case_number: str,
    reason: str,
    crime: str,
    characteristics: str,
    request_file: Path,
    matches: int | None,
    affirm: bool,
    as_json: bool,
) -> None:
    """Record a request that your agency made in writing.

    Example: alpr-repository face-requests add --user jdoe --at 2026-03-01T09:00 --requester
    "Jane Doe" --position Detective --to registry --database "driver licence pictures" --basis
    court_order --court-order "Salem District Court 26-113" --case 24-1187 --reason "The man who
    used the stolen card at the bank on Essex Street" --crime larceny --characteristics "man, about
    40, beard" --request-file request.txt --affirm
    """
    asked = FaceRequest(
        requested_at=at,
        requester_name=requester,
        requester_position=position,
        entity=entity,
        database_searched=database,
        basis=basis,
        case_number=case_number,
        reason=reason,
        suspected_crime=crime,
        characteristics=characteristics,
        request=_text_of(request_file),
        affirmed=affirm,
        court_order=court_order,
        emergency_facts=emergency,
        matches=matches,
    )
    number = services.face_register.add(user, asked, COMMAND_LINE)
    click.echo(json.dumps({"face_request": number}) if as_json else f"face request {number}")


@face_requests.command("answer")
@click.option(
    "--request",
    "number",
    type=click.IntRange(1, 2**31 - 1),
    required=True,
    help="The request's number.",
)
@click.option(
    "--matches", type=click.IntRange(0, 2**31 - 1), required=True, help="How many came back."
)
@as_person
def answer(services: Services, user: User, *, number: int, matches: int) -> None:
    """Record how many matches came back.

    Example: alpr-repository face-requests answer --user jdoe --request 3 --matches 0
    """
    services.face_register.answer(user, number, matches, COMMAND_LINE)
    click.echo(f"face request {number} is answered")


@face_requests.command("list")
@AS_JSON
@as_person
def list_requests(services: Services, user: User, *, as_json: bool) -> None:
    """List your agency's requests, without whom they are about.

    Example: alpr-repository face-requests list --user kmiles --json
    """
    found = services.face_register.list(user, COMMAND_LINE)
    if as_json:
        click.echo(json.dumps({"requests": [asdict(each) for each in found]}, default=str))
        return
    for each in found:
        matches = "not answered" if each.matches is None else f"matches: {each.matches}"
        click.echo(
            f"{each.id:>6}  {each.requested_at:%Y-%m-%d %H:%M}  {each.agency}  "
            f"{ENTITIES[each.entity]}  {each.basis}  case {each.case_number}  {matches}"
        )
    click.echo(counted(len(found), "request"))


@face_requests.command("export")
@quarterly_options
@as_person_if_named(WHO)
def export(services: Services, user: User | None, **asked: Any) -> None:
    """Print the quarter's requests with the eight fields of the law, as CSV.

    Example: alpr-repository face-requests export --quarter 2026-Q1 --pdf faces.pdf
    """
    print_quarterly(services, user, "faces", **asked)


@face_requests.command("forbid")
@click.option("--agency", required=True, help="The agency's short name.")
@click.option("--ordinance", required=True, help="The ordinance, as it is cited.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="Its first day.",
)
@pass_services
def forbid(services: Services, agency: str, ordinance: str, since: datetime) -> None:
    """Refuse an agency's requests, since its own ordinance forbids them.

    Example: alpr-repository face-requests forbid --agency northampton-pd --since 2019-12-19
    --ordinance "City of Northampton, chapter 290, section 1"
    """
    services.face_register.forbid(agency, ordinance, since.date(), operator(), COMMAND_LINE)
    click.echo(f"requests of {agency} are refused")


@face_requests.command("permit")
@click.option("--agency", required=True, help="The agency's short name.")
@click.option("--reason", required=True, help="Why the ordinance stands no more.")
@pass_services
def permit(services: Services, agency: str, reason: str) -> None:
    """Take an agency's requests again, since its ordinance ended.

    Example: alpr-repository face-requests permit --agency northampton-pd --reason "Repealed"
    """
    services.face_register.permit(agency, reason, operator(), COMMAND_LINE)
    click.echo(f"requests of {agency} are taken")


def _text_of(path: Path) -> str:
    if path.stat().st_size > _MAX_FILE:
        raise AuditError(f"{path}: larger than {_MAX_FILE} bytes")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AuditError(f"{path}: cannot be read as text") from error
