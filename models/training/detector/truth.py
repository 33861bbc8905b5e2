"""What is in the samples of a batch, as the loss wants it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from .loss import Truth
from .samples import Sample


def truth_of(samples: Sequence[Sample]) -> Truth:
    """The plates and doubtful regions of samples, as many rows for each as the fullest has."""
    most = max(1, *(len(sample.plates) for sample in samples))
    most_ignored = max(1, *(len(sample.ignored) for sample in samples))
    boxes = np.zeros((len(samples), most, 4), dtype=np.float32)
    corners = np.full((len(samples), most, 4, 2), np.nan, dtype=np.float32)
    ignored = np.zeros((len(samples), most_ignored, 4), dtype=np.float32)
    for row, sample in enumerate(samples):
        for at, (box, quadrilateral) in enumerate(sample.plates):
            boxes[row, at], corners[row, at] = box, quadrilateral
        for at, box in enumerate(sample.ignored):
            ignored[row, at] = box
    return Truth(torch.from_numpy(boxes), torch.from_numpy(corners), torch.from_numpy(ignored))
