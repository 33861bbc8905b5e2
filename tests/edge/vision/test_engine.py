"""The engine on drawn scenes: what is a plate is read, what is not a plate is not."""

from __future__ import annotations

import numpy as np
import pytest

from edge.vision.detector import Detection
from edge.vision.engine import EngineParts, PlateEngine
from edge.vision.errors import VisionError
from edge.vision.geometry import Box, iou
from edge.vision.reader import CharacterReading, StateReading, plate_reading


class NoShapes:
    """Shapes that say nothing."""

    def states_matching(self, plate):
        return ()


def texts(engine, image):
    return sorted(seen.reading.text for seen in engine.read_frame(image))


def test_a_drawn_plate_is_found_where_it_is_and_read(engine, draw):
    scene = draw.street()
    draw.plate(scene, "7ABC482", 220, 200)
    (seen,) = engine.read_frame(scene)
    assert seen.reading.text == "7ABC482"
    assert iou(seen.box, Box(220, 200, 160, 80)) > 0.5
    assert len(seen.reading.characters) == 7
    assert seen.crop.shape[2] == 3


def test_two_plates_in_view_are_two_observations(engine, draw):
    scene = draw.street(900, 420)
    draw.plate(scene, "7ABC482", 80, 150)
    draw.plate(scene, "3KLM915", 600, 260)
    assert texts(engine, scene) == ["3KLM915", "7ABC482"]


def test_a_tilted_plate_is_straightened_and_read(engine, draw):
    import cv2

    scene = draw.street()
    draw.plate(scene, "7ABC482", 220, 160)
    turn = cv2.getRotationMatrix2D((300, 200), 12, 1.0)
    assert texts(engine, cv2.warpAffine(scene, turn, (640, 400))) == ["7ABC482"]


@pytest.mark.parametrize("word", ["PIONEER", "SILVERADO", "HYBRID"])
def test_a_cars_badge_is_not_a_read(engine, draw, word):
    scene = draw.street()
    draw.text(scene, word, 200, 160, 240, 90)
    assert texts(engine, scene) == []


@pytest.mark.parametrize("word", ["GALLERY", "CERAMICS", "BOOKS"])
def test_a_shops_sign_is_not_a_read(engine, draw, word):
    scene = draw.shop_front()
    draw.text(scene, word, 200, 40, 260, 70)
    assert texts(engine, scene) == []


@pytest.mark.parametrize("words", [("FREIGHT", "48213"), ("MOVING", "5550142")])
def test_a_trucks_lettering_is_not_a_read(engine, draw, words):
    scene = draw.truck()
    for row, word in enumerate(words):
        draw.text(scene, word, 120, 90 + 110 * row, 320, 90)
    assert texts(engine, scene) == []


def test_a_plate_cut_off_by_the_edge_is_no_read_of_its_own(engine, draw):
    scene = draw.street()
    draw.plate(scene, "7ABC482", 220, 200)
    assert texts(engine, scene[:, 285:]) == []


def test_a_badge_beside_a_plate_leaves_the_plate(engine, draw):
    scene = draw.street()
    draw.plate(scene, "7ABC482", 220, 240)
    draw.text(scene, "TOYOTA", 240, 120, 130, 50)
    assert texts(engine, scene) == ["7ABC482"]


def test_an_empty_street_has_no_plate(engine, draw):
    assert engine.read_frame(draw.street()) == ()


def test_the_state_is_read_from_its_name(ppocr, draw):
    scene = draw.street()
    draw.plate(scene, "7ABC482", 150, 150, width=320, state="California")
    (seen,) = ppocr.read_frame(scene)
    assert seen.reading.text == "7ABC482"
    assert seen.reading.state.code == "CA"


def test_the_digests_name_every_model(plateward, ppocr):
    assert [name for name, _ in plateward.digests] == [
        "plate_detector_int8", "plate_verifier", "plate_reader",
    ]  # fmt: skip
    assert [name for name, _ in ppocr.digests] == [
        "PP-OCRv6_det_small", "plate_verifier", "PP-OCRv6_rec_small",
    ]  # fmt: skip
    assert all(len(digest) == 64 for _, digest in (*plateward.digests, *ppocr.digests))


