"""The run's overview as a picture: key frames, the way driven, the totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from demo_drive.report import Reading, Totals, write_report

_MOST_FRAMES = 12


def draw_overview(
    source: str, result: Mapping[str, Any], way: Sequence[tuple[float, float]], path: Path
) -> bool:
    """Write the picture; false where the source cannot be opened again to show its frames."""
    shown = sorted(result["readings"], key=lambda one: not one["hits"])[:_MOST_FRAMES]
    frames = _frames(Path(source), shown, result["frames"])
    readings = [
        Reading(
            frame=frame,
            box=tuple(one["box"]),
            plate=one["plate"],
            state=one["state"],
            confidence=one["confidence"],
            hit=f"{one['hits'][0]['kind']}, {one['hits'][0]['how']}" if one["hits"] else None,
            latitude_deg=one["position"].get("latitude_deg"),
            longitude_deg=one["position"].get("longitude_deg"),
            time=datetime.fromisoformat(one["captured_at"]),
        )
        for one, frame in zip(shown, frames, strict=True)
        if frame is not None
    ]
    if not readings:
        return False
    write_report(
        path,
        sorted(readings, key=lambda one: one.time),
        way,
        Totals(
            result["frames"],
            result["reads"],
            result["hits"],
            result["receipted"],
            result["ledger_ok"],
        ),
    )
    return True


def _frames(
    source: Path, shown: Sequence[Mapping[str, Any]], frames: int
) -> list[NDArray[np.uint8] | None]:
    """The picture each reading was made from: (H, W, 3) uint8 BGR, or None where it is gone."""
    if source.is_dir():
        return [_picture(source / one["file"]) for one in shown]
    if source.is_file() and frames > 1:
        return _video_frames(source, [one["frame"] for one in shown])
    return [_picture(source) for _ in shown]


def _picture(path: Path) -> NDArray[np.uint8] | None:
    image = cv2.imread(str(path)) if path.is_file() else None
    return None if image is None else np.asarray(image, dtype=np.uint8)


def _video_frames(video: Path, indices: Sequence[int]) -> list[NDArray[np.uint8] | None]:
    """Frames by their number, read in one go through the video."""
    found: dict[int, NDArray[np.uint8]] = {}
    capture = cv2.VideoCapture(str(video))
    try:
        for index in range(max(indices, default=-1) + 1):
            done, image = capture.read()
            if not done:
                break
            if index in indices:
                found[index] = np.asarray(image, dtype=np.uint8)
    finally:
        capture.release()
    return [found.get(index) for index in indices]
