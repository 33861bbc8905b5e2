"""What was read wrongly, as a table and as a picture for a person to look at."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benches._vision_figures import Outcome
from edge.vision.geometry import Box

Load = Callable[[Path], NDArray[np.uint8]]

COLUMNS = 6
TILE_PX = (260, 150)
CAPTION_PX = 44
MARGIN = 0.6
"""How much of a plate's width is shown around it."""

_FIELDS = ("file", "plate", "read", "confidence", "state", "state_read", "iou", "x", "y", "w", "h")


def write_misreads(path: Path, outcomes: Sequence[Outcome]) -> None:
    """A CSV of the plates read wrongly, then of the readings elsewhere, without a plate."""
    with path.open("w", newline="", encoding="utf-8") as lines:
        table = csv.DictWriter(lines, _FIELDS)
        table.writeheader()
        for outcome in outcomes:
            if not outcome.right:
                table.writerow(_row(outcome))
        for outcome in outcomes:
            for other in outcome.elsewhere:
                table.writerow(
                    {
                        "file": outcome.label.file.name,
                        "read": other.reading.text,
                        "confidence": round(other.reading.confidence, 3),
                        "state_read": other.reading.state.code or "",
                        **_sides(other.box),
                    }
                )


def _row(outcome: Outcome) -> dict[str, object]:
    label, reading = outcome.label, outcome.reading
    return {
        "file": label.file.name,
        "plate": label.plate,
        "read": outcome.text,
        "confidence": round(reading.confidence, 3) if reading else "",
        "state": label.state or "",
        "state_read": (reading.state.code or "") if reading else "",
        "iou": round(outcome.iou, 2) if label.box else "",
        **(_sides(label.box) if label.box else {}),
    }


def _sides(box: Box) -> dict[str, int]:
    return {"x": box.x, "y": box.y, "w": box.w, "h": box.h}


def write_sheet(path: Path, outcomes: Sequence[Outcome], load: Load) -> None:
    """A PNG of tiles: each plate read wrongly over its label and reading, then those elsewhere."""
    tiles = [
        _tile(
            load(outcome.label.file),
            outcome.label.box,
            outcome.label.plate,
            f"{outcome.text or 'no reading'} {_sureness(outcome)}",
        )
        for outcome in outcomes
        if not outcome.right
    ]
    tiles += [
        _tile(
            load(outcome.label.file),
            other.box,
            "no label here",
            f"{other.reading.text} {other.reading.confidence:.2f}",
        )
        for outcome in outcomes
        for other in outcome.elsewhere
    ]
    blank = np.full((TILE_PX[1] + CAPTION_PX, TILE_PX[0], 3), 255, dtype=np.uint8)
    tiles += [blank] * (-len(tiles) % COLUMNS or (0 if tiles else COLUMNS))
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    if not cv2.imwrite(str(path), np.vstack(rows)):
        raise OSError(f"{path}: the sheet cannot be written")


def _sureness(outcome: Outcome) -> str:
    return f"{outcome.reading.confidence:.2f}" if outcome.reading else ""


def _tile(picture: NDArray[np.uint8], box: Box | None, above: str, below: str) -> NDArray[np.uint8]:
    tile = np.full((TILE_PX[1] + CAPTION_PX, TILE_PX[0], 3), 255, dtype=np.uint8)
    shown = picture
    if box is not None:
        margin = round(box.w * MARGIN)
        around = Box(
            box.x - margin, box.y - margin, box.w + 2 * margin, box.h + 2 * margin
        ).clipped(picture.shape[1], picture.shape[0])
        shown = picture[around.y : around.y + around.h, around.x : around.x + around.w].copy()
        corner = (box.x - around.x, box.y - around.y)
        cv2.rectangle(shown, corner, (corner[0] + box.w, corner[1] + box.h), (0, 200, 255), 1)
    scale = min((TILE_PX[0] - 4) / shown.shape[1], (TILE_PX[1] - 4) / shown.shape[0])
    size = max(1, round(shown.shape[1] * scale)), max(1, round(shown.shape[0] * scale))
    tile[2 : 2 + size[1], 2 : 2 + size[0]] = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
    for line, text in enumerate((above, below)):
        place = (4, TILE_PX[1] + 16 + 20 * line)
        cv2.putText(tile, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return tile
