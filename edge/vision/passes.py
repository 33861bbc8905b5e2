"""What the tracker gives: passes under way and passes that ended."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.instant import Instant
from edge.vision.frames import Frame
from edge.vision.geometry import Box
from edge.vision.reader import PlateReading

HALF_SHARPNESS = 150.0  # variance of the Laplacian at which a crop counts half


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One plate on its way past, as far as it is seen by now.

    `track` numbers the passes of one tracker. `reading` is the vote over `frames` frames.
    `best_frame` is the frame that shows the plate best, `best_box` its outline there in pixels
    and `best_crop` (h, w, 3) uint8 BGR the straightened plate. It was seen first at `first_s`, in
    seconds of the clock by which `last`, when it was seen last, is told too.
    """

    track: int
    reading: PlateReading
    frames: int
    first_s: float
    last: Instant
    best_frame: Frame
    best_box: Box
    best_crop: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Pass(Sighting):
    """One plate that passed once."""


@dataclass(frozen=True, slots=True, eq=False)
class Misread:
    """A track that rang and is a misreading of the plate of another, which is seen again.

    `reading` is the vote over `frames` frames of that other, number `of`; `given` says that its
    pass was given before.
    """

    track: int
    of: int
    reading: PlateReading
    frames: int
    given: bool

    def mended(self, seen: Sighting) -> Pass:
        """The pass of the misreading with what was read of the plate in all frames of the other."""
        return Pass(
            track=self.track,
            reading=self.reading,
            frames=self.frames,
            first_s=seen.first_s,
            last=seen.last,
            best_frame=seen.best_frame,
            best_box=seen.best_box,
            best_crop=seen.best_crop,
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What a frame changed: passes still open that it added to, passes that ended by now, and
    tracks that rang and are no passes of their own."""

    open: tuple[Sighting, ...] = ()
    ended: tuple[Pass, ...] = ()
    misread: tuple[Misread, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A plate that needs no more reading: its box in pixels in a frame of a recording."""

    frame: int
    box: Box


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a recording is read on after a break, and what of it is on record already."""

    frame: int
    marks: tuple[Mark, ...] = ()


def picture_weight(crop: NDArray[np.uint8]) -> float:
    """How much a crop's reading counts: its height in pixels, less the blurrier it is.

    Sharpness is the variance of the Laplacian (J. Pech-Pacheco et al., 2000).
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    return float(crop.shape[0]) * (0.1 + sharpness / (sharpness + HALF_SHARPNESS))
