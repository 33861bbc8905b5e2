"""Assemble the engine from PP-OCRv6's two models and the plate verifier, by the manifest."""

from __future__ import annotations

from edge.vision.engine import PlateEngine
from edge.vision.errors import ModelError
from edge.vision.manifest import manifest_file, read_manifest
from edge.vision.models import OnnxModel
from edge.vision.ppocr.inference import LineFinder, LineRecogniser
from edge.vision.ppocr.plate_detector import MAX_LONG_SIDE_PX, LinePlateDetector
from edge.vision.ppocr.plate_reader import LinePlateReader
from edge.vision.serials import Shapes
from edge.vision.verifier import PatchVerifier

FINDER = "text-finder"
VERIFIER = "plate-verifier"
RECOGNISER = "line-recogniser"


def build_engine(
    shapes: Shapes, *, threads: int = 1, max_long_side_px: int = MAX_LONG_SIDE_PX
) -> PlateEngine:
    """The PP-OCRv6 engine, from the models that the manifest names.

    `shapes` are the serials that states issue. `threads` run inside each operation; pictures
    are searched with their long side at most `max_long_side_px`. Raises ModelError where a model
    is missing, corrupt or another than the manifest's.
    """
    finder_model, verifier_model, recogniser_model = (
        load_model(name, threads) for name in (FINDER, VERIFIER, RECOGNISER)
    )
    finder = LineFinder(finder_model)
    return PlateEngine(
        LinePlateDetector(finder, max_long_side_px),
        PatchVerifier(verifier_model),
        LinePlateReader(finder, LineRecogniser(recogniser_model)),
        shapes,
        tuple(
            (model.name, model.sha256) for model in (finder_model, verifier_model, recogniser_model)
        ),
    )


def load_model(name: str, threads: int) -> OnnxModel:
    """A model that the manifest names; raises ModelError where it cannot be had."""
    path = manifest_file()
    entries = read_manifest(path)
    if name not in entries:
        raise ModelError(f"{path} has no model named {name}: install it again")
    return entries[name].load(threads)
