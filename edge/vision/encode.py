"""JPEG bytes of a plate's crop and of the scene around it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.contract.batch import MAX_PICTURE_BYTES
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


def encode_scene(image: NDArray[np.uint8], max_bytes: int = MAX_PICTURE_BYTES) -> EncodedPicture:
    """The whole picture (H, W, 3) uint8 BGR as JPEG, made smaller only if it is over the limit."""
    encoded = _encode(image, SCENE_QUALITY)
    while len(encoded.jpeg) > max_bytes:
        size = (max(1, encoded.width * 3 // 4), max(1, encoded.height * 3 // 4))
        smaller = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        encoded = _encode(np.asarray(smaller, dtype=np.uint8), SCENE_QUALITY)
    return encoded


def _encode(image: NDArray[np.uint8], quality: int) -> EncodedPicture:
    try:
        done, buffer = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise VisionError(f"a picture cannot be encoded as JPEG: {error}") from error
    if not done:
        raise VisionError("a picture cannot be encoded as JPEG")
    return EncodedPicture(buffer.tobytes(), int(image.shape[1]), int(image.shape[0]))
