"""Writing a report to a file of its own, to print."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from repository.audits.errors import AuditError


def write_paper(path: Path, make: Callable[[], bytes]) -> None:
    """Write what ``make`` gives, for its owner alone, in place of a file that may be there.

    The file is begun before anything is reported: the ledger must not speak of a report that
    nobody got.

    Raises:
        AuditError: if the file cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        # Made closed, so that there is no moment in which another user could read it.
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise _refusal(path, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(make())
        partial.replace(path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _refusal(path, error) from error
        raise
    click.echo(f"wrote {path}")


def _refusal(path: Path, error: OSError) -> AuditError:
    return AuditError(
        f"--pdf: {path}: {error.strerror}; name a file in a folder that is there and that you may "
        "write into"
    )
