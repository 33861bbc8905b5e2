"""The verifier's network: seven small convolutions and one number out."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from edge.vision.verifier import PATCH_HEIGHT_PX, PATCH_WIDTH_PX

WIDTHS_AND_STRIDES = ((16, 2), (24, 2), (24, 1), (32, 2), (32, 1), (48, 2), (64, 2))
DROPOUT = 0.2


class VerifierNetwork(nn.Module):
    """Patches (n, 3, 64, 128) in -1..1 to logits (n,)."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width, stride in WIDTHS_AND_STRIDES:
            layers += [
                nn.Conv2d(before, width, 3, stride, 1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            before = width
        self.features = nn.Sequential(*layers)
        # Where in the patch something is matters, so there is no mean over the whole patch.
        shrink = math.prod(stride for _, stride in WIDTHS_AND_STRIDES)
        cells = (PATCH_HEIGHT_PX // shrink) * (PATCH_WIDTH_PX // shrink)
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(DROPOUT), nn.Linear(before * cells, 1))

    def forward(self, patches: Tensor) -> Tensor:
        """Logits (n,)."""
        logits: Tensor = self.head(self.features(patches)).squeeze(1)
        return logits


class _Probability(nn.Module):
    def __init__(self, network: VerifierNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, patches: Tensor) -> Tensor:
        return torch.sigmoid(self.network(patches))


def save_onnx(network: VerifierNetwork, path: Path) -> None:
    """Write the network as ONNX: 'patches' (n, 3, 64, 128) to 'probabilities' (n,)."""
    whole = _Probability(network).eval()
    torch.onnx.export(
        whole,
        (torch.zeros(1, 3, PATCH_HEIGHT_PX, PATCH_WIDTH_PX),),
        str(path),
        input_names=["patches"],
        output_names=["probabilities"],
        dynamic_axes={"patches": {0: "n"}, "probabilities": {0: "n"}},
        dynamo=False,
    )
