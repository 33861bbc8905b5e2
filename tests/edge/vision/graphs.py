"""Tiny ONNX files with exactly the inputs and outputs that others' exporters write."""

from __future__ import annotations

import json
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


def own_detector(path: Path) -> Path:
    """A detector of Plateward that finds the plate of the drawn scene, (250, 210) 160 by 80."""
    cells = np.full((1, 13, 6300), -9.0, dtype=np.float32)
    column, row = 20, 15  # of the cells of 16 px, whose middle is (328, 248)
    reaches = np.array([328 - 250, 248 - 210, 250 + 160 - 328, 210 + 80 - 248]) / 16
    cells[0, 0, 4800 + 40 * row + column] = 3.0
    cells[0, 1:5, 4800 + 40 * row + column] = np.log(reaches)
    cells[0, 5:, 4800 + 40 * row + column] = 0.0
    metadata = {
        "format": "plateward-detector-1",
        "strides": "8,16,32",
        "longest_side_px": "640",
        "threshold": "0.3",
    }
    free = [1, 3, "height", "width"]
    return write_graph(
        path, {"cells": cells}, takes=free, dtype=TensorProto.UINT8, metadata=metadata
    )


def own_reader(path: Path, text: str = "1ABC23", state: str = "MA") -> Path:
    """A reader of Plateward that reads that text and state whatever it is shown."""
    alphabet, states = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", ["MA", "NH", ""]
    steps = np.full((1, 24, 37), 0.0005, dtype=np.float32)
    steps[0, :, 0] = 0.98
    for place, character in enumerate(text):
        steps[0, 2 * place + 1, [0, 1 + alphabet.index(character)]] = 0.02, 0.98
    probabilities = np.full((1, 3), 0.1, dtype=np.float32)
    probabilities[0, states.index(state)] = 0.8
    told = {
        "alphabet": alphabet,
        "states": states,
        "temperature": 1.0,
        "state_temperature": 1.0,
        "min_state": 0.3,
    }
    return write_graph(
        path,
        {"characters": steps, "states": probabilities},
        takes=["n", 96, 192, 3],
        dtype=TensorProto.UINT8,
        metadata={"plate_reader": json.dumps(told)},
    )


def ocr_slots(
    text: str, probability: float = 0.9, alphabet: str = OCR_ALPHABET
) -> NDArray[np.float32]:
    """(1, 9, alphabet) probabilities that spell the text, then padding."""
    slots = np.full((9, len(alphabet)), (1 - probability) / (len(alphabet) - 1), np.float32)
    for place, character in enumerate(text.ljust(9, "_")):
        slots[place, alphabet.index(character)] = probability
    return slots[np.newaxis]
