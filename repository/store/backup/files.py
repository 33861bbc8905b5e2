"""Files of a backup: written lasting, hashed, and read by line."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repository.store.backup.manifest import BackupError, Part

PICTURES = "pictures"
LIST = "pictures.list"
_AT_ONCE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture file in a backup: the name it has among the pictures, its size, its SHA-256."""

    name: str
    size_bytes: int
    sha256: str

    def line(self) -> str:
        """The line that stands for it in the list."""
        return f"{self.sha256} {self.size_bytes} {self.name}\n"


def part_of(folder: Path, file: str) -> Part:
    """A file of the folder with its size and digest.

    Raises:
        BackupError: if it cannot be read.
    """
    digest = hashlib.sha256()
    size_bytes = 0
    try:
        with (folder / file).open("rb") as opened:
            while chunk := opened.read(_AT_ONCE):
                digest.update(chunk)
                size_bytes += len(chunk)
    except OSError as error:
        raise BackupError(f"backup: {folder / file}: {error.strerror}") from error
    return Part(file, size_bytes, digest.hexdigest())


def listed(folder: Path) -> Iterator[Listed]:
    """What the list of pictures names.

    Raises:
        BackupError: if a line of it is not in form.
    """
    try:
        with (folder / LIST).open(encoding="utf-8") as lines:
            for line in lines:
                sha256, size_bytes, name = line.rstrip("\n").split(" ")
                yield Listed(name, int(size_bytes), sha256)
    except (OSError, ValueError) as error:
        raise BackupError(f"backup: {folder / LIST}: cannot be read") from error


def write_lasting(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put the content in the place of the file: whole or not at all, on disk on return.

    Raises:
        BackupError: if the disk refuses.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync(path.parent)
    except OSError as error:
        raise BackupError(f"backup: {path}: {error.strerror}") from error


def sync(path: Path) -> None:
    """Have a file or folder on disk before this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
