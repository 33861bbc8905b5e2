"""``alpr-repository db roles``: what each part of the repository may do in the database."""

from __future__ import annotations

import click

from repository.bootstrap import Services
from repository.command import pass_services
from repository.store import roles as of_database


@click.command("roles")
@click.option("--apply", "run", is_flag=True, help="Make them, not only print the SQL.")
@click.option(
    "--prefix",
    default=of_database.DEFAULT_PREFIX,
    show_default=True,
    help="What the roles' names begin with.",
)
@pass_services
def roles(services: Services, run: bool, prefix: str) -> None:
    """Print the SQL for database roles with no more rights than each part needs.

    PostgreSQL alone. Run by the owner of the tables, who may make roles, and again after every
    `db upgrade`.

    Example: alpr-repository db roles --apply
    """
    with services.engine.begin() as connection:
        if run:
            of_database.apply(connection, prefix)
            names = ", ".join(f"{prefix}_{each}" for each in of_database.ROLES)
            click.echo(f"the roles {names} have what they need")
            return
        for statement in of_database.statements(connection, prefix):
            click.echo(f"{statement};")
