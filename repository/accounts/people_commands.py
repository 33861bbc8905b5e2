"""``alpr-repository logins`` and ``training``: who is to have an account, and who is taught."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime

import click

from repository.accounts.acting import as_person_if_named
from repository.accounts.authority import By
from repository.accounts.login_requests import Form
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.roles import Role, parse
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services

AS = "Your login; without it you act as the operator of this machine."
REASON = click.option("--reason", required=True, help="Why, in words; kept on the ledger.")
_NUMBER = click.option(
    "--request",
    "number",
    required=True,
    type=click.IntRange(1, 2**31 - 1),
    help="The request's number.",
)
ROLES = click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice([each.value for each in Role]),
    help="What they are, and so may do; may be given several times.",
)
_EMPLOYEE = click.option(
    "--current-employee",
    is_flag=True,
    help="Your word that they work at your agency, and may by law review criminal justice "
    "information.",
)


def by(user: User | None) -> By:
    """Who acts."""
    return operator() if user is None else user


@click.group()
def logins() -> None:
    """Requests for a login, which the agency's ALPR administrator decides.

    Example: alpr-repository logins list --user jdoe
    """


@logins.command("request")
@click.option("--name", required=True, help="The person's full name.")
@click.option("--position", required=True, help="Their rank or post at the agency.")
@click.option("--agency", required=True, help="The short name of their agency.")
@click.option("--phone", required=True, help="Their telephone number at work.")
@click.option("--email", required=True, help="Their e-mail address at work.")
@click.option("--reason", required=True, help="What they need it for, in words.")
@pass_services
def request(
    services: Services, name: str, position: str, agency: str, phone: str, email: str, reason: str
) -> None:
    """Hand in a request for a login, as it came on paper.

    Example: alpr-repository logins request --name "Jane Doe" --position Detective --agency
    salem-pd --phone 978-555-0100 --email jdoe@salem.example.gov --reason "Assigned to auto theft"
    """
    form = Form(name, position, agency, phone, email, reason)
    number = services.people.ask_for_login(form, COMMAND_LINE)
    click.echo(f"request {number} waits for the ALPR administrator of {agency}")


@logins.command("list")
@click.option("--decided", is_flag=True, help="Those that are decided too.")
@AS_JSON
@as_person_if_named(AS)
def list_requests(services: Services, user: User | None, decided: bool, as_json: bool) -> None:
    """List requests that wait at your agency; the ledger keeps that they were shown.

    Example: alpr-repository logins list --user jdoe --decided
    """
    found = services.people.list_login_requests(by(user), COMMAND_LINE, decided_too=decided)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], default=str))
        return
    for each in found:
        became = f"{each.decision} by {each.decided_by_name}" if each.decision else "waits"
        click.echo(
            f"{each.id}  {each.received_at:%Y-%m-%d}  {each.agency}  {each.name}, "
            f"{each.position}, {each.phone}, {each.email}: {each.reason}  {became}"
        )
    click.echo(f"{len(found)} requests")


@logins.command("grant")
@_NUMBER
@click.option("--login", "new_login", required=True, help="The login that they are to have.")
@ROLES
@_EMPLOYEE
@REASON
@AS_JSON
@as_person_if_named(AS)
def grant(
    services: Services,
    user: User | None,
    number: int,
    new_login: str,
    roles: tuple[str, ...],
    current_employee: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Make the account that was asked for, and print its one-time password.

    Example: alpr-repository logins grant --user jdoe --request 3 --login rroe --role officer
    --current-employee --reason "Assigned to patrol"
    """
    password = services.people.grant_login(
        by(user), number, new_login, parse(roles), reason, COMMAND_LINE,
        current_employee=current_employee,
    )  # fmt: skip
    show_password(new_login, password, as_json)


