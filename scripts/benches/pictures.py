"""Measure what is noticed of a camera's picture that goes bad, and what is called bad wrongly.

Cameras are made of real photographs: a fixed one looks at the middle of a street scene, with light
that drifts, noise, and patches of other scenes for traffic; a vehicle's is shown the frames of a
drive in their order. Each runs for 80 pictures soundly, then with one fault until it is noticed,
for 150 at most, then soundly again, at one picture in 5 seconds (in a second where it is a video).
The judge has its default settings; a fixed camera has a reference picture, taken by day.

- `noticed`: the share of runs in which a right fault was called; `after_s` the median seconds to
  it, the time that a fault must last included; `over`: of the noticed, the share in which it was
  over after the fault was.
- `false_alarms`: runs in which a fault was called that was not there.
- `glance_ms`, `compare_ms`: processor time for one picture's figures and for one comparison with
  the reference, medians.

The photographs are parted in two by their names: thresholds were tuned on the half `tune` alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from benches import _picture_scenes as scenes
from benches._picture_cases import STEP_S, Case, cases, deliver
from benches._picture_scenes import Picture
from edge.vision.aim_reference import reference_of
from edge.vision.aim_shift import View, outlines
from edge.vision.camera_settings import CameraSettings
from edge.vision.picture_health import PictureHealth
from edge.vision.picture_health_glance import Glance, glance, shrink

EXAMPLE = (
    "example: scripts/bench pictures --views ../shared/data/eval/scenes-us "
    "--drive ../shared/data/train/romanian-street --json"
)
TAKEN_AT = datetime(2026, 1, 2, tzinfo=UTC)
DRIVE_FRAMES = 120
MIN_VIEWS = 3
"""Traffic in one view is cut out of the others."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was called in one run."""

    noticed_after_s: float | None
    over: bool
    false_alarms: tuple[str, ...]


