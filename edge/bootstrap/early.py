"""Cameras that open while models load: a network camera takes as long as a network to load."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edge.vision.frames import FrameSource


class EarlyCameras:
    """Live sources that were opened before their cameras' threads run; each is taken once."""

    def __init__(self, sources: Mapping[str, FrameSource]) -> None:
        """``sources`` by the names of their cameras."""
        self._sources = dict(sources)

    def opener(
        self, camera: str, open_anew: Callable[[str | None], FrameSource]
    ) -> Callable[[str | None], FrameSource]:
        """How to open that camera: the first time it is open already."""

        def open_camera(after: str | None) -> FrameSource:
            source = self._sources.pop(camera, None)
            return open_anew(after) if source is None else source

        return open_camera

    def close(self) -> None:
        """Close those that nobody took."""
        while self._sources:
            _, source = self._sources.popitem()
            source.close()
