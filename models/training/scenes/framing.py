"""Choose the piece of a photograph that a scene shows, and carry its labels over."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.training.photograph.fields import chance

from .photos import Boxes, Photo

PLATE_MEDIAN_PX, PLATE_SPREAD, PLATES_PX = 50.0, 0.65, (16.0, 420.0)
"""Widths of plates in scenes: median, spread of the logarithm, and limits."""
LARGEST_SCALE = 2.6
MIRRORED = 0.35
FILLED = 0.5
"""The share of scenes without empty borders, however large their plates come out."""


@dataclass(slots=True, eq=False)
class Framed:
    """A piece of a photograph (h, w, 3) uint8 BGR with labels in its pixels.

    `enlargement` is how many pixels show one of the photograph; `turn_deg` how far it is rolled.
    """

    image: NDArray[np.uint8]
    plates: Boxes
    vehicles: Boxes
    doubtful: Boxes
    enlargement: float
    turn_deg: float
    mirrored: bool


def frame(rng: Generator, photo: Photo, size: tuple[int, int]) -> Framed:
    """A piece of the photo of (width, height) px, mostly about one of its plates."""
    shape = float(np.exp(rng.normal(0, 0.06))) if chance(rng, 0.6) else 1.0
    true = np.array(photo.size, dtype=np.float64) * (shape**0.5, shape**-0.5)
    out = np.array(size, dtype=np.float64)
    middle, width_px = _focus(rng, photo)
    middle = middle / photo.size * true
    wanted = float(np.clip(PLATE_MEDIAN_PX * np.exp(rng.normal(0, PLATE_SPREAD)), *PLATES_PX))
    scale = min(wanted / max(width_px * shape**0.5, 1.0), LARGEST_SCALE)
    whole, filled = float((out / true).min()), float((out / true).max())
    smallest = filled if chance(rng, FILLED) else whole * rng.uniform(0.75, 1.0)
    scale = max(scale, smallest)
    turn = float(np.clip(rng.normal(0, 1.5), -6, 6))
    linear = scale * np.array(
        [[np.cos(np.radians(turn)), -np.sin(np.radians(turn))],
         [np.sin(np.radians(turn)), np.cos(np.radians(turn))]]
    )  # fmt: skip
    mirrored = not photo.exact and chance(rng, MIRRORED)
    if mirrored:
        linear = linear * np.array([-1.0, 1.0])
    target = out * rng.uniform(0.1, 0.9, 2)
    centre = target + linear @ (true / 2 - middle)
    slack = np.maximum(0, true * scale / 2 - out / 2)
    centre = np.clip(centre, out / 2 - slack, out / 2 + slack)
    offset = centre - linear @ (true / 2)
    stored = photo.read(scale * max(photo.stretch, 1.0))
    to_true = true / (stored.shape[1], stored.shape[0])
    matrix = np.concatenate([linear * to_true, offset[:, np.newaxis]], axis=1)
    fill = int(rng.integers(0, 200)) if chance(rng, 0.5) else 114
    # A picture several times too fine is thinned out first, or it would sparkle.
    finest = scale * float(to_true.max())
    if finest < 0.6:
        thin = (round(stored.shape[1] * finest), round(stored.shape[0] * finest))
        matrix[:, :2] = matrix[:, :2] @ np.diag(np.array(stored.shape[1::-1]) / thin)
        stored = np.asarray(cv2.resize(stored, thin, interpolation=cv2.INTER_AREA), np.uint8)
    image = cv2.warpAffine(
        stored, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(fill, fill, fill)
    )
    exact = np.concatenate([linear * (true / photo.size), offset[:, np.newaxis]], axis=1)
    plates, vehicles, doubtful = (
        _moved(boxes, exact) for boxes in (photo.plates, photo.vehicles, photo.doubtful)
    )
    picture = np.asarray(image, dtype=np.uint8)
    return Framed(picture, plates, vehicles, doubtful, scale, turn, mirrored)


def _focus(rng: Generator, photo: Photo) -> tuple[NDArray[np.float64], float]:
    """A point of the photo to look at, and the width that a plate has there, px."""
    if len(photo.plates) and chance(rng, 0.85):
        box = photo.plates[int(rng.integers(len(photo.plates)))].astype(np.float64)
        return (box[:2] + box[2:]) / 2, float(box[2] - box[0])
    if len(photo.vehicles):
        box = photo.vehicles[int(rng.integers(len(photo.vehicles)))].astype(np.float64)
        return (box[:2] + box[2:]) / 2, float(box[2] - box[0]) * 0.17
    return np.array(photo.size) * rng.uniform(0.2, 0.8, 2), photo.size[0] * 0.1


def _moved(boxes: Boxes, matrix: NDArray[np.float64]) -> Boxes:
    if not len(boxes):
        return boxes
    quads = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2).astype(np.float64)
    quads = quads @ matrix[:, :2].T + matrix[:, 2]
    middle = quads.mean(axis=1, keepdims=True)
    away = np.abs(quads - middle)
    # A turned box grows at its corners, where the plate itself does not reach.
    reach = (away.max(axis=1) + away.min(axis=1)) / 2
    return np.concatenate([middle[:, 0] - reach, middle[:, 0] + reach], axis=1).astype(np.float32)
