"""Assemble the engine from the model files of the installed `rapidocr` package."""

from __future__ import annotations

from pathlib import Path

from edge.vision.engine import PlateEngine
from edge.vision.models import installed_file, load_onnx
from edge.vision.ppocr.inference import LineFinder, LineRecogniser
from edge.vision.ppocr.plate_detector import MAX_LONG_SIDE_PX, LinePlateDetector
from edge.vision.ppocr.plate_reader import LinePlateReader
from edge.vision.serials import Shapes

PACKAGE = "rapidocr"
FINDER_FILE = "models/PP-OCRv6_det_small.onnx"
RECOGNISER_FILE = "models/PP-OCRv6_rec_small.onnx"


def build_engine(
    shapes: Shapes,
    *,
    finder_path: Path | None = None,
    recogniser_path: Path | None = None,
    threads: int = 1,
    max_long_side_px: int = MAX_LONG_SIDE_PX,
) -> PlateEngine:
    """The PP-OCRv6 engine, from the installed models or the files named.

    `shapes` are the serials that states issue. `threads` run inside each operation; pictures
    are searched with their long side at most `max_long_side_px`. Raises ModelError where a model
    is missing or corrupt.
    """
    finder_model = load_onnx(finder_path or installed_file(PACKAGE, FINDER_FILE), threads=threads)
    recogniser_model = load_onnx(
        recogniser_path or installed_file(PACKAGE, RECOGNISER_FILE), threads=threads
    )
    finder = LineFinder(finder_model)
    return PlateEngine(
        LinePlateDetector(finder, max_long_side_px),
        LinePlateReader(finder, LineRecogniser(recogniser_model)),
        shapes,
        tuple((model.name, model.sha256) for model in (finder_model, recogniser_model)),
    )
