"""An invented hot list of any length, the same for every process of a bench."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.contract.hotlist import HotlistEntry
from edge.contract.records import HotlistKind

STATES = ("MA", "NY", "CT", "NH", "RI", "VT", "ME", "NJ")
KINDS: tuple[HotlistKind, ...] = ("stolen_vehicle", "stolen_plate", "expired_registration", "bolo")
NOTES = ("", "blue Honda Civic, dent in the left door", "refer to the registry before a stop")
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 200
CONFUSABLE = b"0ODQ1I2Z5S8B6G"
"""Characters that all have others they are taken for, in the table that ships."""

CONFUSABLE_SHARE = 100
"""Every so manieth plate is made of such characters alone."""

_PIECE = 100_000


@dataclass(frozen=True, slots=True)
class Invented:
    """A hot list of ``number`` entries, of seven characters as most states issue them."""

    number: int
    seed: int

    def plates(self) -> NDArray[np.bytes_]:
        """The plates, (number,) of seven bytes."""
        random = np.random.default_rng(self.seed)
        return _plates(random, self.number)

    def absent(self, number: int) -> list[str]:
        """Plates that are not in the list."""
        random = np.random.default_rng(self.seed + 1)
        others = np.setdiff1d(_plates(random, 2 * number), self.plates())
        random.shuffle(others)
        return [one.decode("ascii") for one in others[:number].tolist()]

    def some(self, number: int) -> list[str]:
        """Plates that are in it, drawn at random."""
        plates = self.plates()
        random = np.random.default_rng(self.seed + 2)
        drawn = plates[random.integers(0, len(plates), number)]
        return [one.decode("ascii") for one in drawn.tolist()]

    def confusable(self, number: int) -> list[str]:
        """Plates that are in it, every one of whose characters may be taken for another."""
        every = self.plates()[::CONFUSABLE_SHARE]
        random = np.random.default_rng(self.seed + 3)
        drawn = every[random.integers(0, len(every), number)]
        return [one.decode("ascii") for one in drawn.tolist()]

    def entries(self) -> Iterator[HotlistEntry]:
        """The entries, made one by one."""
        for number, plate in enumerate(self._each()):
            entered = FIRST_DAY + timedelta(days=number % DAYS)
            yield HotlistEntry(
                entry=f"{number:08d}",
                plate=plate,
                state=STATES[number % len(STATES)],
                kind=KINDS[number % len(KINDS)],
                priority=number % 5 + 1,
                entered=entered,
                expires=None,
                note=NOTES[number % len(NOTES)],
            )

    def write_csv(self, path: Path) -> None:
        """The list as a department would export it."""
        days = [f"{FIRST_DAY + timedelta(days=day):%Y-%m-%d}" for day in range(DAYS)]
        with path.open("w", encoding="utf-8") as file:
            file.write("entry,plate,state,kind,priority,entered,note\n")
            for number, plate in enumerate(self._each()):
                file.write(
                    f"{number:08d},{plate},{STATES[number % len(STATES)]},"
                    f"{KINDS[number % len(KINDS)]},{number % 5 + 1},{days[number % DAYS]},"
                    f'"{NOTES[number % len(NOTES)]}"\n'
                )

    def _each(self) -> Iterator[str]:
        plates = self.plates()
        for start in range(0, len(plates), _PIECE):
            for plate in plates[start : start + _PIECE].tolist():
                yield plate.decode("ascii")


def _plates(random: np.random.Generator, number: int) -> NDArray[np.bytes_]:
    letters = np.frombuffer(b"ABCDEFGHJKLMNPRSTUVWXYZ", dtype="S1")
    digits = np.frombuffer(b"0123456789", dtype="S1")
    confusable = np.frombuffer(CONFUSABLE, dtype="S1")
    columns = [random.choice(letters, number) for _ in range(3)]
    columns += [random.choice(digits, number) for _ in range(4)]
    whole = np.stack(columns, axis=1)
    rows = len(range(0, number, CONFUSABLE_SHARE))
    whole[::CONFUSABLE_SHARE] = random.choice(confusable, (rows, 7))
    return np.ascontiguousarray(whole).view("S7").reshape(number)
