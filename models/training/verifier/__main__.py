"""Train the network that tells plates from other texts, and measure it on pictures held out.

Reads openimages-plates/ and romanian-street/ in the folder of --data, each with boxes.csv, and
draws drives and plates of its own. Writes to --out: plate_verifier.onnx, report.json, curve.png
(precision over recall), curves.png (of the training) and progress.pt, from which a run that was
stopped goes on. The seed fixes what is drawn and in which order it is shown; how many steps fit
into the minutes depends on the machine.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.models import load_onnx
from edge.vision.verifier import patch_input

from ..command import parser_of, report_of
from ..curves import draw_curves
from ..run import choose_device, say, seed_everything
from .augment import plain
from .examples import Source, load, make_missing, sources
from .learn import learn
from .measure import average_precision, draw_curve, precision_recall
from .network import VerifierNetwork, save_onnx

EXAMPLE = (
    "example: scripts/train verifier --data ../shared/data/train --minutes 8 --out ../verifier"
)
ONNX_NAME = "plate_verifier.onnx"
MINUTES = 8.0
THRESHOLDS = (0.1, 0.25, 0.5, 0.7)


def main() -> int:
    """Make examples, train, export, measure."""
    return report_of(
        parser_of("verifier", __doc__, EXAMPLE, MINUTES, "examples").parse_args(), trained
    )


def trained(args: argparse.Namespace) -> dict[str, Any]:
    """Train as the arguments say, export, and measure what was exported."""
    cv2.setNumThreads(1)
    device = choose_device(args.device)
    seed_everything(args.seed)
    cache = args.cache or args.out / "examples"
    wanted = sources(args.data)
    make_missing(wanted, cache, args.seed, say)
    held_out = [source for source in wanted if source.held_out]
    examples = load([source for source in wanted if not source.held_out], cache)
    say(f"training on {len(examples.is_plate)} examples, {examples.is_plate.sum()} of plates")
    progress = learn(examples, args.minutes, args.seed, device, args.out / "progress.pt")
    draw_curves(args.out / "curves.png", progress.history)
    network = VerifierNetwork()
    network.load_state_dict(progress.average.state_dict())
    save_onnx(network, args.out / ONNX_NAME)
    return measured(args.out, held_out, cache) | {
        "seed": args.seed,
        "steps": progress.step,
        "minutes": round(progress.spent_s / 60, 1),
        "examples": len(examples.is_plate),
        "plates": int(examples.is_plate.sum()),
    }


def measured(out: Path, held_out: list[Source], cache: Path) -> dict[str, Any]:
    """Precision and recall of the exported file on the sources held out, by where they are from."""
    model = load_onnx(out / ONNX_NAME)
    everything = load(held_out, cache)
    probabilities = model.run(patch_input(np.stack([plain(e) for e in everything.patches])))
    drives = load([source for source in held_out if source.drive_seed is not None], cache)
    on_drive = np.zeros(len(everything.drawn), dtype=np.bool_)
    on_drive[len(on_drive) - len(drives.drawn) :] = True
    parts: dict[str, NDArray[np.bool_]] = {
        "photographs": ~everything.drawn,
        "drawn on photographs": everything.drawn & ~on_drive,
        "drawn drive": on_drive,
    }
    report: dict[str, Any] = {"sha256": hashlib.sha256((out / ONNX_NAME).read_bytes()).hexdigest()}
    for name, part in parts.items():
        given, truth = probabilities[part], everything.is_plate[part]
        report[name] = {
            "average_precision": average_precision(given, truth),
            "at": [precision_recall(given, truth, threshold) for threshold in THRESHOLDS],
        }
    real = parts["photographs"]
    draw_curve(out / "curve.png", probabilities[real], everything.is_plate[real])
    return report


if __name__ == "__main__":
    sys.exit(main())
