"""Whether the database is as the repository needs it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from sqlalchemy import Connection, Engine

from repository.store import migrate
from repository.store.checks import days, invariants, permissions, records, shape
from repository.store.checks.result import CheckResult
from repository.store.engine import DatabaseDamagedError, reading


def check(
    engine: Engine, *, today: date, fold: Callable[[str], str], everything: bool
) -> list[CheckResult]:
    """What is not as it should be; none if all is well.

    ``today`` is in UTC, ``fold`` the confusable folding that reads are stored with. With
    ``everything`` each read is compared with its record, else about a thousand.

    Raises:
        DatabaseUnavailableError: if the database does not answer.
    """
    try:
        found = list(shape.check_revision(migrate.current(engine), migrate.head()))
        if found:  # of another shape nothing else can be said
            return found
        with reading(engine) as connection:
            return examine(connection, today=today, fold=fold, everything=everything)
    except DatabaseDamagedError as error:
        return [CheckResult("database.readable", str(error), "restore the newest sound backup")]


def examine(
    connection: Connection, *, today: date, fold: Callable[[str], str], everything: bool
) -> list[CheckResult]:
    """What :func:`check` finds in a database of this version's schema, as the caller sees it."""
    laid_over = list(permissions.check_laid_over(connection))
    if laid_over:  # what is asked next could run it
        return laid_over
    return [
        *shape.check_tables(connection),
        *shape.check_indexes(connection, everything=everything),
        *shape.check_extensions(connection),
        *days.check_days(connection, today),
        *permissions.check_permissions(connection),
        *invariants.check_invariants(connection),
        *records.check_records(connection, fold, everything=everything),
    ]
