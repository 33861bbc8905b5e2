"""Commands about holds and the purge."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

import click

from repository.accounts import secret_input
from repository.accounts.operator import COMMAND_LINE, operator
from repository.bootstrap import Services
from repository.command import pass_services
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed, digest_of_ids
from repository.retention import holds, holds_ending, holds_listing, purge
from repository.retention.holds_request import HOLD_KINDS, HoldError, HoldKind, HoldRequest

_READS_RECORDED = 500  # of a refused hold; the ledger's entries have a largest size
_USER = click.option("--user", "login", required=True, help="Your login.")
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group()
def hold() -> None:
    """Reads that are kept beyond the rule because of a case.

    Example: alpr-repository hold list --agency salem-pd
    """


@hold.command("add")
@_USER
@secret_input.password_file
@click.option("--case", "case_number", required=True, help="Number of the case.")
@click.option(
    "--kind",
    required=True,
    type=click.Choice(HOLD_KINDS),
    help="Which of the policy's exceptions it is (section 7, b, i to v in this order).",
)
@click.option("--reason", required=True, help="Why these reads are kept, in words.")
@click.option(
    "--review",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day on which the hold is looked at again; required for evidence.",
)
@click.option("--read", "reads", type=click.UUID, multiple=True, required=True, help="A read's id.")
@_AS_JSON
@pass_services
def add(
    services: Services,
    login: str,
    password_file: Path | None,
    case_number: str,
    kind: HoldKind,
    reason: str,
    review: datetime | None,
    reads: tuple[UUID, ...],
    as_json: bool,
) -> None:
    """Hold reads for a case; the ledger keeps who did it and why.

    Example: alpr-repository hold add --user jdoe --case 24-1187 --kind arrest --reason "Seen near
    the scene" --read 0195f3a2-7c1b-7def-8a01-23456789abcd
    """
    user = services.accounts.sign_in(
        login, secret_input.current_password(password_file), COMMAND_LINE
    )
    asked: dict[str, JSON] = {
        "case_number": as_typed(case_number),
        "kind": kind,
        "reason_given": as_typed(reason),
        "reads": [str(each) for each in reads[:_READS_RECORDED]],
    }
    entry = Entry("hold.add", user.actor, services.clock(), COMMAND_LINE, asked)
    with attempt(services.engine, entry, HoldError):
        request = HoldRequest(
            case_number=case_number,
            kind=kind,
            reason=reason,
            target=tuple(dict.fromkeys(reads)),
            review_due=review.date() if review else None,
        )
        with services.engine.begin() as connection:
            number = holds.add(
                connection, request, actor=user.actor, origin=COMMAND_LINE, now=services.clock()
            )
    if as_json:
        click.echo(json.dumps({"hold": number, "reads": len(reads)}))
        return
    click.echo(f"hold {number} for case {case_number}: {len(reads)} reads")


@hold.command("release")
@_USER
@secret_input.password_file
@click.option("--hold", "number", type=int, required=True, help="The hold's number.")
@click.option("--reason", required=True, help="Why it ends, in words.")
@pass_services
def release(
    services: Services, login: str, password_file: Path | None, number: int, reason: str
) -> None:
    """Release a hold of your agency; what has expired under it goes with the next purge.

    Example: alpr-repository hold release --user jdoe --hold 7 --reason "Case 24-1187 is closed"
    """
    user = services.accounts.sign_in(
        login, secret_input.current_password(password_file), COMMAND_LINE
    )
    asked: dict[str, JSON] = {"hold": number, "reason_given": as_typed(reason)}
    entry = Entry("hold.release", user.actor, services.clock(), COMMAND_LINE, asked)
    with attempt(services.engine, entry, HoldError), services.engine.begin() as connection:
        holds_ending.release(
            connection,
            number,
            reason=reason,
            actor=user.actor,
            origin=COMMAND_LINE,
            now=services.clock(),
        )
    click.echo(f"hold {number} released")


@hold.command("list")
@click.option("--agency", help="Only this agency's.")
@_AS_JSON
@pass_services
def list_holds(services: Services, agency: str | None, as_json: bool) -> None:
    """List holds, released ones too; the ledger keeps that they were shown.

    Example: alpr-repository hold list --agency salem-pd
    """
    with services.engine.begin() as connection:
        found = holds_listing.list_holds(connection, holds_listing.Filter(agency=agency))
        entry = Entry(
            "hold.list",
            operator(),
            services.clock(),
            COMMAND_LINE,
            {"agency": agency},
            count=len(found),
            result_digest=digest_of_ids(str(each.id) for each in found),
        )
        log.append(connection, entry)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], default=_moment))
        return
    for each in found:
        state = f"released {each.released_at:%Y-%m-%d}" if each.released_at else "stands"
        review = f"  review {each.review_due}" if each.review_due else ""
        click.echo(
            f"{each.id}  {each.agency}  case {each.case_number}  {each.kind}  {each.reads} reads  "
            f"{each.placed_by_name}  {state}{review}"
        )


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option("--now", "for_good", is_flag=True, help="Purge; what goes cannot come back.")
@click.option(
    "--clock-is",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Today's date in UTC, where a purge was refused because the clock seems far ahead.",
)
@_AS_JSON
@pass_services
def purge_command(
    services: Services, dry_run: bool, for_good: bool, clock_is: datetime | None, as_json: bool
) -> None:
    """Purge what has expired and is not held.

    Example: alpr-repository purge --dry-run
    """
    if dry_run == for_good:
        raise click.UsageError("say either --dry-run or --now")
    if dry_run:
        certificate = purge.preview(services.engine, services.retention_rule, now=services.clock())
    else:
        certificate = purge.run(
            services.engine,
            services.pictures,
            services.retention_rule,
            now=services.clock(),
            actor=operator(),
            origin=COMMAND_LINE,
            clock_confirmed=clock_is.date() if clock_is else None,
        )
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(certificate), default=_moment))
        return
    click.echo(
        f"{'would purge' if dry_run else 'purged'} {certificate.reads_purged} reads captured "
        f"before {certificate.expired_before:%Y-%m-%d %H:%M} UTC, with {certificate.hits_purged} "
        f"hits, {certificate.pictures_purged} pictures, {certificate.unit_records_purged} records "
        f"of officers and {certificate.quarantine_purged} refused messages; "
        f"{certificate.reads_held} older reads are held"
    )


def _moment(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