def main() -> int:
    """Run every case and print the figures."""
    args = parse_arguments()
    cv2.setNumThreads(1)
    try:
        views = half_of(args.views, args.half)
        drive = half_of(args.drive, args.half)
        if not views or not drive:
            raise OSError("a folder holds no .jpg picture of this half")
        report = measure(args, views, drive)
    except OSError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(json.dumps(report) if args.json else as_table(report))
    return 0


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench pictures",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--views", type=Path, metavar="DIR", required=True, help="street scenes")
    parser.add_argument("--drive", type=Path, metavar="DIR", required=True, help="a drive's frames")
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    parser.add_argument("--runs", type=int, default=6, help="of each case (default %(default)s)")
    parser.add_argument("--case", metavar="WORD", default="", help="only cases whose name has it")
    parser.add_argument("--seed", type=int, default=1, help="of all chance (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    args = parser.parse_args()
    if args.runs < 1:
        parser.error("--runs: at least 1")
    return args


def half_of(folder: Path, half: str) -> list[Path]:
    """A folder's pictures of one half: a scene by its name's checksum, a drive by blocks of 100."""
    if not folder.is_dir():
        raise OSError(f"{folder} is not there")
    paths = sorted(folder.glob("*.jpg"))
    odd = half == "report"
    if len(paths) > 2 * DRIVE_FRAMES:
        return [path for number, path in enumerate(paths) if (number // 100 % 2 == 1) == odd]
    return [path for path in paths if (zlib.crc32(path.name.encode()) % 2 == 1) == odd]


def measure(args: argparse.Namespace, views: list[Path], drive: list[Path]) -> dict[str, Any]:
    """The figures of every case, and what one picture takes."""
    rng = np.random.default_rng(args.seed)
    wanted = min(max(args.runs, MIN_VIEWS), len(views))
    chosen = [views[int(one)] for one in rng.choice(len(views), wanted, replace=False)]
    fixed = [scenes.load(path) for path in chosen]
    report: dict[str, Any] = {
        "views": str(args.views),
        "drive": str(args.drive),
        "half": args.half,
        "pictures": {"views": len(chosen), "drive": len(drive)},
        "cases": {},
    }
    for case in cases():
        if args.case not in case.name:
            continue
        outcomes = []
        for number in range(args.runs):
            seeded = np.random.default_rng([args.seed, number, zlib.crc32(case.name.encode())])
            if case.kind == "vehicle":
                start = int(seeded.integers(0, max(1, len(drive) - DRIVE_FRAMES)))
                shown = [scenes.load(one) for one in drive[start : start + DRIVE_FRAMES]]
            else:
                turn = number % len(fixed)
                shown = fixed[turn:] + fixed[:turn]
            outcomes.append(run_case(case, shown, seeded))
        report["cases"][case.name] = figures(case, outcomes)
        print(f"{case.name}: {report['cases'][case.name]}", file=sys.stderr)
    sound = [one for one in report["cases"].values() if "noticed" not in one]
    report["sound_runs"] = args.runs * len(sound)
    report["sound_runs_with_false_alarms"] = sum(one["runs_with_false_alarms"] for one in sound)
    report |= timings(fixed[0])
    return report


def run_case(case: Case, photographs: Sequence[Picture], rng: np.random.Generator) -> Outcome:
    """One camera's run; it ends soon after a fault was noticed and was over."""
    camera = CameraSettings(name="bench", source="device:0", kind=case.kind)
    reference = None
    if case.kind == "fixed":
        first = scenes.day(rng, scenes.Noise(rng))(scenes.view(photographs[0]), 0)
        reference = reference_of(first, TAKEN_AT, glance(first).sharpness)
    health = PictureHealth(camera, reference)
    step_s = 1.0 if case.video is not None else STEP_S
    noticed_s: float | None = None
    faulty_s, over, wrong = 0.0, False, set[str]()
    for number, (frame, there) in enumerate(deliver(case, photographs, rng)):
        if there and noticed_s is not None:
            continue  # noticed: the next sound picture tells whether it ends
        standing = health.look(number * step_s, glance(frame))
        wrong |= set(standing) - case.expected
        right = bool(set(standing) & case.expected)
        if there:
            faulty_s += step_s
        if right and there and noticed_s is None:
            noticed_s = faulty_s
        over = noticed_s is not None and not there and not right
        if over:
            break
    return Outcome(noticed_s, over, tuple(sorted(wrong)))


def figures(case: Case, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Shares over the runs of one case."""
    alarms = sorted({alarm for one in outcomes for alarm in one.false_alarms})
    figures: dict[str, Any] = {
        "runs": len(outcomes),
        "runs_with_false_alarms": sum(bool(one.false_alarms) for one in outcomes),
        "false_alarms": alarms,
    }
    if case.expected:
        after = [one.noticed_after_s for one in outcomes if one.noticed_after_s is not None]
        figures["noticed"] = round(len(after) / len(outcomes), 3)
        figures["after_s"] = median(after) if after else None
        ended = sum(one.over for one in outcomes)
        figures["over"] = round(ended / len(after), 3) if after and case.video is None else None
    return figures


def timings(photograph: Picture) -> dict[str, float]:
    """Milliseconds of processor time, of a frame of 1280x720."""
    frame = np.asarray(cv2.resize(scenes.view(photograph), (1280, 720)), dtype=np.uint8)
    seen: Glance = glance(frame)
    reference = View(outlines(shrink(seen.small, seen.small.shape[1])))
    glances, compares = [], []
    for _ in range(50):
        start = time.process_time()
        glance(frame)
        middle = time.process_time()
        reference.compare(outlines(seen.small))
        glances.append(middle - start)
        compares.append(time.process_time() - middle)
    return {
        "glance_ms": round(median(glances) * 1000, 2),
        "compare_ms": round(median(compares) * 1000, 2),
    }


def as_table(report: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [
        f"views of {report['views']}, drive of {report['drive']}, half '{report['half']}'",
        f"{'case':<46} {'runs':>4} {'noticed':>8} {'after s':>8} {'over':>5}  false alarms",
    ]
    for name, one in report["cases"].items():
        noticed = f"{one['noticed']:.0%}" if "noticed" in one else "-"
        after = f"{one['after_s']:.0f}" if one.get("after_s") is not None else "-"
        over = f"{one['over']:.0%}" if one.get("over") is not None else "-"
        alarms = f"{one['runs_with_false_alarms']} {' '.join(one['false_alarms'])}"
        lines.append(f"{name:<46} {one['runs']:>4} {noticed:>8} {after:>8} {over:>5}  {alarms}")
    lines.append(
        f"{report['sound_runs_with_false_alarms']} of {report['sound_runs']} runs of sound cameras "
        f"with a false alarm; glance {report['glance_ms']} ms, compare {report['compare_ms']} ms"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
