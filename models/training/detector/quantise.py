"""The exported network in whole numbers of 8 bits: twice as fast where the processor has them.

Scales come from training pictures, never from those that measure. What the last layer gives
stays in floating point: a score's or a corner's last digits matter.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from edge.vision.plate_detector import CHANNELS

INPUT_SCALE = 1 / 127.5
INPUT_ZERO = 128
QUANTISED = ["Conv", "Add", "Resize"]


class _Pictures(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, tensors: Iterable[NDArray[np.uint8]]) -> None:
        self._tensors: Iterator[NDArray[np.uint8]] = iter(tensors)

    def get_next(self) -> dict[str, Any] | None:
        tensor = next(self._tensors, None)
        return None if tensor is None else {"picture": tensor}


def quantise(source: Path, target: Path, tensors: Iterable[NDArray[np.uint8]]) -> None:
    """Write `source` in 8 bits to `target`; `tensors` (1, 3, H, W) uint8 show what is usual."""
    model = onnx.load(source)
    widths = {weight.name: weight.dims[0] for weight in model.graph.initializer}
    last = [
        node.name
        for node in model.graph.node
        if node.op_type == "Conv" and widths[node.input[1]] == CHANNELS
    ]
    with tempfile.TemporaryDirectory() as folder:
        rough = Path(folder) / "rough.onnx"
        quantize_static(
            source, rough, _Pictures(tensors),
            quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            op_types_to_quantize=QUANTISED, nodes_to_exclude=last,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"ActivationSymmetric": False, "CalibMovingAverage": True},
        )  # fmt: skip
        model = onnx.load(rough)
    _take_bytes_as_they_are(model)
    onnx.checker.check_model(model)
    onnx.save(model, target)


def _take_bytes_as_they_are(model: onnx.ModelProto) -> None:
    """Let the first convolution read the picture's own bytes, without a detour by floats."""
    graph = model.graph
    first = next(node for node in graph.node if node.op_type == "QuantizeLinear")
    reader = next(node for node in graph.node if first.output[0] in node.input)
    stale = [first]
    name = first.input[0]
    while name != "picture":
        maker = next(node for node in graph.node if name in node.output)
        stale.append(maker)
        name = maker.input[0]
    for node in stale:
        graph.node.remove(node)
    graph.initializer.extend(
        [
            onnx.helper.make_tensor("picture_scale", onnx.TensorProto.FLOAT, [], [INPUT_SCALE]),
            onnx.helper.make_tensor("picture_zero", onnx.TensorProto.UINT8, [], [INPUT_ZERO]),
        ]
    )
    reader.input[:] = ["picture", "picture_scale", "picture_zero"]
