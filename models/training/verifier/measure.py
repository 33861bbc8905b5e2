"""How well the verifier tells plates from other texts, and the curve of it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

CURVE_SIDE_PX = 480
MARGIN_PX = 50


def precision_recall(
    probabilities: NDArray[np.float32], is_plate: NDArray[np.bool_], threshold: float
) -> dict[str, float | int]:
    """Precision and recall where a probability of `threshold` or more is taken for a plate."""
    taken = probabilities >= threshold
    right = int((taken & is_plate).sum())
    return {
        "threshold": threshold,
        "precision": round(right / max(1, int(taken.sum())), 4),
        "recall": round(right / max(1, int(is_plate.sum())), 4),
        "plates": int(is_plate.sum()),
        "others": int((~is_plate).sum()),
    }


def average_precision(probabilities: NDArray[np.float32], is_plate: NDArray[np.bool_]) -> float:
    """The mean of the precision at each plate, plates ranked by probability."""
    ranked = is_plate[np.argsort(-probabilities, kind="stable")]
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return round(float(precision[ranked].mean()), 4) if ranked.any() else 0.0


def draw_curve(path: Path, probabilities: NDArray[np.float32], is_plate: NDArray[np.bool_]) -> None:
    """Write the curve of precision over recall as a picture."""
    ranked = is_plate[np.argsort(-probabilities, kind="stable")]
    hits = np.cumsum(ranked)
    recall = hits / max(1, int(ranked.sum()))
    precision = hits / np.arange(1, len(ranked) + 1)
    side = CURVE_SIDE_PX
    sheet = np.full((side + 2 * MARGIN_PX, side + 2 * MARGIN_PX, 3), 255, dtype=np.uint8)
    corner = (MARGIN_PX, MARGIN_PX)
    cv2.rectangle(sheet, corner, (side + MARGIN_PX, side + MARGIN_PX), (120, 120, 120), 1)
    points = np.stack([recall, 1 - precision], axis=1) * side + MARGIN_PX
    cv2.polylines(sheet, [points.round().astype(np.int32)], False, (160, 60, 20), 2, cv2.LINE_AA)
    for text, place in (
        ("precision", (6, MARGIN_PX - 12)),
        ("recall, 0 to 1", (side - 60, side + MARGIN_PX + 28)),
    ):
        cv2.putText(sheet, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    if not cv2.imwrite(str(path), sheet):
        raise OSError(f"{path} cannot be written")
