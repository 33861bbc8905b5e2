"""Where a command takes a password from: a file, the environment or the keyboard."""

from __future__ import annotations

import os
from pathlib import Path

import click

from repository.accounts.errors import AccountError

PASSWORD_VARIABLE = "ALPR_PASSWORD"  # noqa: S105 - the variable's name

password_file = click.option(
    "--password-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"File whose first line is the password; or set {PASSWORD_VARIABLE}, or type it.",
)


def first_line(path: Path) -> str:
    """The secret on a file's first line.

    Raises:
        AccountError: if there is none.
    """
    try:
        line = path.read_text(encoding="utf-8").partition("\n")[0].removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise AccountError(f"{path}: cannot be read as text") from error
    if not line:
        raise AccountError(f"{path}: its first line is empty; it should be the password")
    return line


def current_password(path: Path | None) -> str:
    """The password of the one who runs the command."""
    if path is not None:
        return first_line(path)
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return given
    typed: str = click.prompt("Password", hide_input=True, err=True)
    return typed


def new_password(path: Path | None) -> str:
    """The password to have from now on, typed twice unless a file has it."""
    if path is not None:
        return first_line(path)
    typed: str = click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    return typed
