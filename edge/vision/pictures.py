"""Frames from still pictures: none is dropped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.errors import CaptureError
from edge.vision.frames import Frame, Now, OnEvent

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})


class PictureSource:
    """One picture, or those of a folder in the order of their names, each standing alone.

    A picture that cannot be read is said and counted, and the next follows: one broken file does
    not stop a night's import, and never passes for a picture without plates.
    """

    live = False
    dropped = 0
    gone = None

    def __init__(
        self, path: Path, camera: str, now: Now, on_event: OnEvent, after: str | None = None
    ) -> None:
        """Begin after the picture of that name, which was read before, if any.

        Raises CaptureError where a folder holds no picture or cannot be listed.
        """
        paths = _list_pictures(path) if path.is_dir() else (path,)
        self._paths = tuple(one for one in paths if after is None or one.name > after)
        self._camera = camera
        self._now = now
        self._on_event = on_event
        self._closed = False
        self.unreadable = 0

    def frames(self) -> Iterator[Frame]:
        """See FrameSource.frames."""
        index = 0
        for path in self._paths:
            if self._closed:
                return
            try:
                image = read_picture(path)
            except CaptureError as error:
                self.unreadable += 1
                self._on_event(str(error))
                continue
            yield Frame(self._camera, index, self._now(), image, path.name, standalone=True)
            index += 1

    def close(self) -> None:
        """See FrameSource.close."""
        self._closed = True


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A picture file as (H, W, 3) uint8 BGR, turned upright by its EXIF orientation.

    Raises CaptureError, which names the file, where it is missing or not a picture.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CaptureError(f"picture {path} cannot be read: {error.strerror}") from error
    try:
        image = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise CaptureError(f"{path} is not a picture that can be decoded: remove or replace it")
    return np.asarray(image, dtype=np.uint8)


def _list_pictures(folder: Path) -> tuple[Path, ...]:
    try:
        names = sorted(folder.iterdir())
    except OSError as error:
        raise CaptureError(f"folder {folder} cannot be listed: {error.strerror}") from error
    pictures = tuple(
        path for path in names if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()
    )
    if not pictures:
        suffixes = ", ".join(sorted(PICTURE_SUFFIXES))
        raise CaptureError(f"folder {folder} holds no picture ({suffixes})")
    return pictures
