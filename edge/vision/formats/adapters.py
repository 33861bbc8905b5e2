"""From a manifest's entry and its loaded model to a Detector, a Reader or a Verifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.vision.detector import Detector
from edge.vision.errors import ModelError
from edge.vision.formats.boxes import DEFAULT_MIN_SCORE, Decode, LetterboxDetector
from edge.vision.formats.fast_plate_ocr import FastPlateOcrReader, OcrConfig
from edge.vision.formats.yolo import YoloLayout, decode_raw, decode_suppressed
from edge.vision.formats.yolo_end2end import decode_rows
from edge.vision.manifest import ModelEntry
from edge.vision.models import OnnxModel
from edge.vision.plate_detector import OnnxPlateDetector
from edge.vision.plate_reader import GROWTHS, OnnxPlateReader
from edge.vision.reader import Reader
from edge.vision.serials import NO_LOOKALIKES, SHARED_GLYPHS, Lookalikes
from edge.vision.settings import SIZE_LIMITS_PX, DetectorSize
from edge.vision.verifier import PatchVerifier, Verifier

OWN_DETECTOR = "plateward-detector"
PATCH_VERIFIER = "plateward-verifier"

OWN_MIN_SCORE = 0.5
"""From which score on the engine reports what Plateward's own detector finds."""

TIGHT_GROWTH = 1.0
SIZES_PX: Mapping[DetectorSize, int] = {"fast": 640, "far": 1280}


@dataclass(frozen=True, slots=True)
class FittedReader:
    """A reader, how it is shown a plate, and what it cannot tell: see EngineParts."""

    reader: Reader
    growth: float
    second_growth: float | None
    lookalikes: Lookalikes


def adapt_detector(entry: ModelEntry, model: OnnxModel, size: DetectorSize | int) -> Detector:
    """The detector of an entry; raises ModelError where the model is not of the entry's format.

    A named `size` is the one in the entry's options, or else the usual one.
    """
    _require_role(entry, "detector")
    own = entry.format == OWN_DETECTOR
    sizes_px = {named: _side(entry, f"{named}_px", usual) for named, usual in SIZES_PX.items()}
    size_px = sizes_px[size] if isinstance(size, str) else size
    min_score = _min_score(entry, OWN_MIN_SCORE if own else DEFAULT_MIN_SCORE)
    if own:
        return OnnxPlateDetector(model, longest_side_px=size_px, threshold=min_score)
    try:
        return LetterboxDetector(
            model,
            _decoder(entry),
            long_side_px=size_px,
            min_score=min_score,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unfit(entry, f"its options are wrong: {error}") from error


def adapt_reader(entry: ModelEntry, model: OnnxModel) -> FittedReader:
    """The reader of an entry; raises ModelError where the model is not of the entry's format."""
    _require_role(entry, "reader")
    match entry.format:
        case "plateward-reader":
            return FittedReader(OnnxPlateReader(model), *GROWTHS, NO_LOOKALIKES)
        case "fast-plate-ocr":
            config = OcrConfig.of(entry.options)
            return FittedReader(
                FastPlateOcrReader(model, config), TIGHT_GROWTH, None, SHARED_GLYPHS
            )
    raise _unfit(entry, f"no reader has the format {entry.format!r}")


def adapt_verifier(entry: ModelEntry, model: OnnxModel) -> Verifier:
    """The verifier of an entry; raises ModelError where the entry is none."""
    _require_role(entry, "verifier")
    if entry.format != PATCH_VERIFIER:
        raise _unfit(entry, f"no verifier has the format {entry.format!r}")
    return PatchVerifier(model)


def _side(entry: ModelEntry, key: str, usual: int) -> int:
    value = entry.options.get(key, usual)
    low, high = SIZE_LIMITS_PX
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _unfit(
            entry, f"{key} is {value!r}: it may be a whole number of pixels, {low} to {high}"
        )
    return value


def _min_score(entry: ModelEntry, usual: float) -> float:
    value = entry.options.get("min_score", usual)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1:
        raise _unfit(
            entry,
            f"min_score is {value!r}: it may be a number above 0 and below 1",
        )
    return float(value)


def _decoder(entry: ModelEntry) -> Decode:
    layout = YoloLayout.of(entry.options)
    match entry.format:
        case "yolo":
            return lambda outputs: decode_raw(_first(outputs), layout)
        case "yolo-nms":
            return lambda outputs: decode_suppressed(_first(outputs), layout)
        case "yolo-end2end":
            return lambda outputs: decode_rows(_first(outputs), layout.plate_classes)
    raise _unfit(entry, f"no detector has the format {entry.format!r}")


def _first(outputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    return next(iter(outputs.values()))


def _require_role(entry: ModelEntry, role: str) -> None:
    if entry.role != role:
        raise _unfit(entry, f"it is a {entry.role}, not a {role}")


def _unfit(entry: ModelEntry, why: str) -> ModelError:
    return ModelError(f"model '{entry.name}' of {entry.folder} cannot be used: {why}")
