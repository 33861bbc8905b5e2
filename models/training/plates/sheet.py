"""A contact sheet of drawn plates, each labelled with its state, kind and text."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.plates.plate import DrawnPlate

LABEL_PX = 16
GROUND = (96, 92, 88)


def grid(plates: Sequence[DrawnPlate], columns: int, width: int) -> NDArray[np.uint8]:
    """The plates as a (h, w, 3) BGR picture, ``columns`` in a row, each ``width`` pixels wide."""
    height = width // 2
    cells = [_cell(plate, width, height) for plate in plates]
    blank = np.full((height + LABEL_PX, width + 6, 3), GROUND, np.uint8)
    cells += [blank] * (-len(cells) % columns)
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    return np.asarray(np.vstack(rows), np.uint8)


def _cell(plate: DrawnPlate, width: int, height: int) -> NDArray[np.uint8]:
    share = min(width / plate.picture.shape[1], height / plate.picture.shape[0])
    size = (round(plate.picture.shape[1] * share), round(plate.picture.shape[0] * share))
    small = cv2.resize(plate.picture, size, interpolation=cv2.INTER_AREA)
    cell = np.full((height + LABEL_PX, width + 6, 3), GROUND, np.uint8)
    alpha = small[:, :, 3:].astype(np.float32) / 255
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    area = cell[top : top + size[1], left : left + size[0]]
    area[:] = (small[:, :, :3] * alpha + area * (1 - alpha)).astype(np.uint8)
    label = f"{plate.state or '--'} {plate.kind} {plate.text}"
    where = (2, height + LABEL_PX - 4)
    cv2.putText(cell, label, where, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return cell
