"""The verifier: what it is shown, what it says, and how it fails."""

from __future__ import annotations

import numpy as np
import pytest

from edge.vision.detector import Detection
from edge.vision.errors import VisionError
from edge.vision.geometry import Box, box_corners
from edge.vision.manifest import load_model
from edge.vision.models import OnnxModel
from edge.vision.ppocr.build import VERIFIER
from edge.vision.verifier import PatchVerifier, patch, patch_corners, patch_input


@pytest.fixture(scope="module")
def verifier():
    return PatchVerifier(load_model(VERIFIER, threads=1))


class FixedSession:
    def __init__(self, output):
        self._output = output

    def run(self, names, inputs):
        return [self._output]


def fixed(output):
    return PatchVerifier(OnnxModel("fixed", "0" * 64, FixedSession(output), "patches"))


def test_the_patch_is_wider_than_the_outline_and_about_its_middle():
    corners = patch_corners(box_corners(Box(100, 50, 80, 40)))
    assert corners.min(axis=0).tolist() == [40, 20]
    assert corners.max(axis=0).tolist() == [240, 120]


def test_a_turned_outline_gives_an_upright_patch():
    image = np.zeros((300, 300, 3), dtype=np.uint8)
    image[:, 150:] = 255
    upright = np.array([[50, 110], [250, 110], [250, 190], [50, 190]], dtype=np.float32)
    turned = np.roll(upright[:, ::-1], 1, axis=0) * np.float32([1, 1])
    assert patch(image, upright)[:, :60].max() == 0
    assert patch(image.transpose(1, 0, 2), turned[[1, 0, 3, 2]])[32, 64].size == 3


@pytest.mark.parametrize("size", [(40, 20), (1600, 800)])
def test_a_patch_has_one_size_whatever_the_outlines(size):
    image = np.full((2000, 3000, 3), 90, dtype=np.uint8)
    cut = patch(image, box_corners(Box(1000, 1000, *size)))
    assert cut.shape == (64, 128, 3)
    assert cut[32, 64].tolist() == [90, 90, 90]


def test_the_input_is_channels_first_in_minus_one_to_one():
    patches = np.zeros((2, 64, 128, 3), dtype=np.uint8)
    patches[1, ..., 2] = 255
    tensor = patch_input(patches)
    assert tensor.shape == (2, 3, 64, 128)
    assert tensor[0].max() == -1
    assert tensor[1, 2].min() == 1


def test_an_outline_without_width_raises():
    with pytest.raises(VisionError, match="without width"):
        patch_corners(np.full((4, 2), 7, dtype=np.float32))


def test_no_candidates_need_no_network():
    assert fixed(np.empty(0)).probabilities(np.zeros((9, 9, 3), np.uint8), ()) == ()


def test_an_output_that_is_not_one_number_a_patch_raises():
    detection = Detection(Box(10, 10, 40, 20), 0.9, None)
    image = np.zeros((80, 80, 3), dtype=np.uint8)
    with pytest.raises(VisionError, match="no plate verifier"):
        fixed(np.zeros((1, 2), np.float32)).probabilities(image, (detection,))


def test_a_drawn_plate_outranks_its_text_on_bare_paint(verifier, draw):
    scene = draw.street(900, 420)
    draw.plate(scene, "7ABC482", 120, 160)
    draw.text(scene, "7ABC482", 600, 160, 160, 80)
    plate, paint = verifier.probabilities(
        scene, (Detection(Box(120, 160, 160, 80), 0.9, None),
                Detection(Box(600, 160, 160, 80), 0.9, None)),
    )  # fmt: skip
    assert plate > 0.5 > paint


def test_each_candidate_is_judged_alone(verifier, draw):
    scene = draw.street()
    draw.plate(scene, "7ABC482", 220, 200)
    plate = Detection(Box(220, 200, 160, 80), 0.9, None)
    road = Detection(Box(40, 340, 100, 50), 0.9, None)
    together = verifier.probabilities(scene, (road, plate))
    assert together == pytest.approx(
        (*verifier.probabilities(scene, (road,)), *verifier.probabilities(scene, (plate,))),
        abs=1e-5,
    )
