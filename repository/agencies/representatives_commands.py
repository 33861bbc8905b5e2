"""Commands that say who holds an agency's posts."""

from __future__ import annotations

from datetime import date, datetime

import click

from repository.accounts.operator import COMMAND_LINE
from repository.accounts.user import User
from repository.agencies.agreements_commands import ACTING, AGENCY, DAY
from repository.agencies.representatives import WORDS, Person, Post
from repository.bootstrap import Services

_POST = click.option(
    "--post", type=click.Choice([each.value for each in Post]), required=True, help="Which post."
)


@click.command("name")
@AGENCY
@_POST
@click.option("--name", required=True, help="The person's full name.")
@click.option("--title", required=True, help="Their title or rank.")
@click.option("--phone", required=True, help="As in 978-555-0100.")
@click.option("--email", required=True, help="As in jdoe@salem.example.")
@click.option("--login", "of_login", help="Their login, where they have an account.")
@click.option("--from", "day", type=DAY, required=True, help="The first day they hold the post.")
@ACTING
def name_holder(
    services: Services,
    user: User | None,
    agency: str | None,
    post: str,
    name: str,
    title: str,
    phone: str,
    email: str,
    of_login: str | None,
    day: datetime,
) -> None:
    """Say who holds a post of an agency; whoever held it stays on record.

    A change of the head or a representative has the agreement signed anew in ten business days.

    Example: alpr-repository agencies name --agency salem-pd --post head --name "Ruth Roe"
    --title "Chief of Police" --phone 978-555-0100 --email rroe@salem.example --from 2026-03-02
    """
    person = Person(name, title, phone, email, of_login)
    named, due_on = services.agreements.name(
        user, agency, Post(post), person, day.date(), COMMAND_LINE
    )
    click.echo(f"{WORDS[named.holder.post]}: {named.holder.name} from {named.holder.from_on} on")
    _say_due(due_on)


@click.command("vacate")
@AGENCY
@_POST
@click.option("--from", "day", type=DAY, required=True, help="The first day nobody holds it.")
@ACTING
def vacate(
    services: Services, user: User | None, agency: str | None, post: str, day: datetime
) -> None:
    """Say that nobody holds a post of an agency any more.

    Example: alpr-repository agencies vacate --agency salem-pd --post backup_representative
    --from 2026-03-02
    """
    left, due_on = services.agreements.vacate(user, agency, Post(post), day.date(), COMMAND_LINE)
    click.echo(f"{WORDS[left.post]}: nobody from {day.date()} on; it was {left.name}")
    _say_due(due_on)


def _say_due(due_on: date | None) -> None:
    if due_on is not None:
        click.echo(f"the agency's head signs the agreement anew by {due_on}")
