"""The curves of a training run as a picture: one panel for each thing measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

PANEL_WIDTH_PX = 420
PANEL_HEIGHT_PX = 220
MARGIN_PX = 44
COLUMNS = 2
INK = (40, 40, 40)
LINE = (160, 60, 20)


def draw_curves(path: Path, history: Sequence[dict[str, float]]) -> None:
    """Write every value of a run's history over its minutes as a PNG; raises OSError.

    Entries hold 'minutes' and whatever was measured then; 'step' is not drawn.
    """
    names = list(dict.fromkeys(name for entry in history for name in entry))
    panels = [
        _panel(name, [(entry["minutes"], entry[name]) for entry in history if name in entry])
        for name in names
        if name not in ("minutes", "step")
    ]
    if not panels:
        panels = [_panel("nothing measured", [])]
    while len(panels) % COLUMNS:
        panels.append(np.full_like(panels[0], 255))
    rows = [np.hstack(panels[at : at + COLUMNS]) for at in range(0, len(panels), COLUMNS)]
    if not cv2.imwrite(str(path), np.vstack(rows)):
        raise OSError(f"{path} cannot be written")


def _panel(name: str, points: list[tuple[float, float]]) -> NDArray[np.uint8]:
    sheet = np.full((PANEL_HEIGHT_PX, PANEL_WIDTH_PX, 3), 255, dtype=np.uint8)
    left, top = MARGIN_PX, MARGIN_PX - 14
    right, bottom = PANEL_WIDTH_PX - 14, PANEL_HEIGHT_PX - 26
    cv2.rectangle(sheet, (left, top), (right, bottom), (200, 200, 200), 1)
    _text(sheet, name, (left, top - 10), 0.5)
    points = [(x, y) for x, y in points if math.isfinite(y)]
    if not points:
        return sheet
    xs, ys = np.array(points, dtype=np.float64).T
    low, high = float(ys.min()), float(ys.max())
    span, length = max(high - low, 1e-9), max(float(xs.max()), 1e-9)
    along = left + xs / length * (right - left)
    up = bottom - (ys - low) / span * (bottom - top)
    line = np.stack([along, up], axis=1).round().astype(np.int32)
    cv2.polylines(sheet, [line], False, LINE, 1, cv2.LINE_AA)
    _text(sheet, f"{high:.4g}", (2, top + 8), 0.36)
    _text(sheet, f"{low:.4g}", (2, bottom), 0.36)
    _text(sheet, f"{length:.1f} minutes, last {ys[-1]:.4g}", (right - 190, bottom + 18), 0.4)
    return sheet


def _text(sheet: NDArray[np.uint8], text: str, place: tuple[int, int], size: float) -> None:
    cv2.putText(sheet, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, INK, 1, cv2.LINE_AA)
