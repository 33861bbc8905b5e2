"""Our detector: what the network is shown, what its numbers mean, and which models it refuses."""

from __future__ import annotations

import csv
import math
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from demo_drive.plates import Plate, draw_plate
from edge.vision.errors import ModelError, VisionError
from edge.vision.geometry import Box, iou
from edge.vision.manifest import manifest_file
from edge.vision.models import OnnxModel, load_onnx
from edge.vision.plate_detector import (
    CHANNELS,
    FORMAT,
    STRIDES,
    OnnxPlateDetector,
    cell_count,
    cell_middles,
    postprocess,
    preprocess,
    suppressed,
)

METADATA = {
    "format": FORMAT, "strides": "8,16,32", "longest_side_px": "64", "threshold": "0.5",
}  # fmt: skip
SILENT = -9.0


class FixedSession:
    def __init__(self, output, metadata):
        self._output = output
        self._metadata = metadata
        self.seen = []

    def run(self, names, inputs):
        self.seen.append(inputs["picture"])
        return [self._output]

    def get_outputs(self):
        return [SimpleNamespace(name="cells", shape=[1, CHANNELS, None], type="tensor(float)")]

    def get_modelmeta(self):
        return SimpleNamespace(custom_metadata_map=self._metadata)


def model(output=None, **metadata):
    return OnnxModel("fixed", "0" * 64, FixedSession(output, {**METADATA, **metadata}), "picture")


def silence(height=64, width=64):
    cells = np.zeros((1, CHANNELS, cell_count(height, width)), dtype=np.float32)
    cells[:, 0] = SILENT
    return cells


def picture(height=64, width=64):
    return np.full((height, width, 3), 90, dtype=np.uint8)


def put(cells, index, score, reach, corners=(0.0,) * 8):
    """Let a cell say a plate: `reach` in strides to the left, top, right and bottom."""
    cells[0, 0, index] = math.log(score / (1 - score))
    cells[0, 1:5, index] = np.log(reach)
    cells[0, 5:, index] = corners


def test_a_large_picture_is_shrunk_and_padded_with_grey():
    tensor, scale = preprocess(np.full((720, 1280, 3), 7, dtype=np.uint8), 640)
    assert (tensor.shape, scale) == ((1, 3, 384, 640), 0.5)
    assert tensor.dtype == np.uint8
    assert tensor[0, :, :360].max() == 7
    assert tensor[0, :, 360:].min() == 114


def test_a_small_picture_is_not_enlarged():
    tensor, scale = preprocess(picture(40, 70), 640)
    assert (tensor.shape, scale) == ((1, 3, 64, 96), 1.0)


def test_channels_come_first_and_stay_blue_green_red():
    image = np.zeros((32, 32, 3), dtype=np.uint8)
    image[..., 0], image[..., 2] = 10, 30
    tensor, _ = preprocess(image, 640)
    assert tensor[0, :, 0, 0].tolist() == [10, 0, 30]


@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 0, 3)])
def test_a_picture_without_pixels_is_an_error(shape):
    with pytest.raises(VisionError, match="without pixels"):
        preprocess(np.zeros(shape, dtype=np.uint8), 640)


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1)])
def test_a_picture_of_any_proportions_keeps_a_pixel(size):
    tensor, _ = preprocess(np.zeros((*size, 3), dtype=np.uint8), 640)
    assert min(tensor.shape[2:]) == 32


def test_the_cells_are_those_of_each_stride_row_by_row():
    middles, strides = cell_middles(64, 96)
    assert len(middles) == cell_count(64, 96) == 96 + 24 + 6
    assert middles[0].tolist() == [4, 4]
    assert middles[1].tolist() == [12, 4]
    assert middles[12].tolist() == [4, 12]
    assert [middles[strides == stride][0, 0] for stride in STRIDES] == [4, 8, 16]


def test_a_cell_gives_box_score_and_corners():
    cells = silence()
    put(cells, 3 * 8 + 4, 0.9, (2, 1, 3, 1), (0.1, 0, 0, 0, 0, 0, 0.05, -0.25))
    (found,) = OnnxPlateDetector(model(cells)).detect(picture())
    assert found.box == Box(22, 20, 38, 16)
    assert found.score == pytest.approx(0.9, abs=1e-4)
    expected = [[24, 20], [60, 20], [60, 36], [22, 32]]
    assert found.corners == pytest.approx(np.array(expected), abs=1e-3)


