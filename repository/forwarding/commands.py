"""Commands about forwarding to another repository, and the file that enrols units there."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import click
from sqlalchemy import Connection

from repository.accounts.acting import as_person
from repository.accounts.entering import enter
from repository.accounts.errors import AccountError
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.agencies.errors import AgencyError
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.forwarding import exchange, filters, state
from repository.forwarding.exchange import EnrolmentFile
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed
from repository.moments import moment
from repository.store.engine import reading
from repository.units.enrolment import require_known

_T = TypeVar("_T")
_AGENCY = click.option("--agency", required=True, help="The agency's short name.")


@click.group()
def forward() -> None:
    """Forwarding to another repository, as to the state's.

    Example: alpr-repository forward status
    """


@forward.command("status")
@AS_JSON
@pass_services
def status(services: Services, as_json: bool) -> None:
    """Show how far each unit is forwarded, what is left out, and what is refused there.

    Ends with status 1 where something is left out or refused.

    Example: alpr-repository forward status --json
    """
    settings = services.settings.forward
    if settings is None:
        raise AgencyError("nothing is forwarded: the settings have no [forward]")
    with reading(services.engine) as connection:
        found = state.positions(connection, settings.agencies)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found]))
    else:
        for each in found:
            click.echo(f"{each.agency}/{each.unit}  forwarded {each.through} of {each.committed}")
            if each.gap_through is not None:
                click.echo(
                    f"    LEFT OUT {each.through + 1} to {each.gap_through}: {each.gap_reason}"
                )
            if each.refused is not None:
                click.echo(f"    REFUSED {each.refused}")
    if any(each.gap_through is not None or each.refused is not None for each in found):
        click.get_current_context().exit(1)


@forward.command("keep")
@click.option("--unit", help="Only what this unit of your agency captured.")
@click.option("--camera", help="Only what this camera captured.")
@click.option("--since", type=moment, help="From this moment on; now, unless given.")
@click.option("--reason", required=True, help="Why, in words; kept on the ledger.")
@as_person
def keep(
    services: Services,
    user: User,
    unit: str | None,
    camera: str | None,
    since: datetime | None,
    reason: str,
) -> None:
    """Keep what your agency's units capture from the other repository.

    A batch that holds one such record is not forwarded at all; see the page for administrators.

    Example: alpr-repository forward keep --user jdoe --unit pole-3 --reason "Not to be shared"
    """
    now = services.clock()
    request: dict[str, JSON] = {
        "unit": None if unit is None else as_typed(unit),
        "camera": None if camera is None else as_typed(camera),
        "since": (since or now).isoformat(),
        "reason_given": as_typed(reason),
    }

    def add(connection: Connection) -> int:
        return filters.add(
            connection,
            user,
            unit=unit,
            camera=camera,
            since=since or now,
            reason=reason,
            now=now,
        )

    number = _by_person(services, user, "forward.keep", request, add)
    click.echo(f"filter {number} set")


@forward.command("release")
@click.option(
    "--filter",
    "number",
    type=click.IntRange(1, 2**31 - 1),
    required=True,
    help="The filter's number.",
)
@click.option("--reason", required=True, help="Why, in words; kept on the ledger.")
@as_person
def release(services: Services, user: User, number: int, reason: str) -> None:
    """End a filter: what is captured from now on is forwarded, what it kept stays kept.

    Example: alpr-repository forward release --user jdoe --filter 3 --reason "Agreed with the state"
    """
    request: dict[str, JSON] = {"filter": number, "reason_given": as_typed(reason)}
    _by_person(
        services,
        user,
        "forward.release",
        request,
        lambda connection: filters.end(connection, user, number, services.clock()),
    )
    click.echo(f"filter {number} ended")


@forward.command("filters")
@_AGENCY
@AS_JSON
@pass_services
def list_filters(services: Services, agency: str, as_json: bool) -> None:
    """List what an agency keeps from the other repository, ended filters too.

    Example: alpr-repository forward filters --agency salem-pd
    """
    with reading(services.engine) as connection:
        require_known(connection, agency)
        found = filters.list_of(connection, agency)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], default=str))
        return
    for each in found:
        until = f"until {each.until:%Y-%m-%d %H:%M}" if each.until else "stands"
        click.echo(
            f"{each.id}  {each.unit or 'every unit'}  {each.camera or 'every camera'}  "
            f"from {each.since:%Y-%m-%d %H:%M}  {until}  {each.set_by_name}: {each.reason}"
        )
    if not found:
        click.echo("none")


@click.command("export")
@_AGENCY
@pass_services
def export_units(services: Services, agency: str) -> None:
    """Print the file that enrols an agency's units with another repository.

    It holds their public keys, and what of theirs is not forwarded; give it there anew when
    `alpr-repository findings list` says that something is left out.

    Example: alpr-repository units export --agency salem-pd > salem-pd.json
    """
    with services.engine.begin() as connection:
        file = exchange.export(connection, agency)
        request: dict[str, JSON] = {"agency": agency, "left_out": _left_out(file)}
        entry = Entry(
            "units.export", operator(), services.clock(), COMMAND_LINE, request,
            count=len(file.units),
        )  # fmt: skip
        log.append(connection, entry)
    click.echo(exchange.encode(file).decode(), nl=False)


@click.command("import")
@click.option(
    "--file",
    "path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A file of `alpr-repository units export`.",
)
@AS_JSON
@pass_services
def import_units(services: Services, path: Path, as_json: bool) -> None:
    """Enrol the units of an agency that another repository forwards, by its file.

    The agency must be here: `alpr-repository agencies add`. Given anew, the file says which
    records are left out, and the units' chains go on behind them.

    Example: alpr-repository units import --file salem-pd.json
    """
    file = exchange.decode(path.read_bytes())
    request: dict[str, JSON] = {
        "agency": file.agency,
        "units": [f"{each.unit} {each.key}" for each in file.units[:500]],
    }
    entry = Entry("units.import", operator(), services.clock(), COMMAND_LINE, request)
    with attempt(services.engine, entry, AgencyError), services.engine.begin() as connection:
        done = exchange.take(connection, file, services.clock())
        left_out = sum(each.left_out for each in done)
        recorded = dataclasses.replace(
            entry, request=request | {"left_out": left_out}, count=len(done)
        )
        log.append(connection, recorded)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in done]))
        return
    for each in done:
        click.echo(
            f"{file.agency}/{each.unit}  key {each.key}  "
            f"{'enrolled' if each.enrolled else 'known'}"
            + (f"  {each.left_out} records left out" if each.left_out else "")
        )


def _by_person(
    services: Services,
    user: User,
    action: str,
    request: dict[str, JSON],
    work: Callable[[Connection], _T],
) -> _T:
    entry = Entry(action, user.actor, services.clock(), COMMAND_LINE, request)
    refusals = (AgencyError, AccountError)
    with attempt(services.engine, entry, refusals), services.engine.begin() as connection:
        enter(connection, user, Power.MANAGE_AGENCY)
        done = work(connection)
        log.append(connection, entry)
    return done


def _left_out(file: EnrolmentFile) -> int:
    return sum(head.last_seq - head.first_seq + 1 for unit in file.units for head in unit.left_out)
