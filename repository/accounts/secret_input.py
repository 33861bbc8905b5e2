"""Where a command takes a password or code from: a file, the environment or the keyboard."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from repository.accounts.errors import AccountError
from repository.accounts.second_factors import Offered

PASSWORD_VARIABLE = "ALPR_PASSWORD"  # noqa: S105 - the variable's name
CODE_VARIABLE = "ALPR_CODE"

password_file = click.option(
    "--password-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"File whose first line is the password; or set {PASSWORD_VARIABLE}, or type it.",
)

code_file = click.option(
    "--code-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File whose first line is a code of your second factor, or a recovery code; or set "
    f"{CODE_VARIABLE}, or type it.",
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
        raise AccountError(f"{path}: its first line is empty; it should be the secret")
    return line


def current_password(path: Path | None) -> str:
    """The password of the one who runs the command."""
    if path is not None:
        return first_line(path)
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return given
    return typed("Password", f"--password-file or {PASSWORD_VARIABLE}")


def second_factor(path: Path | None) -> Offered:
    """The code of the one who runs the command; empty where they have no second factor yet."""
    if path is not None:
        return Offered(code=first_line(path))
    given = os.environ.get(CODE_VARIABLE)
    if given is not None:
        return Offered(code=given)
    if _has_terminal():
        prompt = "Code (none if you have no second factor yet)"
        return Offered(
            code=click.prompt(prompt, default="", show_default=False, hide_input=True, err=True)
        )
    return Offered(code=sys.stdin.readline().rstrip("\r\n"))


def new_password(path: Path | None) -> str:
    """The password to have from now on, typed twice unless a file has it."""
    if path is not None:
        return first_line(path)
    return typed("New password", "--new-password-file", twice=True)


def first_code(path: Path | None) -> str:
    """The first code of a new second factor."""
    if path is not None:
        return first_line(path)
    return typed("The code that the app shows", "--first-code-file", hidden=False)


def typed(prompt: str, option: str, *, twice: bool = False, hidden: bool = True) -> str:
    """What is typed, or without a terminal the next line of what is piped in.

    Raises:
        AccountError: if there is neither.
    """
    if _has_terminal():
        answer: str = click.prompt(prompt, hide_input=hidden, confirmation_prompt=twice, err=True)
        return answer
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
