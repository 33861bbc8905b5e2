"""Options of commands that give something to somebody outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from repository.cases.disseminations import KINDS, Recipient
from repository.cases.errors import CaseError

_C = TypeVar("_C", bound=Callable[..., object])


def recipient_options(*, required: bool) -> Callable[[_C], _C]:
    """``--to`` and what is asked of who receives something."""
    options = (
        click.option("--to", "to", required=required, help="Who receives it, by name."),
        click.option("--organisation", required=required, help="Whom they receive it for."),
        click.option("--kind", required=required, type=click.Choice(KINDS), help="What that is."),
        click.option("--why", required=required, help="What they need it for, in words."),
        click.option("--authority", required=required, help="What allows it: law, order, request."),
        click.option("--law", help="The provision that requires it: only so to private parties."),
    )

    def decorate(command: _C) -> _C:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def recipient_of(
    *,
    to: str | None,
    organisation: str | None,
    kind: str | None,
    why: str | None,
    authority: str | None,
    law: str | None,
) -> Recipient | None:
    """The recipient that these options name, if they name one.

    Raises:
        CaseError: if they name half of one, or one who may not be given anything.
    """
    if to is None:
        if any((organisation, kind, why, authority, law)):
            raise CaseError("to: missing; say who receives it")
        return None
    return Recipient.of(to, organisation or "", kind or "", why or "", authority or "", law)
