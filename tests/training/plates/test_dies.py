import numpy as np

from models.training.plates import dies
from models.training.plates.die_shapes import SHAPES
from models.training.plates.dies import Die


def test_every_shape_fills_its_box():
    for name in SHAPES:
        die = Die(forms=((name[0], name),))
        mask = dies.mask(die, name[0], 64, 140)
        assert mask.shape == (140, 64)
        assert mask.any(1).mean() > 0.9
        if name not in {"1", "I"}:
            assert mask.any(0).mean() > 0.5


def test_forms_of_presses_are_shapes():
    for char, options in dies.FORMS.items():
        for form, _ in options:
            assert form in SHAPES
            assert form[0] == char


def test_the_same_seed_makes_the_same_die():
    one, other = (dies.random_die(np.random.default_rng(5)) for _ in range(2))
    assert one == other


def test_every_press_tells_apart_what_readers_must():
    rng = np.random.default_rng(6)
    for _ in range(40):
        die = dies.random_die(rng, printed_share=0)
        for one, other in ("8B", "6G", "5S", "2Z", "D0", "Q0", "4A", "38", "71", "UV", "MN"):
            a, b = (dies.mask(die, char, 60, 130).astype(int) for char in (one, other))
            assert (np.abs(a - b) > 128).mean() > 0.008, (one, other, die)