def test_boxes_are_in_pixels_of_the_picture_and_clipped_to_it():
    cells = silence()
    put(cells, 7, 0.9, (2, 2, 3, 1))
    (found,) = OnnxPlateDetector(model(cells)).detect(picture(128, 128))
    assert found.box == Box(88, 0, 40, 24)
    assert found.corners.min() == -24


def test_what_is_below_the_threshold_is_not_reported():
    cells = silence()
    put(cells, 20, 0.4, (1, 1, 1, 1))
    assert OnnxPlateDetector(model(cells)).detect(picture()) == ()
    assert len(OnnxPlateDetector(model(cells), threshold=0.3).detect(picture())) == 1


def test_one_plate_is_reported_once_and_the_best_comes_first():
    cells = silence()
    put(cells, 0, 0.6, (1, 1, 1, 1))
    put(cells, 36, 0.7, (2, 1, 2, 1))
    put(cells, 37, 0.9, (2, 1, 2, 1))
    found = OnnxPlateDetector(model(cells)).detect(picture())
    assert [round(detection.score, 2) for detection in found] == [0.9, 0.6]


def test_boxes_that_hardly_overlap_are_both_kept():
    boxes = np.array([[0, 0, 10, 10], [8, 0, 18, 10], [1, 0, 11, 10]], dtype=np.float32)
    assert suppressed(boxes) == [0, 1]


def test_huge_answers_stay_numbers():
    cells = silence()
    cells[0, :5, 5] = 1e9
    (found,) = postprocess(cells[0], (64, 64), (64, 64), 1.0, 0.5)
    assert found.box == Box(0, 0, 64, 64)
    assert np.isfinite(found.corners).all()


def test_settings_of_the_model_can_be_overruled():
    session = model(silence(128, 128), longest_side_px="128")
    detector = OnnxPlateDetector(session, longest_side_px=32)
    assert (detector.settings.longest_side_px, detector.settings.threshold) == (32, 0.5)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"format": "another"}, "no plate detector of format"),
        ({"strides": "8,16"}, "no plate detector of format"),
        ({"threshold": "half"}, "lacks its input size or threshold"),
        ({"longest_side_px": ""}, "lacks its input size or threshold"),
        ({"threshold": "1.0"}, "out of range"),
        ({"longest_side_px": "8"}, "out of range"),
    ],
)
def test_another_model_is_refused(metadata, message):
    with pytest.raises(ModelError, match=message):
        OnnxPlateDetector(model(silence(), **metadata))


def test_an_answer_of_another_size_is_an_error():
    with pytest.raises(VisionError, match="gave"):
        OnnxPlateDetector(model(silence(32, 32))).detect(picture())


@pytest.mark.parametrize("file", ["plate_detector.onnx", "plate_detector_int8.onnx"])
def test_the_models_that_ship_find_a_plate_on_a_street(file):
    image = np.full((720, 1280, 3), (170, 160, 150), dtype=np.uint8)
    image[360:] = (90, 90, 90)
    x, y = 600, 430
    image[y - 60 : y + 120, x - 120 : x + 280] = (60, 40, 40)
    plate = draw_plate(Plate("MA", "4TKF 93"))[..., :3]
    image[y : y + 60, x : x + 120] = cv2.resize(plate, (120, 60), interpolation=cv2.INTER_AREA)
    detector = OnnxPlateDetector(load_onnx(manifest_file().parent / file))
    best = detector.detect(image)[0]
    assert iou(best.box, Box(x, y, 120, 60)) > 0.6
    expected = [[x, y], [x + 120, y], [x + 120, y + 60], [x, y + 60]]
    assert best.corners == pytest.approx(np.array(expected), abs=12)


def test_real_plates_are_found(eval_data):
    lines = (eval_data / "scenes-us" / "truth.csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(lines))[:12]
    detector = OnnxPlateDetector(load_onnx(manifest_file().parent / "plate_detector_int8.onnx"))
    found = 0
    for row in rows:
        truth = Box(*(int(row[side]) for side in "xywh"))
        seen = detector.detect(cv2.imread(str(eval_data / "scenes-us" / row["file"])))
        found += any(iou(detection.box, truth) >= 0.5 for detection in seen)
    assert found >= 11
