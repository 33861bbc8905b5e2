"""Commands about the database's shape."""

from __future__ import annotations

import click

from repository.bootstrap import Services
from repository.command import pass_services
from repository.store import migrate


@click.group()
def db() -> None:
    """The database's tables."""


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
