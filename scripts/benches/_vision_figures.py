"""From outcomes to the figures of the vision bench; each key is explained in vision.py."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.vision.geometry import Box
from edge.vision.reader import PlateReading
from edge.vision.text import edit_distance

ECE_BINS = 12
MAX_WRONG_SHARE = 0.01
FALSE_IOU = 0.1


@dataclass(frozen=True, slots=True)
class Label:
    """One line of truth.csv; `box` in pixels for scenes, `state` for crops."""

    file: Path
    plate: str
    box: Box | None
    state: str | None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A reading that hardly touches the labelled plate."""

    box: Box
    reading: PlateReading


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one picture gave, measured against its label; times in milliseconds."""

    label: Label
    reading: PlateReading | None
    iou: float
    counted: int
    elsewhere: tuple[Elsewhere, ...]
    elapsed_ms: float
    detector_ms: float | None
    reader_ms: tuple[float, ...]

    @property
    def text(self) -> str:
        """What was read; empty where nothing was."""
        return self.reading.text if self.reading else ""

    @property
    def right(self) -> bool:
        """Whether the text is exactly the label's."""
        return self.text == self.label.plate


def figures(outcomes: list[Outcome]) -> dict[str, Any]:
    """The figures over all pictures of a folder; None where the labels do not allow one."""
    n = len(outcomes)
    texts = [(o.label.plate, o.text) for o in outcomes]
    scenes = outcomes[0].label.box is not None
    with_state = [o for o in outcomes if o.label.state]
    counted = sum(o.counted for o in outcomes)
    times = [o.elapsed_ms for o in outcomes]
    sure = [(o.reading.confidence, o.right) for o in outcomes if o.reading is not None]
    threshold, accepted = accept_threshold(sure)

    def recall(least: float) -> float | None:
        return share(sum(o.iou >= least for o in outcomes), n) if scenes else None

    return {
        "exact": share(sum(label == text for label, text in texts), n),
        "exact_folded": share(sum(fold(label) == fold(text) for label, text in texts), n),
        "state": share(
            sum(
                o.reading is not None and o.reading.state.code == o.label.state for o in with_state
            ),
            len(with_state),
        ),
        "recall50": recall(0.5),
        "recall30": recall(0.3),
        "precision50": share(sum(o.iou >= 0.5 for o in outcomes), counted) if scenes else None,
        "false_per_picture": share(sum(len(o.elsewhere) for o in outcomes), n) if scenes else None,
        "cer": share(
            sum(edit_distance(text, label) for label, text in texts),
            sum(len(label) for label, _ in texts),
        ),
        "no_read": share(sum(not text for _, text in texts), n),
        "ece": calibration_error(sure),
        "accept_threshold": threshold,
        "accepted_share": share(accepted, n),
        "ms_median": round(float(np.median(times)), 1),
        "ms_p95": round(float(np.percentile(times, 95)), 1),
        "detector_ms": median([o.detector_ms for o in outcomes if o.detector_ms is not None]),
        "reader_ms": median([one for o in outcomes for one in o.reader_ms]),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "n": n,
    }


def calibration_error(sure: list[tuple[float, bool]], bins: int = ECE_BINS) -> float | None:
    """Expected calibration error of (confidence, right) pairs, in bins of equal counts.

    C. Guo et al., "On Calibration of Modern Neural Networks", 2017, with bins by rank.
    """
    if not sure:
        return None
    ranked = np.array(sorted(sure), dtype=np.float64)
    gaps = [
        abs(float(part[:, 0].mean() - part[:, 1].mean())) * len(part)
        for part in np.array_split(ranked, min(bins, len(ranked)))
    ]
    return round(sum(gaps) / len(ranked), 4)


def accept_threshold(
    sure: list[tuple[float, bool]], max_wrong: float = MAX_WRONG_SHARE
) -> tuple[float | None, int]:
    """The lowest confidence from which at most that share is wrong, and how many have it."""
    threshold, accepted = None, 0
    wrong = 0
    ranked = sorted(sure, key=lambda pair: -pair[0])
    for count, (confidence, right) in enumerate(ranked, start=1):
        wrong += not right
        last_of_its_confidence = count == len(ranked) or ranked[count][0] < confidence
        if last_of_its_confidence and wrong <= max_wrong * count:
            threshold, accepted = round(confidence, 4), count
    return threshold, accepted


def median(values: list[float]) -> float | None:
    """The middle value to one place; None of none."""
    return round(float(np.median(values)), 1) if values else None


def share(part: int, whole: int) -> float | None:
    """A fraction to four places; None of nothing."""
    return round(part / whole, 4) if whole else None


def fold(text: str) -> str:
    """O as 0 and I as 1, which many states draw alike."""
    return text.translate(str.maketrans("OI", "01"))
