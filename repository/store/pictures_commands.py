"""``alpr-repository pictures``: do they lie where they should."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import click

from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.store import pictures_check
from repository.wording import counted

_SAMPLE = 1000
_NAMED = 20


@click.group()
def pictures() -> None:
    """The pictures that lie in the folder or bucket.

    Example: alpr-repository pictures check --sample 500
    """


@pictures.command()
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="Only those captured on this UTC day."
)
@click.option(
    "--sample",
    type=click.IntRange(1, 2**31 - 1),
    default=_SAMPLE,
    show_default=True,
    help="How many to open, drawn by chance.",
)
@click.option("--all", "whole", is_flag=True, help="Open every one instead.")
@AS_JSON
@click.pass_context
@pass_services
def check(
    services: Services,
    context: click.Context,
    day: datetime | None,
    sample: int,
    whole: bool,
    as_json: bool,
) -> None:
    """Open pictures and say which are missing, changed or undecryptable, and what lies beside them.

    No picture is shown, only counted. Ends with 1 if anything is wrong.

    Example: alpr-repository pictures check --day 2026-03-01 --all --json
    """
    found = pictures_check.check(
        services.engine,
        services.pictures,
        day=None if day is None else day.date(),
        sample=None if whole else sample,
        progress=lambda done, total: click.echo(f"{done} of {total} checked", err=True),
    )
    if as_json:
        said = {"ok": found.ok, **asdict(found)}
        click.echo(json.dumps(said))
    else:
        wrong: list[tuple[str, str]] = [(each.kind, each.name) for each in found.faults]
        wrong += [(left.kind, left.name) for left in found.leftovers]
        for kind, name in wrong[:_NAMED]:
            click.echo(f"{kind.replace('_', ' ')}: {name}")
        click.echo(
            f"{found.checked} of {counted(found.stored, 'picture')} checked: "
            f"{counted(len(found.faults), 'fault')}, "
            f"{len(found.leftovers)} leftovers" + ("" if found.ok else f"; {_named(found)}")
        )
    if not found.ok:
        context.exit(1)


def _named(found: pictures_check.PicturesChecked) -> str:
    more = len(found.faults) + len(found.leftovers) - _NAMED
    return "all are named above" if more <= 0 else f"{more} more with --json"
