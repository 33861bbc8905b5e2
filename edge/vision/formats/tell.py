"""Tell what a stranger's ONNX file is, from its graph and from what it gives for a picture.

What is not known for certain is refused, with what was found: a detector decoded in the wrong
layout would find nothing, or plates everywhere.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.vision.errors import ModelError, VisionError
from edge.vision.formats.adapters import OWN_DETECTOR, OWN_MIN_SCORE, SIZES_PX
from edge.vision.formats.boxes import free_size, network_input, picture_input
from edge.vision.formats.fast_plate_ocr import OcrConfig, ocr_input, ocr_outputs
from edge.vision.formats.letterbox import letterbox
from edge.vision.formats.yolo import PLATE_CORNERS
from edge.vision.formats.yolo_end2end import ROW
from edge.vision.models import OnnxModel
from edge.vision.plate_detector import FORMAT as OWN_FORMAT
from edge.vision.plate_detector import read_settings

USUAL_SIDE_PX = 640
MANY = 1000  # classes that a file without their names may have
OWN_READER_KEY = "plate_reader"
VERIFIER_INPUT = ("patches", (3, 64, 128))
_PLATE_WORDS = ("plate", "placa", "kennzeichen", "lpr")
_STRIDES = (8, 16, 32)


@dataclass(frozen=True, slots=True)
class Told:
    """A model's format, by its adapter's name, and the options that its manifest entry needs.

    `explained` says in words what was recognised.
    """

    format: str
    options: Mapping[str, Any]
    explained: str


def describe(model: OnnxModel) -> str:
    """Inputs, outputs and the author's notes, for a sentence of refusal."""
    taken = "; ".join(str(one) for one in model.inputs)
    given = "; ".join(str(one) for one in model.outputs)
    notes = {
        key: model.metadata[key] for key in ("author", "task", "head") if key in model.metadata
    }
    said = "".join(f", {key} {value}" for key, value in notes.items())
    return f"it takes {taken} and gives {given}{said}"


def tell_detector(model: OnnxModel, picture: NDArray[np.uint8], classes: Sequence[str]) -> Told:
    """What a detector's file is; `classes` are the classes that are plates, where a person said.

    `picture` is any (H, W, 3) uint8 BGR picture. Raises ModelError, saying what was found, where
    the file is none of the known formats or fails on the picture.
    """
    _refuse_other_role(model, "detector")
    if model.metadata.get("format") == OWN_FORMAT:
        if classes:
            raise ModelError(
                f"{model.name}: Plateward's own detector knows plates alone: no --class"
            )
        options = {
            "fast_px": read_settings(model).longest_side_px,
            "far_px": SIZES_PX["far"],
            "min_score": OWN_MIN_SCORE,
        }
        return Told(OWN_DETECTOR, options, "a plate detector of Plateward")
    try:
        picture_input(model)
    except ModelError as error:
        raise _unknown(model) from error
    try:
        return _tell_by_output(model, picture, classes)
    except ModelError:
        raise
    except (VisionError, TypeError, ValueError, IndexError) as error:
        raise _unknown(model) from error


def _tell_by_output(model: OnnxModel, picture: NDArray[np.uint8], classes: Sequence[str]) -> Told:
    fixed, element = picture_input(model)
    side_px = _trained_side(model.metadata)
    width, height = fixed or free_size(picture.shape[1], picture.shape[0], side_px)
    padded, _ = letterbox(picture, width, height)
    outputs = model.run_all(network_input(padded, element))
    name, output = next(iter(outputs.items()))
    told = _tell_rows(model, name, output, classes) or _tell_yolo(
        model, output, classes, (width, height)
    )
    if told is None:
        raise _unknown(model)
    if fixed is None:
        return Told(told.format, {**told.options, "fast_px": side_px}, told.explained)
    return told


def tell_reader(model: OnnxModel, config: Mapping[str, Any] | None) -> Told:
    """What a reader's file is; `config` is the content of the configuration file given with it.

    Raises ModelError, saying what was found, where it is none of the known formats.
    """
    _refuse_other_role(model, "reader")
    if OWN_READER_KEY in model.metadata:
        return Told("plateward-reader", {}, "a plate reader of Plateward")
    if config is None:
        raise ModelError(
            f"{model.name}: {describe(model)}; a fast-plate-ocr reader needs its configuration "
            "file too: give it with --config"
        )
    known = OcrConfig.of(config)
    ocr_input(model, known)
    plate, region = ocr_outputs(model)
    (axes,) = (output.axes for output in model.outputs if output.name == plate)
    size = known.max_plate_slots, len(known.alphabet)
    if None not in axes[1:] and axes[1:] not in ((size[0] * size[1],), size):
        raise ModelError(
            f"{model.name}: {describe(model)}; its configuration says {size[0]} places of "
            f"{size[1]} characters: give the configuration it came with"
        )
    states = ", and the region" if region is not None and known.plate_regions else ""
    options = {key: _plain(value) for key, value in config.items() if value is not None}
    return Told(
        "fast-plate-ocr",
        options,
        f"a fast-plate-ocr reader of {size[0]} places and {size[1]} characters{states}",
    )


