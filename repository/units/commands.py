"""Commands about agencies and units."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import Connection

from repository.accounts.operator import COMMAND_LINE, operator
from repository.agencies.access_commands import end, restore, suspend
from repository.agencies.representatives_commands import name_holder, vacate
from repository.agencies.upkeep import out_of_service
from repository.agencies.upkeep_commands import log_command
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.forwarding.commands import export_units, import_units
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed
from repository.retention.local_rules_command import rule
from repository.store import keyfiles
from repository.store.engine import reading
from repository.units import enrolment
from repository.units.access import mosquitto_rules
from repository.units.present import unit_lines
from repository.units.resume_command import resume

_USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@click.group()
def agencies() -> None:
    """Agencies that contribute reads.

    Example: alpr-repository agencies add --name salem-pd --title "Salem Police"
    """


@agencies.command("add")
@click.option("--name", required=True, help="Short name, as in topics: letters, digits, hyphens.")
@click.option("--title", required=True, help="Full name.")
@click.option("--ori", help="ORI number, seven or nine characters.")
@click.option(
    "--kind",
    default="law_enforcement",
    show_default=True,
    help=f"What makes it one of criminal justice: {', '.join(enrolment.KINDS)}.",
)
@pass_services
def add_agency(services: Services, name: str, title: str, ori: str | None, kind: str) -> None:
    """Add an agency; its people search once its head has signed the agreement.

    Example: alpr-repository agencies add --name salem-pd --title "Salem Police"
    """
    asked = {"agency": name, "title": title, "ori": ori, "kind": kind}
    typed: dict[str, JSON] = {key: each and as_typed(each) for key, each in asked.items()}
    entry = Entry("agency.add", operator(), services.clock(), COMMAND_LINE, typed)
    with (
        attempt(services.engine, entry, enrolment.EnrolmentError),
        services.engine.begin() as connection,
    ):
        enrolment.add_agency(
            connection, name=name, title=title, ori=ori, kind=kind, now=services.clock()
        )
        log.append(connection, entry)
    click.echo(f"agency {name} added")
    click.echo(
        "next: name its head and representatives with `alpr-repository agencies name`, and record "
        "the agreement that its head signed with `alpr-repository agreements sign`"
    )


@agencies.command("list")
@AS_JSON
@pass_services
def list_agencies(services: Services, as_json: bool) -> None:
    """List agencies.

    Example: alpr-repository agencies list --json
    """
    with reading(services.engine) as connection:
        found = enrolment.list_agencies(connection)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found]))
        return
    for each in found:
        click.echo(
            f"{each.name}  {each.title}"
            + (f"  ORI {each.ori}" if each.ori else "")
            + (f"  ACCESS {each.access.upper()}" if each.access else "")
        )


agencies.add_command(suspend)
agencies.add_command(end)
agencies.add_command(restore)
agencies.add_command(rule)
agencies.add_command(name_holder)
agencies.add_command(vacate)


@click.group()
def units() -> None:
    """Units that send reads.

    Example: alpr-repository units list
    """


@units.command("add")
@click.option("--agency", required=True, help="The agency's short name.")
@click.option("--unit", "name", required=True, help="The unit's name within its agency.")
@click.option(
    "--public-key",
    "key_file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="PEM file that `alpr-edge enrol` printed.",
)
@AS_JSON
@pass_services
def add_unit(services: Services, agency: str, name: str, key_file: Path, as_json: bool) -> None:
    """Enrol a unit by its public key, and show the key that it needs in return.

    A unit that was revoked comes back under its name with a new key, and goes on where it ended.

    Example: alpr-repository units add --agency salem-pd --unit car-12 --public-key car-12.pub
    """
    public_key = keyfiles.load_public_key(key_file)
    receipts = services.receipts_public_key_file
    pem = keyfiles.public_pem(services.receipts_key.public_key()).decode()
    with services.engine.begin() as connection:
        identifier = enrolment.add_unit(
            connection, agency=agency, name=name, public_key=public_key, now=services.clock()
        )
        enrolled: dict[str, JSON] = {"agency": agency, "unit": name, "key": identifier}
        _record(connection, services, "unit.add", enrolled)
    if as_json:
        click.echo(
            json.dumps({"key": identifier, "repository_public_key": str(receipts), "pem": pem})
        )
        return
    click.echo(f"unit {agency}/{name} enrolled with key {identifier}")
    click.echo(f"give the unit the repository's public key, {receipts}:")
    click.echo(pem, nl=False)


units.add_command(resume)
units.add_command(log_command)
units.add_command(export_units)
units.add_command(import_units)


@units.command("list")
@AS_JSON
@pass_services
def list_units(services: Services, as_json: bool) -> None:
    """List units, how far each is committed, when it was last heard, and what troubles it.

    Example: alpr-repository units list --json
    """
    with reading(services.engine) as connection:
        found = enrolment.list_units(connection)
        out = {(each.agency, each.unit): each.reason for each in out_of_service(connection)}
    if as_json:
        rows = [
            _plain(each) | {"out_of_service": out.get((each.agency, each.name))} for each in found
        ]
        click.echo(json.dumps(rows))
        return
    for each in found:
        for line in unit_lines(each, services.clock()):
            click.echo(line)
        if (each.agency, each.name) in out:
            click.echo(f"    OUT OF SERVICE: {out[each.agency, each.name]}")
    if not found:
        click.echo("none")


@units.command("revoke")
@click.option("--agency", required=True, help="The agency's short name.")
@click.option("--unit", "name", required=True, help="The unit's name within its agency.")
@pass_services
def revoke_unit(services: Services, agency: str, name: str) -> None:
    """Take nothing more from a unit under its key; what it sent stays, and can be proven.

    Example: alpr-repository units revoke --agency salem-pd --unit car-12
    """
    with services.engine.begin() as connection:
        enrolment.revoke_unit(connection, agency=agency, name=name, now=services.clock())
        _record(connection, services, "unit.revoke", {"agency": agency, "unit": name})
    click.echo(
        f"unit {agency}/{name} revoked; write the broker's rules anew with "
        "`alpr-repository units acl`, and take its certificate back at the authority"
    )


@units.command("acl")
@click.option(
    "--forwarder",
    "forwarders",
    multiple=True,
    help="USER=AGENCY: another repository's user, and the agency whose units it forwards.",
)
@pass_services
def acl(services: Services, forwarders: tuple[str, ...]) -> None:
    """Print mosquitto's access rules for the units that are enrolled.

    Example: alpr-repository units acl > /etc/mosquitto/plateward.acl
    """
    with reading(services.engine) as connection:
        named = [_forwarder(connection, each) for each in forwarders]
        click.echo(mosquitto_rules(enrolment.list_units(connection), named), nl=False)


def _forwarder(connection: Connection, given: str) -> tuple[str, str]:
    user, _, agency = given.partition("=")
    if not _USER_NAME.fullmatch(user):
        raise click.BadParameter(f"{given!r} is not USER=AGENCY", param_hint="--forwarder")
    return user, enrolment.require_agency(connection, agency).name


def _record(
    connection: Connection, services: Services, action: str, request: Mapping[str, JSON]
) -> None:
    log.append(connection, Entry(action, operator(), services.clock(), COMMAND_LINE, request))


def _plain(unit: enrolment.Unit) -> dict[str, object]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in dataclasses.asdict(unit).items()
    }
