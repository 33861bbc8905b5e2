"""``alpr-repository hold``: placing, reviewing and releasing holds, by people who sign in."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import click

from edge.contract.plates import normalise
from repository.accounts.acting import as_person, as_person_if_named
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON
from repository.ledger import log
from repository.ledger.entry import JSON, Entry, as_typed, digest_of_ids
from repository.moments import moment
from repository.retention import holds_listing
from repository.retention.holds_acting import DAY, SEEING, acting, placing, why_of, why_options
from repository.retention.holds_ending_commands import (
    assign,
    confirm_release,
    release,
    review,
    withdraw_release,
)
from repository.retention.holds_listing import Filter
from repository.retention.holds_objecting_commands import object_to, on_our_reads
from repository.retention.holds_present import hold_line, placed_lines, without_reads
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
from repository.retention.holds_showing_command import show
from repository.store.engine import reading
from repository.typed_plate import only_of_plates
from repository.units.enrolment import require_known
from repository.wording import counted

_READS_RECORDED = 500  # of a refused hold; the ledger's entries have a largest size


@click.group()
def hold() -> None:
    """Reads that are kept beyond the rule because of a case.

    Example: alpr-repository hold list --agency salem-pd
    """


for _command in (
    assign,
    confirm_release,
    object_to,
    on_our_reads,
    release,
    review,
    show,
    withdraw_release,
):
    hold.add_command(_command)


@hold.command("add")
@click.option("--case", "case_number", required=True, help="Number of the case.")
@why_options("hold")
@click.option(
    "--legal-process",
    help="Court and number of the letter or order that asks to keep reads: then only your agency's "
    "own are held, nothing is said of reads, and training and agreement are not asked for.",
)
@click.option(
    "--kind",
    required=True,
    type=click.Choice(HOLD_KINDS),
    help="Which of the policy's exceptions it is (section 7, b, i to v in this order).",
)
@click.option(
    "--reason",
    required=True,
    help="What is known in this case that makes it necessary to keep these reads, in words.",
)
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
    legal_process: str | None,
    as_json: bool,
    **why: Any,
) -> None:
    """Hold reads, a hit, a plate or a unit for a case; the ledger keeps who did it and why.

    The answer says how many reads are held, so it asks for what a search asks: training, an
    agreement, a purpose, a reason in words and --affirm. Of other agencies only what a search
    may show is held. Everything of a --unit is for its own agency to hold.

    Example: alpr-repository hold add --user jdoe --case 24-1187 --kind evidence --reason "Passed
    the bank twice before the robbery" --review 2026-09-01 --plate 1ABC23 --from 2026-02-01
    --to 2026-04-01 --affirm
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
    power = Power.HOLD if legal_process is None else Power.HOLD_BY_PROCESS
    with acting(services, user, "hold.add", asked, power) as connection:
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
        placed = placing(services, connection).place(
            connection,
            user,
            request,
            why_of(why),
            process=legal_process,
            origin=COMMAND_LINE,
            now=services.clock(),
        )
    if as_json:
        told = {} if placed.reads is None else {"reads": placed.reads, "not_held": placed.not_held}
        click.echo(json.dumps({"hold": placed.number, **told}))
        return
    for line in placed_lines(placed):
        click.echo(line)


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
    """List holds, released ones too, without plates and reads; the ledger keeps that it was done.

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
    if user is None:
        with reading(services.engine) as connection:
            require_known(connection, agency)
    which = Filter(whose, case_number, kind, standing, now if overdue else None)
    transaction = (
        services.engine.begin()
        if user is None
        else acting(services, user, "hold.list", asked, *SEEING)
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
    if as_json:
        click.echo(json.dumps([without_reads(each) for each in found]))
        return
    for each in found:
        click.echo(hold_line(each, now))
    click.echo(counted(len(found), "hold"))


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
