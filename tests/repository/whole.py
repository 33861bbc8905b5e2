"""A whole repository in a folder, as bootstrap builds it, under a clock that the test moves."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from repository.bootstrap import Services, initialise
from repository.settings import Settings
from repository.store.engine import open_engine

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def services(folder: Path, database: str | Path, clock: Clock) -> Services:
    """A repository in that folder, over that database, or over a copy of that file there."""
    settings = Settings(data=folder, database=database if isinstance(database, str) else None)
    if isinstance(database, Path):
        folder.mkdir()
        shutil.copy(database, folder / "repository.sqlite")
    initialise(settings)
    return Services(
        settings=settings,
        engine=open_engine(settings.database_address),
        clock=clock,
        random_bytes=secrets.token_bytes,
    )
