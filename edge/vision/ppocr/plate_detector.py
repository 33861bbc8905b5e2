"""Candidate plates in a picture, from its lines of text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.vision.detector import Detection
from edge.vision.geometry import Box
from edge.vision.ppocr.inference import LineFinder
from edge.vision.ppocr.lines import (
    join_lines,
    line_shape,
    outline_size,
    plate_outline,
    serial_candidates,
)

MAX_LONG_SIDE_PX = 1280
MIN_LINE_HEIGHT_PX = 14.0
SERIAL_ASPECTS = (1.2, 7.5)


class LinePlateDetector:
    """A Detector that searches the whole picture for lines and outlines a plate around each."""

    def __init__(self, finder: LineFinder, max_long_side_px: int = MAX_LONG_SIDE_PX) -> None:
        self._finder = finder
        self._max_long_side_px = max_long_side_px

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """See Detector.detect."""
        height, width = image.shape[:2]
        lines = self._finder.find(image, min(self._max_long_side_px, max(height, width)))
        serials = serial_candidates(
            join_lines(lines), min_height_px=MIN_LINE_HEIGHT_PX, aspects=SERIAL_ASPECTS
        )
        detections = []
        for line in serials:
            shape = line_shape(line.corners)
            plate_width, plate_height = outline_size(shape.width, shape.height)
            box = Box(
                round(shape.x - plate_width / 2),
                round(shape.y - plate_height / 2),
                round(plate_width),
                round(plate_height),
            ).clipped(width, height)
            if box.area:
                detections.append(Detection(box, line.score, plate_outline(line.corners)))
        return tuple(detections)
