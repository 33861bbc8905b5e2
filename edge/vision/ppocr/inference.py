"""The two networks of PP-OCRv6: one finds lines of text, one recognises a line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.vision.errors import ModelError
from edge.vision.models import OnnxModel
from edge.vision.ppocr.postprocess import PlateAlphabet, TextLine, find_lines
from edge.vision.ppocr.preprocess import finder_input, line_input


class LineFinder:
    """Finds lines of text in a picture."""

    def __init__(self, model: OnnxModel) -> None:
        self._model = model

    def find(self, image: NDArray[np.uint8], long_side_px: int) -> tuple[TextLine, ...]:
        """Lines in an (H, W, 3) uint8 BGR picture, searched with its long side at that size.

        Raises VisionError where inference fails.
        """
        text_map = self._model.run(finder_input(image, long_side_px))[0, 0]
        return find_lines(text_map, (image.shape[1], image.shape[0]))


class LineRecogniser:
    """Recognises the characters of one line."""

    def __init__(self, model: OnnxModel) -> None:
        """Raises ModelError where the model does not carry its list of characters."""
        listed = model.metadata.get("character")
        if not listed:
            raise ModelError(f"model {model.name} does not carry its list of characters")
        self._model = model
        self.classes = (*listed.split("\n"), " ")
        self._alphabet = PlateAlphabet(self.classes)

    def recognise(self, line: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(steps, blank and classes) probabilities for an upright (h, w, 3) uint8 BGR line.

        Raises VisionError where inference fails, ModelError where the output does not fit the
        list of characters.
        """
        probabilities: NDArray[np.float32] = self._model.run(line_input(line))[0]
        if probabilities.shape[1] != len(self.classes) + 1:
            raise ModelError(f"model {self._model.name} does not fit its list of characters")
        return probabilities

    def fold(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """See PlateAlphabet.fold."""
        return self._alphabet.fold(probabilities)
