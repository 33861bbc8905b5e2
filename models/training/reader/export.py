"""The trained network as the ONNX file that ships, with what it says of itself."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from edge.vision.models import load_onnx
from edge.vision.plate_reader import HEIGHT_PX, WIDTH_PX, ReaderTraits

from .measure import Read
from .network import PlateNetwork

OPSET = 17
BATCH = 64
HALVED_FROM = 1024
"""Tensors of that many numbers and more are stored in half precision."""


class _Probabilities(nn.Module):
    def __init__(self, network: PlateNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        characters, states = self.network(pictures)
        return torch.softmax(characters, 2), torch.softmax(states, 1)


def save_onnx(network: PlateNetwork, traits: ReaderTraits, path: Path) -> None:
    """Write 'pictures' (n, 96, 192, 3) uint8 to 'characters' (n, t, 37) and 'states' (n, 52)."""
    whole = _Probabilities(network).eval()
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        torch.onnx.export(
            whole,
            (torch.zeros(1, HEIGHT_PX, WIDTH_PX, 3, dtype=torch.uint8),),
            str(plain),
            input_names=["pictures"],
            output_names=["characters", "states"],
            dynamic_axes={name: {0: "n"} for name in ("pictures", "characters", "states")},
            opset_version=OPSET,
            dynamo=False,
        )
        model = onnx.load(str(plain))
    model.metadata_props.add(key="plate_reader", value=json.dumps(asdict(traits)))
    onnx.save(model, str(path))


def halve(path: Path) -> None:
    """Store a file's large weights as float16, each with a Cast that is folded on loading."""
    model = onnx.load(str(path))
    casts = []
    for tensor in model.graph.initializer:
        value = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or value.size < HALVED_FROM:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])
    onnx.save(model, str(path))


def reads_by(path: Path) -> Read:
    """A function that reads pictures by an exported file."""
    model = load_onnx(path)

    def read(
        pictures: NDArray[np.uint8],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        parts = [
            model.session.run(["characters", "states"], {"pictures": pictures[at : at + BATCH]})
            for at in range(0, len(pictures), BATCH)
        ]
        characters, states = (np.concatenate(each) for each in zip(*parts, strict=True))
        return characters.astype(np.float64), states.astype(np.float64)

    return read
