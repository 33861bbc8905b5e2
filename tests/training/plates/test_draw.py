import re

import numpy as np
import pytest

from edge.contract.plates import STATES, compile_pattern, load_formats
from models.training.plates import fonts
from models.training.plates.draw import draw_foreign, draw_plate


@pytest.fixture(autouse=True, scope="module")
def _fonts() -> None:
    try:
        fonts.check()
    except fonts.MissingFontsError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def plates():
    rng = np.random.default_rng(3)
    return [draw_plate(rng, state) for state in STATES for _ in range(2)]


@pytest.fixture(scope="module")
def foreign():
    rng = np.random.default_rng(4)
    return [draw_foreign(rng) for _ in range(60)]


def test_every_state_draws(plates):
    assert {plate.state for plate in plates} == set(STATES)


def test_the_text_is_what_a_record_writes(plates, foreign):
    for plate in plates + foreign:
        assert re.fullmatch(r"[A-Z0-9]{1,9}", plate.text), plate.text


def test_every_character_has_its_box_inside_the_picture(plates, foreign):
    for plate in plates + foreign:
        height, width = plate.picture.shape[:2]
        assert len(plate.characters) == len(plate.text)
        for x, y, w, h in plate.characters:
            assert w > 0
            assert h > 0
            assert x >= 0
            assert y >= 0
            assert x + w <= width
            assert y + h <= height


def test_pictures_are_bgra_with_round_corners(plates, foreign):
    for plate in plates + foreign:
        assert plate.picture.dtype == np.uint8
        assert plate.picture.shape[2] == 4
        assert plate.picture[plate.picture.shape[0] // 2, 40, 3] == 255


def test_characters_stand_out_from_the_plate(plates, foreign):
    for plate in plates + foreign:
        grey = plate.picture[:, :, :3].mean(2)
        for char, (x, y, w, h) in zip(plate.text, plate.characters, strict=True):
            area = grey[y : y + h, max(0, x - 6) : x + w + 6]
            assert area.max() - area.min() > 25, (plate.state, plate.kind, plate.text, char)


def test_the_same_seed_draws_the_same_plate():
    for draw in (draw_plate, draw_foreign):
        one, other = draw(np.random.default_rng(11)), draw(np.random.default_rng(11))
        assert one.text == other.text
        assert one.characters == other.characters
        assert np.array_equal(one.picture, other.picture)


def test_foreign_plates_have_no_state(foreign):
    assert {plate.state for plate in foreign} == {None}
    assert {plate.kind for plate in foreign} == {"foreign-eu", "foreign-br", "foreign-na"}


def test_passenger_serials_have_a_shape_that_the_state_issues(plates):
    from models.training.plates import designs, serials

    formats = load_formats()
    for plate in plates:
        if plate.kind != "passenger":
            continue
        assert plate.state is not None
        drawn = [
            compile_pattern(serials.pattern_of(layout))
            for design in designs.load()[plate.state]
            for layout in design.serials
        ]
        assert plate.state in formats.states_matching(plate.text) or any(
            re.fullmatch(shape, plate.text) for shape in drawn
        )


def test_an_unknown_state_is_refused():
    with pytest.raises(KeyError):
        draw_plate(np.random.default_rng(0), "ZZ")
