"""Commands that a person runs for their own account: signing in, the steps of the first day."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import click

from repository.accounts import secret_input
from repository.accounts.acknowledgement import NOTICE
from repository.accounts.acting import read_session, session_file, sign_in, write_session
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.own_account import NewSecret
from repository.accounts.standing import Step
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services


@click.command("sign-in")
@click.option("--user", "login", required=True, help="Your login.")
@secret_input.password_file
@secret_input.code_file
@click.option(
    "--session-file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File to write the session into, for you alone.",
)
@pass_services
def sign_in_command(
    services: Services,
    login: str,
    password_file: Path | None,
    code_file: Path | None,
    path: Path,
) -> None:
    """Begin a session for several commands, which then need neither password nor code.

    Example: alpr-repository sign-in --user jdoe --session-file session
    """
    password = secret_input.current_password(password_file)
    offered = secret_input.second_factor(code_file)
    click.echo(NOTICE, err=True)
    session = services.accounts.open_session(login, password, COMMAND_LINE, offered)
    write_session(path, session.token)
    waiting = services.accounts.outstanding(session.user)
    click.echo(f"{session.user.name}: signed in; end it with `alpr-repository sign-out`")
    if waiting:
        click.echo(f"not open yet: {waiting[0].refusal()}")


@click.command("sign-out")
@session_file
@pass_services
def sign_out_command(services: Services, session_file: Path | None) -> None:
    """End a session that `sign-in` began, and remove its file.

    Example: alpr-repository sign-out --session-file session
    """
    if session_file is None:
        raise click.UsageError("Missing option '--session-file'.")
    token = read_session(session_file)
    session_file.unlink()
    services.accounts.sign_out(token, COMMAND_LINE)
    click.echo("signed out")


@click.command("passwd")
@click.argument("login")
@secret_input.password_file
@secret_input.code_file
@click.option(
    "--new-password-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File whose first line is the new password; typed twice without one.",
)
@pass_services
def passwd(
    services: Services,
    login: str,
    password_file: Path | None,
    code_file: Path | None,
    new_password_file: Path | None,
) -> None:
    """Change your own password, the one-time password first of all.

    Example: alpr-repository users passwd jdoe
    """
    current = secret_input.current_password(password_file)
    offered = secret_input.second_factor(code_file)
    new = secret_input.new_password(new_password_file)
    click.echo(NOTICE, err=True)
    services.accounts.change_password(login, current, new, COMMAND_LINE, offered)
    click.echo("the password is changed; sign in with the new one")


@click.command("acknowledge")
@click.argument("login")
@secret_input.password_file
@secret_input.code_file
@click.option("--terms", is_flag=True, help="Only print the terms and the words to sign.")
@click.option("--sign", "name", help="Your full name, in place of typing it when asked.")
@pass_services
def acknowledge(
    services: Services,
    login: str,
    password_file: Path | None,
    code_file: Path | None,
    terms: bool,
    name: str | None,
) -> None:
    """Read the terms, and sign that you received them, by typing your full name.

    Example: alpr-repository users acknowledge jdoe
    """
    words = services.accounts.words()
    if terms:
        click.echo(f"{words.terms}\n{words.words}")
        return
    user = sign_in(services, login, password_file, code_file, before=Step.ACKNOWLEDGEMENT)
    if name is None:
        click.echo(f"{words.terms}\n{words.words}\n")
        name = secret_input.typed("Sign with your full name", "--sign", hidden=False)
    services.accounts.acknowledge(user, words.sha256, name, COMMAND_LINE)
    click.echo(f'signed by {user.name}: "{words.words}"')


@click.command("enrol")
@click.argument("login")
@secret_input.password_file
@secret_input.code_file
@click.option("--begin", is_flag=True, help="Only print a new secret; confirm it with --confirm.")
@click.option("--confirm", is_flag=True, help="Only confirm the secret that --begin printed.")
@click.option(
    "--first-code-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File whose first line is the new secret's first code; typed without one.",
)
@AS_JSON
@pass_services
def enrol(
    services: Services,
    login: str,
    password_file: Path | None,
    code_file: Path | None,
    begin: bool,
    confirm: bool,
    first_code_file: Path | None,
    as_json: bool,
) -> None:
    """Set up an authenticator app as your second factor; scan what is shown, then type its code.

    The recovery codes that are printed in the end serve once each, where the app is lost.

    Example: alpr-repository users enrol jdoe
    """
    if begin and (confirm or first_code_file is not None):
        raise click.UsageError("say either --begin or --confirm")
    user = sign_in(services, login, password_file, code_file, before=Step.SECOND_FACTOR)
    if not confirm:
        made = services.accounts.new_secret(user, COMMAND_LINE)
        _show_secret(made, as_json)
        if begin:
            return
    code = secret_input.first_code(first_code_file)
    codes = services.accounts.confirm_secret(user, code, COMMAND_LINE)
    _show_codes(codes, as_json)


@click.command("recovery-codes")
@click.argument("login")
@secret_input.password_file
@secret_input.code_file
@AS_JSON
@pass_services
def recovery_codes(
    services: Services,
    login: str,
    password_file: Path | None,
    code_file: Path | None,
    as_json: bool,
) -> None:
    """Print new recovery codes; those that are left serve no more.

    Example: alpr-repository users recovery-codes jdoe
    """
    user = sign_in(services, login, password_file, code_file)
    _show_codes(services.accounts.new_recovery_codes(user, COMMAND_LINE), as_json)


OF_USERS = (passwd, acknowledge, enrol, recovery_codes)
AT_THE_TOP = (sign_in_command, sign_out_command)


def _show_secret(made: NewSecret, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"secret": made.secret, "address": made.address}))
        return
    # Nothing else draws.
    import segno

    drawn = io.StringIO()
    segno.make(made.address).terminal(drawn, compact=True)
    click.echo(drawn.getvalue())
    click.echo(f"Scan this with an authenticator app, or type the secret into it: {made.secret}")


def _show_codes(codes: Sequence[str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"recovery_codes": codes}))
        return
    click.echo("the second factor is set up; sign in with it from now on")
    if codes:
        click.echo("Recovery codes, each good once; keep them on paper, away from the app:")
        for code in codes:
            click.echo(f"  {code}")
