"""The network that reading starts from: the small recogniser of PP-OCRv6 in the rapidocr package.

The package carries the definition of the network for PyTorch and its weights as ONNX (both
Apache-2.0). Nothing is copied here: the definition is imported, and the weights are moved into
it in the order in which the graph uses them.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any, cast

import numpy as np
import onnx
import torch
import yaml  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

WEIGHTS = "models/PP-OCRv6_rec_small.onnx"
SETTINGS = "inference_engine/pytorch/networks/arch_config.yaml"
NAME = "PP-OCRv6_rec_small"
FEATURES = 120


class Recogniser(nn.Module):
    """The trunk and the neck, without the head.

    Pictures (n, 3, 48, w) BGR in -1..1 to features (n, w // 8, 120); BatchNorm is part of the
    convolutions, as in the ONNX file, and there is no dropout: train() changes nothing.
    """

    def __init__(self, backbone: nn.Module, neck: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.neck = neck

    def train(self, mode: bool = True) -> Recogniser:
        """Stay as in use: the package's training mode pools otherwise and wants another head."""
        del mode
        super().train(False)
        return self

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (n, w // 8, 120)."""
        return cast(Tensor, self.neck(self.backbone(pictures)))


def load_recogniser() -> tuple[Recogniser, nn.Linear, tuple[str, ...]]:
    """The network with its weights, its head, and the head's classes after the blank (class 0).

    Raises ValueError where the installed package is not the one this was written for.
    """
    package = files("rapidocr")
    with as_file(package / WEIGHTS) as path:
        model = onnx.load(str(path))
    settings = yaml.safe_load((package / SETTINGS).read_text(encoding="utf-8"))[NAME]
    whole = _definition(settings)
    _move(model.graph, whole)
    listed = {entry.key: entry.value for entry in model.metadata_props}["character"]
    network = Recogniser(whole.backbone, whole.head.ctc_encoder)
    network.eval()
    return network, whole.head.ctc_head.fc, (*listed.split("\n"), " ")


def _definition(settings: dict[str, Any]) -> Any:
    from rapidocr.inference_engine.pytorch.networks.architectures.base_model import BaseModel

    whole: Any = BaseModel(settings)  # type: ignore[no-untyped-call]
    whole.eval()
    whole.backbone.rep()
    # Its re-parameterisation drops the uneven 'same' padding of the two 2x2 convolutions.
    for layer in (whole.backbone.conv1.stem2a, whole.backbone.conv1.stem2b):
        layer.conv = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), layer.conv)
    for part in whole.modules():
        if isinstance(part, nn.ReLU):
            part.inplace = False
    return whole


def _move(graph: onnx.GraphProto, whole: nn.Module) -> None:
    """Give the definition's layers the graph's weights; both are in the order of use."""
    given, wanted = _weights(graph), _in_order_of_use(whole)
    if [value.shape for value in given] != [tuple(tensor.shape) for tensor in wanted]:
        raise ValueError(f"rapidocr's {NAME} has other layers than expected: install rapidocr 3.10")
    with torch.no_grad():
        for tensor, value in zip(wanted, given, strict=True):
            tensor.copy_(torch.from_numpy(value.copy()))


def _weights(graph: onnx.GraphProto) -> list[NDArray[np.float32]]:
    """The tensors of weights in the order of use, in the shapes that torch gives them."""
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in stored:
            stored[node.output[0]] = stored[node.input[0]]
    found = []
    for node in graph.node:
        if node.op_type not in ("Conv", "Add", "Mul", "MatMul", "BatchNormalization"):
            continue
        for value in (stored[name] for name in node.input if name in stored):
            if value.size == 1:
                continue
            if node.op_type == "MatMul":
                value = value.T
            elif node.op_type == "Add":
                value = value.reshape(-1)
            found.append(value)
    return found


def _in_order_of_use(whole: Any) -> list[Tensor]:
    """The definition's tensors, as the graph lists them."""
    encoder = whole.head.ctc_encoder.encoder
    parts = [whole.backbone, encoder.skip_conv, encoder.conv_reduce, encoder.local_conv]
    parts += [*encoder.svtr_block, encoder.norm, whole.head.ctc_head]
    return [
        tensor
        for part in parts
        for name, tensor in part.state_dict().items()
        if not name.endswith("num_batches_tracked")
    ]
