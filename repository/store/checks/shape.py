"""The schema against what this version's tables say, and the indexes' validity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.schema import CreateIndex, Index

from repository.store import extensions
from repository.store.checks.result import CheckResult
from repository.store.tables import metadata

_BY_HAND = (
    "somebody changed the schema by hand: change it back, or restore a backup into a new database"
)


def check_revision(found: str | None, head: str) -> Iterator[CheckResult]:
    """Whether the database has seen exactly this version's migrations."""
    if found != head:
        yield CheckResult(
            "schema.at_head",
            f"the schema is at {found or 'nothing'}, this version needs {head}",
            "run `alpr-repository db upgrade`; if the schema is the newer one, install the "
            "version of the repository that made it",
        )


def check_tables(connection: Connection) -> Iterator[CheckResult]:
    """Whether tables, columns, indexes and keys are those that this version knows."""
    # Loaded for this check alone: most commands make none.
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "include_name": _is_ours,
            "include_object": _needs_no_extension,
        },
    )
    for difference in compare_metadata(context, metadata):
        # A table's own change is a tuple, those of one column come as a list of them.
        changes = difference if isinstance(difference, list) else [difference]
        for change in changes:
            yield _explain(connection, change)


def check_indexes(connection: Connection, *, everything: bool) -> Iterator[CheckResult]:
    """Whether every index of PostgreSQL may be used, and SQLite finds its file sound.

    Without ``everything`` SQLite does not compare its indexes with the rows, which takes longer.
    """
    if connection.dialect.name != "postgresql":
        pragma = "integrity_check" if everything else "quick_check"
        for (said,) in connection.exec_driver_sql(f"PRAGMA {pragma}(5)").all():
            if said != "ok":
                yield CheckResult(
                    "indexes.valid", f"SQLite says: {said}", "restore the newest sound backup"
                )
        return
    query = text(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE c.relnamespace = CAST(current_schema() AS regnamespace) "
        "AND NOT (i.indisvalid AND i.indisready) ORDER BY 1"
    )
    for name in connection.scalars(query):
        yield CheckResult(
            "indexes.valid", f"index {name} is not valid", f"run: REINDEX INDEX {name}"
        )


def check_extensions(connection: Connection) -> Iterator[CheckResult]:
    """Whether the indexes that need an extension are there where it is."""
    if connection.dialect.name != "postgresql":
        return
    for index in extensions.INDEXES:
        there = extensions.is_installed(connection, index.extension)
        if there and not extensions.is_ready(connection, index):
            yield CheckResult(
                "extensions.indexed",
                f"extension {index.extension} is installed, but index {index.name} is not there",
                "run `alpr-repository db upgrade`",
            )
        elif not there and index.asked_for:
            yield CheckResult(
                "extensions.installed",
                f"extension {index.extension} is not installed: searches for a part of a plate "
                "read through all plates",
                f"as the database's superuser run: CREATE EXTENSION {index.extension}; "
                "then `alpr-repository db upgrade`",
                severity="advice",
            )


def _explain(connection: Connection, change: Sequence[Any]) -> CheckResult:
    kind = str(change[0])
    subject = change[1]
    if kind == "add_index" and isinstance(subject, Index):
        statement = " ".join(str(CreateIndex(subject).compile(connection)).split())
        return CheckResult(
            "indexes.present", f"index {subject.name} is missing", f"run: {statement}"
        )
    named = [
        str(getattr(part, "name", part))
        for part in change[1:4]
        if getattr(part, "name", None) or isinstance(part, str)
    ]
    what = kind.replace("remove", "unknown").replace("add", "missing").replace("_", " ")
    return CheckResult("schema.as_known", f"{what}: {' '.join(named)}", _BY_HAND)


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or name in metadata.tables


def _needs_no_extension(_object: object, name: str | None, *_rest: object) -> bool:
    return name not in {index.name for index in extensions.INDEXES}
