"""The reference picture of an aim check: kept so that no plate can be read in it.

It is grey, its long side 160 pixels, where a plate that is a tenth of the picture's height has
characters of a few pixels; plates that were found are covered besides. At 320 pixels a near plate
could still be read. A camera's reference is ``NAME.png``, and ``NAME.json`` with when it was
taken, the frame's size and its sharpness. Both are of mode 0600, and the JSON file, which names
the picture's digest, is put in place last: a picture of another check is never taken for its own.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.errors import CaptureError
from edge.vision.geometry import Box
from edge.vision.picture_health_glance import SMALL_PX, shrink

AIM_FOLDER = "aim"
"""The folder of the aim checks within the unit's data."""


@dataclass(frozen=True, slots=True, eq=False)
class AimReference:
    """What a camera saw when its aim was accepted.

    `picture` is (h, w) uint8 grey, its long side 160 px; `width_px` and `height_px` are the size
    of the frame. `sharpness` is that of a Glance, None where the picture had too few edges.
    """

    taken_at: datetime
    width_px: int
    height_px: int
    sharpness: float | None
    picture: NDArray[np.uint8]


def reference_of(
    image: NDArray[np.uint8],
    taken_at: datetime,
    sharpness: float | None,
    plates: Sequence[Box] = (),
) -> AimReference:
    """The reference that an (H, W, 3) uint8 BGR frame with these plates makes."""
    height, width = image.shape[:2]
    covered = image.copy()
    for plate in plates:
        inside = plate.clipped(width, height)
        part = covered[inside.y : inside.y + inside.h, inside.x : inside.x + inside.w]
        if part.size:
            part[:] = part.mean(axis=(0, 1)).astype(np.uint8)
    return AimReference(taken_at, width, height, sharpness, shrink(covered, SMALL_PX))


def save_reference(folder: Path, camera: str, reference: AimReference) -> Path:
    """Store a camera's reference in place of the one before; the path of its picture.

    Raises CaptureError where the folder cannot be written.
    """
    done, encoded = cv2.imencode(".png", reference.picture)
    if not done:
        raise CaptureError("the reference picture cannot be encoded as PNG")
    png = encoded.tobytes()
    facts = {
        "taken_at": reference.taken_at.isoformat(),
        "width_px": reference.width_px,
        "height_px": reference.height_px,
        "sharpness": reference.sharpness,
        "sha256": hashlib.sha256(png).hexdigest(),
    }
    picture = folder / f"{camera}.png"
    write_private(picture, png)
    write_private(folder / f"{camera}.json", json.dumps(facts, indent=2).encode() + b"\n")
    return picture


def load_reference(folder: Path, camera: str) -> AimReference | None:
    """A camera's reference; None where its aim was never accepted.

    Raises CaptureError where it is damaged.
    """
    try:
        raw = (folder / f"{camera}.json").read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _damaged(camera, error.strerror or type(error).__name__) from error
    try:
        facts: dict[str, Any] = json.loads(raw)
        png = (folder / f"{camera}.png").read_bytes()
        if hashlib.sha256(png).hexdigest() != facts["sha256"]:
            raise _damaged(camera, "its picture is another")
        picture = cv2.imdecode(np.frombuffer(png, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
        return AimReference(
            taken_at=datetime.fromisoformat(facts["taken_at"]),
            width_px=int(facts["width_px"]),
            height_px=int(facts["height_px"]),
            sharpness=None if facts["sharpness"] is None else float(facts["sharpness"]),
            picture=np.asarray(picture, dtype=np.uint8),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(camera, type(error).__name__) from error


def write_private(path: Path, content: bytes) -> None:
    """Put a file of mode 0600 in place, whole or not at all; makes its folder, of mode 0700.

    Raises CaptureError where that fails.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise CaptureError(
            f"{path}: {error.strerror}; run as a user who may write there, for the unit's data "
            "that is the user of the daemon"
        ) from error


def _damaged(camera: str, why: str) -> CaptureError:
    return CaptureError(
        f"the aim check of camera {camera} is damaged ({why}): "
        f"take a new one with 'alpr-edge aim {camera} --accept'"
    )
