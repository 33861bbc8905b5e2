"""A frame of a camera and the sources that frames come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.instant import Instant

Now = Callable[[], Instant]
"""Gives the moment that it is."""

OnEvent = Callable[[str], None]
"""Takes one sentence about the source for the operator's log."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a camera.

    `index` counts the frames that this source has given, from 0. How long it was from one frame to
    another is told by `captured.at_s` alone: the time of day may step between them.
    `image` is (H, W, 3) uint8 BGR. `source` is the picture's file name or the stream's label.
    A `standalone` frame is a still photograph without neighbours: what it shows is a pass of
    its own.
    """

    camera: str
    index: int
    captured: Instant
    image: NDArray[np.uint8]
    source: str
    standalone: bool

    @property
    def captured_at(self) -> datetime:
        """The time of day of the capture, UTC."""
        return self.captured.at

    @property
    def at_s(self) -> float:
        """The moment of capture by a clock that never steps, in seconds."""
        return self.captured.at_s


class FrameSource(Protocol):
    """Where frames come from.

    A `live` source never waits for its reader: it drops older frames for newer ones and counts
    them in `dropped`. Any other drops none.
    """

    live: bool

    @property
    def dropped(self) -> int:
        """Frames that were captured and never given."""
        ...

    @property
    def unreadable(self) -> int:
        """Pictures that could not be read; each was also said through `on_event`."""
        ...

    @property
    def gone(self) -> str | None:
        """A sentence while a live source has nothing to give, and why; None while it has."""
        ...

    def frames(self) -> Iterator[Frame | None]:
        """Frames until the source ends or is closed; raises CaptureError where it breaks.

        A live source that gives nothing gives None about once a second, so that whoever follows
        its plates can end their passes, and can stop.
        """
        ...

    def close(self) -> None:
        """Release the source; frames() ends soon after. May be called from any thread, twice."""
        ...
