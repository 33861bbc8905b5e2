"""Text and state of a plate from its crop, by PP-OCRv6's line finder and recogniser."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.geometry import Box, box_corners
from edge.vision.ppocr.inference import LineFinder, LineRecogniser
from edge.vision.ppocr.lines import join_lines, line_shape
from edge.vision.ppocr.postprocess import TextLine, decode_characters
from edge.vision.reader import UNKNOWN_STATE, PlateReading, StateReading, plate_reading
from edge.vision.rectify import rectify
from edge.vision.states import read_state
from edge.vision.vote import Ballot, vote

FINDER_LONG_SIDE_PX = 320
MAX_OFF_CENTER = 0.3
MIN_SERIAL_HEIGHT = 0.25
# Narrow dies read better stretched, wide ones as they are; the vote takes the surer.
STRETCHES = (1.0, 1.3)
MIN_STATE_HEIGHT_PX = 9.0
MAX_STATE_LINES = 3


class LinePlateReader:
    """A Reader that finds the serial's line in the crop, reads it, and reads the state's name."""

    def __init__(self, finder: LineFinder, recogniser: LineRecogniser) -> None:
        self._finder = finder
        self._recogniser = recogniser

    def read(self, crop: NDArray[np.uint8]) -> PlateReading | None:
        """See Reader.read."""
        lines = join_lines(self._finder.find(crop, FINDER_LONG_SIDE_PX))
        serial = choose_serial(lines, crop.shape[0])
        corners = middle_band(crop.shape[1], crop.shape[0]) if serial is None else serial.corners
        line = rectify(crop, corners)
        ballots = []
        for stretch in STRETCHES:
            width = max(1, round(line.shape[1] * stretch))
            stretched = cv2.resize(line, (width, line.shape[0]), interpolation=cv2.INTER_CUBIC)
            probabilities = self._recogniser.recognise(np.asarray(stretched, dtype=np.uint8))
            characters = decode_characters(self._recogniser.fold(probabilities))
            if characters:
                ballots.append(Ballot(plate_reading(characters), 1.0))
        if not ballots:
            return None
        reading = vote(ballots)
        others = tuple(line for line in lines if line is not serial)
        return plate_reading(reading.characters, self._read_state(crop, others))

    def _read_state(self, crop: NDArray[np.uint8], lines: tuple[TextLine, ...]) -> StateReading:
        legible = [line for line in lines if line_shape(line.corners).height >= MIN_STATE_HEIGHT_PX]
        longest = sorted(legible, key=lambda line: -line_shape(line.corners).width)
        words = []
        for line in longest[:MAX_STATE_LINES]:
            probabilities = self._recogniser.recognise(rectify(crop, line.corners))
            characters = decode_characters(self._recogniser.fold(probabilities))
            words.append("".join(character.best for character in characters))
        return read_state(tuple(words)) if words else UNKNOWN_STATE


def choose_serial(lines: tuple[TextLine, ...], height: int) -> TextLine | None:
    """The largest line near the middle of a plate's crop of that height; None where none is.

    Height counts more than width: a slogan may run as wide as the serial, never as high.
    """
    best, best_size = None, 0.0
    for line in lines:
        shape = line_shape(line.corners)
        central = abs(shape.y - height / 2) <= MAX_OFF_CENTER * height
        high = shape.height >= MIN_SERIAL_HEIGHT * height
        size = shape.height * np.sqrt(shape.width)
        if central and high and shape.width > shape.height * 0.5 and size > best_size:
            best, best_size = line, size
    return best


def middle_band(width: int, height: int) -> NDArray[np.float32]:
    """Corners (4, 2) of the part of a US plate's crop where its serial stands."""
    return box_corners(Box(0, round(height * 0.22), width, max(1, round(height * 0.6))))
