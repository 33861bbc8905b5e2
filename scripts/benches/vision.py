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
- `false_per_picture`: readings whose IoU with the label is below 0.1, for each picture. Real plates
  that nobody labelled are among them: look at the sheet before you believe it.
- `cer`: edits from reading to label over the labels' characters; an unread plate is all deletions.
- `no_read`: the share of labelled plates without any reading.
- `state`: of the plates whose state is labelled, the share where it was read rightly.
- `ece`: expected calibration error of a reading's confidence: how far, over 12 bins of equally
  many readings, the mean confidence is from the share that is exactly right.
- `accept_threshold`: the lowest confidence from which on at most 1% of the readings are wrong;
  `accepted_share`: the share of all labelled plates whose reading is that sure.
- Milliseconds on one core with one thread, decoding of the file left out; the first picture, which
  warms the models up, is read twice and timed once. `ms_median` and `ms_p95` are for a whole
  picture, `detector_ms` is the detector's share of it, `reader_ms` the time to read one crop, both
  medians; the state of a plate in a scene counts to the last look at its text. `rss_mb` is the
  process's peak.
"""

import argparse
import csv
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from benches._vision_figures import FALSE_IOU, Elsewhere, Label, Outcome, figures
from benches._vision_sheet import write_misreads, write_sheet
from edge.contract.errors import ContractError
from edge.contract.plates import load_formats
from edge.vision.build import build_parts
from edge.vision.detector import Detection, Detector
from edge.vision.engine import PlateEngine
from edge.vision.errors import VisionError
from edge.vision.geometry import Box, iou
from edge.vision.reader import PlateReading, Reader, StateReading, TwoPartReader
from edge.vision.settings import DETECTOR_SIZES, ENGINE_KINDS, EngineSettings

EXAMPLE = "example: scripts/bench vision --scenes ../shared/data/eval/scenes-us --json"
PROGRESS_EVERY = 20


@dataclass(slots=True)
class Clock:
    """What the stages of the picture at hand took, in milliseconds."""

    detector_ms: list[float] = field(default_factory=list)
    reader_ms: list[float] = field(default_factory=list)

    def reset(self) -> None:
        """Begin another picture."""
        self.detector_ms.clear()
        self.reader_ms.clear()


@dataclass(frozen=True, slots=True)
class TimedDetector:
    """A Detector that notes how long it took."""

    detector: Detector
    clock: Clock

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """See Detector.detect."""
        start = time.perf_counter()
        found = self.detector.detect(image)
        self.clock.detector_ms.append((time.perf_counter() - start) * 1000)
        return found


@dataclass(frozen=True, slots=True)
class TimedReader:
    """A Reader that notes how long it took."""

    reader: Reader
    clock: Clock

    def read(self, crop: NDArray[np.uint8]) -> PlateReading | None:
        """See Reader.read."""
        return self._timed(self.reader.read, crop)

    def _timed(
        self, read: Callable[[NDArray[np.uint8]], PlateReading | None], crop: NDArray[np.uint8]
    ) -> PlateReading | None:
        start = time.perf_counter()
        reading = read(crop)
        self.clock.reader_ms.append((time.perf_counter() - start) * 1000)
        return reading


@dataclass(frozen=True, slots=True)
class TimedTwoPartReader(TimedReader):
    """A TwoPartReader that counts the state of a crop to the last reading of its text."""

    reader: TwoPartReader

    def read_text(self, crop: NDArray[np.uint8]) -> PlateReading | None:
        """See TwoPartReader.read_text."""
        return self._timed(self.reader.read_text, crop)

    def read_state(self, crop: NDArray[np.uint8]) -> StateReading:
        """See TwoPartReader.read_state."""
        start = time.perf_counter()
        state = self.reader.read_state(crop)
        self.clock.reader_ms[-1] += (time.perf_counter() - start) * 1000
        return state


def main() -> int:
    """Run over the folders asked for and print the figures."""
    args = parse_arguments()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    try:
        clock = Clock()
        engine = timed_engine(args, clock)
        report: dict[str, Any] = {}
        outcomes: list[Outcome] = []
        if args.scenes:
            labels = read_labels(args.scenes, args.limit)
            scenes = list(with_progress(scene_outcomes(engine, clock, labels), len(labels)))
            report, outcomes = figures(scenes), scenes
        if args.crops:
            labels = read_labels(args.crops, args.limit)
            crops = list(with_progress(crop_outcomes(engine, clock, labels), len(labels)))
            report, outcomes = {**report, "crops": figures(crops)}, outcomes + crops
        if args.misreads:
            write_misreads(args.misreads, outcomes)
        if args.sheet:
            write_sheet(args.sheet, outcomes, load)
    except (VisionError, ContractError, OSError, ValueError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        print(f"bench: {said}", file=sys.stderr)
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
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="a picture of what was misread")
    parser.add_argument("--misreads", type=Path, metavar="CSV", help="a table of what was misread")
    given = EngineSettings.model_fields
    parser.add_argument("--engine", choices=ENGINE_KINDS, default="plateward")
    parser.add_argument(
        "--detector-size",
        type=lambda word: int(word) if word.isdigit() else word,
        default=given["size"].default,
        metavar="SIZE",
        help=f"{', '.join(DETECTOR_SIZES)} or the long side in pixels (default %(default)s)",
    )
    parser.add_argument("--models", type=Path, metavar="TOML", help="a manifest of your own models")
    for part in ("detector", "reader"):
        parser.add_argument(
            f"--{part}",
            default=given[part].default,
            metavar="NAME",
            help=f"the {part} by its name in a manifest (default %(default)s)",
        )
    args = parser.parse_args()
    for written, ending in ((args.sheet, ".png"), (args.misreads, ".csv")):
        if written and (written.suffix != ending or not written.parent.is_dir()):
            parser.error(f"{written}: name a file that ends in {ending} in a folder that exists")
    if args.limit is not None and args.limit < 1:
        parser.error("--limit: at least 1 picture")
    if not (args.scenes or args.crops):
        parser.error(f"give --scenes or --crops; {EXAMPLE}")
    return args


def timed_engine(args: argparse.Namespace, clock: Clock) -> PlateEngine:
    """The engine asked for, on one thread of the processor, its stages timed."""
    settings = EngineSettings(
        kind=args.engine,
        detector=args.detector,
        reader=args.reader,
        models=args.models,
        size=args.detector_size,
        threads=1,
    )
    parts = build_parts(settings)
    timed = replace(
        parts,
        detector=TimedDetector(parts.detector, clock),
        reader=timed_reader(parts.reader, clock),
    )
    return PlateEngine(timed, load_formats())


def timed_reader(reader: Reader, clock: Clock) -> TimedReader:
    """A reader of the same parts as the given one, timed."""
    if isinstance(reader, TwoPartReader):
        return TimedTwoPartReader(reader, clock)
    return TimedReader(reader, clock)


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


def load(path: Path) -> NDArray[np.uint8]:
    """A picture as (H, W, 3) uint8 BGR; raises ValueError where it cannot be read."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} is missing or not a picture")
    return np.asarray(image, dtype=np.uint8)


