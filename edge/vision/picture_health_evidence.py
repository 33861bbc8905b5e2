"""Evidence on single faults of a picture, each from glances alone; see picture_health."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from edge.vision.picture_health_glance import TILES, Glance

_STRUCTURE_OF_LEVEL, _STRUCTURE = 0.075, (3.5, 6.0)

_REPEATS_KEPT = 64
_OVERLAY_TILES = 8
_MIN_TELLING_TILES = 15

_NOW_S = 10.0
_BEFORE_S = 300.0
_SETTLED_S = 300.0
_SHOWED, _SHOWS_NOTHING, _SHOWS_AGAIN = 0.7, 0.1, 0.3
_LOST_SHARE, _MIN_LOST_TILES = 0.3, 14
_LIGHT_FELL = 0.5

_KEPT_SHARPNESS = 60
_MIN_SHARPNESS = 20
_UPPER = 75
_RISE_S, _FALL_S = 600.0, 86_400.0
_PAST_AFTER_S = 300.0


def structured(seen: Glance) -> NDArray[np.bool_]:
    """The tiles that show something, (9, 16), which takes less contrast in a darker picture.

    Noise of a dark picture stays below the least; at least a third of the tiles of every street
    scene tried, by night too, is above the most.
    """
    needed = float(np.clip(_STRUCTURE_OF_LEVEL * seen.small.mean(), *_STRUCTURE))
    return np.asarray(seen.contrast >= needed, dtype=np.bool_)


class Repeats:
    """Whether a picture was seen before, to the last bit, but for a clock drawn into it.

    Noise makes every picture of a sensor a new one, that of a still scene too. Compression can
    repeat it, until the next keyframe. A stuck picture repeats for good; where it is compressed
    anew, with the period of its keyframes, so it is compared with the last minute's.
    """

    def __init__(self) -> None:
        self._before: deque[NDArray[np.uint32]] = deque(maxlen=_REPEATS_KEPT)

    def judge(self, seen: Glance) -> bool | None:
        """None where the picture has too little in it to tell."""
        telling = ~seen.plain
        repeated: bool | None = None
        if int(telling.sum()) >= _MIN_TELLING_TILES:
            changed = [
                int(((seen.prints != one) & telling).sum()) for one in reversed(self._before)
            ]
            repeated = bool(changed) and min(changed) <= _OVERLAY_TILES
        self._before.append(seen.prints)
        return repeated


class LostPart:
    """Whether a large part of the picture that showed something suddenly shows nothing.

    Night falls slowly; a leaf, mud, a hand or a lorry comes at once. What was lost is remembered
    until it shows something again.
    """

    def __init__(self) -> None:
        self._now = np.zeros(TILES, dtype=np.float32)
        self._before = np.zeros(TILES, dtype=np.float32)
        self._known_s = 0.0
        self._lost: NDArray[np.bool_] | None = None
        self._light = 0.0

    def judge(self, seen: Glance, level: float, elapsed_s: float) -> bool | None:
        """None until the camera has been watched for a while, and where the light went too."""
        shows = structured(seen).astype(np.float32)
        self._now += (shows - self._now) * _gain(elapsed_s, _NOW_S)
        if self._lost is not None:
            return self._still_lost(level)
        # At first the mean of all so far; a running mean from nothing would take long to rise.
        self._known_s += elapsed_s
        gain = max(_gain(elapsed_s, _BEFORE_S), elapsed_s / max(self._known_s, elapsed_s, 1.0))
        self._before += (shows - self._before) * gain
        if self._known_s < _SETTLED_S:
            self._light += (level - self._light) * gain
            return None
        showed = self._before >= _SHOWED
        lost = showed & (self._now <= _SHOWS_NOTHING)
        enough = lost.sum() >= max(_MIN_LOST_TILES, _LOST_SHARE * showed.sum())
        if enough and level >= _LIGHT_FELL * self._light:
            self._lost = lost
            return True
        self._light += (level - self._light) * gain
        return False

    def _still_lost(self, level: float) -> bool | None:
        again = float((self._now[self._lost] > _SHOWS_AGAIN).mean())
        if again > 0.5:
            self._lost = None
            return False
        return None if level < _LIGHT_FELL * self._light else True


class Sharpness:
    """The sharpest of the last minute's pictures, beside the camera's own past."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=_KEPT_SHARPNESS)
        self._past: float | None = None
        self._past_s = 0.0

    def now(self, seen: Glance, elapsed_s: float) -> float | None:
        """The last minute's, 0..1; None while too few pictures had edges.

        The past follows a better picture in minutes and a worse one in a day.
        """
        if seen.sharpness is not None:
            self._last.append(seen.sharpness)
        if seen.sharpness is None or len(self._last) < _MIN_SHARPNESS:
            return None
        now = float(np.percentile(self._last, _UPPER))
        if self._past is None:
            self._past = now
        span_s = _RISE_S if now > self._past else _FALL_S
        self._past += (now - self._past) * _gain(elapsed_s, span_s)
        self._past_s += elapsed_s
        return now

    @property
    def past(self) -> float | None:
        """What is usual for the camera; None until it has been watched for a while."""
        return self._past if self._past_s >= _PAST_AFTER_S else None


def _gain(elapsed_s: float, span_s: float) -> float:
    """The weight of the newest in a running mean over `span_s`."""
    return 1.0 - float(np.exp(-elapsed_s / span_s))
