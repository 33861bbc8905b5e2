"""JPEG bytes of a plate's crop and of the scene around it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.errors import VisionError

PATCH_QUALITY = 92
SCENE_QUALITY = 85


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """A JPEG and its size in pixels."""

    jpeg: bytes
    width: int
    height: int


def encode_patch(crop: NDArray[np.uint8]) -> EncodedPicture:
    """The plate's crop (h, w, 3) uint8 BGR as JPEG, at a quality that keeps the characters."""
    return _encode(crop, PATCH_QUALITY)


def encode_scene(image: NDArray[np.uint8]) -> EncodedPicture:
    """The whole picture (H, W, 3) uint8 BGR as JPEG in its own size, so that boxes hold in it."""
    return _encode(image, SCENE_QUALITY)


def _encode(image: NDArray[np.uint8], quality: int) -> EncodedPicture:
    try:
        done, buffer = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise VisionError(f"a picture cannot be encoded as JPEG: {error}") from error
    if not done:
        raise VisionError("a picture cannot be encoded as JPEG")
    return EncodedPicture(buffer.tobytes(), int(image.shape[1]), int(image.shape[0]))
