"""Where sealed pictures lie, by name: what every such place does, and the folder on this host.

Names are relative, their parts joined by ``/``; what a name stands for is `pictures`'s matter.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from repository.errors import RepositoryError


class PictureError(RepositoryError):
    """A picture cannot be kept, or is not there, or is not what it was."""


class PictureMissingError(PictureError):
    """There is nothing under that name."""


class PicturePlace(Protocol):
    """Keeps bytes under names. Everything here raises PictureError if the place refuses."""

    def write(self, name: str, content: bytes) -> None:
        """Keep them in place of what had the name: whole or not at all, lasting on return."""
        ...

    def read(self, name: str) -> bytes:
        """What has that name.

        Raises:
            PictureMissingError: if nothing has.
        """
        ...

    def remove(self, name: str) -> None:
        """Delete what has that name; if nothing has, that is no error."""
        ...

    def remove_folder(self, name: str) -> None:
        """Delete everything below that name, half-written files included."""
        ...

    def folders(self, below: str = "") -> list[str]:
        """The folders right below one, or at the top, by their last part, in order."""
        ...

    def names(self, below: str = "") -> Iterator[str]:
        """The name of everything below a folder, or of all, half-written files included."""
        ...


@dataclass(frozen=True)
class FolderOfPictures:
    """A folder on this host. A file appears whole or not at all, and is on disk on return."""

    folder: Path
    random_bytes: Callable[[int], bytes]

    def write(self, name: str, content: bytes) -> None:
        """Keep the bytes: a new file, synced, put in the other's place."""
        path = self.path(name)
        partial = path.with_name(f".{self.random_bytes(8).hex()}.partial")
        try:
            _make_folders(self.folder, path.parent)
            try:
                with partial.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
            _sync_folder(path.parent)
        except OSError as error:
            raise PictureError(f"pictures: {path.parent}: {error.strerror}") from error

    def read(self, name: str) -> bytes:
        """The file's bytes."""
        path = self.path(name)
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise PictureMissingError(f"picture {path}: {error.strerror}") from error
        except OSError as error:
            raise PictureError(f"picture {path}: {error.strerror}") from error

    def remove(self, name: str) -> None:
        """Delete the file, for good once this returns."""
        path = self.path(name)
        try:
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                _sync_folder(path.parent)
        except OSError as error:
            raise PictureError(f"picture {path}: {error.strerror}") from error

    def remove_folder(self, name: str) -> None:
        """Delete a folder and everything in it."""
        path = self.path(name)
        try:
            shutil.rmtree(path)
            _sync_folder(path.parent)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise PictureError(f"pictures: {path}: {error.strerror}") from error

    def folders(self, below: str = "") -> list[str]:
        """The folders right below one, in order."""
        top = self.path(below)
        try:
            return sorted(each.name for each in top.iterdir() if each.is_dir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise PictureError(f"pictures: {top}: {error.strerror}") from error

    def names(self, below: str = "") -> Iterator[str]:
        """The names of all files below a folder, folder by folder."""

        def refuse(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError):
                raise PictureError(f"pictures: {error.filename}: {error.strerror}") from error

        for folder, folders, files in os.walk(self.path(below), onerror=refuse):
            folders.sort()
            for file in sorted(files):
                yield (Path(folder) / file).relative_to(self.folder).as_posix()

    def path(self, name: str) -> Path:
        """Where the file of that name lies."""
        return self.folder / name


def _make_folders(root: Path, folder: Path) -> None:
    """Make the folder and those above it down from the root, each entry on disk."""
    missing = []
    current = folder
    while not current.is_dir():
        missing.append(current)
        if current == root:
            break
        current = current.parent
    for path in reversed(missing):
        path.mkdir(mode=0o700, parents=path == root, exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
