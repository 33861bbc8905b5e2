"""How far a camera's view is from its reference: moved aside, up or down, or turned.

Compared are outlines, not brightness: the strength of edges relative to their neighbourhood, which
day, shadow and lamps change least. The offset is where the phase correlation of both peaks (Kuglin
and Hines, 1975), tried at several angles; it is believed by how well the outlines then agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Outlines = NDArray[np.float32]

ANGLES_DEG = (-12.0, -9.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 9.0, 12.0)
MAX_SHIFT = 0.3
"""The largest offset that is looked for, as a share of the picture's side."""

_BLUR_PX = 1.5
_AROUND_PX = 10.0
_FLOOR = 6.0


@dataclass(frozen=True, slots=True)
class Shift:
    """Where the reference's view now lies.

    `right` and `down` are how far its content has moved, as shares of the picture's width and
    height; `turned_deg` how far it is turned clockwise. `agreement` is the correlation of the
    outlines there, `agreement_unmoved` that without any shift, both -1..1. What overlaps little
    agrees by chance more easily, so the correlation counts by the root of the overlap.
    """

    right: float
    down: float
    turned_deg: float
    agreement: float
    agreement_unmoved: float


def outlines(small: NDArray[np.uint8]) -> Outlines:
    """The outlines in an (h, w) uint8 grey picture: (h, w) float32, 0 to about 4."""
    grey = cv2.GaussianBlur(small.astype(np.float32), (0, 0), _BLUR_PX)
    strength = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    around = cv2.GaussianBlur(strength, (0, 0), _AROUND_PX)
    return np.asarray(np.minimum(strength / (around + _FLOOR), 4.0), dtype=np.float32)


class View:
    """A reference view, or a part of it, that others are compared with."""

    def __init__(self, reference: Outlines, part: NDArray[np.float32] | None = None) -> None:
        """`part` is (h, w) float32, 1 where the reference holds and 0 elsewhere; None for all."""
        height, width = reference.shape
        self._shape = (height, width)
        self._weight = np.ones_like(reference) if part is None else part
        window = cv2.createHanningWindow((width, height), cv2.CV_32F)
        self._window = window if part is None else cv2.GaussianBlur(self._weight, (0, 0), 2.0)
        self._turned = [self._turn(reference, angle) for angle in ANGLES_DEG]
        self._spectra = [np.conj(self._spectrum(one)) for one in self._turned]

    def compare(self, now: Outlines) -> Shift:
        """Where the reference's content lies in `now`, (h, w) float32 of the reference's shape."""
        unmoved = self._agreement(self._turned[ANGLES_DEG.index(0.0)], now, 0, 0)
        best = Shift(0.0, 0.0, 0.0, unmoved, unmoved)
        spectrum = self._spectrum(now)
        height, width = self._shape
        for angle, reference, conjugate in zip(
            ANGLES_DEG, self._turned, self._spectra, strict=True
        ):
            right, down = self._offset(spectrum * conjugate)
            agreement = self._agreement(reference, now, right, down)
            if agreement > best.agreement:
                best = Shift(right / width, down / height, angle, agreement, unmoved)
        return best

    def _turn(self, picture: NDArray[np.float32], clockwise_deg: float) -> NDArray[np.float32]:
        height, width = self._shape
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -clockwise_deg, 1.0)
        return np.asarray(cv2.warpAffine(picture, turn, (width, height)), dtype=np.float32)

    def _spectrum(self, picture: Outlines) -> NDArray[np.complex64]:
        total = float(self._window.sum())
        mean = float((picture * self._window).sum()) / total
        return np.asarray(np.fft.rfft2((picture - mean) * self._window), dtype=np.complex64)

    def _offset(self, cross: NDArray[np.complex64]) -> tuple[int, int]:
        """Pixels to the right and down of the highest peak within reach."""
        height, width = self._shape
        # Divided by the root of its strength: whitened fully, noise would weigh as much as edges.
        surface = np.fft.irfft2(cross / np.sqrt(np.abs(cross) + 1e-6), s=(height, width))
        reach_down, reach_right = int(MAX_SHIFT * height), int(MAX_SHIFT * width)
        surface = np.roll(surface, (reach_down, reach_right), axis=(0, 1))
        within = surface[: 2 * reach_down + 1, : 2 * reach_right + 1]
        down, right = np.unravel_index(int(np.argmax(within)), within.shape)
        return int(right) - reach_right, int(down) - reach_down

    def _agreement(self, reference: Outlines, now: Outlines, right: int, down: int) -> float:
        """Correlation of the outlines where both overlap, times the root of the overlap's share."""
        height, width = self._shape
        to = _overlap(height, down), _overlap(width, right)
        of = _overlap(height, -down), _overlap(width, -right)
        weight = self._weight[of]
        total = float(weight.sum())
        if total < 1:
            return 0.0
        a, b = reference[of], now[to]
        a = (a - float((a * weight).sum()) / total) * weight
        b = (b - float((b * weight).sum()) / total) * weight
        norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
        share = total / float(self._weight.sum())
        return float((a * b).sum()) / norm * share**0.5 if norm > 0 else 0.0


def _overlap(length: int, offset: int) -> slice:
    return slice(max(0, offset), length + min(0, offset))
