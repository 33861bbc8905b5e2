"""End-to-end YOLO exports, as open-image-models ships them: suppression inside the graph.

The output is a row for each box: number in the batch, left, top, right, bottom (pixels of the
input), class, score. No box is no row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.vision.errors import VisionError
from edge.vision.formats.boxes import Candidates

ROW = 7


def decode_rows(output: NDArray[np.float32], plate_classes: Sequence[int]) -> Candidates:
    """Candidates from rows (n, 7) of a batch of one; raises VisionError where they are others."""
    if output.ndim != 2 or output.shape[1] != ROW:
        raise VisionError(f"a detector gave {output.shape}, not n x {ROW}")
    rows = output[np.isin(np.round(output[:, 5]), plate_classes)]
    return Candidates(rows[:, 1:5], rows[:, 6])
