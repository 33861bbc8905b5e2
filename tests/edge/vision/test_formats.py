"""Others' models: their layouts decoded, told apart, and refused where they are not known."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

from edge.vision.errors import ModelError, VisionError
from edge.vision.formats.adapters import adapt_detector, adapt_reader
from edge.vision.formats.boxes import Candidates, detections, free_size, network_input
from edge.vision.formats.fast_plate_ocr import (
    OcrConfig,
    decode_region,
    decode_slots,
    ocr_picture,
    state_code,
)
from edge.vision.formats.letterbox import Letterbox, letterbox
from edge.vision.formats.tell import tell_detector, tell_reader
from edge.vision.formats.yolo import YoloLayout, decode_raw, decode_suppressed
from edge.vision.formats.yolo_end2end import decode_rows
from edge.vision.geometry import Box
from edge.vision.manifest import ModelEntry
from edge.vision.models import load_onnx
from tests.edge.vision.graphs import (
    OCR_ALPHABET,
    OCR_CONFIG,
    ocr_slots,
    raw_yolo,
    suppressed_yolo,
    write_graph,
)

SCENE = np.full((480, 640, 3), 90, dtype=np.uint8)
ONE_CLASS = {"names": "{0: 'license_plate'}", "task": "detect", "imgsz": "[320, 320]"}
THREE_CLASSES = {"names": "{0: 'car', 1: 'License Plate', 2: 'face'}", "task": "detect"}
# A plate at (200, 160), 100 by 50, in a picture of 640 x 480: half as large and 40 px lower in
# an input of 320 x 320.
PLATE = Box(200, 160, 100, 50)
CENTRED = (125.0, 132.5, 50.0, 25.0)
EDGES = (100.0, 120.0, 150.0, 145.0)


def detector_of(path, classes=()):
    model = load_onnx(path)
    told = tell_detector(model, SCENE, classes)
    entry = ModelEntry(
        "own", None, path.parent, path.name, model.sha256, "detector", told.format, told.options
    )
    return adapt_detector(entry, model, "fast")


def test_a_picture_is_fitted_into_the_middle_and_points_find_back():
    picture = np.zeros((480, 640, 3), dtype=np.uint8)
    padded, placed = letterbox(picture, 320, 320)
    assert padded.shape == (320, 320, 3)
    assert (padded[:40] == 114).all()
    assert (padded[40:280] == 0).all()
    assert placed == Letterbox(0.5, 0, 40)
    back = placed.to_picture(np.array([[125.0, 132.5]], dtype=np.float32))
    assert back.tolist() == [[250.0, 185.0]]


def test_the_input_is_red_first_from_zero_to_one():
    padded = np.zeros((32, 32, 3), dtype=np.uint8)
    padded[..., 2] = 255
    tensor = network_input(padded, np.float32)
    assert tensor.shape == (1, 3, 32, 32)
    assert tensor[0, 0].min() == 1
    assert tensor[0, 1:].max() == 0


@pytest.mark.parametrize(("size", "inner"), [((1280, 720), (640, 384)), ((300, 900), (224, 640))])
def test_a_free_input_is_whole_strides(size, inner):
    assert free_size(*size, 640) == inner


def test_overlapping_and_weak_candidates_are_left_out():
    boxes = np.array([[0, 0, 20, 10], [1, 0, 21, 10], [50, 50, 70, 60], [80, 0, 90, 5]], np.float32)
    scores = np.array([0.6, 0.9, 0.7, 0.2], np.float32)
    found = detections(Candidates(boxes, scores), Letterbox(1.0, 0, 0), (100, 100), 0.25)
    assert [seen.box for seen in found] == [Box(1, 0, 20, 10), Box(50, 50, 20, 10)]


@pytest.mark.parametrize(
    ("metadata", "output"),
    [
        (ONE_CLASS, raw_yolo(1, [(CENTRED, 0, 0.8)])),
        (THREE_CLASSES, raw_yolo(3, [(CENTRED, 1, 0.8), ((60, 60, 40, 20), 0, 0.95)])),
        (ONE_CLASS | {"end2end": "True"}, suppressed_yolo((*EDGES, 0.8, 0))),
        (THREE_CLASSES, suppressed_yolo((*EDGES, 0.8, 1), (10, 60, 60, 90, 0.9, 2))),
        ({}, np.array([[0, *EDGES, 0, 0.8]], dtype=np.float32)),
        ({}, raw_yolo(1, [(CENTRED, 0, 0.8)])),
    ],
)
def test_a_known_detector_finds_its_plate_where_it_is(tmp_path, metadata, output):
    path = write_graph(tmp_path / "own.onnx", {"output0": output}, metadata=metadata)
    (found,) = detector_of(path).detect(SCENE)
    assert found.box == PLATE
    assert found.score == pytest.approx(0.8)
    assert found.corners is None


def test_a_detector_of_free_size_searches_at_the_size_it_was_trained_at(tmp_path):
    output = raw_yolo(1, [(CENTRED, 0, 0.8)])[..., : 320 * 256 // 64 + 320 * 256 // 256 + 80]
    path = write_graph(
        tmp_path / "own.onnx",
        {"output0": output},
        takes=["batch", 3, "height", "width"],
        declared={"output0": ["batch", "channels", "anchors"]},
        metadata=ONE_CLASS,
    )
    told = tell_detector(load_onnx(path), SCENE, ())
    assert told.options["fast_px"] == 320
    assert len(detector_of(path).detect(SCENE)) == 1


def test_a_half_precision_input_is_given_its_type(tmp_path):
    path = write_graph(
        tmp_path / "own.onnx",
        {"output0": raw_yolo(1, [(CENTRED, 0, 0.8)])},
        dtype=TensorProto.FLOAT16,
        metadata=ONE_CLASS,
    )
    assert len(detector_of(path).detect(SCENE)) == 1


def test_four_keypoints_are_the_corners(tmp_path):
    corners = [100, 122, 150, 120, 150, 143, 100, 145]
    output = raw_yolo(1, [((*CENTRED, *corners), 0, 0.8)], extra=8)
    metadata = ONE_CLASS | {"task": "pose", "kpt_shape": "[4, 2]"}
    path = write_graph(tmp_path / "own.onnx", {"output0": output}, metadata=metadata)
    (found,) = detector_of(path).detect(SCENE)
    assert found.corners.tolist() == [[200, 164], [300, 160], [300, 206], [200, 210]]


def test_a_turned_box_gives_corners_in_order(tmp_path):
    output = raw_yolo(1, [((160, 160, 60, 30, np.pi / 2), 0, 0.8)], extra=1)
    metadata = ONE_CLASS | {"task": "obb"}
    path = write_graph(tmp_path / "own.onnx", {"output0": output}, metadata=metadata)
    (found,) = detector_of(path).detect(SCENE)
    assert found.box == Box(290, 180, 60, 120)
    assert np.allclose(found.corners, [[290, 180], [350, 180], [350, 300], [290, 300]], atol=0.01)


def test_masks_are_left_out(tmp_path):
    outputs = {
        "output0": raw_yolo(1, [((*CENTRED, *[0.3] * 32), 0, 0.8)], extra=32),
        "output1": np.zeros((1, 32, 80, 80), dtype=np.float32),
    }
    metadata = ONE_CLASS | {"task": "segment"}
    path = write_graph(tmp_path / "own.onnx", outputs, metadata=metadata)
    assert [seen.box for seen in detector_of(path).detect(SCENE)] == [PLATE]


@pytest.mark.parametrize("asked", ["2", "-1", "truck"])
def test_a_class_that_is_none_is_refused(tmp_path, asked):
    path = write_graph(tmp_path / "own.onnx", {"output0": raw_yolo(2, [])})
    with pytest.raises(ModelError, match="which class is the plate"):
        tell_detector(load_onnx(path), SCENE, [asked])


@pytest.mark.parametrize("asked", [("car",), ("0",)])
def test_the_class_can_be_named(tmp_path, asked):
    output = raw_yolo(2, [(CENTRED, 0, 0.8)])
    metadata = {"names": "{0: 'car', 1: 'bus'}"}
    path = write_graph(tmp_path / "own.onnx", {"output0": output}, metadata=metadata)
    assert len(detector_of(path, asked).detect(SCENE)) == 1


@pytest.mark.parametrize(
    ("outputs", "takes", "metadata", "said"),
    [
        ({"output0": raw_yolo(2, [])}, None, {"names": "{0: 'car', 1: 'bus'}"}, "0 car, 1 bus"),
        ({"output0": raw_yolo(2, [])}, None, {}, "no names for its classes"),
        ({"output0": np.zeros((1, 6300, 6), np.float32)}, None, None, "1 x 6300 x 6 float"),
        ({"dets": np.zeros((1, 100, 4), np.float32)}, None, {}, "gives dets 1 x 100 x 4"),
        ({"batchno_classid_x1y1x2y2_score": np.zeros((3, 7), np.float32)}, None, {}, "classid"),
        ({"output0": np.zeros((1, 5), np.float32)}, None, {}, "no known detector"),
        ({"output0": raw_yolo(1, [])}, [1, 1, 48, 320], ONE_CLASS, "images 1 x 1 x 48 x 320"),
        ({"output0": raw_yolo(1, [], extra=3)}, None, ONE_CLASS, "task detect"),
        ({"output0": raw_yolo(1, [])}, None, {"imgsz": "[" * 9, "task": "obb"}, "task obb"),
        ({"output0": raw_yolo(1, [])}, None, {"kpt_shape": "7", "task": "pose"}, "task pose"),
    ],
)
def test_what_is_not_known_is_refused_with_what_was_found(tmp_path, outputs, takes, metadata, said):
    path = write_graph(
        tmp_path / "own.onnx", outputs, takes=takes or [1, 3, 320, 320], metadata=metadata
    )
    with pytest.raises(ModelError, match=said):
        tell_detector(load_onnx(path), SCENE, ())


@pytest.mark.parametrize(
    "decode",
    [
        lambda: decode_raw(np.zeros((1, 4, 9), np.float32), YoloLayout(1, (0,))),
        lambda: decode_suppressed(np.zeros((1, 9, 5), np.float32), YoloLayout(1, (0,))),
        lambda: decode_rows(np.zeros((9, 6), np.float32), (0,)),
    ],
)
def test_an_output_of_another_layout_raises(decode):
    with pytest.raises(VisionError, match="a detector gave"):
        decode()


def test_no_rows_are_no_plates():
    assert len(decode_rows(np.zeros((0, 7), np.float32), (0,)).scores) == 0


CONFIG = OcrConfig.of(OCR_CONFIG)


def reader_of(path, config=OCR_CONFIG):
    model = load_onnx(path)
    told = tell_reader(model, config)
    entry = ModelEntry(
        "own", None, path.parent, path.name, model.sha256, "reader", told.format, told.options
    )
    return adapt_reader(entry, model).reader


@pytest.mark.parametrize("flat", [True, False])
def test_a_fast_plate_ocr_reader_reads(tmp_path, flat):
    slots = ocr_slots("7ABC482")
    path = write_graph(
        tmp_path / "own.onnx",
        {"plate": slots.reshape(1, -1) if flat else slots},
        takes=["batch", 64, 128, 3],
        dtype=TensorProto.UINT8,
    )
    reading = reader_of(path).read(np.zeros((40, 90, 3), np.uint8))
    assert reading.text == "7ABC482"
    assert reading.confidence == pytest.approx(0.9)
    assert reading.state.code is None
    assert len(reading.characters[0].alternatives) > 1


def test_a_readers_region_is_the_state(tmp_path):
    config = OCR_CONFIG | {"plate_regions": ["Massachusetts", "NY", "Chile"]}
    outputs = {
        "plate": ocr_slots("1ABC23"),
        "region": np.array([[0.7, 0.2, 0.1]], dtype=np.float32),
    }
    path = write_graph(
        tmp_path / "own.onnx", outputs, takes=[1, 3, 64, 128], dtype=TensorProto.UINT8
    )
    state = reader_of(path, config).read(np.zeros((40, 90, 3), np.uint8)).state
    assert (state.code, state.confidence) == ("MA", pytest.approx(0.7))
    assert dict(state.alternatives)["NY"] == pytest.approx(0.2)


def test_a_region_that_is_no_state_is_unknown():
    state = decode_region(np.array([[0.3, 0.7]], np.float32), ("Ohio", "Argentina"))
    assert state.code is None
    assert state.alternatives == (("OH", pytest.approx(0.3)),)


@pytest.mark.parametrize(
    ("region", "code"),
    [("MA", "MA"), ("new york", "NY"), ("New-Hampshire", "NH"), ("Puerto Rico", None), ("", None)],
)
def test_a_regions_name_is_a_state(region, code):
    assert state_code(region) == code


def test_padding_is_no_character_wherever_it_stands():
    assert decode_slots(ocr_slots("_A_1"), CONFIG)[0].best == "A"
    assert len(decode_slots(ocr_slots("_A_1"), CONFIG)) == 2
    assert decode_slots(ocr_slots(""), CONFIG) == ()


def test_both_cases_add_up_and_separators_are_nothing():
    alphabet = "Aa-1_"
    config = OcrConfig.of(OCR_CONFIG | {"alphabet": alphabet, "max_plate_slots": 2})
    slots = np.array([[0.4, 0.3, 0.1, 0.1, 0.1], [0.2, 0.2, 0.6, 0, 0]], np.float32)
    (only,) = decode_slots(slots, config)
    assert only.alternatives[0] == ("A", pytest.approx(0.7))


def test_a_crop_is_resized_or_padded_in_the_readers_colours():
    crop = np.zeros((50, 50, 3), dtype=np.uint8)
    crop[..., 2] = 200
    stretched = ocr_picture(crop, CONFIG)
    assert stretched.shape == (64, 128, 3)
    assert stretched[0, 0].tolist() == [200, 0, 0]
    padded = ocr_picture(crop, OcrConfig.of(OCR_CONFIG | {"keep_aspect_ratio": True}))
    assert padded[0, 0].tolist() == [114, 114, 114]
    assert padded[32, 64].tolist() == [200, 0, 0]
    grey = ocr_picture(crop, OcrConfig.of(OCR_CONFIG | {"image_color_mode": "grayscale"}))
    assert grey.shape == (64, 128, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"img_width": "wide"}, "img_width: needs a whole number"),
        ({"max_plate_slots": 0}, "max_plate_slots: 0 is out of range"),
        ({"alphabet": "AAB_"}, "alphabet: "),
        ({"pad_char": "?"}, "pad_char: "),
        ({"interpolation": "best"}, "interpolation: needs one of nearest"),
        ({"image_color_mode": "bgr"}, "image_color_mode: "),
        ({"keep_aspect_ratio": "no"}, "keep_aspect_ratio: "),
        ({"padding_color": [1, 2]}, "padding_color: "),
        ({"plate_regions": "MA"}, "plate_regions: "),
        ({"learning_rate": 1}, "learning_rate: not a key"),
    ],
)
def test_a_wrong_configuration_names_its_key(change, said):
    with pytest.raises(ModelError, match=said):
        OcrConfig.of(OCR_CONFIG | change)


def test_a_reader_needs_its_configuration(tmp_path):
    path = write_graph(
        tmp_path / "own.onnx", {"plate": ocr_slots("A1")}, takes=[1, 64, 128, 3],
        dtype=TensorProto.UINT8,
    )  # fmt: skip
    with pytest.raises(ModelError, match="give it with --config"):
        tell_reader(load_onnx(path), None)
    with pytest.raises(ModelError, match="give the configuration it came with"):
        tell_reader(load_onnx(path), OCR_CONFIG | {"img_height": 70})
    with pytest.raises(ModelError, match="8 places of 37 characters"):
        tell_reader(load_onnx(path), OCR_CONFIG | {"max_plate_slots": 8})
    with pytest.raises(ModelError, match="9 places of 36 characters"):
        tell_reader(load_onnx(path), OCR_CONFIG | {"alphabet": OCR_ALPHABET[1:]})


@pytest.mark.parametrize(
    ("role", "form", "options", "said"),
    [
        ("reader", "yolo", {}, "it is a reader, not a detector"),
        ("detector", "yolo", {}, "its options are wrong: 'class_count'"),
        ("detector", "ssd", {"class_count": 1, "plate_classes": [0]}, "the format 'ssd'"),
    ],
)
def test_an_entry_that_does_not_fit_says_why(tmp_path, role, form, options, said):
    path = write_graph(tmp_path / "own.onnx", {"output0": raw_yolo(1, [])})
    entry = ModelEntry("own", None, tmp_path, path.name, "0" * 64, role, form, options)
    with pytest.raises(ModelError, match=said):
        adapt_detector(entry, load_onnx(path), "fast")