@logins.command("reopen")
@_NUMBER
@click.option("--login", "old_login", required=True, help="The login that they had.")
@ROLES
@_EMPLOYEE
@REASON
@AS_JSON
@as_person_if_named(AS)
def reopen(
    services: Services,
    user: User | None,
    number: int,
    old_login: str,
    roles: tuple[str, ...],
    current_employee: bool,
    reason: str,
    as_json: bool,
) -> None:
    """Open the closed account of a person who returned, and print its one-time password.

    The person asks for a login as everybody does. They set up a second factor anew; what they
    signed, were taught and did before stays theirs.

    Example: alpr-repository logins reopen --user jdoe --request 3 --login rroe --role officer
    --current-employee --reason "Back from a year with the state"
    """
    done = services.people.reopen_login(
        by(user), number, old_login, parse(roles), reason, COMMAND_LINE,
        current_employee=current_employee,
    )  # fmt: skip
    if as_json:
        plain = dataclasses.asdict(done) | {"one_time_password": done.one_time_password or None}
        click.echo(json.dumps(plain, default=str))
        return
    click.echo(f"{done.login}: was closed on {done.closed_at:%Y-%m-%d} ({done.closed_because})")
    show_password(done.login, done.one_time_password, as_json)


@logins.command("deny")
@_NUMBER
@REASON
@as_person_if_named(AS)
def deny(services: Services, user: User | None, number: int, reason: str) -> None:
    """Refuse a request.

    Example: alpr-repository logins deny --user jdoe --request 3 --reason "Not of our agency"
    """
    services.people.deny_login(by(user), number, reason, COMMAND_LINE)
    click.echo(f"request {number} denied")


@click.group()
def training() -> None:
    """Courses that people took; without one that is good, searches stay closed to them.

    Example: alpr-repository training list --user jdoe
    """


@training.command("record")
@click.argument("person", metavar="LOGIN")
@click.option("--course", required=True, help="What was taught.")
@click.option("--taught-by", required=True, help="By whom.")
@click.option(
    "--on", "taken_on", required=True, type=click.DateTime(["%Y-%m-%d"]), help="On which day."
)
@as_person_if_named(AS)
def record(
    services: Services,
    user: User | None,
    person: str,
    course: str,
    taught_by: str,
    taken_on: datetime,
) -> None:
    """Keep that a person was taught; nobody records their own training.

    Example: alpr-repository training record rroe --user jdoe --course "ALPR, first use"
    --taught-by "Sgt. A. Poe" --on 2026-03-01
    """
    made = services.people.record_training(
        by(user), person, course, taught_by, taken_on.date(), COMMAND_LINE
    )
    click.echo(f"training {made.id} of {made.login}: good through {made.good_until.isoformat()}")


@training.command("strike")
@click.option(
    "--training",
    "number",
    required=True,
    type=click.IntRange(1, 2**31 - 1),
    help="The training's number.",
)
@REASON
@as_person_if_named(AS)
def strike(services: Services, user: User | None, number: int, reason: str) -> None:
    """Have a training that was recorded by mistake count no more.

    Example: alpr-repository training strike --user jdoe --training 7 --reason "Another person"
    """
    services.people.strike_training(by(user), number, reason, COMMAND_LINE)
    click.echo(f"training {number} counts no more")


@training.command("list")
@click.option("--login", "of_login", help="Only this person's.")
@AS_JSON
@as_person_if_named(AS)
def list_trainings(
    services: Services, user: User | None, of_login: str | None, as_json: bool
) -> None:
    """List the courses of your agency's people.

    Example: alpr-repository training list --user jdoe --login rroe
    """
    found = services.people.list_trainings(by(user), COMMAND_LINE, login=of_login)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], default=str))
        return
    for each in found:
        state = "struck" if each.struck_at else f"good through {each.good_until.isoformat()}"
        click.echo(
            f"{each.id}  {each.agency}/{each.login}  {each.course}, by {each.taught_by} on "
            f"{each.taken_on.isoformat()}  {state}"
        )
    if not found:
        click.echo("none")


def show_password(login: str, password: str, as_json: bool) -> None:
    """Print a new one-time password, which is to be replaced first, or that there is none."""
    if as_json:
        click.echo(json.dumps({"login": login, "one_time_password": password or None}))
        return
    if not password:
        click.echo(
            f"{login}: has no password here; people of that agency sign in by its own provider "
            "alone"
        )
        return
    click.echo(f"one-time password of {login}: {password}")
    click.echo(
        f"It is shown this once and must be changed first: alpr-repository users passwd {login}"
    )
