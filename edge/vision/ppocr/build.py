"""The parts of an engine from PP-OCRv6's two models and the plate verifier."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from edge.vision.engine import EVIDENCE_GROWTH, EngineParts
from edge.vision.errors import ModelError
from edge.vision.models import OnnxModel
from edge.vision.ppocr.inference import LineFinder, LineRecogniser
from edge.vision.ppocr.plate_detector import MAX_LONG_SIDE_PX, LinePlateDetector
from edge.vision.ppocr.plate_reader import LinePlateReader
from edge.vision.serials import LOOKALIKES
from edge.vision.verifier import PatchVerifier

FINDER = "text-finder"
VERIFIER = "plate-verifier"
RECOGNISER = "line-recogniser"


def ppocr_parts(
    load: Callable[[str], OnnxModel], max_long_side_px: int = MAX_LONG_SIDE_PX
) -> EngineParts:
    """The PP-OCRv6 engine's parts, from the models that `load` gives by name.

    Pictures are searched with their long side at most `max_long_side_px`. Raises ModelError where
    the extra that brings the models is not installed.
    """
    if importlib.util.find_spec("rapidocr") is None:
        raise ModelError(
            "engine.kind is 'ppocr' and its models are not installed: "
            "pip install '.[ppocr]' in a checkout, or set engine.kind to 'plateward'"
        )
    finder_model, verifier_model, recogniser_model = map(load, (FINDER, VERIFIER, RECOGNISER))
    finder = LineFinder(finder_model)
    return EngineParts(
        detector=LinePlateDetector(finder, max_long_side_px),
        verifier=PatchVerifier(verifier_model),
        reader=LinePlateReader(finder, LineRecogniser(recogniser_model)),
        verify_all=True,
        reader_growth=EVIDENCE_GROWTH,
        lookalikes=LOOKALIKES,
    )
