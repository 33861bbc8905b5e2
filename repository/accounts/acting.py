"""Commands that act for a person: who signs in, for this one command, before it does anything."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, TypeVar

import click

from repository.accounts import secret_input
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import pass_services

_R = TypeVar("_R")

_USER = click.option("--user", "login", required=True, help="Your login.")


def as_person(command: Callable[Concatenate[Services, User, ...], _R]) -> Callable[..., _R]:
    """Give a command its services and the person who signs in, in place of `pass_services`."""

    @_USER
    @secret_input.password_file
    @pass_services
    @functools.wraps(command)
    def as_that_person(
        services: Services, /, *, login: str, password_file: Path | None, **options: Any
    ) -> _R:
        return command(services, _sign_in(services, login, password_file), **options)

    return as_that_person


def as_person_if_named(
    why: str,
) -> Callable[[Callable[Concatenate[Services, User | None, ...], _R]], Callable[..., _R]]:
    """The same where a person need not be named; ``why`` says in ``--help`` what it is for."""
    named = click.option("--user", "login", help=why)

    def decorate(
        command: Callable[Concatenate[Services, User | None, ...], _R],
    ) -> Callable[..., _R]:
        @named
        @secret_input.password_file
        @pass_services
        @functools.wraps(command)
        def perhaps_as_person(
            services: Services, /, *, login: str | None, password_file: Path | None, **options: Any
        ) -> _R:
            user = None if login is None else _sign_in(services, login, password_file)
            return command(services, user, **options)

        return perhaps_as_person

    return decorate


def _sign_in(services: Services, login: str, password_file: Path | None) -> User:
    password = secret_input.current_password(password_file)
    return services.accounts.sign_in(login, password, COMMAND_LINE)
