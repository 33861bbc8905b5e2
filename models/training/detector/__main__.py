"""Train the network that finds plates, and measure it.

Reads openimages-plates/ and romanian-street/ in the folder of --data, each with boxes.csv; draws
plates over theirs. Writes to --out: plate_detector.onnx, the same in whole numbers of 8 bits as
plate_detector_int8.onnx, report.json, curves.png and progress.pt, from which a run that was
stopped goes on. The seed fixes what is drawn and in which order it is
shown; how many steps fit into the minutes depends on the machine.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edge.vision.detector import Detection
from edge.vision.models import load_onnx
from edge.vision.plate_detector import OnnxPlateDetector, postprocess, preprocess
from models.training import run
from models.training.command import parser_of, report_of
from models.training.curves import draw_curves
from models.training.scenes import textures
from models.training.scenes.photos import Photo, open_photos

from .loss import DetectorLoss, Truth
from .measure import Labelled, benchmark, figures, held_out
from .network import DetectorNetwork, ExportFacts, describe, save_onnx
from .quantise import quantise
from .samples import SIDE_PX, Sampler
from .truth import truth_of

EXAMPLE = (
    "example: scripts/train detector --data ../shared/data/train --eval ../shared/data/eval "
    "--device auto --minutes 90 --seed 1 --out ../detector"
)
DOUBTFUL = Path(__file__).with_name("doubtful.csv")
"""Plates that the sets' authors left without a label, found by an early detector and by eye."""
ONNX_NAME = "plate_detector.onnx"
INT8_NAME = "plate_detector_int8.onnx"
MINUTES = 90.0
TEXTURES = 2000
CALIBRATION_PICTURES = 80
BATCH = 16
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.03
LONGEST_SIDE_PX = 768
THRESHOLD = 0.6
FAINTEST = 0.02
"""Detections from this score on count for the average precision."""
BENCHMARKS = ("scenes-us", "scenes-eu", "scenes-br")

Batch = tuple[Tensor, Truth]


def main() -> int:
    """Make batches, train, export, measure."""
    return report_of(parse_arguments(), trained)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = parser_of("detector", __doc__, EXAMPLE, MINUTES, "cache")
    parser.add_argument("--eval", type=Path, metavar="DIR", help="scenes to measure on at the end")
    parser.add_argument("--rate", type=float, default=LEARNING_RATE, metavar="X", help="highest")
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="begin with the weights of a progress.pt"
    )
    parser.add_argument(
        "--doubtful",
        type=Path,
        default=DOUBTFUL,
        metavar="FILE",
        help="regions (name,x,y,w,h) to teach nothing about; default: those found here",
    )
    return parser.parse_args()


def trained(args: argparse.Namespace) -> dict[str, Any]:
    """Train as the arguments say, export, and measure what was exported."""
    cv2.setNumThreads(1)
    device = run.choose_device(args.device)
    run.seed_everything(args.seed)
    cache = args.cache or args.out / "cache"
    run.say(f"photographs, drawn drives and {TEXTURES} drawn plates: made once, kept in {cache}")
    photos = open_photos(args.data, drives=cache / "drives", doubtful=args.doubtful)
    stock = textures.make(TEXTURES, cache / "textures", args.seed)
    measured = list(held_out(photos))
    shown = [photo for photo in photos if not photo.held_out]
    sampler = Sampler(shown, stock)
    network = DetectorNetwork().to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if args.weights:
        state = torch.load(args.weights, weights_only=True, map_location="cpu")
        network.load_state_dict(state["average"])
    optimiser = torch.optim.AdamW(network.parameters(), args.rate, weight_decay=WEIGHT_DECAY)
    path = args.out / "progress.pt"
    progress = run.train(
        run.begin(network, optimiser, path),
        partial(draw_batch, sampler, args.seed),
        Losses(device),
        run.Plan(args.minutes, average_decay=0.998, clip=10.0, measure_every_s=300.0),
        path,
        partial(measure_network, pictures=measured, device=device),
    )
    draw_curves(args.out / "curves.png", progress.history)
    report: dict[str, Any] = {
        "seed": args.seed,
        "steps": progress.step,
        "minutes": round(progress.spent_s / 60, 1),
    }
    export(progress.average, args.out, shown)
    for path in (args.out / ONNX_NAME, args.out / INT8_NAME):
        report[path.name] = {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "held out": measure_file(path, measured),
        } | {
            name: measure_file(path, benchmark(args.eval / name))
            for name in BENCHMARKS
            if args.eval
        }
    return report


def export(network: nn.Module, folder: Path, photos: list[Photo]) -> None:
    """Write the network as it is and in 8 bits, the latter's scales found on `photos`."""
    copy = DetectorNetwork()
    copy.load_state_dict(network.state_dict())
    facts = ExportFacts(LONGEST_SIDE_PX, THRESHOLD)
    save_onnx(copy, folder / ONNX_NAME, facts)
    usual = photos[:: max(1, len(photos) // CALIBRATION_PICTURES)]
    tensors = (preprocess(photo.read(), LONGEST_SIDE_PX)[0] for photo in usual)
    quantise(folder / ONNX_NAME, folder / INT8_NAME, tensors)
    describe(folder / INT8_NAME, facts)


def draw_batch(sampler: Sampler, seed: int, step: int) -> Batch:
    """The batch of a step: pictures (n, 3, side, side) uint8 and what is in them."""
    rng = np.random.default_rng([seed, step])
    samples = sampler.batch(rng, BATCH)
    pictures = np.stack([sample.image for sample in samples])
    return torch.from_numpy(pictures).permute(0, 3, 1, 2), truth_of(samples)


class Losses:
    """The losses of a batch, reckoned on a device."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._loss = DetectorLoss(SIDE_PX, SIDE_PX, device)

    def __call__(self, network: nn.Module, batch: Batch) -> run.Losses:
        """See models.training.run.train."""
        pictures, truth = batch
        device = self._device
        there = Truth(truth.boxes.to(device), truth.corners.to(device), truth.ignored.to(device))
        tensor = pictures.to(device).float().contiguous(memory_format=torch.channels_last)
        with run.half_precision(device):
            cells = network(tensor)
        return self._loss(cells.float(), there)


def measure_network(
    network: nn.Module, *, pictures: list[Labelled], device: torch.device
) -> dict[str, float]:
    """Figures of a network on pictures held out."""

    def detect(image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        tensor, scale = preprocess(image, LONGEST_SIDE_PX)
        cells = network(torch.from_numpy(tensor).to(device)).float().cpu().numpy()[0]
        height, width = tensor.shape[2:]
        return postprocess(cells, (height, width), image.shape[:2], scale, FAINTEST)

    return figures(detect, pictures, THRESHOLD)


def measure_file(path: Path, pictures: Iterable[Labelled]) -> dict[str, float]:
    """Figures of an exported file, rounded."""
    detector = OnnxPlateDetector(load_onnx(path), threshold=FAINTEST)
    found = figures(detector.detect, pictures, THRESHOLD)
    return {name: round(value, 4) for name, value in found.items()}


if __name__ == "__main__":
    sys.exit(main())