def _refuse_other_role(model: OnnxModel, role: str) -> None:
    """Raises ModelError where the file says that it is for something else than this role."""
    metadata = model.metadata
    if [(one.name, one.axes[1:]) for one in model.inputs] == [VERIFIER_INPUT]:
        raise ModelError(f"{model.name} is a plate verifier of Plateward, and no {role}")
    if role == "reader" and metadata.get("format") == OWN_FORMAT:
        raise ModelError(f"{model.name} is a plate detector of Plateward: add it --as detector")
    if role == "reader" and metadata.get("author") == "Ultralytics":
        raise ModelError(f"{model.name} is an Ultralytics model, and no reader: {describe(model)}")
    if role == "detector" and OWN_READER_KEY in metadata:
        raise ModelError(f"{model.name} is a plate reader of Plateward: add it --as reader")


def _tell_rows(
    model: OnnxModel, name: str, output: NDArray[np.float32], classes: Sequence[str]
) -> Told | None:
    """An end-to-end export, whose rows begin with the number in the batch."""
    if output.ndim != 2 or output.shape[1] != ROW or "classid" in name.lower():
        return None
    names = class_names(model.metadata)
    numbers = _plate_classes(model, names, len(names) or MANY, classes) if names or classes else [0]
    options = {"class_count": max(len(names), max(numbers) + 1), "plate_classes": numbers}
    return Told("yolo-end2end", options, "an end-to-end YOLO export with suppression inside")


def _tell_yolo(
    model: OnnxModel,
    output: NDArray[np.float32],
    classes: Sequence[str],
    size: tuple[int, int],
) -> Told | None:
    """An Ultralytics export, raw or with suppression inside."""
    if output.ndim != 3 or output.shape[0] != 1:
        return None
    names, task = class_names(model.metadata), model.metadata.get("task", "detect")
    places = sum((size[0] // stride) * (size[1] // stride) for stride in _STRIDES)
    anchors = (places, 3 * places)  # YOLOv5's three boxes a place, with a score that a box is there
    extra = _extra(model, task)
    if output.shape[2] == places:
        count = len(names) or output.shape[1] - 4
        if output.shape[1] != 4 + count + extra["length"]:
            return None
        kind, words = "yolo", "an Ultralytics detector without suppression"
    elif (
        output.shape[2] == 6 + extra["length"] and output.shape[1] not in anchors and task != "obb"
    ):
        count = len(names) or 1
        kind, words = "yolo-nms", "an Ultralytics detector with suppression inside"
    else:
        return None
    numbers = _plate_classes(model, names, count, classes) if count > 1 or classes else [0]
    options = {"class_count": count, "plate_classes": numbers, **extra["options"]}
    return Told(kind, options, words + extra["words"])


def _extra(model: OnnxModel, task: str) -> dict[str, Any]:
    """What follows the classes' scores: how many numbers, and what they mean."""
    if task == "obb":
        return {"length": 1, "options": {"extra": "angle"}, "words": ", turned boxes"}
    if task == "segment":
        masks = model.outputs[1].axes[1] if len(model.outputs) > 1 else None
        return {"length": masks or 0, "options": {}, "words": ", its masks left out"}
    if task == "pose":
        points, values = _literal(model.metadata.get("kpt_shape", ""), (0, 0))
        options = {}
        words = f", its {points} keypoints left out"
        if points == PLATE_CORNERS:
            options = {"extra": "keypoints", "keypoint_values": values}
            words = ", its four keypoints taken as corners"
        return {"length": points * values, "options": options, "words": words}
    return {"length": 0, "options": {}, "words": ""}


def class_names(metadata: Mapping[str, str]) -> dict[int, str]:
    """The classes that an exporter wrote down, by number; empty where it did not."""
    names = _literal(metadata.get("names", ""), {})
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(isinstance(number, int) for number in names):
        return {}
    return {number: str(name) for number, name in names.items()}


def _plate_classes(
    model: OnnxModel, names: Mapping[int, str], count: int, asked: Sequence[str]
) -> list[int]:
    """The numbers of the classes that are plates: those asked for, or those named so."""
    if asked:
        known = {name.lower(): number for number, name in names.items()}
        chosen = [
            int(name)
            if name.isdigit() and int(name) in (names or {int(name): ""})
            else known.get(name.lower(), -1)
            for name in asked
        ]
        if -1 not in chosen and max(chosen) < count:
            return sorted(set(chosen))
    else:
        chosen = [
            number
            for number, name in names.items()
            if any(word in name.lower() for word in _PLATE_WORDS)
        ]
        if chosen:
            return sorted(chosen)
    listed = ", ".join(f"{number} {name}" for number, name in list(names.items())[:20])
    raise ModelError(
        f"{model.name}: which class is the plate? name it with --class; it has "
        f"{listed or 'no names for its classes'}"
    )


def _trained_side(metadata: Mapping[str, str]) -> int:
    size = _literal(metadata.get("imgsz", ""), USUAL_SIDE_PX)
    sides = [size] if isinstance(size, int) else list(size)
    return max(side for side in sides if isinstance(side, int)) if sides else USUAL_SIDE_PX


def _literal(text: str, otherwise: Any) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return otherwise


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _unknown(model: OnnxModel) -> ModelError:
    return ModelError(
        f"{model.name}: {describe(model)}; that is no known detector. Known are Ultralytics "
        "YOLOv8 and later (1 x C x N, or 1 x M x 6 with suppression inside) and end-to-end YOLO "
        "exports (n x 7)"
    )
