"""What a witness is: somebody elsewhere who keeps the checkpoints that the ledger signed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from repository.errors import RepositoryError


class WitnessError(RepositoryError):
    """A witness cannot be reached, or would not take a checkpoint; it is tried again."""


class ForkError(RepositoryError):
    """What a witness has is not of this ledger's past: one of the two was changed."""


@dataclass(frozen=True, slots=True)
class Step:
    """A checkpoint's note to be given, and the proof that it grew from the size before.

    ``old_size`` is 0 and the path empty for who has none yet. ``path_from`` gives the proof from
    another size, for a witness that turns out to stand there. ``newest`` is the size of the newest
    checkpoint.
    """

    note: str
    size: int
    newest: int
    old_size: int
    path: Sequence[bytes]
    path_from: Callable[[int], Sequence[bytes]]


class Witness(Protocol):
    """A place for checkpoints. What it has is never overwritten by anything older or other."""

    @property
    def name(self) -> str:
        """What it is called in the settings."""
        ...

    @property
    def where(self) -> str:
        """Where it is, without secrets."""
        ...

    @property
    def shows(self) -> bool:
        """Whether `newest` can tell what it has."""
        ...

    def newest(self) -> str | None:
        """The newest note that it has; None if it has none, or does not show it.

        Raises:
            WitnessError: if it cannot be asked.
        """
        ...

    def give(self, step: Step) -> str | None:
        """Have it keep a checkpoint, durably; what it answered, if anything.

        Raises:
            WitnessError: if it did not take it.
            ForkError: if it says that it knows another past of this ledger.
        """
        ...
