"""``alpr-repository units resume``."""

from __future__ import annotations

import dataclasses
import json

import click

from repository.accounts.operator import COMMAND_LINE, operator
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.ledger.attempt import attempt
from repository.ledger.entry import Entry, as_typed
from repository.units import resume as resuming
from repository.units.enrolment import EnrolmentError


@click.command("resume")
@click.option("--agency", required=True, help="The agency's short name.")
@click.option("--unit", "name", required=True, help="The unit's name within its agency.")
@click.option("--reason", required=True, help="How it came about, in words; the ledger keeps it.")
@AS_JSON
@pass_services
def resume(services: Services, agency: str, name: str, reason: str, as_json: bool) -> None:
    """Let a unit go on that is refused as out of chain after a restore.

    What it sent between the backup and now is lost here, and the finding says so.

    Example: alpr-repository units resume --agency salem-pd --unit car-12 --reason "Restored from
    the backup of 2026-03-01"
    """
    asked = {"agency": as_typed(agency), "unit": as_typed(name), "reason_given": as_typed(reason)}
    entry = Entry(resuming.ACTION, operator(), services.clock(), COMMAND_LINE, asked)
    with attempt(services.engine, entry, EnrolmentError), services.engine.begin() as connection:
        lost = resuming.resume(
            connection, agency=agency, name=name, reason=reason, actor=operator(),
            origin=COMMAND_LINE, now=services.clock(),
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(lost)))
        return
    click.echo(
        f"unit {agency}/{name} goes on from record {lost.last_lost + 1}; records "
        f"{lost.first_lost} to {lost.last_lost} are lost here"
    )
