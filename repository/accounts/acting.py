"""Commands that act for a person: who signs in, for this one command, before it does anything.

Each code of a second factor serves once, so a script that runs several commands signs in once with
``alpr-repository sign-in`` and names the session's file to the others.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, TypeVar

import click
from click.core import ParameterSource

from repository.accounts import secret_input
from repository.accounts.acknowledgement import NOTICE
from repository.accounts.errors import AccountError
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.standing import Step
from repository.accounts.user import User, fold_login
from repository.bootstrap import Services
from repository.command import pass_services

SESSION_VARIABLE = "ALPR_SESSION_FILE"

_R = TypeVar("_R")
_F = TypeVar("_F", bound=Callable[..., Any])


def _session_option(or_set: str) -> Callable[[_F], _F]:
    return click.option(
        "--session-file",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar=SESSION_VARIABLE,
        help=f"File of a session that `sign-in` began, in place of signing in; {or_set} "
        f"{SESSION_VARIABLE}.",
    )


session_file = _session_option("or set")


def sign_in(
    services: Services,
    login: str,
    password_file: Path | None,
    code_file: Path | None,
    *,
    before: Step | None = None,
) -> User:
    """The person, by password and code, for one command; ``before`` names what it clears."""
    password = secret_input.current_password(password_file)
    offered = secret_input.second_factor(code_file)
    click.echo(NOTICE, err=True)
    return services.accounts.sign_in(login, password, COMMAND_LINE, offered, before=before)


def as_person(command: Callable[Concatenate[Services, User, ...], _R]) -> Callable[..., _R]:
    """Give a command its services and the person who signs in, in place of `pass_services`."""

    @_options("Your login.", person_needed=True)
    @functools.wraps(command)
    def as_that_person(services: Services, /, *, user: User | None, **options: Any) -> _R:
        if user is None:
            raise click.UsageError("Missing option '--user' (or '--session-file').")
        return command(services, user, **options)

    return as_that_person


def as_person_if_named(
    why: str,
) -> Callable[[Callable[Concatenate[Services, User | None, ...], _R]], Callable[..., _R]]:
    """The same where a person need not be named; ``why`` says in ``--help`` what it is for."""

    def decorate(
        command: Callable[Concatenate[Services, User | None, ...], _R],
    ) -> Callable[..., _R]:
        @_options(why, person_needed=False)
        @functools.wraps(command)
        def perhaps_as_person(services: Services, /, *, user: User | None, **options: Any) -> _R:
            return command(services, user, **options)

        return perhaps_as_person

    return decorate


def write_session(path: Path, token: str) -> None:
    """Keep a session's token where its person alone can read it.

    Raises:
        AccountError: if the file cannot be written.
    """
    try:
        # Made anew and closed: a file that was there may be open to others.
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(token + "\n")
    except OSError as error:
        raise AccountError(f"{path}: {error.strerror}") from error


def read_session(path: Path) -> str:
    """The token in that file.

    Raises:
        AccountError: if it cannot be read, or others can read it too.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise AccountError(f"{path}: {error.strerror}; begin with `sign-in`") from error
    if mode & 0o077:
        raise AccountError(f"{path}: others can read it; sign in anew")
    return secret_input.first_line(path)


def _options(why: str, *, person_needed: bool) -> Callable[[Callable[..., _R]], Callable[..., _R]]:
    """Add the options that say who it is, and give the command that person as ``user``.

    Where none is needed, a session that the environment alone names makes nobody act for themselves
    in place of the machine's operator.
    """

    def decorate(command: Callable[..., _R]) -> Callable[..., _R]:
        @click.option("--user", "login", help=why)
        @secret_input.password_file
        @secret_input.code_file
        @(session_file if person_needed else _session_option("or, beside --user, set"))
        @pass_services
        @functools.wraps(command)
        def with_user(
            services: Services,
            /,
            *,
            login: str | None,
            password_file: Path | None,
            code_file: Path | None,
            session_file: Path | None,
            **options: Any,
        ) -> _R:
            user = None
            if not person_needed and login is None and not _said("session_file"):
                session_file = None
            if password_file is None and code_file is None and session_file is not None:
                user = _in_session(services, login, session_file)
            elif login is not None:
                user = sign_in(services, login, password_file, code_file)
            return command(services, user=user, **options)

        return with_user

    return decorate


def _said(option: str) -> bool:
    """Whether the command's own words name the option."""
    source = click.get_current_context().get_parameter_source(option)
    return source is ParameterSource.COMMANDLINE


def _in_session(services: Services, login: str | None, path: Path) -> User:
    user = services.accounts.user_of(read_session(path), COMMAND_LINE)
    if login is not None and fold_login(login) != user.login:
        raise AccountError(f"{path}: it is a session of {user.login}, not of {login}")
    return user
