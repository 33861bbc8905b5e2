"""The state's half of the exported reader in whole numbers of 8 bits: faster and smaller.

The text's half stays in floating point: there 8 bits cost readings. Scales come from drawn
plates, never from those that measure.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
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
from onnxruntime.quantization.shape_inference import quant_pre_process


class _Pictures(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, pictures: NDArray[np.uint8]) -> None:
        self._pictures: Iterator[NDArray[np.uint8]] = iter(pictures)

    def get_next(self) -> dict[str, Any] | None:
        picture = next(self._pictures, None)
        return None if picture is None else {"pictures": picture[np.newaxis]}


def quantise(source: Path, target: Path, pictures: NDArray[np.uint8]) -> None:
    """Write `source` with the state's convolutions in 8 bits to `target`.

    `pictures` (n, 96, 192, 3) uint8 show what values are usual. What the file says of itself is
    kept.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        quant_pre_process(source, plain)
        quantize_static(
            plain,
            target,
            _Pictures(pictures),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=_makers_of(onnx.load(plain).graph, "characters"),
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"CalibMovingAverage": True},
        )
    told = onnx.load(source).metadata_props
    model = onnx.load(target)
    del model.metadata_props[:]
    model.metadata_props.extend(told)
    onnx.save(model, target)


def _makers_of(graph: onnx.GraphProto, output: str) -> list[str]:
    """The names of the nodes that an output depends on."""
    maker = {name: node for node in graph.node for name in node.output}
    needed, found = [output], {}
    while needed:
        node = maker.get(needed.pop())
        if node is not None and node.name not in found:
            found[node.name] = node
            needed.extend(node.input)
    return list(found)
