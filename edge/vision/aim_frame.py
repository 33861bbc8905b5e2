"""The last frame of a camera that the daemon holds, handed to who checks its aim.

A device serves one program at a time. So a request is a file, ``NAME.asked``, beside the aim
checks; the daemon takes it away and puts its next frame, ``NAME.frame.png``, in place; who asked
reads that and removes it. A frame that nobody fetches goes after a minute: plates can be read in
it. Both files are of mode 0600.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.aim_reference import write_private
from edge.vision.errors import CaptureError
from edge.vision.pictures import read_picture

UNFETCHED_AFTER_S = 60.0
POLL_S = 0.2


def answer_request(
    folder: Path, camera: str, image: NDArray[np.uint8], wall_clock_s: Callable[[], float]
) -> None:
    """Hand over this (H, W, 3) uint8 BGR frame if it was asked for; remove one left lying.

    Raises CaptureError where the folder cannot be written.
    """
    asked, frame = _paths(folder, camera)
    try:
        left_s = wall_clock_s() - frame.stat().st_mtime
        if left_s > UNFETCHED_AFTER_S:
            frame.unlink(missing_ok=True)
    except OSError:
        pass  # the usual case: none lies there
    try:
        asked.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise CaptureError(f"{asked}: {error.strerror}; it must be the daemon's own") from error
    done, encoded = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise CaptureError("a frame cannot be encoded as PNG")
    write_private(frame, encoded.tobytes())


def ask_daemon(
    folder: Path, camera: str, patience_s: float, wait: Callable[[float], None]
) -> NDArray[np.uint8] | None:
    """The next frame of a camera from the running daemon; None where it does not answer.

    Raises CaptureError where the folder cannot be written.
    """
    asked, frame = _paths(folder, camera)
    try:
        frame.unlink(missing_ok=True)
        write_private(asked, b"")
        for _ in range(round(patience_s / POLL_S)):
            if frame.exists():
                return read_picture(frame)
            wait(POLL_S)
    except OSError as error:
        raise CaptureError(
            f"{folder}: {error.strerror}; run as the user of the daemon, who owns the unit's data"
        ) from error
    else:
        return None
    finally:
        for path in (asked, frame):
            _remove(path)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # what went wrong before this is what is said


def _paths(folder: Path, camera: str) -> tuple[Path, Path]:
    return folder / f"{camera}.asked", folder / f"{camera}.frame.png"
