"""What the reader learns from a batch, and which of its layers learn how fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 - as everywhere
from torch import Tensor, nn

from ..run import Losses, half_precision
from .batches import Batch
from .network import PlateNetwork
from .shards import NOT_SAID

RATE = 1e-4
STATE_RATE = 1e-3
WEIGHT_DECAY = 0.02
STATE_WEIGHT = 0.5
STATE_SMOOTHING = 0.05
STATE_EVERY = 2
"""Every second plate of a batch is enough for the few layers that tell the state."""


def optimiser_of(
    network: PlateNetwork, rate: float, state_rate: float, strokes_rate: float
) -> torch.optim.Optimizer:
    """AdamW; what was trained before learns slowly, what is new fast.

    `strokes_rate` 0 leaves the first layers as they were.
    """
    network.strokes.requires_grad_(strokes_rate > 0)
    text = [network.letters, network.shapes, network.neck, network.characters]
    new = [network.words, network.colours, network.states]
    groups = [
        {"params": _weights(text), "lr": rate},
        {"params": _weights(new), "lr": state_rate},
    ]
    if strokes_rate > 0:
        groups.append({"params": _weights([network.strokes]), "lr": strokes_rate})
    return torch.optim.AdamW(groups, weight_decay=WEIGHT_DECAY)


def _weights(parts: list[nn.Module]) -> list[nn.Parameter]:
    return [weight for part in parts for weight in part.parameters()]


def losses_by(
    device: torch.device, state_weight: float = STATE_WEIGHT
) -> Callable[[nn.Module, Batch], Losses]:
    """The losses of a batch: CTC for the text, cross entropy for the state where it is known."""

    def losses_of(network: nn.Module, batch: Batch) -> Losses:
        reader = cast(PlateNetwork, network)
        pictures = batch.pictures.to(device)
        with half_precision(device):
            characters = reader.character_logits(pictures)
            states = reader.state_logits(pictures[::STATE_EVERY])
        text = text_loss(characters.float(), batch)
        known = batch.states[::STATE_EVERY].to(device)
        state = F.cross_entropy(
            states.float(), known, ignore_index=NOT_SAID, label_smoothing=STATE_SMOOTHING
        )
        return {"loss": text + state_weight * state, "text": text, "state": state}

    return losses_of


def text_loss(characters: Tensor, batch: Batch) -> Tensor:
    """Minus the logarithm of the probability of the text, for each of its characters."""
    steps = F.log_softmax(characters, dim=2).transpose(0, 1)
    used = torch.full((steps.shape[1],), steps.shape[0], dtype=torch.long)
    return F.ctc_loss(steps, batch.texts.to(steps.device), used, batch.lengths, zero_infinity=True)
