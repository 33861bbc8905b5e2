"""What the commands of the command line share: settings, services, and how they tell things."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from repository.bootstrap import Services, build
from repository.present import plain
from repository.settings import DEFAULT_FILE, Settings, default_settings, load_settings
from repository.store import migrate
from repository.store.engine import DatabaseDamagedError, DatabaseUnavailableError

_P = ParamSpec("_P")
_R = TypeVar("_R")
_F = TypeVar("_F")

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def chosen_settings(ctx: click.Context) -> Settings:
    """The settings of the file that was named, of ./repository.toml, or the embedded defaults.

    Raises:
        SettingsError: if the file is missing or wrong.
    """
    named: Path | None = ctx.find_root().obj
    if named is not None:
        return load_settings(named)
    return load_settings(DEFAULT_FILE) if DEFAULT_FILE.exists() else default_settings()


def pass_services(command: Callable[Concatenate[Services, _P], _R]) -> Callable[_P, _R]:
    """Give a command its services, built only now, so that ``--help`` needs none.

    None is given them while a restore has not purged what it brought back.
    """

    @functools.wraps(command)
    def with_services(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        services = build(chosen_settings(click.get_current_context()))
        try:
            # A command that needs the database says itself what is wrong with it.
            with suppress(DatabaseUnavailableError, DatabaseDamagedError):
                migrate.require_opened(services.engine)
            return command(services, *args, **kwargs)
        finally:
            services.close()

    return with_services


def tell(found: object, line: str, as_json: bool) -> None:
    """Print what was found or done: in a line for people, or all of it as JSON."""
    click.echo(json.dumps(plain(found)) if as_json else line)


def tell_each(found: Sequence[_F], in_words: Callable[[_F], str], as_json: bool) -> None:
    """Print all that was found: each in words for people, or as one array of JSON."""
    if as_json:
        click.echo(json.dumps(plain(found)))
        return
    for each in found:
        click.echo(in_words(each))
    if not found:
        click.echo("none")