def scene_outcomes(engine: PlateEngine, clock: Clock, labels: list[Label]) -> Iterator[Outcome]:
    """Read whole photographs."""
    engine.read_frame(load(labels[0].file))
    for label in labels:
        if label.box is None:
            raise ValueError(f"{label.file.parent / 'truth.csv'} has no boxes: use --crops for it")
        image = load(label.file)
        clock.reset()
        start = time.perf_counter()
        seen = engine.read_frame(image)
        elapsed_ms = (time.perf_counter() - start) * 1000
        overlaps = [iou(observation.box, label.box) for observation in seen]
        best = int(np.argmax(overlaps)) if any(overlaps) else None
        yield Outcome(
            label=label,
            reading=None if best is None else seen[best].reading,
            iou=0.0 if best is None else overlaps[best],
            counted=sum(1 for rank, overlap in enumerate(overlaps) if overlap > 0 or rank == 0),
            elsewhere=tuple(
                Elsewhere(one.box, one.reading)
                for one, overlap in zip(seen, overlaps, strict=True)
                if overlap < FALSE_IOU
            ),
            elapsed_ms=elapsed_ms,
            detector_ms=sum(clock.detector_ms),
            reader_ms=tuple(clock.reader_ms),
        )


def crop_outcomes(engine: PlateEngine, clock: Clock, labels: list[Label]) -> Iterator[Outcome]:
    """Read pictures that are themselves the crop of a plate."""
    engine.read_crop(load(labels[0].file))
    for label in labels:
        image = load(label.file)
        clock.reset()
        start = time.perf_counter()
        reading = engine.read_crop(image)
        yield Outcome(
            label=label,
            reading=reading,
            iou=0.0,
            counted=0,
            elsewhere=(),
            elapsed_ms=(time.perf_counter() - start) * 1000,
            detector_ms=None,
            reader_ms=tuple(clock.reader_ms),
        )


def with_progress(outcomes: Iterable[Outcome], total: int) -> Iterator[Outcome]:
    """Pass outcomes on, saying on stderr how far it is and what was misread."""
    for done, outcome in enumerate(outcomes, start=1):
        if not outcome.right:
            label = outcome.label
            print(f"{label.file.name}: {label.plate} read {outcome.text or '-'}", file=sys.stderr)
        if done % PROGRESS_EVERY == 0 or done == total:
            print(f"{done} of {total}", file=sys.stderr)
        yield outcome


def as_table(report: dict[str, Any]) -> str:
    """The figures for a person."""
    lines = []
    for key, value in report.items():
        if isinstance(value, dict):
            lines += ["", f"{key}:", as_table(value)]
        else:
            lines.append(f"{key:<18}{'not measured' if value is None else value}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
