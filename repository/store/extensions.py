"""Indexes that need an extension of PostgreSQL, made where it is there or can be had.

No answer depends on them, only how soon it comes. ``db upgrade`` makes those that are missing each
time it runs, so that an extension that an administrator installs later serves after that.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class ExtensionIndex:
    """An index, the extension that it needs, and its definition in which ``{schema}`` is where
    that extension's functions are. ``asked_for`` says that ``db upgrade`` tries to install it."""

    name: str
    table: str
    extension: str
    definition: str
    asked_for: bool


PLATE_TRIGRAMS = ExtensionIndex(
    "ix_plates_trigrams", "plates", "pg_trgm", "USING gin (plate {schema}.gin_trgm_ops)", True
)
READ_PLACES = ExtensionIndex(
    "ix_reads_place",
    "reads",
    "postgis",
    "USING gist ({schema}.st_makepoint(longitude_deg, latitude_deg))",
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
        schema = schema_of(connection, index.extension)
        if schema is not None:
            definition = index.definition.format(schema=schema)
            connection.exec_driver_sql(
                f"CREATE INDEX IF NOT EXISTS {index.name} ON {index.table} {definition}"
            )


def schema_of(connection: Connection, extension: str) -> str | None:
    """The schema, quoted, in which the extension is installed; None if it is not."""
    query = text(
        "SELECT CAST(CAST(extnamespace AS regnamespace) AS text) "
        "FROM pg_extension WHERE extname = :extension"
    )
    schema: str | None = connection.scalar(query, {"extension": extension})
    return schema


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
