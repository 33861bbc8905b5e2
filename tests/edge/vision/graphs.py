"""Tiny ONNX files with exactly the inputs and outputs that others' exporters write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

PICTURE = [1, 3, 320, 320]
OCR_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
OCR_CONFIG = {
    "max_plate_slots": 9,
    "alphabet": OCR_ALPHABET,
    "pad_char": "_",
    "img_height": 64,
    "img_width": 128,
    "image_color_mode": "rgb",
}


def write_graph(
    path: Path,
    outputs: Mapping[str, NDArray[np.float32]],
    *,
    takes: Sequence[int | str] = PICTURE,
    dtype: int = TensorProto.FLOAT,
    metadata: Mapping[str, str] | None = None,
    declared: Mapping[str, Sequence[int | str]] | None = None,
) -> Path:
    """A graph that gives these outputs for any input of that shape; `declared` are free axes."""
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))
        for name, value in outputs.items()
    ]
    shapes = {name: list(value.shape) for name, value in outputs.items()} | dict(declared or {})
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("images", dtype, list(takes))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, dict(metadata or {}))
    onnx.save(model, path)
    return path


def raw_yolo(
    classes: int, places: Sequence[tuple[Sequence[float], int, float]], extra: int = 0
) -> NDArray[np.float32]:
    """(1, 4 + classes + extra, 2100): each place is (x, y, w, h and extras), class, score."""
    output = np.zeros((1, 4 + classes + extra, 2100), dtype=np.float32)
    for index, (values, number, score) in enumerate(places):
        output[0, :4, 7 * index] = values[:4]
        output[0, 4 + number, 7 * index] = score
        if extra:
            output[0, 4 + classes :, 7 * index] = values[4:]
    return output


def suppressed_yolo(*rows: Sequence[float]) -> NDArray[np.float32]:
    """(1, 300, 6): left, top, right, bottom, score, class, and empty rows to the end."""
    output = np.zeros((1, 300, len(rows[0])), dtype=np.float32)
    output[0, : len(rows)] = rows
    return output


def ocr_slots(
    text: str, probability: float = 0.9, alphabet: str = OCR_ALPHABET
) -> NDArray[np.float32]:
    """(1, 9, alphabet) probabilities that spell the text, then padding."""
    slots = np.full((9, len(alphabet)), (1 - probability) / (len(alphabet) - 1), np.float32)
    for place, character in enumerate(text.ljust(9, "_")):
        slots[place, alphabet.index(character)] = probability
    return slots[np.newaxis]
