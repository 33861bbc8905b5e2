"""Moments as people write them on the command line."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import click


def moment(text: str) -> datetime:
    """A date, or a date with time, in ISO 8601; UTC where no offset is given. For click options.

    Raises:
        click.BadParameter: if it is neither.
    """
    try:
        written = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            "expected a moment such as 2026-03-01 or 2026-03-01T14:00-05:00"
        ) from error
    return written if written.utcoffset() is not None else written.replace(tzinfo=UTC)


def end_moment(text: str) -> datetime:
    """As :func:`moment`, but a date alone means the end of that day, as in an imported list.

    Raises:
        click.BadParameter: if it is neither.
    """
    try:
        return datetime.combine(date.fromisoformat(text), time.max, UTC)
    except ValueError:
        return moment(text)
