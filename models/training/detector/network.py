"""The detector's network: plain convolutions to strides 8, 16 and 32, joined coarse to fine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from edge.vision.plate_detector import CHANNELS, FORMAT, STRIDES

WIDTHS = (16, 32, 64, 96, 128)
"""Channels at strides 2, 4, 8, 16 and 32: multiples of 16, which processors' kernels take whole."""
BLOCKS = (2, 3, 3)
"""Residual convolutions at strides 8, 16 and 32."""
NECK = 48
SCORE_PRIOR = 0.01
EXAMPLE_SHAPE = (1, 3, 448, 768)


def _convolution(before: int, after: int, side: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, side, stride, side // 2, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = _convolution(width, width)

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = features + self.body(features)
        return result


def _output() -> nn.Conv2d:
    layer = nn.Conv2d(NECK, CHANNELS, 1)
    nn.init.normal_(layer.weight, std=0.01)
    bias = torch.zeros(CHANNELS)
    bias[0] = math.log(SCORE_PRIOR / (1 - SCORE_PRIOR))
    layer.bias = nn.Parameter(bias)
    return layer


class DetectorNetwork(nn.Module):
    """Pictures (n, 3, H, W), 0..255 blue-green-red of any type, to (n, 13, cells) of `CHANNELS`.

    H and W are multiples of 32; the cells are those of stride 8 row by row, then 16, then 32.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _convolution(3, WIDTHS[0], stride=2), _convolution(WIDTHS[0], WIDTHS[1], stride=2)
        )
        self.stages = nn.ModuleList(
            nn.Sequential(
                _convolution(before, after, stride=2), *(_Residual(after) for _ in range(blocks))
            )
            for (before, after), blocks in zip(pairwise(WIDTHS[1:]), BLOCKS, strict=True)
        )
        self.lateral = nn.ModuleList(_convolution(width, NECK, side=1) for width in WIDTHS[2:])
        self.heads = nn.ModuleList(_convolution(NECK, NECK) for _ in STRIDES)
        self.outputs = nn.ModuleList(_output() for _ in STRIDES)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        features = self.stem(pictures.float() / 127.5 - 1)
        levels = []
        for stage, lateral in zip(self.stages, self.lateral, strict=True):
            features = stage(features)
            levels.append(lateral(features))
        for fine in range(len(levels) - 2, -1, -1):
            coarse = functional.interpolate(levels[fine + 1], scale_factor=2.0, mode="nearest")
            levels[fine] = levels[fine] + coarse
        found = [
            output(head(level)).flatten(2)
            for level, head, output in zip(levels, self.heads, self.outputs, strict=True)
        ]
        return torch.cat(found, 2)


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """What the edge must know of a model: how large pictures it wants, and what it is sure of."""

    longest_side_px: int
    threshold: float


def save_onnx(network: DetectorNetwork, path: Path, facts: ExportFacts) -> None:
    """Write the network as ONNX: 'picture' (1, 3, H, W) to 'cells' (1, 13, cells)."""
    torch.onnx.export(
        network.eval(),
        (torch.zeros(*EXAMPLE_SHAPE, dtype=torch.uint8),),
        str(path),
        input_names=["picture"],
        output_names=["cells"],
        dynamic_axes={"picture": {2: "height", 3: "width"}, "cells": {2: "cells"}},
        dynamo=False,
    )
    describe(path, facts)


def describe(path: Path, facts: ExportFacts) -> None:
    """Store in an ONNX file what OnnxPlateDetector checks when it loads it."""
    model = onnx.load(path)
    onnx.helper.set_model_props(
        model,
        {
            "format": FORMAT,
            "strides": ",".join(map(str, STRIDES)),
            "input": "uint8 bgr, shrunk to the longest side, padded right and below to 32",
            "longest_side_px": str(facts.longest_side_px),
            "threshold": f"{facts.threshold:.3f}",
        },
    )
    onnx.save(model, path)
