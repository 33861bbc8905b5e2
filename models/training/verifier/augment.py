"""An example as another camera, on another day, might have taken it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from edge.vision.geometry import Corners, oriented_rectangle
from edge.vision.verifier import PATCH_HEIGHT_PX, PATCH_WIDTH_PX

SHIFT = 0.04  # of the patch's width and height, standard deviation
SCALES = (0.84, 1.2)
TURN_DEG = 3.0
PERSPECTIVE = 0.025


def augmented(rng: Generator, example: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A patch (64, 128, 3) uint8 BGR out of an example (104, 208, 3), each time another."""
    patch = _degraded(rng, _coloured(rng, _moved(rng, example)))
    return np.ascontiguousarray(patch)


def plain(example: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The patch (64, 128, 3) in the middle of an example: what the daemon would see."""
    top = (example.shape[0] - PATCH_HEIGHT_PX) // 2
    left = (example.shape[1] - PATCH_WIDTH_PX) // 2
    return example[top : top + PATCH_HEIGHT_PX, left : left + PATCH_WIDTH_PX]


def _moved(rng: Generator, example: NDArray[np.uint8]) -> NDArray[np.uint8]:
    size = np.array([PATCH_WIDTH_PX, PATCH_HEIGHT_PX])
    center = np.array(example.shape[1::-1]) / 2 + rng.normal(0, SHIFT, 2) * size
    turn = np.radians(rng.normal(0, TURN_DEG))
    scaled = size * float(np.exp(rng.uniform(*np.log(SCALES))))
    corners: Corners = oriented_rectangle(
        (float(center[0]), float(center[1])),
        (float(scaled[0]), float(scaled[1])),
        np.array([np.cos(turn), np.sin(turn)]),
    )
    corners = corners + (rng.normal(0, PERSPECTIVE, (4, 2)) * size).astype(np.float32)
    width, height = PATCH_WIDTH_PX, PATCH_HEIGHT_PX
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    transform = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    moved = cv2.warpPerspective(example, transform, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(moved, dtype=np.uint8)


def _coloured(rng: Generator, patch: NDArray[np.uint8]) -> NDArray[np.uint8]:
    levels = np.arange(256, dtype=np.float32) / 255
    gains = rng.uniform(0.55, 1.35) * rng.normal(1, 0.07, 3)
    gamma, lift = float(np.exp(rng.normal(0, 0.25))), rng.normal(0, 0.05)
    table = levels[:, np.newaxis] ** gamma * gains + lift
    curve = (np.clip(table, 0, 1) * 255).astype(np.uint8)[np.newaxis]
    coloured = np.asarray(cv2.LUT(patch, curve), dtype=np.uint8)
    if rng.random() < 0.2:
        grey = np.asarray(cv2.cvtColor(coloured, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        if rng.random() < 0.4:
            # As under infrared light: what throws light back is white, the rest near black.
            stretched = (grey.astype(np.float32) - 60) * rng.uniform(1.2, 2.2)
            grey = np.clip(stretched, 0, 255).astype(np.uint8)
        coloured = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    return coloured


def _degraded(rng: Generator, patch: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = patch.shape[:2]
    if rng.random() < 0.4:
        share = rng.uniform(0.3, 0.9)
        small = cv2.resize(
            patch, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA
        )
        patch = np.asarray(cv2.resize(small, (width, height)), dtype=np.uint8)
    if rng.random() < 0.3:
        patch = np.asarray(cv2.GaussianBlur(patch, (0, 0), rng.uniform(0.4, 1.6)), dtype=np.uint8)
    if rng.random() < 0.15:
        length = int(rng.integers(3, 8))
        patch = np.asarray(cv2.blur(patch, (length, 1)), dtype=np.uint8)
    if rng.random() < 0.4:
        noise = rng.normal(0, rng.uniform(1, 10), patch.shape)
        patch = np.clip(patch + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        _, jpeg = cv2.imencode(".jpg", patch, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))])
        patch = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), dtype=np.uint8)
    return patch
