"""``alpr-repository hold``: placing, reviewing and releasing holds, by people who sign in."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy import Connection

from edge.contract.plates import normalise
from repository.accounts import secret_input
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import pass_services
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed, digest_of_ids
from repository.moments import moment
from repository.retention import holds, holds_ending, holds_listing
from repository.retention.holds_listing import Filter
from repository.retention.holds_present import as_mapping, hold_line, hold_lines
from repository.retention.holds_request import (
    HOLD_KINDS,
    HitTarget,
    HoldError,
    HoldKind,
    HoldRequest,
    PlateTarget,
    Target,
    UnitTarget,
)

_READS_RECORDED = 500  # of a refused hold; the ledger's entries have a largest size
_USER = click.option("--user", "login", required=True, help="Your login.")
_NUMBER = click.option("--hold", "number", type=int, required=True, help="The hold's number.")
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
_DAY = click.DateTime(["%Y-%m-%d"])


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
    "--review", type=_DAY, help="Day on which the hold is looked at again; evidence needs it."
)
@click.option("--direction", help="Text of the administrator's direction, for that kind.")
@click.option("--until", "ends_on", type=_DAY, help="Last day (UTC) of the direction.")
@click.option(
    "--record-period", help="How long the record of the arrest or investigation itself is kept."
)
@click.option("--read", "reads", type=click.UUID, multiple=True, help="A read's id; repeatable.")
@click.option("--hit", type=click.UUID, help="A hit's id: its read, and what was said of it.")
@click.option("--plate", help="A plate: its reads in the period, those that come later too.")
@click.option("--state", help="The plate's state; reads without one are held too.")
@click.option("--unit", help="AGENCY/UNIT: everything of it in the period.")
@click.option("--from", "start", type=moment, help="First moment of the period (UTC).")
@click.option("--to", "end", type=moment, help="Moment after its last (UTC).")
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
    direction: str | None,
    ends_on: datetime | None,
    record_period: str | None,
    reads: tuple[UUID, ...],
    hit: UUID | None,
    plate: str | None,
    state: str | None,
    unit: str | None,
    start: datetime | None,
    end: datetime | None,
    as_json: bool,
) -> None:
    """Hold reads, a hit, a plate or a unit for a case; the ledger keeps who did it and why.

    Example: alpr-repository hold add --user jdoe --case 24-1187 --kind evidence --reason "Passed
    the bank twice before the robbery" --review 2026-09-01 --plate 1ABC23 --from 2026-02-01
    --to 2026-04-01
    """
    user = _sign_in(services, login, password_file)
    asked: dict[str, JSON] = {
        "case_number": as_typed(case_number),
        "kind": kind,
        "reason_given": as_typed(reason),
        "reads": [str(each) for each in reads[:_READS_RECORDED]],
        "hit": str(hit) if hit else None,
        "plate": as_typed(plate) if plate else None,
        "unit": as_typed(unit) if unit else None,
    }
    with _acting(services, user, "hold.add", asked) as connection:
        request = HoldRequest(
            case_number=case_number,
            kind=kind,
            reason=reason,
            target=_target(reads, hit, plate, state, unit, start, end),
            review_due=review.date() if review else None,
            ends_on=ends_on.date() if ends_on else None,
            direction=direction,
            record_period=record_period,
        )
        number = holds.add(
            connection, request, actor=user.actor, origin=COMMAND_LINE, now=services.clock()
        )
        held = holds_listing.show(connection, number)[0].reads
    if as_json:
        click.echo(json.dumps({"hold": number, "reads": held}))
        return
    click.echo(f"hold {number} for case {case_number}: {held} reads")


@hold.command("release")
@_USER
@secret_input.password_file
@_NUMBER
@click.option("--reason", required=True, help="Why it ends, in words.")
@_AS_JSON
@pass_services
def release(
    services: Services,
    login: str,
    password_file: Path | None,
    number: int,
    reason: str,
    as_json: bool,
) -> None:
    """Release a hold of your agency; what has expired under it goes with the next purge.

    The release of evidence is only proposed; a second person confirms it.

    Example: alpr-repository hold release --user jdoe --hold 7 --reason "Case 24-1187 is closed"
    """
    user = _sign_in(services, login, password_file)
    asked: dict[str, JSON] = {"hold": number, "reason_given": as_typed(reason)}
    with _acting(services, user, "hold.release", asked) as connection:
        done = holds_ending.release(
            connection,
            number,
            reason=reason,
            actor=user.actor,
            origin=COMMAND_LINE,
            now=services.clock(),
        )
    _say(as_json, {"hold": number, "done": done}, _RELEASED[done].format(number=number))


@hold.command("confirm-release")
@_USER
@secret_input.password_file
@_NUMBER
@_AS_JSON
@pass_services
def confirm_release(
    services: Services, login: str, password_file: Path | None, number: int, as_json: bool
) -> None:
    """Release evidence, as the second person of your agency.

    Example: alpr-repository hold confirm-release --user rroe --hold 7
    """
    user = _sign_in(services, login, password_file)
    with _acting(services, user, "hold.confirm_release", {"hold": number}) as connection:
        holds_ending.confirm_release(
            connection, number, actor=user.actor, origin=COMMAND_LINE, now=services.clock()
        )
    _say(as_json, {"hold": number, "done": "released"}, f"hold {number} released")


@hold.command("withdraw-release")
@_USER
@secret_input.password_file
@_NUMBER
@click.option("--reason", required=True, help="Why the hold goes on, in words.")
@_AS_JSON
@pass_services
def withdraw_release(
    services: Services,
    login: str,
    password_file: Path | None,
    number: int,
    reason: str,
    as_json: bool,
) -> None:
    """Take back or refuse a proposed release: the hold stands as before.

    Example: alpr-repository hold withdraw-release --user rroe --hold 7 --reason "Appeal is pending"
    """
    user = _sign_in(services, login, password_file)
    asked: dict[str, JSON] = {"hold": number, "reason_given": as_typed(reason)}
    with _acting(services, user, "hold.withdraw_release", asked) as connection:
        holds_ending.withdraw_release(
            connection,
            number,
            reason=reason,
            actor=user.actor,
            origin=COMMAND_LINE,
            now=services.clock(),
        )
    _say(as_json, {"hold": number, "done": "stands"}, f"hold {number} stands as before")


@hold.command("review")
@_USER
@secret_input.password_file
@_NUMBER
@click.option("--until", "next_due", type=_DAY, required=True, help="Day of the next review.")
@click.option("--reason", required=True, help="Why it is still needed, in words.")
@_AS_JSON
@pass_services
def review(
    services: Services,
    login: str,
    password_file: Path | None,
    number: int,
    next_due: datetime,
    reason: str,
    as_json: bool,
) -> None:
    """Say that a hold is still needed, and when it is looked at the next time.

    Example: alpr-repository hold review --user jdoe --hold 7 --until 2027-03-01 --reason "The
    civil action is set down for trial"
    """
    user = _sign_in(services, login, password_file)
    asked: dict[str, JSON] = {
        "hold": number,
        "reason_given": as_typed(reason),
        "next_due": next_due.date().isoformat(),
    }
    with _acting(services, user, "hold.review", asked) as connection:
        holds_ending.review(
            connection,
            number,
            next_due=next_due.date(),
            reason=reason,
            actor=user.actor,
            origin=COMMAND_LINE,
            now=services.clock(),
        )
    day = next_due.date().isoformat()
    _say(as_json, {"hold": number, "review_due": day}, f"hold {number} stands; review by {day}")


@hold.command("disposition")
@_USER
@secret_input.password_file
@click.option("--case", "case_number", required=True, help="Number of the case.")
@click.option("--on", "on", type=_DAY, required=True, help="Day on which it was reached.")
@click.option("--text", "disposition", required=True, help="The final disposition, in words.")
@_AS_JSON
@pass_services
def disposition(
    services: Services,
    login: str,
    password_file: Path | None,
    case_number: str,
    on: datetime,
    disposition: str,
    as_json: bool,
) -> None:
    """Record a case's final disposition, which ends its holds for an enforcement action.

    Their reads are kept until then or for the repository's ordinary time, whichever is later.

    Example: alpr-repository hold disposition --user jdoe --case 24-1187 --on 2026-11-02 --text
    "Guilty plea, Salem District Court"
    """
    user = _sign_in(services, login, password_file)
    asked: dict[str, JSON] = {
        "case_number": as_typed(case_number),
        "disposition": as_typed(disposition),
        "on": on.date().isoformat(),
    }
    with _acting(services, user, "hold.disposition", asked) as connection:
        ended = holds_ending.dispose(
            connection,
            case_number,
            on=on.date(),
            disposition=disposition,
            actor=user.actor,
            origin=COMMAND_LINE,
            now=services.clock(),
        )
    numbers = ", ".join(map(str, ended))
    _say(as_json, {"holds": ended}, f"disposition of case {case_number} recorded: hold {numbers}")


@hold.command("list")
@click.option("--agency", help="Only this agency's.")
@click.option("--case", "case_number", help="Only of this case.")
@click.option("--kind", type=click.Choice(HOLD_KINDS), help="Only of this kind.")
@click.option("--standing", is_flag=True, help="Only those that stand.")
@click.option("--overdue", is_flag=True, help="Only those whose review is overdue.")
@_AS_JSON
@pass_services
def list_holds(
    services: Services,
    agency: str | None,
    case_number: str | None,
    kind: str | None,
    standing: bool,
    overdue: bool,
    as_json: bool,
) -> None:
    """List holds, released ones too, without plates; the ledger keeps that they were shown.

    Example: alpr-repository hold list --agency salem-pd --overdue
    """
    now = services.clock()
    which = Filter(agency, case_number, kind, standing, now if overdue else None)
    with services.engine.begin() as connection:
        found = holds_listing.list_holds(connection, which)
        asked: dict[str, JSON] = {
            "agency": agency,
            "case_number": case_number,
            "kind": kind,
            "standing": standing,
            "overdue": overdue,
        }
        ids = digest_of_ids(str(each.id) for each in found)
        log.append(
            connection,
            Entry(
                "hold.list",
                operator(),
                now,
                COMMAND_LINE,
                asked,
                count=len(found),
                result_digest=ids,
            ),
        )
    without_plates = [dataclasses.replace(each, plate=None, plate_state=None) for each in found]
    if as_json:
        click.echo(json.dumps([as_mapping(each) for each in without_plates]))
        return
    for each in without_plates:
        click.echo(hold_line(each, now))
    click.echo(f"{len(found)} holds")


@hold.command("show")
@_USER
@secret_input.password_file
@_NUMBER
@_AS_JSON
@pass_services
def show(
    services: Services, login: str, password_file: Path | None, number: int, as_json: bool
) -> None:
    """Show a hold of your agency with its reviews and the reads that it keeps.

    Example: alpr-repository hold show --user jdoe --hold 7
    """
    user = _sign_in(services, login, password_file)
    with _acting(services, user, "hold.show", {"hold": number}) as connection:
        found, reviews, held = holds_listing.show(connection, number)
        if found.agency != user.agency:
            raise HoldError(f"hold {number}: not one of agency {user.agency}")
        entry = _entry(services, user, "hold.show", {"hold": number})
        ids = digest_of_ids(str(each.read_id) for each in held)
        log.append(connection, dataclasses.replace(entry, count=len(held), result_digest=ids))
    if as_json:
        parts = {"reviews": reviews, "held": held}
        more = {name: [as_mapping(each) for each in rows] for name, rows in parts.items()}
        click.echo(json.dumps(as_mapping(found) | more))
        return
    for line in hold_lines(found, reviews, held, services.clock()):
        click.echo(line)


_RELEASED = {
    "released": "hold {number} released",
    "proposed": "hold {number}: release proposed; it stands until another person of your agency "
    "confirms that with `alpr-repository hold confirm-release`",
}


def _target(
    reads: tuple[UUID, ...],
    hit: UUID | None,
    plate: str | None,
    state: str | None,
    unit: str | None,
    start: datetime | None,
    end: datetime | None,
) -> Target:
    if [bool(reads), hit is not None, plate is not None, unit is not None].count(True) != 1:
        raise HoldError("what is held: give --read, --hit, --plate or --unit, one of them")
    if state is not None and plate is None:
        raise HoldError("state: belongs to --plate")
    if plate is None and unit is None:
        if start is not None or end is not None:
            raise HoldError("period: belongs to --plate and --unit")
        return HitTarget(hit) if hit is not None else tuple(dict.fromkeys(reads))
    if start is None or end is None:
        raise HoldError("period: --plate and --unit need --from and --to")
    if plate is not None:
        return PlateTarget(normalise(plate), state, start, end)
    agency, _, name = (unit or "").partition("/")
    return UnitTarget(agency, name, start, end)


def _sign_in(services: Services, login: str, password_file: Path | None) -> User:
    password = secret_input.current_password(password_file)
    return services.accounts.sign_in(login, password, COMMAND_LINE)


def _entry(services: Services, user: User, action: str, asked: Mapping[str, JSON]) -> Entry:
    return Entry(action, user.actor, services.clock(), COMMAND_LINE, asked)


@contextmanager
def _acting(
    services: Services, user: User, action: str, asked: Mapping[str, JSON]
) -> Iterator[Connection]:
    """A transaction of that person's; if it is refused or fails, that is on the ledger."""
    entry = _entry(services, user, action, asked)
    with attempt(services.engine, entry, HoldError), services.engine.begin() as connection:
        yield connection


def _say(as_json: bool, mapping: dict[str, Any], line: str) -> None:
    click.echo(json.dumps(mapping) if as_json else line)