def test_the_picture_is_left_as_it_was(engine, draw):
    scene = draw.street()
    draw.plate(scene, "7ABC482", 220, 200)
    before = scene.copy()
    engine.read_frame(scene)
    assert np.array_equal(scene, before)


class FixedDetector:
    def __init__(self, *boxes):
        self._boxes = boxes

    def detect(self, image):
        return tuple(Detection(box, 0.9, None) for box in self._boxes)


class FixedVerifier:
    """Gives these probabilities, and remembers how many candidates it was asked about."""

    def __init__(self, *probabilities):
        self._probabilities = probabilities
        self.asked = 0

    def probabilities(self, image, detections):
        self.asked += len(detections)
        return self._probabilities[: len(detections)]


SURE = FixedVerifier(1.0, 1.0)


class FixedReader:
    def __init__(self, reading):
        self._reading = reading
        self.asked = 0

    def read(self, crop):
        self.asked += 1
        return self._reading


def composed(detector, reader, verifier=SURE):
    parts = EngineParts(detector, reader, 1.2, verifier, verify_all=verifier is not None)
    return PlateEngine(parts, NoShapes())


def test_failed_inference_raises_and_is_not_no_plate(draw):
    class BrokenReader:
        def read(self, crop):
            raise VisionError("model x failed on a picture")

    finder = FixedDetector(Box(10, 10, 80, 40))
    broken = composed(finder, BrokenReader(), SURE)
    with pytest.raises(VisionError, match="failed"):
        broken.read_frame(draw.street())


def test_failed_verification_raises_and_is_not_no_plate(draw, reading_of):
    class BrokenVerifier:
        def probabilities(self, image, detections):
            raise VisionError("model y failed on a picture")

    finder, reader = FixedDetector(Box(10, 10, 80, 40)), FixedReader(reading_of("ABC123"))
    broken = composed(finder, reader, BrokenVerifier())
    with pytest.raises(VisionError, match="y failed"):
        broken.read_frame(draw.street())


def test_what_the_verifier_doubts_is_not_even_read(draw, reading_of):
    boxes = Box(10, 10, 80, 40), Box(200, 10, 80, 40)
    reader = FixedReader(reading_of("ABC123"))
    engine = composed(FixedDetector(*boxes), reader, FixedVerifier(0.1, 0.9))
    assert [seen.box for seen in engine.read_frame(draw.street())] == [boxes[1]]
    assert reader.asked == 1


@pytest.mark.parametrize(
    ("text", "probability", "asked", "read"),
    [("ABC123", 0.1, 0, True), ("NUTS", 0.5, 1, False), ("NUTS", 0.8, 1, True)],
)
def test_a_verifier_is_asked_about_words_alone(draw, reading_of, text, probability, asked, read):
    verifier = FixedVerifier(probability)
    detector, reader = FixedDetector(Box(100, 100, 80, 40)), FixedReader(reading_of(text))
    engine = PlateEngine(EngineParts(detector, reader, 1.2, verifier), NoShapes())
    assert bool(engine.read_frame(draw.street())) is read
    assert verifier.asked == asked


def test_what_has_no_plates_outline_is_not_even_verified(draw, reading_of):
    verifier = FixedVerifier(1.0)
    finder = FixedDetector(Box(10, 10, 200, 15), Box(0, 100, 80, 40))
    engine = composed(finder, FixedReader(reading_of("ABC123")), verifier)
    assert engine.read_frame(draw.street()) == ()
    assert verifier.asked == 0


@pytest.mark.parametrize(
    "corners",
    [
        [[0, 0], [0, 0], [0, 0], [0, 0]],
        [[100, 100], [260, 100], [100, 180], [260, 180]],
        [[260, 100], [100, 100], [100, 180], [260, 180]],
        [[100, 100], [9000, 100], [9000, 180], [100, 180]],
    ],
)
def test_corners_that_make_no_sense_leave_the_box(draw, reading_of, corners):
    box = Box(100, 100, 160, 80)

    class Detector:
        def detect(self, image):
            return (Detection(box, 0.9, np.array(corners, dtype=np.float32)),)

    (seen,) = composed(Detector(), FixedReader(reading_of("ABC123"))).read_frame(draw.street())
    assert seen.crop.shape == (100, 200, 3)


