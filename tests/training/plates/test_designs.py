import pytest

from edge.contract.plates import STATES
from models.training.plates import designs, emblems, scenery
from models.training.plates.outlines import outline


def test_every_state_has_designs():
    assert set(designs.load()) == set(STATES)


def test_every_outline_lies_in_its_box():
    for state in STATES:
        points, aspect = outline(state)
        assert 0.2 < aspect < 5
        assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in points)


def test_every_emblem_draws():
    for name in (*emblems.DRAWINGS, *STATES):
        sprite = emblems.sprite(name, 80, 90, (40, 40, 180), (240, 240, 240))
        assert sprite.shape == (90, 80, 4)
        assert sprite[:, :, 3].any()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('words = ["middle serif blue .1: Maine"]', "place"),
        ('words = ["top serif blue .1 loud: Maine"]', "loud"),
        ('words = ["top serif mauve .1: Maine"]', "mauve"),
        ('words = ["top serif blue .1: Maine"]\nscenes = ["volcano red"]', "volcano"),
        ('words = ["top serif blue .1: Maine"]\nemblem = "unicorn red"', "unicorn"),
        ('words = ["top serif blue .1: Maine"]\nlights = 3', "lights"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(tmp_path, line, message):
    file = tmp_path / "designs.toml"
    head = '[[ME.design]]\nserials = ["999"]\nink = "navy"\nback = ["white"]\n'
    file.write_text(head + line)
    with pytest.raises(designs.DesignError, match=message):
        designs.load(file)


def test_scenes_take_any_number_of_colours():
    import numpy as np

    rng = np.random.default_rng(0)
    for name in scenery.SCENES:
        for count in (1, 2, 3, 5):
            back = np.full((150, 300, 3), 200, np.uint8)
            made = scenery.paint(rng, back, [(name, [(20, 60, 120)] * count)])
            assert made.shape == (300, 600, 3)
