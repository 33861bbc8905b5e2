"""``alpr-repository bulletins``: what users must know and acknowledge."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from repository.accounts import secret_input
from repository.accounts.acting import as_person_if_named, sign_in
from repository.accounts.bulletins import About
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.people_commands import AS, by
from repository.accounts.standing import Step
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services

_NUMBER = click.option(
    "--bulletin",
    "number",
    required=True,
    type=click.IntRange(1, 2**31 - 1),
    help="The bulletin's number.",
)


@click.group()
def bulletins() -> None:
    """Changes in hardware, software, law or policy that users must read and acknowledge.

    Example: alpr-repository bulletins read jdoe
    """


@bulletins.command("publish")
@click.option(
    "--about",
    required=True,
    type=click.Choice([each.value for each in About]),
    help="What it tells of.",
)
@click.option("--title", required=True, help="Its title.")
@click.option(
    "--text",
    "path",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with its text.",
)
@click.option("--agency", help="The agency whose people it is for; everybody without it.")
@as_person_if_named(AS)
def publish(
    services: Services,
    user: User | None,
    about: str,
    title: str,
    path: Path,
    agency: str | None,
) -> None:
    """Publish a bulletin: whoever it is for reads it before anything else.

    Example: alpr-repository bulletins publish --user jdoe --agency salem-pd --about policy
    --title "Reasons for entries" --text reasons.txt
    """
    try:
        body = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{path}: cannot be read as text") from error
    number = services.people.publish_bulletin(
        by(user), About(about), title, body, COMMAND_LINE, agency=agency
    )
    click.echo(f"bulletin {number} published")


@bulletins.command("withdraw")
@_NUMBER
@as_person_if_named(AS)
def withdraw(services: Services, user: User | None, number: int) -> None:
    """Have nobody read a bulletin any more; who did stays on record.

    Example: alpr-repository bulletins withdraw --user jdoe --bulletin 3
    """
    services.people.withdraw_bulletin(by(user), number, COMMAND_LINE)
    click.echo(f"bulletin {number} withdrawn")


@bulletins.command("list")
@AS_JSON
@as_person_if_named(AS)
def list_(services: Services, user: User | None, as_json: bool) -> None:
    """List the bulletins for people of your agency.

    Example: alpr-repository bulletins list --user jdoe
    """
    found = services.people.list_bulletins(by(user), COMMAND_LINE)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], default=str))
        return
    for each in found:
        whom = each.agency or "everybody"
        state = "  withdrawn" if each.withdrawn_at else ""
        click.echo(
            f"{each.id}  {each.published_at:%Y-%m-%d}  {each.about}  {whom}  {each.title}{state}"
        )
    if not found:
        click.echo("none")


@bulletins.command("readers")
@_NUMBER
@AS_JSON
@as_person_if_named(AS)
def readers(services: Services, user: User | None, number: int, as_json: bool) -> None:
    """List who has read a bulletin and who has not.

    Example: alpr-repository bulletins readers --user jdoe --bulletin 3
    """
    found = services.people.readers_of_bulletin(by(user), number, COMMAND_LINE)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], default=str))
        return
    for each in found:
        read = f"read {each.read_at:%Y-%m-%d %H:%M} UTC" if each.read_at else "NOT READ"
        click.echo(f"{each.agency}  {each.login}  {each.name}  {read}")


@bulletins.command("read")
@click.argument("login")
@secret_input.password_file
@secret_input.code_file
@click.option(
    "--acknowledge",
    "number",
    type=click.IntRange(1, 2**31 - 1),
    help="Say that you read the bulletin of this number; without it they are printed.",
)
@pass_services
def read(
    services: Services,
    login: str,
    password_file: Path | None,
    code_file: Path | None,
    number: int | None,
) -> None:
    """Print the bulletins that you have still to read, or acknowledge one.

    Example: alpr-repository bulletins read jdoe --acknowledge 3
    """
    user = sign_in(services, login, password_file, code_file, before=Step.BULLETINS)
    if number is not None:
        services.people.acknowledge_bulletin(user, number, COMMAND_LINE)
        click.echo(f"bulletin {number} is acknowledged")
        return
    for each in services.people.unread_bulletins(user, COMMAND_LINE):
        click.echo(f"bulletin {each.id} of {each.published_at:%Y-%m-%d}: {each.title}\n")
        click.echo(f"{each.body}\n")
