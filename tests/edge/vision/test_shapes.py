"""Boxes, corners, lines of text and the outlines of plates."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.vision.encode import encode_patch, encode_scene
from edge.vision.errors import VisionError
from edge.vision.geometry import (
    Box,
    bounding_box,
    box_corners,
    grown,
    intersection,
    iou,
    order_corners,
    oriented_rectangle,
    side_lengths,
)
from edge.vision.ppocr.lines import join_lines, outline_size, plate_outline, serial_candidates
from edge.vision.ppocr.postprocess import TextLine, find_lines
from edge.vision.rectify import rectify


def line(x, y, w, h, score=0.9):
    return TextLine(box_corners(Box(x, y, w, h)), score)


def boxes(lines):
    return [bounding_box(found.corners) for found in lines]


def test_iou_of_known_boxes():
    assert iou(Box(0, 0, 10, 10), Box(0, 0, 10, 10)) == 1
    assert iou(Box(0, 0, 10, 10), Box(5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert iou(Box(0, 0, 10, 10), Box(20, 0, 10, 10)) == 0
    assert iou(Box(0, 0, 0, 0), Box(0, 0, 0, 0)) == 0
    assert intersection(Box(0, 0, 10, 10), Box(8, 8, 10, 10)) == 4


def test_a_box_is_clipped_to_the_picture():
    assert Box(-5, 10, 20, 100).clipped(50, 60) == Box(0, 10, 15, 50)
    assert Box(100, 100, 5, 5).clipped(50, 60).area == 0


@pytest.mark.parametrize("degrees", [-30, -10, 0, 10, 30])
def test_corners_are_put_in_order_whatever_the_tilt(degrees):
    along = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    ordered = oriented_rectangle((100, 100), (80, 30), along)
    shuffled = ordered[[2, 0, 3, 1]]
    assert np.allclose(order_corners(shuffled), ordered)
    assert side_lengths(ordered) == pytest.approx((80, 30), abs=1e-3)


def test_growing_keeps_the_middle():
    assert bounding_box(grown(box_corners(Box(10, 10, 20, 10)), 2.0)) == Box(0, 5, 40, 20)


def test_rectify_undoes_a_tilt():
    upright = np.zeros((200, 300, 3), dtype=np.uint8)
    upright[80:120, 100:200] = (10, 200, 30)
    turn = cv2.getRotationMatrix2D((150, 100), -20, 1.0)
    tilted = np.asarray(cv2.warpAffine(upright, turn, (300, 200)), dtype=np.uint8)
    corners = cv2.transform(box_corners(Box(100, 80, 100, 40))[None], turn)[0]
    crop = rectify(tilted, corners)
    assert crop.shape == (40, 100, 3)
    assert np.median(crop.reshape(-1, 3), axis=0).tolist() == [10, 200, 30]
    assert (crop[5:-5, 5:-5, 1] > 150).all()


@pytest.mark.parametrize("box", [Box(0, 0, 0, 10), Box(0, 0, 100_000, 10)])
def test_an_outline_without_sense_raises(box):
    with pytest.raises(VisionError, match="cannot be cut out"):
        rectify(np.zeros((10, 10, 3), dtype=np.uint8), box_corners(box))


def test_lines_are_found_in_a_map_and_scaled_to_the_picture():
    text_map = np.zeros((100, 200), dtype=np.float32)
    text_map[40:50, 60:120] = 0.9
    (found,) = find_lines(text_map, (400, 200))
    box = bounding_box(found.corners)
    assert 0.7 < found.score <= 0.9
    assert box.x < 120
    assert box.x + box.w > 240
    assert box.center[1] == pytest.approx(90, abs=4)


def test_faint_lines_and_specks_are_left_out():
    text_map = np.zeros((100, 200), dtype=np.float32)
    text_map[40:50, 60:120] = 0.4
    text_map[10:11, 10:11] = 1.0
    assert find_lines(text_map, (200, 100)) == ()


def test_groups_that_an_emblem_splits_are_joined():
    (joined,) = boxes(join_lines((line(0, 0, 60, 40), line(85, 2, 60, 40))))
    assert iou(joined, Box(0, 0, 145, 42)) > 0.85


@pytest.mark.parametrize(
    "other",
    [
        line(200, 0, 60, 40),  # too far along
        line(85, 30, 60, 40),  # on another axis
        line(85, 0, 30, 15),  # of another height
        line(85, 0, 160, 40),  # long enough to be a serial of its own
    ],
)
def test_what_is_no_other_group_is_not_joined(other):
    assert len(join_lines((line(0, 0, 60, 40), other))) == 2


def test_the_state_and_the_slogan_are_left_out():
    lines = (line(100, 100, 120, 40), line(125, 80, 60, 16), line(105, 145, 110, 12))
    kept = serial_candidates(lines, min_height_px=8, aspects=(1, 8))
    assert boxes(kept) == [Box(100, 100, 120, 40)]


def test_a_second_plate_of_another_size_is_kept():
    lines = (line(100, 100, 120, 40), line(400, 100, 60, 20))
    assert len(serial_candidates(lines, min_height_px=8, aspects=(1, 8))) == 2


def test_a_us_plate_is_twice_as_wide_as_high_whatever_its_serial():
    assert outline_size(120, 45) == (120, 60)
    width, height = outline_size(40, 40)
    assert width / height == pytest.approx(2)
    assert height > 40


def test_a_long_line_is_on_a_long_plate():
    width, height = outline_size(200, 45)
    assert width / height > 3.5


def test_a_tilted_line_has_a_tilted_outline():
    along = np.array([np.cos(0.2), np.sin(0.2)])
    outline = plate_outline(oriented_rectangle((100, 100), (120, 45), along))
    assert side_lengths(outline) == pytest.approx((120, 60), abs=1e-3)
    assert outline[1, 1] > outline[0, 1]


def test_a_jpeg_is_the_picture_in_its_own_size(draw):
    scene = draw.street(1600, 900)
    draw.plate(scene, "7ABC482", 400, 300)
    picture = encode_scene(scene)
    decoded = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == scene.shape
    assert (picture.width, picture.height) == (1600, 900)
    assert np.abs(decoded.astype(int) - scene).mean() < 3


def test_what_cannot_be_encoded_raises():
    with pytest.raises(VisionError, match="JPEG"):
        encode_patch(np.zeros((0, 0, 3), dtype=np.uint8))
