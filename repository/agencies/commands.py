"""Commands about an agency's own reads, errors found in others', and statistics."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, datetime
from uuid import UUID

import click

from repository.accounts.acting import as_person
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.user import User
from repository.agencies import statistics as public
from repository.agencies.service import Changed
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.retention.purge_pictures import remove_files
from repository.wording import counted

_READ = click.option("--read", "read_id", type=click.UUID, required=True, help="The read's id.")
_READS = click.option(
    "--read", "read_ids", type=click.UUID, multiple=True, required=True, help="A read's id."
)
_REASON = click.option("--reason", required=True, help="Why, in words; kept on the ledger.")
_PLATE = "What the plate really is."
_STATE = click.option("--state", help="The state of issuance, as in MA; left out: not known.")


@click.group()
def reads() -> None:
    """What an agency may do with its own reads, and nobody else's.

    Example: alpr-repository reads withdraw --user jdoe --read 0195f3a2-7c1b-7def-8a01-23456789abcd
    --reason "Our own car"
    """


@reads.command("correct")
@_READ
@click.option("--plate", required=True, help=_PLATE)
@_STATE
@_REASON
@as_person
def correct(
    services: Services,
    user: User,
    read_id: UUID,
    plate: str,
    state: str | None,
    reason: str,
) -> None:
    """Put right what the machine misread; the read stays as signed, the correction beside it.

    Example: alpr-repository reads correct --user jdoe --read 0195f3a2-7c1b-7def-8a01-23456789abcd
    --plate 1ABC23 --state MA --reason "Seen on the picture"
    """
    changed = services.agency_data.correct(user, read_id, plate, state, reason, COMMAND_LINE)
    _say("corrected", changed)


@reads.command("withdraw")
@_READS
@_REASON
@as_person
def withdraw(
    services: Services,
    user: User,
    read_ids: tuple[UUID, ...],
    reason: str,
) -> None:
    """Release reads to no other agency any more; your own people find them as before.

    Example: alpr-repository reads withdraw --user jdoe --read 0195f3a2-7c1b-7def-8a01-23456789abcd
    --reason "Our own car"
    """
    _say("withdrawn", services.agency_data.withdraw(user, read_ids, reason, COMMAND_LINE))


@reads.command("release")
@_READS
@_REASON
@as_person
def release(
    services: Services,
    user: User,
    read_ids: tuple[UUID, ...],
    reason: str,
) -> None:
    """Release reads again that were withdrawn.

    Example: alpr-repository reads release --user jdoe --read 0195f3a2-7c1b-7def-8a01-23456789abcd
    --reason "Withdrawn by mistake"
    """
    changed = services.agency_data.release_again(user, read_ids, reason, COMMAND_LINE)
    _say("released again", changed)


@reads.command("dispose")
@_READS
@_REASON
@as_person
def dispose(
    services: Services,
    user: User,
    read_ids: tuple[UUID, ...],
    reason: str,
) -> None:
    """Let go of reads before their time, with hits and pictures; never what a hold keeps.

    Example: alpr-repository reads dispose --user jdoe --read 0195f3a2-7c1b-7def-8a01-23456789abcd
    --reason "Taken in a test"
    """
    changed = services.agency_data.dispose(user, read_ids, reason, COMMAND_LINE)
    remove_files(services.engine, services.pictures)
    _say("disposed of", changed)


@click.group()
def errors() -> None:
    """Errors that people find in another agency's reads, and the owner's answers.

    Example: alpr-repository errors list --user jdoe
    """


@errors.command("report")
@_READ
@click.option("--error", required=True, help="What is wrong with it, in words.")
@AS_JSON
@as_person
def report(
    services: Services,
    user: User,
    read_id: UUID,
    error: str,
    as_json: bool,
) -> None:
    """Report an error in a read to the agency that owns it.

    Example: alpr-repository errors report --user jdoe --read 0195f3a2-7c1b-7def-8a01-23456789abcd
    --error "The picture shows an 8, not a B"
    """
    number = services.agency_data.report(user, read_id, error, COMMAND_LINE)
    click.echo(json.dumps({"report": number}) if as_json else f"report {number} made")


@errors.command("list")
@click.option("--answered", is_flag=True, help="Those that are answered too.")
@AS_JSON
@as_person
def list_reports(services: Services, user: User, answered: bool, as_json: bool) -> None:
    """List open reports that your agency received or made; the ledger keeps that they were shown.

    Who reported sees the answer with --answered.

    Example: alpr-repository errors list --user jdoe --answered
    """
    found = services.agency_data.list_reports(user, COMMAND_LINE, answered_too=answered)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], default=_plain))
        return
    for each in found:
        state = f"to be answered by {each.due_at:%Y-%m-%d}"
        if each.answered_at is not None:
            said = f": {each.answer_text}" if each.answer_text else ""
            state = f"{each.answer} by {each.answered_by_name}{said}"
        click.echo(
            f"{each.id}  read {each.read_id} of {each.owner}  from {each.reporter_agency}  "
            f"{each.error or '(its words went with the read)'}  {state}"
        )


@errors.command("answer")
@click.option(
    "--report",
    "number",
    type=click.IntRange(1, 2**31 - 1),
    required=True,
    help="The report's number.",
)
@click.option("--reject", is_flag=True, help="There is no error.")
@click.option("--plate", help=f"There is one. {_PLATE}")
@_STATE
@click.option("--dispose", "disposes", is_flag=True, help="There is one, and the read goes.")
@_REASON
@as_person
def answer(
    services: Services,
    user: User,
    number: int,
    reject: bool,
    plate: str | None,
    state: str | None,
    disposes: bool,
    reason: str,
) -> None:
    """Answer a report to your agency: reject it, correct the read, or dispose of it.

    Example: alpr-repository errors answer --user jdoe --report 7 --plate 1A8C23 --state MA
    --reason "The picture shows an 8"
    """
    if [reject, plate is not None, disposes].count(True) != 1:
        raise click.UsageError("say one of --reject, --plate and --dispose")
    if reject:
        services.agency_data.reject(user, number, reason, COMMAND_LINE)
        click.echo(f"report {number} rejected")
        return
    changed = services.agency_data.accept(
        user, number, reason, COMMAND_LINE, plate=plate, state=state
    )
    if disposes:
        remove_files(services.engine, services.pictures)
    _say("disposed of" if disposes else "corrected", changed)


@click.command("statistics")
@click.option(
    "--from",
    "first",
    required=True,
    type=click.DateTime(["%Y-%m"]),
    help="First month, as in 2026-01.",
)
@click.option(
    "--to", "last", required=True, type=click.DateTime(["%Y-%m"]), help="Last month, included."
)
@AS_JSON
@pass_services
def statistics(services: Services, first: datetime, last: datetime, as_json: bool) -> None:
    """Print numbers for public records, as CSV: by agency, month and list kind, no small ones.

    They hold no plate, person or place. The ledger keeps that they were released.

    Example: alpr-repository statistics --from 2026-01 --to 2026-03 > statistics.csv
    """
    released = services.statistics.release(first.date(), last.date(), operator(), COMMAND_LINE)
    if as_json:
        click.echo(public.as_json(released, services.statistics.smallest))
        return
    click.echo(public.as_csv(released), nl=False)


def _say(done: str, changed: Changed) -> None:
    click.echo(f"{counted(changed.reads, 'read')} {done}")
    if changed.forwarded:
        click.echo(
            f"{changed.forwarded} of them were forwarded to another repository before: "
            "do the same there"
        )


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)
