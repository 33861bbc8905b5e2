"""Commands about misuse: reporting, answering in writing, closing, keeping somebody out."""

from __future__ import annotations

import json
from typing import get_args

import click

from repository.accounts.acting import as_person
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.user import User
from repository.agencies.agreements_commands import ACTING, NUMBER
from repository.agencies.misuse import Answer, Report
from repository.agencies.misuse_desk import Measure
from repository.bootstrap import Services
from repository.command import AS_JSON, tell_each

_REPORT = click.option("--report", "number", type=NUMBER, required=True, help="Its number.")
_AUDIT = click.option("--found-by-audit", is_flag=True, help="An audit found it, and not you.")


@click.group("misuse")
def misuse_command() -> None:
    """Misuse of the system: reported, investigated by the agency's head, answered in writing.

    Example: alpr-repository misuse list --user rroe
    """


@misuse_command.command("report")
@click.option("--what", required=True, help="What happened, when, and how you know.")
@click.option("--agency", help="Another agency's short name, where it is about one of theirs.")
@click.option("--against", help="The login of the colleague that it is about.")
@click.option("--about-head", is_flag=True, help="It is about the agency's head.")
@_AUDIT
@AS_JSON
@as_person
def report(
    services: Services,
    user: User,
    what: str,
    agency: str | None,
    against: str | None,
    about_head: bool,
    found_by_audit: bool,
    as_json: bool,
) -> None:
    """Report misuse; the agency's head answers it in writing within ten business days.

    What is about the head goes to the operator's security officer instead.

    Example: alpr-repository misuse report --user jdoe --against mroe
    --what "Looked up a neighbour's plate on 2026-03-02 and said so"
    """
    number, due_on = services.misuse.report(
        user,
        what,
        COMMAND_LINE,
        agency=agency,
        against=against,
        about_head=about_head,
        found_by="audit" if found_by_audit else "person",
    )
    line = f"misuse report {number} made; it is answered by {due_on}"
    shown = {"report": number, "due_on": due_on.isoformat()}
    click.echo(json.dumps(shown) if as_json else line)


@misuse_command.command("list")
@AS_JSON
@ACTING
def list_command(services: Services, user: User | None, as_json: bool) -> None:
    """List the reports that you made or look into; the operator sees all.

    Example: alpr-repository misuse list --user rroe --json
    """
    found = services.misuse.show(user, COMMAND_LINE)
    tell_each(found, lambda each: "\n".join(_lines(each)), as_json)


@misuse_command.command("answer")
@_REPORT
@click.option("--misused/--no-misuse", required=True, help="What the investigation determined.")
@click.option("--circumstances", required=True, help="What happened, and how it came to it.")
@click.option("--actions", required=True, help="What was done, and will be, to put it right.")
@click.option("--prevention", default="", help="What keeps it from happening again.")
@as_person
def answer(
    services: Services,
    user: User,
    number: int,
    misused: bool,
    circumstances: str,
    actions: str,
    prevention: str,
) -> None:
    """Answer a report in writing, as the agency's head; of a head, as the security officer.

    Example: alpr-repository misuse answer --user rroe --report 7 --misused
    --circumstances "Officer Roe searched for a neighbour's plate" --actions "Access revoked"
    --prevention "All users were told again; monthly audits look at it"
    """
    given = Answer(misused, circumstances, actions, prevention)
    services.misuse.answer(user, number, given, COMMAND_LINE)
    click.echo(f"misuse report {number} answered")


@misuse_command.command("close")
@_REPORT
@click.option("--reason", required=True, help="What was concluded.")
@ACTING
def close(services: Services, user: User | None, number: int, reason: str) -> None:
    """Close an answered report, as the operator's security officer.

    Example: alpr-repository misuse close --user sofficer --report 7 --reason "Answer accepted"
    """
    services.misuse.close(user, number, reason, COMMAND_LINE)
    click.echo(f"misuse report {number} closed")


@misuse_command.command("measure")
@_REPORT
@click.option(
    "--measure", type=click.Choice(get_args(Measure)), required=True, help="Which of them."
)
@as_person
def measure(services: Services, user: User, number: int, measure: Measure) -> None:
    """Suspend the access of whom a report is about until an administrator unlocks it, or revoke it.

    Example: alpr-repository misuse measure --user rroe --report 7 --measure suspend
    """
    login = services.misuse.measure(user, number, measure, COMMAND_LINE)
    click.echo(f"{login}: access {'suspended' if measure == 'suspend' else 'revoked'}")


def _lines(each: Report) -> list[str]:
    to = "the security officer" if each.to_operator else "the agency's head"
    against = f" against {each.against}" if each.against else ""
    state = f"to be answered by {to} by {each.due_on}" if each.state == "open" else each.state
    lines = [f"{each.id}  {each.agency}{against}  {each.reported_at:%Y-%m-%d}  {state}"]
    lines.append(f"    reported by {each.reported_by_name}: {each.what}")
    if each.circumstances is not None:
        found = "MISUSE" if each.misused else "no misuse"
        lines.append(f"    {found}, says {each.answered_by_name}: {each.circumstances}")
        lines.append(f"    actions: {each.actions}")
    if each.prevention is not None:
        lines.append(f"    prevention: {each.prevention}")
    if each.close_reason is not None:
        lines.append(f"    closed by {each.closed_by_name}: {each.close_reason}")
    return lines