@pytest.mark.parametrize(
    ("first", "second", "text", "asked"),
    [(0.9, None, "ABC123", 1), (0.5, 0.9, "AEC123", 2), (None, 0.7, "AEC123", 2)],
)
def test_an_unsure_reading_is_joined_with_a_second(draw, reading_of, first, second, text, asked):
    class Reader:
        asked = 0

        def read(self, crop):
            self.asked += 1
            if self.asked == 1:
                return None if first is None else reading_of("ABC123", first)
            return reading_of("AEC123", second)

    reader = Reader()
    parts = EngineParts(FixedDetector(Box(100, 100, 160, 80)), reader, 1.1, second_growth=1.0)
    (seen,) = PlateEngine(parts, NoShapes()).read_frame(draw.street())
    assert (seen.reading.text, reader.asked) == (text, asked)


def test_without_time_an_unsure_plate_is_looked_at_once(draw, reading_of):
    reader = FixedReader(reading_of("ABC123", 0.5))
    parts = EngineParts(FixedDetector(Box(100, 100, 160, 80)), reader, 1.1, second_growth=1.0)
    asked = []

    def time_left():
        asked.append(reader.asked)
        return False

    (seen,) = PlateEngine(parts, NoShapes()).read_frame(draw.street(), time_left=time_left)
    assert (seen.reading.text, reader.asked, asked) == ("ABC123", 1, [1])


def test_a_state_is_read_once_of_a_plate_whose_text_is_read_twice(draw, reading_of):
    named = StateReading("MA", 0.9, (("MA", 0.9),))

    class TwoParts(FixedReader):
        crops: list[tuple[int, ...]]

        def read_text(self, crop):
            return self.read(crop)

        def read_state(self, crop):
            self.crops.append(crop.shape)
            return named

    reader = TwoParts(reading_of("ABC123", 0.5))
    reader.crops = []
    parts = EngineParts(FixedDetector(Box(100, 100, 160, 80)), reader, 1.0, second_growth=1.1)
    engine = PlateEngine(parts, NoShapes())
    (seen,) = engine.read_frame(draw.street())
    assert (seen.reading.state.code, reader.asked, reader.crops) == ("MA", 2, [(80, 160, 3)])
    engine.read_frame(draw.street(), lambda _: named)
    assert len(reader.crops) == 1


def test_a_personalised_plate_is_spelt_alike_on_a_street_and_as_a_crop(draw):
    named = StateReading("MA", 0.9, (("MA", 0.9),))
    characters = tuple(CharacterReading(((glyph, 0.9),)) for glyph in "BOOKS7")
    reader = FixedReader(plate_reading(characters, named))
    engine = composed(FixedDetector(Box(100, 100, 160, 80)), reader)
    assert texts(engine, draw.street()) == ["B00KS7"]
    crop = engine.read_crop(draw.street())
    assert crop is not None
    assert crop.text == "B00KS7"


def test_one_plate_detected_twice_is_given_once(draw, reading_of):
    scene = draw.street()
    draw.plate(scene, "ABC123", 100, 100)
    twice = FixedDetector(Box(100, 100, 160, 80), Box(105, 98, 150, 80))
    fixed = composed(twice, FixedReader(reading_of("ABC123")), SURE)
    assert len(fixed.read_frame(scene)) == 1


def test_a_crop_without_text_is_no_observation(draw):
    scene = draw.street()
    finder = FixedDetector(Box(10, 10, 80, 40))
    assert composed(finder, FixedReader(None), SURE).read_frame(scene) == ()


def test_half_of_the_real_plates_and_more_are_read_exactly(engine, eval_data):
    """A sample of the pictures; the bench measures them all."""
    import csv

    from edge.vision.pictures import read_picture

    with (eval_data / "scenes-us" / "truth.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))[::10]
    right = sum(
        row["plate"] in texts(engine, read_picture(eval_data / "scenes-us" / row["file"]))
        for row in rows
    )
    assert right >= 0.6 * len(rows)
