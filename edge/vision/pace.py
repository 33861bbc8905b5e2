"""Take no more frames of a live camera than asked for, evenly, however it jitters."""

from __future__ import annotations

MOST_CREDIT = 2.0


class Pace:
    """Says of each frame whether it is looked at, so that there are `max_fps` a second at most.

    A frame that comes a little early is taken on credit: a camera of exactly that rate loses none.
    """

    def __init__(self, max_fps: float) -> None:
        self._max_fps = max_fps
        self._credit = MOST_CREDIT
        self._last_s: float | None = None

    def takes(self, at_s: float) -> bool:
        """Whether the frame of that second is looked at; to be asked of every frame in order."""
        if self._last_s is not None:
            self._credit = min(MOST_CREDIT, self._credit + (at_s - self._last_s) * self._max_fps)
        self._last_s = at_s
        if self._credit < 1.0:
            return False
        self._credit -= 1.0
        return True
