"""A made-up hot list that has two of the drive's plates, one with a letter typed for a digit."""

from __future__ import annotations

import csv
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from edge.contract.plates import load_confusables

from .plates import STYLES, Plate, random_plate

_TYPED_FOR = {"0": "O", "1": "I"}
"""Dies draw these alike, so that neither a typist nor a reader can tell them apart."""

_KINDS = (
    ("stolen_vehicle", 2, 365),
    ("stolen_plate", 2, 365),
    ("bolo", 3, 30),
    ("suspended_registration", 4, 90),
    ("expired_registration", 5, 90),
    ("missing_person", 1, 14),
)
"""Kind, priority and how many days an entry stands."""


@dataclass(frozen=True)
class Entry:
    """One line of the list, as written to the file."""

    plate: str
    state: str
    kind: str
    priority: int
    entered: str
    expires: str
    note: str


@dataclass(frozen=True)
class Listed:
    """A plate of the drive that is on the list, and how the list spells it."""

    serial: str
    listed_as: str

    @property
    def exact(self) -> bool:
        """Whether the list has the very characters of the plate."""
        return self.serial == self.listed_as


def _confuse(serial: str) -> str | None:
    """The serial with its last 0 or 1 typed as a letter; None without either."""
    for at in reversed(range(len(serial))):
        if serial[at] in _TYPED_FOR:
            return serial[:at] + _TYPED_FOR[serial[at]] + serial[at + 1 :]
    return None


def make_hotlist(
    rng: np.random.Generator, plates: list[Plate], now: datetime, *, strangers: int = 40
) -> tuple[list[Entry], list[Listed]]:
    """Make up a hot list with two of the drive's plates among `strangers` others.

    Args:
        rng: chooses plates and entries.
        plates: the drive's plates, at least two, in the order they are passed.
        now: when the drive starts; every entry is in force then.
        strangers: entries for plates that the drive does not meet.

    Raises:
        ValueError: fewer than two plates, or none with a 0 or a 1.
    """
    confusable = [plate for plate in plates if _confuse(plate.serial)]
    if len(plates) < 2 or not confusable:
        raise ValueError("plates: a hot list takes two plates, one with a 0 or a 1")
    misspelt = confusable[int(rng.integers(len(confusable)))]
    others = [plate for plate in plates if plate != misspelt]
    exact = others[int(rng.integers(len(others)))]
    spelt = _confuse(misspelt.serial) or misspelt.serial
    listed = [Listed(exact.serial, exact.serial), Listed(misspelt.serial, spelt)]
    entries = [
        _entry(rng, exact.serial, exact.state, now, _KINDS[0], "made up for the demo"),
        _entry(rng, spelt, misspelt.state, now, _KINDS[2], "made up; heard over the radio"),
    ]
    # A stranger that reads like a car of the drive, as printed or confused, would be a third hit.
    fold = load_confusables().fold
    folded = {fold(plate.serial) for plate in plates}
    states = list(STYLES)
    while len(entries) < strangers + 2:
        state = "MA" if rng.random() < 0.6 else states[int(rng.integers(len(states)))]
        plate = random_plate(rng, state)
        if fold(plate.serial) in folded:
            continue
        folded.add(fold(plate.serial))
        kind = _KINDS[int(rng.integers(len(_KINDS)))]
        entries.append(_entry(rng, plate.serial, state, now, kind, "made up for the demo"))
    order = rng.permutation(len(entries))
    return [entries[i] for i in order], listed


def _entry(
    rng: np.random.Generator,
    serial: str,
    state: str,
    now: datetime,
    kind: tuple[str, int, int],
    note: str,
) -> Entry:
    name, priority, days = kind
    entered = now - timedelta(hours=int(rng.integers(1, days * 12)))
    expires = entered + timedelta(days=days)
    stamp = "%Y-%m-%dT%H:%M:%SZ"
    return Entry(
        serial, state, name, priority, entered.strftime(stamp), expires.strftime(stamp), note
    )


def write_hotlist(path: Path, entries: list[Entry]) -> None:
    """Write the list as CSV with a header line."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in fields(Entry))
        writer.writerows(astuple(entry) for entry in entries)
