"""When the jobs of this host last looked for what is due, kept in a file of the data folder.

So that no findings is not mistaken for nothing looked for. A job that is cut off while it writes
leaves what was there, since the file is replaced as a whole.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from repository.errors import RepositoryError

_NAME = "jobs-looked-at"


def keep(data: Path, now: datetime) -> None:
    """Keep that the jobs looked at that moment.

    Raises:
        RepositoryError: if the folder cannot be written to.
    """
    new = data / f"{_NAME}.new"
    try:
        new.write_text(now.isoformat(), encoding="ascii")
        new.replace(data / _NAME)
    except OSError as error:
        raise RepositoryError(f"{new}: {error.strerror}; let the repository write there") from error


def words(data: Path) -> str:
    """When they did, or that they have not yet, as a line for people."""
    try:
        at = datetime.fromisoformat((data / _NAME).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return (
            "the jobs of this host have not looked yet: they do while `alpr-repository run` runs, "
            "once as it starts and then again and again"
        )
    return f"the jobs of this host last looked for what is due at {at:%Y-%m-%d %H:%M} UTC"
