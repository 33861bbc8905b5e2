"""What is seen around a plate: paint and plastic of bumpers, drawn or cut from pictures."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .fields import chance, ramp, smooth

PICTURE_SETS = ("openimages-plates", "romanian-street")
PAINTS = (
    (245, 245, 245), (225, 228, 230), (190, 192, 193), (150, 152, 153), (105, 107, 108),
    (60, 60, 62), (30, 30, 30), (18, 18, 20), (95, 50, 25), (140, 85, 40), (60, 35, 20),
    (35, 30, 130), (30, 25, 90), (45, 65, 40), (105, 140, 165), (60, 85, 110), (50, 160, 220),
)  # fmt: skip
"""Usual paints of cars, and plastics of bumpers, in blue, green and red."""
PATCH_PX = (200, 300)
"""Height and width of the patches kept of pictures."""

Patch = NDArray[np.uint8]


def load_patches(data: Path, count: int = 300, seed: int = 0) -> tuple[Patch, ...]:
    """Up to `count` patches (200, 300, 3) uint8 BGR of the training pictures, clear of plates.

    Raises FileNotFoundError where a set of pictures is missing.
    """
    rng = np.random.default_rng(seed)
    patches: list[Patch] = []
    for name in PICTURE_SETS:
        labels = data / name / "boxes.csv"
        if not labels.is_file():
            raise FileNotFoundError(f"{labels} is missing: --data wants the training pictures")
        plates: dict[str, list[list[float]]] = defaultdict(list)
        with labels.open(newline="") as rows:
            for row in csv.DictReader(rows):
                box = [float(row[key]) for key in ("x", "y", "w", "h")]
                plates[row["file"]] += [box] if row["kind"] == "plate" else []
        files = sorted(plates)
        for index in rng.permutation(len(files))[: count // len(PICTURE_SETS)]:
            file = next((data / name).rglob(files[index]))
            image = cv2.imread(str(file))
            if image is not None:
                patches += _patch(rng, np.asarray(image, np.uint8), plates[files[index]])
    return tuple(patches)


def _patch(rng: Generator, image: Patch, plates: list[list[float]]) -> list[Patch]:
    height, width = image.shape[:2]
    for _ in range(8):
        w = int(rng.uniform(0.15, 0.4) * width)
        h = min(w * PATCH_PX[0] // PATCH_PX[1], height - 1)
        x, y = int(rng.integers(0, width - w)), int(rng.integers(height // 4, height))
        y = min(y, height - h)
        if not any(x < p[0] + p[2] and p[0] < x + w and y < p[1] + p[3] and p[1] < y + h
                   for p in plates):  # fmt: skip
            cut = cv2.resize(image[y : y + h, x : x + w], PATCH_PX[::-1])
            return [np.asarray(cut, dtype=np.uint8)]
    return []


def background(
    rng: Generator, size: tuple[int, int], patches: tuple[Patch, ...]
) -> NDArray[np.float32]:
    """A background (height, width, 3) float32 BGR 0..255: of a picture, or a drawn bumper."""
    height, width = size
    if patches and chance(rng, 0.55):
        patch = patches[int(rng.integers(len(patches)))]
        share = rng.uniform(0.4, 1.0)
        h, w = int(patch.shape[0] * share), int(patch.shape[1] * share)
        y, x = rng.integers(0, patch.shape[0] - h + 1), rng.integers(0, patch.shape[1] - w + 1)
        cut = patch[y : y + h, x : x + w]
        cut = cut[:, ::-1] if chance(rng, 0.5) else cut
        return np.asarray(cv2.resize(cut, (width, height)), dtype=np.float32)
    paint = np.array(PAINTS[int(rng.integers(len(PAINTS)))], dtype=np.float32)
    paint = np.clip(paint * np.float32(np.exp(rng.normal(0, 0.2))) + rng.normal(0, 10, 3), 5, 250)
    slope = ramp(rng, size) if chance(rng, 0.5) else np.linspace(0, 1, height)[:, np.newaxis]
    shade = 1 + (slope - 0.5) * rng.uniform(-1.0, 1.0) + 0.15 * (smooth(rng, size, 4) - 0.5)
    even = np.broadcast_to(paint * shade[..., np.newaxis], (height, width, 3))
    drawn = np.ascontiguousarray(even, dtype=np.float32)
    for _ in range(int(rng.integers(0, 4))):
        y = int(rng.integers(0, height))
        tone = tuple(float(v) for v in paint * rng.uniform(0.2, 1.5))
        slant = int(rng.normal(0, height * 0.05))
        thick = max(1, int(height * rng.uniform(0.005, 0.12)))
        cv2.line(drawn, (0, y), (width, y + slant), tone, thick, cv2.LINE_AA)
    if chance(rng, 0.4):
        # The recess that plates are screwed into.
        deep = tuple(float(v) for v in paint * rng.uniform(0.2, 0.7))
        x, y = int(width * rng.uniform(0.05, 0.15)), int(height * rng.uniform(0.05, 0.2))
        cv2.rectangle(drawn, (x, y), (width - x, height - y), deep, -1)
    return drawn
