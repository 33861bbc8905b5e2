"""Commands about the database's shape."""

from __future__ import annotations

import dataclasses
import json
import sys
from datetime import UTC

import click

from edge.contract.plates import load_confusables
from repository.accounts.oidc_agencies import require_known
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.store import migrate, statistics
from repository.store.ahead import ensure_coming_days
from repository.store.checks import check as checks
from repository.store.checks.keys import check_file, check_keys
from repository.store.engine import DatabaseDamagedError, reading
from repository.store.roles_command import roles


@click.group()
def db() -> None:
    """The database's tables.

    Example: alpr-repository db check
    """


@db.command()
@pass_services
def upgrade(services: Services) -> None:
    """Bring the database to the shape that this version needs.

    Makes too what depends on it: the indexes of extensions that were installed since, and the
    partitions of the coming days.

    Example: alpr-repository db upgrade
    """
    migrate.upgrade(services.engine)
    with services.engine.begin() as connection:
        ensure_coming_days(connection, services.clock().astimezone(UTC).date())
    click.echo(f"the database is at {migrate.current(services.engine)}")


@db.command()
@click.option("--all", "everything", is_flag=True, help="Compare every read with its record.")
@AS_JSON
@pass_services
def check(services: Services, everything: bool, as_json: bool) -> None:
    """Say whether the database is as it should be, and if not, what to do.

    Looks at the schema, partitions, indexes, extensions and permissions, at what the rows must say
    of one another, whether the keys are those that it was worked with under, and whether the
    agencies are there that the settings name sign-in providers for. Every read must say what its
    signed record says: a thousand at random are compared, or all of them. Ends with status 1 if
    anything is wrong; advice alone is no fault.

    Example: alpr-repository db check --all --json
    """
    found = checks.check(
        services.engine,
        today=services.clock().astimezone(UTC).date(),
        fold=load_confusables().fold,
        everything=everything,
    )
    shaped = not {each.check for each in found} & {"database.readable", "schema.at_head"}
    if shaped:
        found += check_keys(
            {
                "keys.receipts": lambda: services.receipts_key,
                "keys.ledger": lambda: services.signer.check_key(),
                "keys.pictures": lambda: _check_pictures_key(services),
            }
        )
        found += check_file(
            "settings.oidc",
            lambda: _check_providers(services),
            "name the agency in the settings by its short name; the web does not start before",
        )
    wrong = any(each.severity == "wrong" for each in found)
    if as_json:
        revision = _revision(services)
        findings = [dataclasses.asdict(each) for each in found]
        click.echo(json.dumps({"ok": not wrong, "schema": revision, "findings": findings}))
    else:
        for each in found:
            click.echo(f"{each.severity}: {each.check}: {each.detail}\n    {each.remedy}")
        if not wrong:
            click.echo(f"the database answers and is at {migrate.head()}")
    if wrong:
        sys.exit(1)


@db.command()
@AS_JSON
@pass_services
def counts(services: Services, as_json: bool) -> None:
    """Say how much is stored; no plate, person or place.

    Example: alpr-repository db counts --json
    """
    with services.engine.connect() as connection:
        numbers = statistics.count(connection)
    if as_json:
        click.echo(json.dumps(numbers))
        return
    for name, number in numbers.items():
        click.echo(f"{name.replace('_', ' '):<20} {number}")


def _check_pictures_key(services: Services) -> None:
    with reading(services.engine) as connection:
        services.pictures.check_master_key(connection)


def _check_providers(services: Services) -> None:
    with reading(services.engine) as connection:
        require_known(connection, [each.agency for each in services.settings.accounts.oidc])


def _revision(services: Services) -> str | None:
    try:
        return migrate.current(services.engine)
    except DatabaseDamagedError:
        return None


db.add_command(roles)
