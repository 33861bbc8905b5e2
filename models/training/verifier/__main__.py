"""Train the network that tells plates from other texts, and measure it on pictures held out.

Reads openimages-plates/ and romanian-street/ in the folder of --data, each with boxes.csv, and
draws drives and plates of its own. Writes to --out: plate_verifier.onnx, report.json, curve.png
and progress.pt, from which a run that was stopped goes on. The seed fixes what is drawn and in
which order it is shown; how many steps fit into the minutes depends on the machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edge.vision.errors import VisionError
from edge.vision.models import load_onnx
from edge.vision.verifier import patch_input

from .augment import augmented, plain
from .examples import Examples, Source, load, make_missing, sources
from .measure import average_precision, draw_curve, precision_recall
from .network import VerifierNetwork, save_onnx

EXAMPLE = (
    "example: scripts/train verifier --data ../shared/data/train --minutes 8 --out ../verifier"
)
ONNX_NAME = "plate_verifier.onnx"
BATCH = 128
PLATES_SHARE = 0.45
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.02
WARM_UP = 0.03
SMOOTHING = 0.02
AVERAGE_DECAY = 0.995
DOUBT_AFTER = 0.5  # of the time
DOUBT_ABOVE = 0.8
SAVE_EVERY_S = 30.0
THRESHOLDS = (0.1, 0.25, 0.5, 0.7)


@dataclass(slots=True)
class Progress:
    """Where training stands; `spent_s` is what counts towards the minutes asked for."""

    network: VerifierNetwork
    average: VerifierNetwork
    optimiser: torch.optim.Optimizer
    step: int = 0
    spent_s: float = 0.0

    def save(self, path: Path) -> None:
        """Write everything that going on needs."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "spent_s": self.spent_s,
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def restore(self, path: Path) -> None:
        """Go on from what save() wrote."""
        state = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.spent_s = state["step"], state["spent_s"]


def main() -> int:
    """Make examples, train, export, measure."""
    args = parse_arguments()
    cache = args.cache or args.out / "examples"
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        wanted = sources(args.data)
        make_missing(wanted, cache, args.seed, say)
        held_out = [source for source in wanted if source.held_out]
        examples = load([source for source in wanted if not source.held_out], cache)
        say(f"training on {len(examples.is_plate)} examples, {examples.is_plate.sum()} of plates")
        progress = train(examples, args.minutes, args.seed, args.out / "progress.pt")
        save_onnx(progress.average, args.out / ONNX_NAME)
        report = measured(args.out, held_out, cache) | {
            "seed": args.seed, "steps": progress.step, "minutes": round(progress.spent_s / 60, 1),
            "examples": len(examples.is_plate), "plates": int(examples.is_plate.sum()),
        }  # fmt: skip
    except (OSError, ValueError, VisionError) as error:
        say(f"train: {error}")
        return 1
    (args.out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/train verifier",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="training sets")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="results")
    parser.add_argument("--minutes", type=float, default=8.0, metavar="N", help="default 8")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default 1")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="examples; default OUT/examples")
    return parser.parse_args()


def say(message: str) -> None:
    """Progress, on stderr."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


def train(examples: Examples, minutes: float, seed: int, path: Path) -> Progress:
    """Train for that long, going on from `path` where an earlier run stopped."""
    torch.manual_seed(seed)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)  # the other core makes the next batch
    network = VerifierNetwork()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = VerifierNetwork().eval()
    average.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    progress = Progress(network, average, optimiser)
    if path.exists():
        progress.restore(path)
        say(f"going on at step {progress.step}, {progress.spent_s:.0f} s in")
    draw = batches(examples, np.ones(len(examples.is_plate), dtype=np.bool_), seed)
    doubted = False
    loss_of = nn.BCEWithLogitsLoss()
    network.train()
    saved_s, losses = progress.spent_s, 0.0
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(draw, progress.step)
        while progress.spent_s < minutes * 60:
            started = time.monotonic()
            share = progress.spent_s / (minutes * 60)
            for group in optimiser.param_groups:
                group["lr"] = LEARNING_RATE * schedule(share)
            if not doubted and share >= DOUBT_AFTER:
                draw, doubted = batches(examples, ~unlabelled(average, examples), seed), True
            patches, targets = coming.result()
            coming = ahead.submit(draw, progress.step + 1)
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(patches.to(memory_format=torch.channels_last))
            loss = loss_of(logits.float(), targets * (1 - SMOOTHING) + SMOOTHING / 2)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            follow(average, network, min(AVERAGE_DECAY, 1 - 1 / (progress.step + 2)))
            progress.step += 1
            progress.spent_s += time.monotonic() - started
            losses += float(loss.detach())
            if progress.step % 100 == 0:
                say(f"step {progress.step}, {progress.spent_s:.0f} s: loss {losses / 100:.4f}")
                losses = 0.0
            if progress.spent_s - saved_s > SAVE_EVERY_S:
                progress.save(path)
                saved_s = progress.spent_s
    progress.save(path)
    return progress


def unlabelled(network: VerifierNetwork, examples: Examples) -> NDArray[np.bool_]:
    """Which examples of photographs are probably plates that nobody labelled.

    The sets label the plates of the nearest cars; a network that has learnt most of what there
    is to learn finds the others, and they would only teach it wrongly.
    """
    suspects = np.flatnonzero(~examples.is_plate & ~examples.drawn)
    patches = torch.from_numpy(
        patch_input(np.stack([plain(examples.patches[i]) for i in suspects]))
    )
    with torch.no_grad():
        probabilities = torch.sigmoid(network(patches)).numpy()
    doubtful = np.zeros(len(examples.is_plate), dtype=np.bool_)
    doubtful[suspects[probabilities > DOUBT_ABOVE]] = True
    say(f"left out {doubtful.sum()} of {len(suspects)} as plates without a label")
    return doubtful


def schedule(share: float) -> float:
    """The learning rate, as a share of the highest, when that share of the time is over."""
    if share < WARM_UP:
        return max(0.02, share / WARM_UP)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (share - WARM_UP) / (1 - WARM_UP))))


def follow(average: VerifierNetwork, network: VerifierNetwork, decay: float) -> None:
    """Move the average of the weights, and of the layers' statistics, towards the network."""
    with torch.no_grad():
        for kept, now in zip(
            average.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if kept.dtype.is_floating_point:
                kept.lerp_(now, 1 - decay)
            else:
                kept.copy_(now)


Draw = Callable[[int], tuple[torch.Tensor, torch.Tensor]]


def batches(examples: Examples, wanted: NDArray[np.bool_], seed: int) -> Draw:
    """A function from the step to its batch of wanted examples, half of each kind undrawn."""
    groups = {
        (is_plate, drawn): np.flatnonzero(
            wanted & (examples.is_plate == is_plate) & (examples.drawn == drawn)
        )
        for is_plate in (True, False)
        for drawn in (True, False)
    }

    def draw(step: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng([seed, step])
        kinds = zip(rng.random(BATCH) < PLATES_SHARE, rng.random(BATCH) < 0.5, strict=True)
        chosen = [int(rng.choice(groups[bool(plate), bool(drawn)])) for plate, drawn in kinds]
        patches = np.stack([augmented(rng, examples.patches[index]) for index in chosen])
        targets = torch.from_numpy(examples.is_plate[chosen].astype(np.float32))
        return torch.from_numpy(patch_input(patches)), targets

    return draw


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
