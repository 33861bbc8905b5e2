"""A folder on another mount as a witness: a file for each checkpoint, named by its size."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from repository.ledger.witness import Step, WitnessError

_ENDING = ".checkpoint"
_DIGITS = 20


@dataclass(frozen=True, slots=True)
class FolderOfCheckpoints:
    """The folder must be there: a mount that is not is never mistaken for one that is empty."""

    name: str
    folder: Path
    shows: bool = True

    @property
    def where(self) -> str:
        """The folder."""
        return str(self.folder)

    def newest(self) -> str | None:
        """The file of the largest size."""
        try:
            names = [
                each
                for each in os.listdir(self.folder)  # noqa: PTH208 - glob would hide its errors
                if each.endswith(_ENDING) and not each.startswith(".")
            ]
            if not names:
                return None
            return (self.folder / max(names)).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise self._failed(error) from error

    def give(self, step: Step) -> None:
        """Write the note beside the others; one that is there stays as it is."""
        path = self.folder / f"{step.size:0{_DIGITS}d}{_ENDING}"
        begun = self.folder / f".{path.name}.begun"
        try:
            if path.exists():
                raise WitnessError(f"{path}: is there already; it is left alone")
            with begun.open("w", encoding="utf-8") as file:
                file.write(step.note)
                file.flush()
                os.fsync(file.fileno())
            begun.rename(path)
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> WitnessError:
        return WitnessError(f"{self.folder}: {error.strerror}; is its mount there, and writable?")
