"""What commands print. Names in it may be anybody's, so nothing of it can steer a terminal."""

from __future__ import annotations

import json
from typing import Any

import click

from edge.contract.printable import on_one_line, printable


def say(line: str, *, err: bool = False) -> None:
    """Print one line, on standard error if asked to."""
    click.echo(on_one_line(line), err=err)


def say_text(text: str) -> None:
    """Print lines that have their ends."""
    click.echo(printable(text), nl=False)


def say_json(value: Any) -> None:
    """Print a value as one line of JSON in ASCII: others' characters are escaped, not lost."""
    click.echo(json.dumps(value))
