"""Train the network that reads a plate's text and tells its state, and measure it.

Draws plates of its own (models/training/plates, photographed by models/training/photograph) and
mixes in the real plates of --data whose texts are known. Starts from the small recogniser of
PP-OCRv6 in the rapidocr package. Writes to --out: plate_reader.onnx (and plate_reader.plain.onnx,
all of it in float32), report.json, curves.png and progress.pt, from which a run that was stopped
goes on. The seed fixes what is drawn and in which order it is shown; how many steps fit into the
minutes depends on the machine. --eval measures the exported file on labelled pictures and trains
on none of them.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edge.vision.models import load_onnx
from edge.vision.plate_reader import ReaderTraits, read_traits

from ..command import parser_of, report_of
from ..curves import draw_curves
from ..run import (
    Plan,
    begin,
    choose_device,
    follow,
    half_precision,
    say,
    seed_everything,
    train,
)
from .batches import batches
from .calibrate import fitted
from .export import halve, reads_by, save_onnx
from .labelled import Labelled, from_drawn, from_folder, from_real
from .learn import RATE, STATE_RATE, losses_by, optimiser_of
from .measure import figures, outcomes
from .network import ALPHABET, CLASSES, PlateNetwork
from .quantise import quantise
from .real import RealPlate, load_real
from .recogniser import load_recogniser
from .render import make_missing
from .shards import SHARD, load_shards

EXAMPLE = (
    "example: scripts/train reader --data ../shared/data/train --eval ../shared/data/eval"
    " --minutes 60 --out ../reader"
)
ONNX_NAME = "plate_reader.onnx"
PLAIN_NAME = "plate_reader.plain.onnx"
MINUTES = 60.0
BATCH = 32
AVERAGE_DECAY = 0.99
REAL_SHARE = 0.12
HELD_OUT_SHARDS = (9000,)
GLANCE = 200  # plates of each kind that are looked at on the way
MEASURE_EVERY_S = 240.0
USUAL = 200
MIN_STATE = 0.4
START_SHARES = (0.0, 0.15, 0.3)
TRAITS = ReaderTraits(ALPHABET, CLASSES, 1.0, 1.0, MIN_STATE)


def main() -> int:
    """Draw, train, calibrate, export, measure."""
    return report_of(parse_arguments(), reported)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = parser_of("reader", __doc__, EXAMPLE, MINUTES, "drawn")
    add = parser.add_argument
    add("--eval", type=Path, metavar="DIR", help="labelled folders to measure on at the end")
    add("--draw-seed", type=int, default=1, metavar="N", help="of the drawings; default 1")
    add("--plates", type=int, default=60_000, metavar="N", help="to draw; default 60000")
    add("--threads", type=int, default=1, metavar="N", help="of the processor; default 1")
    add("--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="that draw")
    tuning = parser.add_argument_group("what was tried, for comparison")
    add = tuning.add_argument
    add("--rate", type=float, default=RATE, metavar="R", help=f"default {RATE}")
    add("--state-rate", type=float, default=STATE_RATE, metavar="R", help=f"default {STATE_RATE}")
    add("--strokes-rate", type=float, default=0.0, metavar="R", help="first layers; default 0")
    add("--real-share", type=float, default=REAL_SHARE, metavar="S", help=f"default {REAL_SHARE}")
    add("--start", type=Path, metavar="FILE", help="a progress.pt whose average to start from")
    return parser.parse_args()


def reported(args: argparse.Namespace) -> dict[str, Any]:
    """Train as the arguments say, export, and measure what was exported."""
    cache = args.cache or args.out / "drawn"
    device = choose_device(args.device)
    seed_everything(args.seed, args.threads)
    cv2.setNumThreads(1)
    numbers = range(-(-args.plates // SHARD))
    real = load_real(args.data)  # first: what is missing there is said before hours of drawing
    make_missing(cache, args.draw_seed, [*numbers, *HELD_OUT_SHARDS], args.processes, say)
    network, steps, minutes = trained(args, cache, numbers, device, real)
    held_out = _held_out(cache, args, real)
    usual = load_shards(cache, args.draw_seed, numbers[:1]).pictures[:USUAL]
    report = finished(network, held_out, usual, args.out) | {
        "seed": args.seed, "steps": steps, "minutes": round(minutes, 1),
        "plates_drawn": len(numbers) * SHARD,
    }  # fmt: skip
    if args.eval:
        report["eval"] = {
            name: evaluated(args.out / name, args.eval) for name in (ONNX_NAME, PLAIN_NAME)
        }
    return report


def trained(
    args: argparse.Namespace,
    cache: Path,
    numbers: Sequence[int],
    device: torch.device,
    real: Sequence[RealPlate],
) -> tuple[PlateNetwork, int, float]:
    """The average of the weights after training, the steps taken and the minutes they took."""
    network = PlateNetwork(*load_recogniser())
    if args.start:
        network.load_state_dict(torch.load(args.start, weights_only=True)["average"])
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = optimiser_of(network, args.rate, args.state_rate, args.strokes_rate)
    path = args.out / "progress.pt"
    progress = begin(network, optimiser, path)
    drawn = load_shards(cache, args.draw_seed, numbers)
    shown = [plate for plate in real if not plate.held_out]
    say(f"training on {len(drawn.texts)} drawn and {len(shown)} real plates")
    held_out = _held_out(cache, args, real)

    def measure(average: nn.Module) -> dict[str, float]:
        assert isinstance(average, PlateNetwork)  # noqa: S101 - for the type checker
        found: dict[str, float] = {}
        for name, part in held_out.items():
            values = _measured(average, part.first(GLANCE))
            found |= {f"{name} {key}": values[key] for key in ("folded", "state") if key in values}
        return found

    draw = batches(drawn, shown, BATCH, args.real_share, args.seed)
    plan = Plan(args.minutes, average_decay=AVERAGE_DECAY, measure_every_s=MEASURE_EVERY_S)
    train(progress, draw, losses_by(device), plan, path, measure)
    draw_curves(args.out / "curves.png", progress.history)
    average = progress.average.cpu()
    assert isinstance(average, PlateNetwork)  # noqa: S101 - for the type checker
    return average, progress.step, progress.spent_s / 60


def _held_out(
    cache: Path, args: argparse.Namespace, real: Sequence[RealPlate]
) -> dict[str, Labelled]:
    drawn = from_drawn(load_shards(cache, args.draw_seed, HELD_OUT_SHARDS))
    return {"drawn": drawn, "real": from_real([plate for plate in real if plate.held_out])}


def _probabilities(
    network: PlateNetwork, pictures: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    device = next(network.parameters()).device
    parts = []
    with torch.no_grad(), half_precision(device):
        for at in range(0, len(pictures), BATCH):
            given = network(torch.from_numpy(pictures[at : at + BATCH]).to(device))
            parts.append([torch.softmax(logits.float(), -1).cpu().numpy() for logits in given])
    steps, states = (np.concatenate(each) for each in zip(*parts, strict=True))
    return steps.astype(np.float64), states.astype(np.float64)


def _measured(network: PlateNetwork, part: Labelled) -> dict[str, float]:
    steps, states = _probabilities(network, part.pictures)
    return figures(outcomes(steps, states, TRAITS, part.labels))


def finished(
    network: PlateNetwork, held_out: dict[str, Labelled], usual: NDArray[np.uint8], out: Path
) -> dict[str, Any]:
    """Blend with the start, calibrate and export; what was found on the way.

    `usual` (n, 96, 192, 3) are drawn plates that the scales of 8 bits are taken from.
    """
    network.eval()
    blends = {}
    for share in START_SHARES:
        mixed = blended(network, share)
        values = [_measured(mixed, part.first(2 * GLANCE)) for part in held_out.values()]
        blends[share] = sum(value["exact"] for value in values) / len(values)
        say(f"with {share} of the start's weights: {blends[share]:.4f} of held out read")
    share = max(blends, key=lambda each: blends[each])
    final = blended(network, share)
    given = {name: _probabilities(final, part.pictures) for name, part in held_out.items()}
    labels = [label for part in held_out.values() for label in part.labels]
    steps, states = (np.concatenate(each) for each in zip(*given.values(), strict=True))
    traits = fitted(steps, states, labels, TRAITS)
    plain = out / PLAIN_NAME
    save_onnx(final, traits, plain)
    quantise(plain, out / ONNX_NAME, usual)
    halve(out / ONNX_NAME)
    content = (out / ONNX_NAME).read_bytes()
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "start_share": share,
        "blends": blends,
        "temperature": traits.temperature,
        "state_temperature": traits.state_temperature,
        "held_out": {
            name: figures(outcomes(*given[name], traits, part.labels))
            for name, part in held_out.items()
        },
    }


def blended(network: PlateNetwork, share: float) -> PlateNetwork:
    """The network with that share of the weights that the text's layers started with."""
    if not share:
        return network
    start, mixed = PlateNetwork(*load_recogniser()), copy.deepcopy(network)
    for name in ("letters", "shapes", "neck", "characters"):
        follow(getattr(mixed, name), getattr(start, name), 1 - share)
    return mixed


def evaluated(onnx_file: Path, folder: Path) -> dict[str, Any]:
    """The exported file's figures on every labelled folder in `folder`."""
    traits, read = read_traits(load_onnx(onnx_file)), reads_by(onnx_file)
    found = {}
    for labels in sorted(folder.glob("*/truth.csv")):
        part = from_folder(labels.parent)
        found[labels.parent.name] = figures(outcomes(*read(part.pictures), traits, part.labels))
    return found


if __name__ == "__main__":
    sys.exit(main())
