"""``alpr-repository hold``: placing, reviewing and releasing holds, by people who sign in."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from uuid import UUID

import click

from edge.contract.plates import load_confusables, normalise
from repository.accounts.acting import as_person, as_person_if_named
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.ledger import log
from repository.ledger.entry import JSON, Entry, as_typed, digest_of_ids
from repository.moments import moment
from repository.retention import holds, holds_listing
from repository.retention.holds_acting import (
    AS_JSON,
    DAY,
    NUMBER,
    acting,
    entry_of,
)
from repository.retention.holds_ending_commands import (
    assign,
    confirm_release,
    release,
    review,
    withdraw_release,
)
from repository.retention.holds_listing import Filter
from repository.retention.holds_lookalikes import lookalikes
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
from repository.typed_plate import only_of_plates
from repository.wording import counted

_SEEING = (Power.HOLD, Power.RELEASE_HOLD, Power.SEE_CASES)
_READS_RECORDED = 500  # of a refused hold; the ledger's entries have a largest size


@click.group()
def hold() -> None:
    """Reads that are kept beyond the rule because of a case.

    Example: alpr-repository hold list --agency salem-pd
    """


for _command in (assign, release, confirm_release, withdraw_release, review):
    hold.add_command(_command)


@hold.command("add")
@click.option("--case", "case_number", required=True, help="Number of the case.")
@click.option(
    "--kind",
    required=True,
    type=click.Choice(HOLD_KINDS),
    help="Which of the policy's exceptions it is (section 7, b, i to v in this order).",
)
@click.option("--reason", required=True, help="Why these reads are kept, in words.")
@click.option(
    "--review", type=DAY, help="Day on which the hold is looked at again; evidence needs it."
)
@click.option("--direction", help="Text of the administrator's direction, for that kind.")
@click.option("--until", "ends_on", type=DAY, help="Last day (UTC) of the direction.")
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
@AS_JSON
@as_person
def add(
    services: Services,
    user: User,
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
    asked: dict[str, JSON] = {
        "case_number": as_typed(case_number),
        "kind": kind,
        "reason_given": as_typed(reason),
        "reads": [str(each) for each in reads[:_READS_RECORDED]],
        "hit": str(hit) if hit else None,
        "plate": as_typed(plate) if plate else None,
        "unit": as_typed(unit) if unit else None,
    }
    with acting(services, user, "hold.add", asked, Power.HOLD) as connection:
        target = _target(reads, hit, plate, state, unit, start, end)
        request = HoldRequest(
            case_number=case_number,
            kind=kind,
            reason=reason,
            target=target,
            review_due=review.date() if review else None,
            ends_on=ends_on.date() if ends_on else None,
            direction=direction,
            record_period=record_period,
        )
        alike = (
            lookalikes(connection, target, load_confusables().fold, user.agency_id)
            if isinstance(target, PlateTarget)
            else {}
        )
        number = holds.add(
            connection,
            request,
            actor=user.actor,
            origin=COMMAND_LINE,
            now=services.clock(),
            lookalikes=sum(alike.values()),
        )
        held = holds_listing.show(connection, number)[0].reads
    if as_json:
        click.echo(json.dumps({"hold": number, "reads": held, "not_held": alike}))
        return
    click.echo(f"hold {number} for case {case_number}: {counted(held, 'read')}")
    if held == 0:
        click.echo(
            "warning: it keeps no read now, only what still comes in of its period; if that is "
            "not what you expect, check what you named, the state and the period"
        )
    for other, count in alike.items():
        click.echo(
            f"warning: not held: {counted(count, 'read')} of {other}, which is easily "
            "taken for it; "
            "place another hold on it if it is the same car"
        )


@hold.command("list")
@click.option("--agency", help="Only this agency's.")
@click.option("--case", "case_number", help="Only of this case.")
@click.option("--kind", type=click.Choice(HOLD_KINDS), help="Only of this kind.")
@click.option("--standing", is_flag=True, help="Only those that stand.")
@click.option("--overdue", is_flag=True, help="Only those whose review is overdue.")
@AS_JSON
@as_person_if_named("Your login, to see your own agency's; without it you act as the operator.")
def list_holds(
    services: Services,
    user: User | None,
    *,
    agency: str | None,
    case_number: str | None,
    kind: str | None,
    standing: bool,
    overdue: bool,
    as_json: bool,
) -> None:
    """List holds, released ones too, without plates; the ledger keeps that they were shown.

    Example: alpr-repository hold list --user jdoe --overdue
    """
    now = services.clock()
    asked: dict[str, JSON] = {
        "agency": None if agency is None else as_typed(agency),
        "case_number": None if case_number is None else as_typed(case_number),
        "kind": kind,
        "standing": standing,
        "overdue": overdue,
    }
    whose = agency if user is None else user.agency
    which = Filter(whose, case_number, kind, standing, now if overdue else None)
    transaction = (
        services.engine.begin()
        if user is None
        else acting(services, user, "hold.list", asked, *_SEEING)
    )
    with transaction as connection:
        if agency not in (None, whose):
            raise HoldError(f"agency: you see the holds of your own, {whose}, alone")
        found = holds_listing.list_holds(connection, which)
        ids = digest_of_ids(str(each.id) for each in found)
        log.append(
            connection,
            Entry(
                "hold.list",
                operator() if user is None else user.actor,
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
    click.echo(counted(len(found), "hold"))


@hold.command("show")
@NUMBER
@AS_JSON
@as_person
def show(services: Services, user: User, number: int, as_json: bool) -> None:
    """Show a hold of your agency with its reviews and the reads that it keeps.

    Example: alpr-repository hold show --user jdoe --hold 7
    """
    with acting(services, user, "hold.show", {"hold": number}, *_SEEING) as connection:
        found, reviews, held = holds_listing.show(connection, number)
        if found.agency != user.agency:
            raise HoldError(f"hold {number}: not one of agency {user.agency}")
        entry = entry_of(services, user, "hold.show", {"hold": number})
        ids = digest_of_ids(str(each.read_id) for each in held)
        log.append(connection, dataclasses.replace(entry, count=len(held), result_digest=ids))
    if as_json:
        more = {
            "reviews": [as_mapping(each) for each in reviews],
            "held": [as_mapping(each) for each in held],
        }
        click.echo(json.dumps(as_mapping(found) | more))
        return
    for line in hold_lines(found, reviews, held, services.clock()):
        click.echo(line)


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
        if not only_of_plates(plate):
            raise HoldError(
                "plate: letters, digits, blanks and dashes alone, no wildcards; where not all of "
                "it is known, search, then hold what was found by --read or --plate, or hold "
                "everything of a --unit over the period"
            )
        return PlateTarget(normalise(plate), state, start, end)
    agency, _, name = (unit or "").partition("/")
    if not agency or not name:
        raise HoldError("unit: give it as AGENCY/UNIT, such as salem-pd/car-12")
    return UnitTarget(agency, name, start, end)
