"""Batches of drawn and of real plates, each changed a little every time it is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edge.vision.plate_reader import HEIGHT_PX, WIDTH_PX

from .network import ALPHABET
from .real import RealPlate, cut
from .shards import Crops

SHIFT = 0.015  # of the sides, standard deviation
SCALE = 0.025
SHEAR = 0.015
_CODES = {character: number for number, character in enumerate(ALPHABET, start=1)}


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Pictures (n, 96, 192, 3) uint8; texts as classes, one after the other; states (n,).

    The first `drawn` of the batch are drawn, the others real.
    """

    pictures: Tensor
    texts: Tensor
    lengths: Tensor
    states: Tensor
    drawn: int


def batches(
    drawn: Crops, real: Sequence[RealPlate], size: int, real_share: float, seed: int
) -> Callable[[int], Batch]:
    """A function from the step to its batch: drawn plates in turn, real ones at random."""
    of_real = round(size * real_share) if real else 0
    of_drawn = size - of_real
    count = len(drawn.texts)

    def draw(step: int) -> Batch:
        rng = np.random.default_rng([seed, step])
        places = np.arange(step * of_drawn, (step + 1) * of_drawn)
        chosen = [_shuffled(seed, count, int(place)) for place in places]
        pictures = [jittered(rng, drawn.pictures[index]) for index in chosen]
        texts = [drawn.texts[index] for index in chosen]
        states = [int(drawn.states[index]) for index in chosen]
        for index in rng.integers(len(real), size=of_real) if of_real else ():
            plate = real[int(index)]
            pictures.append(_recoloured(rng, cut(plate, rng), grey_share=0.4))
            texts.append(plate.text)
            states.append(plate.state)
        return as_batch(pictures, texts, states, of_drawn)

    return draw


def as_batch(
    pictures: Sequence[NDArray[np.uint8]],
    texts: Sequence[str],
    states: Sequence[int],
    drawn: int,
) -> Batch:
    """Crops with their labels as tensors."""
    classes = [_CODES[character] for text in texts for character in text]
    return Batch(
        torch.from_numpy(np.stack(pictures)),
        torch.tensor(classes, dtype=torch.long),
        torch.tensor([len(text) for text in texts], dtype=torch.long),
        torch.tensor(states, dtype=torch.long),
        drawn,
    )


_ORDERS: dict[tuple[int, int, int], NDArray[np.int64]] = {}


def _shuffled(seed: int, count: int, place: int) -> int:
    """Which plate stands at a place of the endless order: every one once, then all anew."""
    key = (seed, count, place // count)
    if key not in _ORDERS:
        while len(_ORDERS) > 4:
            _ORDERS.pop(next(iter(_ORDERS)), None)
        _ORDERS[key] = np.random.default_rng(key).permutation(count)
    return int(_ORDERS[key][place % count])


def jittered(rng: np.random.Generator, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A crop (96, 192, 3) cut a little otherwise and in another light."""
    width, height = WIDTH_PX, HEIGHT_PX
    scale_x, scale_y = 1 + rng.normal(0, SCALE, 2)
    moved = np.array(
        [
            [scale_x, rng.normal(0, SHEAR), rng.normal(0, SHIFT) * width],
            [rng.normal(0, SHEAR) / 2, scale_y, rng.normal(0, SHIFT) * height],
        ]
    )
    moved[:, 2] += np.array([width, height]) / 2 - moved[:, :2] @ [width / 2, height / 2]
    shifted = cv2.warpAffine(
        crop, moved, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return _recoloured(rng, np.asarray(shifted, dtype=np.uint8), grey_share=0.06)


def _recoloured(
    rng: np.random.Generator, crop: NDArray[np.uint8], grey_share: float
) -> NDArray[np.uint8]:
    levels = np.arange(256, dtype=np.float32) / 255
    gains = float(np.exp(rng.normal(0, 0.12))) * rng.normal(1, 0.03, 3)
    table = levels[:, np.newaxis] ** float(np.exp(rng.normal(0, 0.15))) * gains
    table += rng.normal(0, 0.03)
    curve = (np.clip(table, 0, 1) * 255).astype(np.uint8)[np.newaxis]
    crop = np.asarray(cv2.LUT(crop, curve), dtype=np.uint8)
    if rng.random() < grey_share:
        grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
        crop = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    if rng.random() < 0.15:
        crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.4, 1.4)), dtype=np.uint8)
    if rng.random() < 0.2:
        noise = rng.normal(0, rng.uniform(1, 7), crop.shape).astype(np.float32)
        crop = np.clip(crop + noise, 0, 255).astype(np.uint8)
    return crop
