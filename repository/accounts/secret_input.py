"""Where a command takes a password from: a file, the environment or the keyboard."""

from __future__ import annotations

import os
import sys
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
    return _typed("Password", f"--password-file or {PASSWORD_VARIABLE}")


def new_password(path: Path | None) -> str:
    """The password to have from now on, typed twice unless a file has it."""
    if path is not None:
        return first_line(path)
    return _typed("New password", "--new-password-file", twice=True)


def _typed(prompt: str, option: str, *, twice: bool = False) -> str:
    """What is typed, unseen; without a terminal, the next line of what is piped in.

    Raises:
        AccountError: if there is neither.
    """
    if _has_terminal():
        typed: str = click.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True)
        return typed
    lines = [sys.stdin.readline().rstrip("\r\n") for _ in range(1 + twice)]
    if not all(lines):
        raise AccountError(f"{prompt.lower()}: no terminal to type it at; use {option}")
    if len(set(lines)) > 1:
        raise AccountError(f"{prompt.lower()}: the two that were piped in differ")
    return lines[0]


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return sys.stdin.isatty()
    return True
