"""Measure the reading of plates on labelled pictures, through the engine that the daemon runs.

What is counted:

- A reading belongs to the labelled plate where their boxes overlap at all; of several, the one
  with the highest intersection over union (IoU). `exact` and `exact_folded` (O as 0, I as 1) are
  shares of all labelled plates, so a plate not found counts as wrong.
- `recall50`, `recall30`: the share of labelled plates that a reading covers at that IoU.
- `precision50`: only one plate is labelled in a scene, so a reading elsewhere may be a real second
  plate. Of each picture count the readings that overlap the label and the surest reading of the
  picture, wherever it lies; of these, the share that are the best reading of the labelled plate at
  IoU 0.5.
- `cer`: edits from reading to label over the labels' characters; an unread plate is all deletions.
- `no_read`: the share of labelled plates without any reading.
- `state`: of the plates whose state is labelled, the share where it was read rightly.
- Milliseconds per picture on one core with one thread, decoding of the file left out; the first
  picture, which warms the models up, is read twice and timed once. Memory is the process's peak.
"""

import argparse
import csv
import json
import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.contract.errors import ContractError
from edge.contract.plates import load_formats
from edge.vision.engine import PlateEngine
from edge.vision.errors import VisionError
from edge.vision.geometry import Box, iou
from edge.vision.ppocr.build import build_engine
from edge.vision.reader import PlateReading
from edge.vision.text import edit_distance

EXAMPLE = "example: scripts/bench vision --scenes ../shared/data/eval/scenes-us --json"
PROGRESS_EVERY = 20


@dataclass(frozen=True, slots=True)
class Label:
    """One line of truth.csv; `box` in pixels for scenes, `state` for crops."""

    file: Path
    plate: str
    box: Box | None
    state: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one picture gave, measured against its label."""

    label: Label
    reading: PlateReading | None
    iou: float
    counted: int
    elapsed_ms: float


def main() -> int:
    """Run over the folders asked for and print the figures."""
    args = parse_arguments()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    try:
        engine = build_engine(load_formats(), threads=1)
        report: dict[str, Any] = {}
        if args.scenes:
            labels = read_labels(args.scenes, args.limit)
            report = figures(list(with_progress(scene_outcomes(engine, labels), len(labels))))
        if args.crops:
            labels = read_labels(args.crops, args.limit)
            crops = figures(list(with_progress(crop_outcomes(engine, labels), len(labels))))
            report = {**report, "crops": crops}
    except (VisionError, ContractError, OSError, ValueError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(json.dumps(report) if args.json else as_table(report))
    return 0


def parse_arguments() -> argparse.Namespace:
    """The command line; at least one folder must be given."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench vision",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scenes", type=Path, metavar="DIR", help="photographs with truth.csv")
    parser.add_argument("--crops", type=Path, metavar="DIR", help="plate crops with truth.csv")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N of each folder")
    args = parser.parse_args()
    if not (args.scenes or args.crops):
        parser.error(f"give --scenes or --crops; {EXAMPLE}")
    return args


def read_labels(folder: Path, limit: int | None) -> list[Label]:
    """The lines of truth.csv: file,x,y,w,h,plate for scenes and file,state,plate for crops."""
    path = folder / "truth.csv"
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))[:limit]
    if not rows or not {"file", "plate"} <= rows[0].keys():
        raise ValueError(f"{path} holds no labels: it needs the columns file and plate")
    return [
        Label(
            folder / row["file"],
            row["plate"],
            Box(*(int(row[side]) for side in "xywh")) if "x" in row else None,
            row.get("state") or None,
        )
        for row in rows
    ]


def load(path: Path) -> np.ndarray:
    """A picture as (H, W, 3) uint8 BGR; raises ValueError where it cannot be read."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} is missing or not a picture")
    return image


def scene_outcomes(engine: PlateEngine, labels: list[Label]) -> Iterator[Outcome]:
    """Read whole photographs."""
    engine.read_frame(load(labels[0].file))
    for label in labels:
        if label.box is None:
            raise ValueError(f"{label.file.parent / 'truth.csv'} has no boxes: use --crops for it")
        image = load(label.file)
        start = time.perf_counter()
        seen = engine.read_frame(image)
        elapsed_ms = (time.perf_counter() - start) * 1000
        overlaps = [iou(observation.box, label.box) for observation in seen]
        best = int(np.argmax(overlaps)) if any(overlaps) else None
        counted = sum(1 for rank, overlap in enumerate(overlaps) if overlap > 0 or rank == 0)
        yield Outcome(
            label,
            None if best is None else seen[best].reading,
            0.0 if best is None else overlaps[best],
            counted,
            elapsed_ms,
        )


def crop_outcomes(engine: PlateEngine, labels: list[Label]) -> Iterator[Outcome]:
    """Read pictures that are themselves the crop of a plate."""
    engine.read_crop(load(labels[0].file))
    for label in labels:
        image = load(label.file)
        start = time.perf_counter()
        reading = engine.read_crop(image)
        yield Outcome(label, reading, 0.0, 0, (time.perf_counter() - start) * 1000)


def with_progress(outcomes: Iterable[Outcome], total: int) -> Iterator[Outcome]:
    """Pass outcomes on, saying on stderr how far it is and what was misread."""
    for done, outcome in enumerate(outcomes, start=1):
        text = outcome.reading.text if outcome.reading else "-"
        if text != outcome.label.plate:
            print(f"{outcome.label.file.name}: {outcome.label.plate} read {text}", file=sys.stderr)
        if done % PROGRESS_EVERY == 0 or done == total:
            print(f"{done} of {total}", file=sys.stderr)
        yield outcome


def figures(outcomes: list[Outcome]) -> dict[str, Any]:
    """The figures over all pictures of a folder; None where the labels do not allow one."""
    n = len(outcomes)
    texts = [(o.label.plate, o.reading.text if o.reading else "") for o in outcomes]
    scenes = outcomes[0].label.box is not None
    with_state = [o for o in outcomes if o.label.state]
    counted = sum(o.counted for o in outcomes)
    times = [o.elapsed_ms for o in outcomes]

    def recall(threshold: float) -> float | None:
        return share(sum(o.iou >= threshold for o in outcomes), n) if scenes else None

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
        "cer": share(
            sum(edit_distance(text, label) for label, text in texts),
            sum(len(label) for label, _ in texts),
        ),
        "no_read": share(sum(not text for _, text in texts), n),
        "ms_median": round(float(np.median(times)), 1),
        "ms_p95": round(float(np.percentile(times, 95)), 1),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "n": n,
    }


def share(part: int, whole: int) -> float | None:
    """A fraction 0..1 to four places; None of nothing."""
    return round(part / whole, 4) if whole else None


def fold(text: str) -> str:
    """O as 0 and I as 1, which many states draw alike."""
    return text.translate(str.maketrans("OI", "01"))


def as_table(report: dict[str, Any]) -> str:
    """The figures for a person."""
    lines = []
    for key, value in report.items():
        if isinstance(value, dict):
            lines += ["", f"{key}:", as_table(value)]
        else:
            lines.append(f"{key:<14}{'not measured' if value is None else value}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
