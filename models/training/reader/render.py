"""Drawn plates as a camera sees them, made ahead of training by several processes."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import cv2
import numpy as np

from edge.contract.plates import STATES, SerialFormats, load_formats
from edge.vision.plate_reader import reader_input

from ..photograph.crop import photograph
from ..plates.draw import draw_foreign, draw_plate
from .shards import SHARD, UNKNOWN_CLASS, Labelled, save_shard, shard_file

FOREIGN_SHARE = 0.12
STRENGTHS = (0.25, 1.0)
CHARACTERS = frozenset(string.digits + string.ascii_uppercase)


def make_missing(
    folder: Path, seed: int, numbers: Iterable[int], processes: int, say: Callable[[str], None]
) -> None:
    """Draw the shards of those numbers that the folder lacks."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [number for number in numbers if not shard_file(folder, seed, number).exists()]
    if not missing:
        return
    say(f"drawing {len(missing) * SHARD} plates by {processes} processes")
    with ProcessPoolExecutor(processes, initializer=cv2.setNumThreads, initargs=(1,)) as workers:
        made = [workers.submit(make_shard, folder, seed, number) for number in missing]
        for done, future in enumerate(as_completed(made), start=1):
            future.result()
            say(f"{done} of {len(missing)} thousand drawn")


def make_shard(folder: Path, seed: int, number: int) -> None:
    """Draw one shard and write it."""
    formats = load_formats()
    drawn = [
        draw_one(np.random.default_rng([seed, number, each]), formats) for each in range(SHARD)
    ]
    save_shard(shard_file(folder, seed, number), drawn)


def recorded(text: str, state: str | None, formats: SerialFormats) -> str:
    """The text as a record gives it: on a US plate of no issued shape the letter O is a 0.

    Most dies draw both alike, and nothing on a personalised plate tells them apart.
    """
    if state is None or state in formats.states_matching(text):
        return text
    return text.replace("O", "0")


def draw_one(rng: np.random.Generator, formats: SerialFormats) -> Labelled:
    """A crop (96, 192, 3) uint8 BGR, its text and the class of its state."""
    while True:
        plate = draw_foreign(rng) if rng.random() < FOREIGN_SHARE else draw_plate(rng)
        if plate.text and set(plate.text) <= CHARACTERS:
            break
    crop = photograph(rng, plate, float(rng.uniform(*STRENGTHS)))
    state = UNKNOWN_CLASS if plate.state is None else STATES.index(plate.state)
    return reader_input(crop), recorded(plate.text, plate.state, formats), state
