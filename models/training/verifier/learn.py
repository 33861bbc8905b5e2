"""What the verifier learns from: its batches, and the plates that nobody labelled left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - as everywhere
from numpy.typing import NDArray
from torch import Tensor, nn

from edge.vision.verifier import patch_input

from ..run import Losses, Plan, Progress, begin, half_precision, say, train
from .augment import augmented, plain
from .examples import Examples
from .network import VerifierNetwork

BATCH = 128
PLATES_SHARE = 0.45
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.02
SMOOTHING = 0.02
DOUBT_AFTER = 0.5  # of the time
DOUBT_ABOVE = 0.8

Batch = tuple[Tensor, Tensor]


def learn(
    examples: Examples, minutes: float, seed: int, device: torch.device, path: Path
) -> Progress:
    """Train for that long, going on from `path` where an earlier run stopped."""
    network = VerifierNetwork().to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    progress = begin(network, optimiser, path)
    losses_of = losses_on(device)
    plan = Plan(minutes, clip=0, save_every_s=30.0)
    everything = np.ones(len(examples.is_plate), dtype=np.bool_)
    first = replace(plan, until=DOUBT_AFTER)
    train(progress, batches(examples, everything, seed), losses_of, first, path)
    certain = ~unlabelled(progress.average, examples, device)
    return train(progress, batches(examples, certain, seed), losses_of, plan, path)


def losses_on(device: torch.device) -> Callable[[nn.Module, Batch], Losses]:
    """The losses of a batch, reckoned on a device."""

    def losses_of(network: nn.Module, batch: Batch) -> Losses:
        patches, targets = (tensor.to(device) for tensor in batch)
        with half_precision(device):
            logits = network(patches.contiguous(memory_format=torch.channels_last))
        smooth = targets * (1 - SMOOTHING) + SMOOTHING / 2
        return {"loss": F.binary_cross_entropy_with_logits(logits.float(), smooth)}

    return losses_of


def unlabelled(network: nn.Module, examples: Examples, device: torch.device) -> NDArray[np.bool_]:
    """Which examples of photographs are probably plates that nobody labelled.

    The sets label the plates of the nearest cars; a network that has learnt most of what there
    is to learn finds the others, and they would only teach it wrongly.
    """
    suspects = np.flatnonzero(~examples.is_plate & ~examples.drawn)
    doubtful = np.zeros(len(examples.is_plate), dtype=np.bool_)
    with torch.no_grad():
        for at in range(0, len(suspects), BATCH):
            some = suspects[at : at + BATCH]
            patches = patch_input(np.stack([plain(examples.patches[index]) for index in some]))
            logits = network(torch.from_numpy(patches).to(device))
            doubtful[some] = (torch.sigmoid(logits) > DOUBT_ABOVE).cpu().numpy()
    say(f"left out {doubtful.sum()} of {len(suspects)} as plates without a label")
    return doubtful


def batches(examples: Examples, wanted: NDArray[np.bool_], seed: int) -> Callable[[int], Batch]:
    """A function from the step to its batch of wanted examples, half of each kind undrawn.

    A batch is patches (n, 3, 64, 128) and whether each is of a plate (n,), 0 or 1.
    """
    groups = {
        (is_plate, drawn): np.flatnonzero(
            wanted & (examples.is_plate == is_plate) & (examples.drawn == drawn)
        )
        for is_plate in (True, False)
        for drawn in (True, False)
    }

    def draw(step: int) -> Batch:
        rng = np.random.default_rng([seed, step])
        kinds = zip(rng.random(BATCH) < PLATES_SHARE, rng.random(BATCH) < 0.5, strict=True)
        chosen = [int(rng.choice(groups[bool(plate), bool(drawn)])) for plate, drawn in kinds]
        patches = np.stack([augmented(rng, examples.patches[index]) for index in chosen])
        targets = torch.from_numpy(examples.is_plate[chosen].astype(np.float32))
        return torch.from_numpy(patch_input(patches)), targets

    return draw
