"""Indexes that need an extension of PostgreSQL, made where it is there or can be had.

No answer depends on them, only how soon it comes. ``db upgrade`` makes those that are missing each
time it runs, so that an extension that an administrator installs later serves after that.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class ExtensionIndex:
    """An index and the extension that it needs.

    ``asked_for`` says that ``db upgrade`` installs the extension where the database's user may.
    """

    name: str
    table: str
    extension: str
    definition: str
    asked_for: bool


PLATE_TRIGRAMS = ExtensionIndex(
    "ix_plates_trigrams", "plates", "pg_trgm", "USING gin (plate gin_trgm_ops)", True
)
READ_PLACES = ExtensionIndex(
    "ix_reads_place",
    "reads",
    "postgis",
    "USING gist (st_makepoint(longitude_deg, latitude_deg))",
    False,
)
INDEXES = (PLATE_TRIGRAMS, READ_PLACES)


def prepare(connection: Connection) -> None:
    """Make the indexes whose extensions are installed or may be installed by this user."""
    if connection.dialect.name != "postgresql":
        return
    for index in INDEXES:
        if index.asked_for and _may_be_installed(connection, index.extension):
            connection.exec_driver_sql(f"CREATE EXTENSION {index.extension}")
        if is_installed(connection, index.extension):
            connection.exec_driver_sql(
                f"CREATE INDEX IF NOT EXISTS {index.name} ON {index.table} {index.definition}"
            )


def is_ready(connection: Connection, index: ExtensionIndex) -> bool:
    """Whether the extension and the index are there and may be used."""
    query = text(
        "SELECT EXISTS (SELECT FROM pg_index "
        "WHERE indexrelid = CAST(to_regclass(:name) AS oid) AND indisvalid)"
    )
    there = bool(connection.scalar(query, {"name": index.name}))
    return there and is_installed(connection, index.extension)


def is_installed(connection: Connection, extension: str) -> bool:
    """Whether the extension is there, in a schema that this user's statements look in."""
    query = text(
        "SELECT EXISTS (SELECT FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
        "WHERE e.extname = :extension AND n.nspname = ANY (current_schemas(true)))"
    )
    return bool(connection.scalar(query, {"extension": extension}))


def _may_be_installed(connection: Connection, extension: str) -> bool:
    # Asked first, since a statement that fails would end the whole upgrade.
    query = text(
        "SELECT EXISTS (SELECT FROM pg_available_extension_versions v "
        "JOIN pg_available_extensions a ON a.name = v.name AND a.default_version = v.version "
        "JOIN pg_roles r ON r.rolname = current_user "
        "WHERE v.name = :e AND a.installed_version IS NULL AND (r.rolsuper OR (v.trusted "
        "AND has_database_privilege(current_database(), 'CREATE') "
        "AND has_schema_privilege(current_schema(), 'CREATE'))))"
    )
    return bool(connection.scalar(query, {"e": extension}))
