"""``alpr-repository users``: making, changing and closing accounts.

Commands on others' accounts are the machine's operator's, named in the ledger by their own
account on the machine.
"""

from __future__ import annotations

import json

import click

from repository.accounts import own_commands
from repository.accounts.acting import as_person_if_named
from repository.accounts.closing import Ended
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.people_commands import AS, ROLES, by, show_password
from repository.accounts.roles import parse
from repository.accounts.user import User
from repository.accounts.users import Account
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services

_NAME = click.option("--name", required=True, help="The person's full name.")
_AGENCY = click.option("--agency", required=True, help="The short name of their agency.")
_POSITION = click.option("--position", default="", help="Their rank or post at the agency.")


@click.group()
def users() -> None:
    """People who may sign in.

    Example: alpr-repository users add jdoe --name "Jane Doe" --agency salem-pd --role officer
    """


@users.command()
@click.argument("login")
@_NAME
@_AGENCY
@ROLES
@_POSITION
@AS_JSON
@pass_services
def bootstrap(
    services: Services,
    login: str,
    name: str,
    agency: str,
    roles: tuple[str, ...],
    position: str,
    as_json: bool,
) -> None:
    """Make the very first user and print their one-time password.

    Example: alpr-repository users bootstrap jdoe --name "Jane Doe" --agency salem-pd
    --role alpr_administrator --position Lieutenant
    """
    given = parse(roles)
    password = services.accounts.bootstrap(
        login, name, agency, operator(), COMMAND_LINE, roles=given, position=position
    )
    show_password(login, password, as_json)


@users.command()
@click.argument("person", metavar="LOGIN")
@_NAME
@_AGENCY
@ROLES
@_POSITION
@AS_JSON
@as_person_if_named(AS)
def add(
    services: Services,
    user: User | None,
    person: str,
    name: str,
    agency: str,
    roles: tuple[str, ...],
    position: str,
    as_json: bool,
) -> None:
    """Make a user and print their one-time password.

    Example: alpr-repository users add jdoe --name "Jane Doe" --agency salem-pd --role officer
    """
    given = parse(roles)
    password = services.accounts.add(
        person, name, agency, by(user), COMMAND_LINE, roles=given, position=position
    )
    show_password(person, password, as_json)


@users.command(name="roles")
@click.argument("person", metavar="LOGIN")
@ROLES
@click.option("--position", help="Their rank or post, where it has changed.")
@as_person_if_named(AS)
def roles_(
    services: Services, user: User | None, person: str, roles: tuple[str, ...], position: str | None
) -> None:
    """Give a user these roles in place of those that they have.

    Example: alpr-repository users roles jdoe --role officer --role investigator
    """
    changed = services.accounts.set_roles(
        person, parse(roles), by(user), COMMAND_LINE, position=position
    )
    click.echo(
        f"{changed.login}: {changed.position or 'no position'}; {', '.join(sorted(changed.roles))}"
    )


@users.command()
@click.argument("person", metavar="LOGIN")
@AS_JSON
@as_person_if_named(AS)
def reset(services: Services, user: User | None, person: str, as_json: bool) -> None:
    """Give a user who forgot theirs a new one-time password.

    Example: alpr-repository users reset jdoe
    """
    password = services.accounts.reset_password(person, by(user), COMMAND_LINE)
    show_password(person, password, as_json)


@users.command("reset-second-factor")
@click.argument("person", metavar="LOGIN")
@AS_JSON
@as_person_if_named(AS)
def reset_second_factor(services: Services, user: User | None, person: str, as_json: bool) -> None:
    """Take a lost second factor off an account, and print a new one-time password.

    Example: alpr-repository users reset-second-factor jdoe
    """
    password = services.accounts.reset_second_factor(person, by(user), COMMAND_LINE)
    show_password(person, password, as_json)


@users.command()
@click.argument("person", metavar="LOGIN")
@as_person_if_named(AS)
def leave(services: Services, user: User | None, person: str) -> None:
    """Close the account of a person who left, with all that they could still come in by.

    Example: alpr-repository users leave jdoe
    """
    _show_end(person, services.accounts.close_account(person, by(user), COMMAND_LINE))


@users.command()
@click.argument("person", metavar="LOGIN")
@click.option("--reason", required=True, help="Why, in words; kept on the ledger.")
@as_person_if_named(AS)
def revoke(services: Services, user: User | None, person: str, reason: str) -> None:
    """Close the account of a person who stays at the agency but may not come in any more.

    Example: alpr-repository users revoke jdoe --reason "Moved to duties without access"
    """
    _show_end(person, services.accounts.close_account(person, by(user), COMMAND_LINE, why=reason))


@users.command()
@click.argument("person", metavar="LOGIN")
@as_person_if_named(AS)
def unlock(services: Services, user: User | None, person: str) -> None:
    """Release an account that failed sign-ins have locked.

    Example: alpr-repository users unlock jdoe
    """
    services.accounts.unlock(person, by(user), COMMAND_LINE)
    click.echo(f"{person}: released")


@users.command(name="list")
@AS_JSON
@as_person_if_named(AS)
def list_(services: Services, user: User | None, as_json: bool) -> None:
    """List everybody who has or had an account.

    Example: alpr-repository users list --json
    """
    found = services.accounts.everyone(by(user), COMMAND_LINE)
    if as_json:
        click.echo(json.dumps({"users": [_plain(each) for each in found]}))
        return
    for each in found:
        user = each.user
        waiting = ", has a one-time password" if user.must_change_password else ""
        click.echo(f"{user.agency}  {user.login}  {user.name}  {_state(each)}{waiting}")
        click.echo(f"    {user.position or 'no position'}; {', '.join(sorted(user.roles))}")


def _plain(account: Account) -> dict[str, object]:
    user = account.user
    return {
        "login": user.login,
        "name": user.name,
        "agency": user.agency,
        "state": _state(account),
        "must_change_password": user.must_change_password,
        "roles": sorted(user.roles),
        "position": user.position,
        "closed_because": account.disabled_why,
        "last_used_at": account.last_used_at.isoformat() if account.last_used_at else None,
    }


def _state(account: Account) -> str:
    return "closed" if account.disabled_at else "locked" if account.locked_at else "open"


def _show_end(login: str, ended: Ended) -> None:
    click.echo(f"{login}: closed")
    click.echo(f"    sessions that ended: {ended.sessions}")
    click.echo(f"    tokens of services that were revoked: {', '.join(ended.tokens) or 'none'}")
    numbers = ", ".join(map(str, ended.proposals))
    click.echo(f"    proposals and approvals of searches that ended: {numbers or 'none'}")
    if ended.unadministered is not None:
        click.echo(
            f"nobody administers {ended.unadministered} now: give somebody there the role "
            "alpr_administrator with 'alpr-repository users add' or 'users roles'",
            err=True,
        )


for _command in own_commands.OF_USERS:
    users.add_command(_command)
