"""Files that the command line writes for one person."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from repository.errors import RepositoryError


class Content(Protocol):
    """What a file is filled with."""

    @property
    def content(self) -> bytes:
        """All its bytes."""
        ...


_C = TypeVar("_C", bound=Content)


def fill_new_file(path: Path, make: Callable[[], _C]) -> _C:
    """Write what ``make`` gives to a new file that its owner alone can read, and return it.

    The file is made before anything is shown: an entry of the ledger must not speak of what nobody
    got. Where ``make`` fails, no file is left.

    Raises:
        RepositoryError: if the file is there already or cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise RepositoryError(f"{path}: {error.strerror}; name a new file") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            made = make()
            file.write(made.content)
    except BaseException:
        path.unlink()
        raise
    return made
