"""A source whose camera is mounted on its side or head down: its frames, turned upright."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np

from edge.vision.frames import Frame, FrameSource

Rotation = Literal[0, 90, 180, 270]

_TURNS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


class TurnedSource:
    """A FrameSource that turns each frame of another clockwise; all else is the other's."""

    def __init__(self, source: FrameSource, rotation: Literal[90, 180, 270]) -> None:
        """`rotation` is in degrees."""
        self._source = source
        self._turn = _TURNS[rotation]
        self.live = source.live

    @property
    def dropped(self) -> int:
        """See FrameSource.dropped."""
        return self._source.dropped

    @property
    def unreadable(self) -> int:
        """See FrameSource.unreadable."""
        return self._source.unreadable

    @property
    def gone(self) -> str | None:
        """See FrameSource.gone."""
        return self._source.gone

    def frames(self) -> Iterator[Frame | None]:
        """See FrameSource.frames."""
        for frame in self._source.frames():
            if frame is None:
                yield None
                continue
            turned = np.asarray(cv2.rotate(frame.image, self._turn), dtype=np.uint8)
            yield replace(frame, image=turned)

    def close(self) -> None:
        """See FrameSource.close."""
        self._source.close()
