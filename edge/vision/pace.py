"""Take no more frames of a live camera than asked for, evenly, however it jitters."""

from __future__ import annotations

from datetime import datetime

MOST_CREDIT = 2.0


class Pace:
    """Says of each frame whether it is looked at, so that there are `max_fps` a second at most.

    A frame that comes a little early is taken on credit: a camera of exactly that rate loses none.
    """

    def __init__(self, max_fps: float) -> None:
        self._max_fps = max_fps
        self._credit = MOST_CREDIT
        self._last: datetime | None = None

    def takes(self, captured_at: datetime) -> bool:
        """Whether the frame captured then is looked at; to be asked of every frame in order."""
        if self._last is not None:
            elapsed_s = (captured_at - self._last).total_seconds()
            # A clock that was set back says nothing of how long it has been.
            earned = elapsed_s * self._max_fps if elapsed_s >= 0 else MOST_CREDIT
            self._credit = min(MOST_CREDIT, self._credit + earned)
        self._last = captured_at
        if self._credit < 1.0:
            return False
        self._credit -= 1.0
        return True
