"""Whether a camera still looks where it looked at its aim check, judged over many pictures."""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.aim_reference import AimReference
from edge.vision.aim_shift import Outlines, Shift, View, outlines
from edge.vision.picture_health_glance import SMALL_PX, shrink
from edge.vision.region import Point

COMPARE_EVERY_S: Final = 10.0
TURNED_FROM_DEG: Final = 3.0

Verdict: TypeAlias = tuple[bool | None, bool | None]

_AGREES = 0.25
_GAIN = 0.12
_FOREIGN = 0.2
_STEADY_TO = 0.015
_SAME_LIGHT = 1.6
_MEAN_OVER_S = {"fixed": 20.0, "vehicle": 60.0}
_STILL = 0.7


class Aim:
    """Compares the mean outlines of the last pictures, in which traffic fades, with the aim check.

    A shift is believed where the outlines agree there and twice in a row at the same place. Where
    they agree nowhere nothing is said of a shift; by the light of the aim check that means that
    the camera looks elsewhere.
    """

    def __init__(
        self, reference: AimReference, shifted_from: float, steady: tuple[Point, ...]
    ) -> None:
        """`steady` is the part of a vehicle camera's picture that never moves, empty if fixed."""
        small = shrink(reference.picture, SMALL_PX)
        self._shape = small.shape
        self._level = float(small.mean())
        self._view = View(outlines(small), _mask(small.shape, steady) if steady else None)
        self._shifted_from = shifted_from
        self._span_s = _MEAN_OVER_S["vehicle" if steady else "fixed"]
        self._mean: Outlines | None = None
        self._since_s = 0.0
        self._last: Shift | None = None
        self._verdict: Verdict = (None, None)
        self.shift: Shift | None = None

    def judge(self, small: NDArray[np.uint8], elapsed_s: float) -> Verdict:
        """Whether the picture is shifted, and whether it shows another view, as last compared."""
        if small.shape != self._shape:
            return None, None
        seen = outlines(small)
        if self._mean is None:
            self._mean = seen
        gain = 1.0 - float(np.exp(-elapsed_s / self._span_s))
        self._mean = np.asarray(self._mean + (seen - self._mean) * gain, dtype=np.float32)
        self._since_s += elapsed_s
        if self._since_s < COMPARE_EVERY_S:
            return self._verdict
        self._since_s = 0.0
        before, found = self._last, self._view.compare(self._mean)
        self._last = found
        level = float(small.mean()) + 1.0
        light = self._level + 1.0
        like = 1 / _SAME_LIGHT < level / light < _SAME_LIGHT
        foreign = found.agreement < _FOREIGN if like else None
        elsewhere = foreign if found.agreement < _AGREES else False
        self._verdict = self._shifted(before, found), elsewhere
        return self._verdict

    def forget(self) -> None:
        """Begin the mean anew: what was seen since says nothing of the aim."""
        self._mean = self._last = None
        self._since_s = 0.0
        self._verdict = None, None

    def _shifted(self, before: Shift | None, found: Shift) -> bool | None:
        if found.agreement < _AGREES:
            return None
        aside, turned = max(abs(found.right), abs(found.down)), abs(found.turned_deg)
        if found.agreement - found.agreement_unmoved < _GAIN or (
            aside < _STILL * self._shifted_from and turned < TURNED_FROM_DEG
        ):
            return False if found.agreement_unmoved >= _AGREES else None
        if (
            before is None
            or max(abs(found.right - before.right), abs(found.down - before.down)) > _STEADY_TO
        ):
            return None
        if aside < self._shifted_from and turned < TURNED_FROM_DEG:
            return None
        self.shift = found
        return True


def _mask(shape: tuple[int, ...], polygon: tuple[Point, ...]) -> NDArray[np.float32]:
    mask = np.zeros(shape, dtype=np.uint8)
    corners = np.array([[x * shape[1], y * shape[0]] for x, y in polygon])
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1)
    return mask.astype(np.float32)
