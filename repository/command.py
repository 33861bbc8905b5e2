"""What every command of the command line shares: the settings it runs under and its services."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from repository.bootstrap import Services, build
from repository.settings import DEFAULT_FILE, Settings, default_settings, load_settings
from repository.store import migrate
from repository.store.engine import DatabaseDamagedError, DatabaseUnavailableError

_P = ParamSpec("_P")
_R = TypeVar("_R")

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
