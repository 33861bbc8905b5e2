"""Bringing the database to the shape that this version of the repository works with."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, exists, inspect, select

from repository.errors import RepositoryError
from repository.store import extensions, locks
from repository.store.engine import reading
from repository.store.locks import Turn
from repository.store.tables.restores import restores

_SCRIPTS = Path(__file__).with_name("migrations")


def upgrade(engine: Engine) -> None:
    """Run every migration that the database has not seen, all or none, and make the indexes whose
    extensions are there by now.

    Raises:
        DatabaseUnavailableError: if the database does not answer.
    """
    with engine.begin() as connection:
        locks.take(connection, Turn.MIGRATION)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        extensions.prepare(connection)


def current(engine: Engine) -> str | None:
    """The last migration that the database has seen; None before the first."""
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The last migration that this version of the repository has."""
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
        if closed or MigrationContext.configure(connection).get_current_revision() is None:
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


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
