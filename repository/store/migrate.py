"""Bringing the database to the shape that this version of the repository works with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, column, exists, inspect, select, table

from repository.errors import RepositoryError
from repository.store import extensions, locks
from repository.store.engine import reading
from repository.store.locks import Turn
from repository.store.tables.restores import restores

# What migrates takes long to load, and only these functions need it.
if TYPE_CHECKING:
    from alembic.config import Config

_SCRIPTS = Path(__file__).with_name("migrations")
_SEEN = table("alembic_version", column("version_num"))
"""Where Alembic keeps the last migration, in its one row."""


def upgrade(engine: Engine) -> None:
    """Run every migration that the database has not seen, all or none, and make the indexes whose
    extensions are there by now.

    Raises:
        DatabaseUnavailableError: if the database does not answer.
    """
    from alembic import command

    with engine.begin() as connection:
        locks.take(connection, Turn.MIGRATION)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        extensions.prepare(connection)


def current(engine: Engine) -> str | None:
    """The last migration that the database has seen; None before the first."""
    with reading(engine) as connection:
        return _revision(connection)


def head() -> str:
    """The last migration that this version of the repository has."""
    from alembic.script import ScriptDirectory

    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise RepositoryError(f"{_SCRIPTS}: holds no migrations; install the product again")
    return revision


def require_opened(engine: Engine) -> None:
    """Refuse to work with a database that a restore has not finished with.

    Raises:
        RepositoryError: if so; nothing in it may be seen before it is purged.
    """
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
        return  # to look into it would make it
    with reading(engine) as connection:
        if not inspect(connection).has_table(restores.name):
            return
        closed = connection.scalar(select(exists().where(restores.c.opened_at.is_(None))))
        if closed or _revision(connection) is None:
            raise RepositoryError(
                "database: is being restored from a backup, and opens once what has expired since "
                "is purged; if that was cut off, empty the database and folders and restore again"
            )


def require_current(engine: Engine) -> None:
    """Refuse to work with a database of another shape, or one that is being restored.

    Raises:
        RepositoryError: if the database lacks migrations, has some of a later version, or a
            restore has not finished with it.
    """
    require_opened(engine)
    found = current(engine)
    if found != head():
        raise RepositoryError(
            f"database: its schema is at {found or 'nothing'}, this version needs {head()}; "
            "run `alpr-repository db upgrade`"
        )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_SEEN.name):
        return None
    revision: str | None = connection.scalar(select(_SEEN.c.version_num))
    return revision


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
