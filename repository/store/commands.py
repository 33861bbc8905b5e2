"""Commands about the database's shape."""

from __future__ import annotations

import json

import click

from repository.bootstrap import Services
from repository.command import pass_services
from repository.store import migrate, statistics


@click.group()
def db() -> None:
    """The database's tables.

    Example: alpr-repository db check
    """


@db.command()
@pass_services
def upgrade(services: Services) -> None:
    """Bring the database to the shape that this version needs.

    Example: alpr-repository db upgrade
    """
    migrate.upgrade(services.engine)
    click.echo(f"the database is at {migrate.current(services.engine)}")


@db.command()
@pass_services
def check(services: Services) -> None:
    """Say whether the database answers and has the shape that this version needs.

    Example: alpr-repository db check
    """
    migrate.require_current(services.engine)
    click.echo(f"the database answers and is at {migrate.head()}")


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
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
