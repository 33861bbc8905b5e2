"""Files of crops, ready for training.

A shard is one file of a thousand crops, already stretched to what the network sees. What is in it
follows from the seed and the shard's number alone, so that shards can be made anywhere, in any
order, and missing ones anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.contract.plates import STATES

SHARD = 1000
UNKNOWN_CLASS = len(STATES)
NOT_SAID = -1
"""The state of a plate of which nobody wrote down the state."""

Labelled = tuple[NDArray[np.uint8], str, int]
"""A crop (96, 192, 3) uint8 BGR, its text and the class of its state."""


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Crops (n, 96, 192, 3) uint8 BGR, their texts, and the class of their states (n,) int64."""

    pictures: NDArray[np.uint8]
    texts: tuple[str, ...]
    states: NDArray[np.int64]


def shard_file(folder: Path, seed: int, number: int) -> Path:
    """Where the shard of that number is."""
    return folder / f"drawn-{seed}-{number:04d}.npz"


def save_shard(path: Path, drawn: Sequence[Labelled]) -> None:
    """Write one shard, whole or not at all."""
    partial_file = path.with_suffix(f".{os.getpid()}.partial")
    with partial_file.open("wb") as file:
        np.savez(
            file,
            pictures=np.stack([picture for picture, _, _ in drawn]),
            texts=np.array([text for _, text, _ in drawn]),
            states=np.array([state for _, _, state in drawn], dtype=np.int64),
        )
    partial_file.replace(path)


def load_shards(folder: Path, seed: int, numbers: Iterable[int]) -> Crops:
    """The crops of those shards; raises OSError where one is missing."""
    pictures, texts, states = [], [], []
    for number in numbers:
        with np.load(shard_file(folder, seed, number)) as shard:
            pictures.append(shard["pictures"])
            texts += [str(text) for text in shard["texts"]]
            states.append(shard["states"])
    return Crops(np.concatenate(pictures), tuple(texts), np.concatenate(states))
