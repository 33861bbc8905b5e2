"""``alpr-repository sessions``: one's own to unlock; others', for the operator of the machine."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from repository.accounts import secret_input
from repository.accounts.acting import read_session, session_file, write_session
from repository.accounts.operator import COMMAND_LINE, operator
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.wording import counted


@click.group()
def sessions() -> None:
    """Sessions of people who have signed in.

    Example: alpr-repository sessions end jdoe
    """


@sessions.command(name="unlock")
@session_file
@secret_input.password_file
@pass_services
def unlock(services: Services, session_file: Path | None, password_file: Path | None) -> None:
    """Open your own locked session again with your password; no code is asked for.

    Example: alpr-repository sessions unlock --session-file session
    """
    if session_file is None:
        raise click.UsageError("Missing option '--session-file'.")
    token = read_session(session_file)
    password = secret_input.current_password(password_file)
    session = services.accounts.unlock_session(token, password, COMMAND_LINE)
    write_session(session_file, session.token)
    click.echo(f"{session.user.name}: the session is open again")


@sessions.command(name="end")
@click.argument("login")
@AS_JSON
@pass_services
def end(services: Services, login: str, as_json: bool) -> None:
    """End every session of a person at once; they may sign in again.

    Example: alpr-repository sessions end jdoe
    """
    count = services.accounts.operator_ends_sessions_of(login, operator(), COMMAND_LINE)
    if as_json:
        click.echo(json.dumps({"login": login, "ended": count}))
        return
    click.echo(f"{login}: {counted(count, 'session')} ended")


@sessions.command(name="shared")
@AS_JSON
@pass_services
def shared(services: Services, as_json: bool) -> None:
    """List logins that were used in two places at about the same time, the newest first.

    Example: alpr-repository sessions shared --json
    """
    found = services.accounts.operator_lists_shared_uses(operator(), COMMAND_LINE)
    if as_json:
        rows = [
            {
                name: each.isoformat() if hasattr(each, "isoformat") else each
                for name, each in dataclasses.asdict(use).items()
            }
            for use in found
        ]
        click.echo(json.dumps({"shared_uses": rows}))
        return
    for use in found:
        told = "its person was told" if use.told_at else "its person is told at the next sign-in"
        click.echo(
            f"{use.last_at:%Y-%m-%d %H:%M}Z  {use.agency}  {use.login}  "
            f"{use.one_origin} and {use.other_origin}; {told}"
        )
    if not found:
        click.echo("none")
