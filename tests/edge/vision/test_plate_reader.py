"""The product's own reader: what it is shown, what it makes of the network's steps, refusals."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from edge.vision.ctc import alternatives, likeliest, text_probabilities
from edge.vision.errors import ModelError, VisionError
from edge.vision.models import OnnxModel
from edge.vision.plate_reader import (
    UNKNOWN,
    OnnxPlateReader,
    ReaderTraits,
    decode,
    reader_input,
    softened,
    state_reading,
)
from edge.vision.reader import UNKNOWN_STATE

ALPHABET = "AB1"
TRAITS = ReaderTraits(ALPHABET, ("MA", "NH", UNKNOWN), 1.0, 1.0, 0.5)
TOLD = {
    "alphabet": ALPHABET, "states": ["MA", "NH", UNKNOWN], "temperature": 1.0,
    "state_temperature": 1.0, "min_state": 0.5,
}  # fmt: skip


def step(**shares):
    """A step's probabilities of the blank ('_') and of the alphabet."""
    return [shares.get(key, 0.0) for key in ("_", *ALPHABET)]


def steps(*rows):
    return np.array(rows, dtype=np.float64)


class FixedSession:
    """A network that takes anything and always gives the same."""

    def __init__(self, characters, states, told, taken=("uint8", 96, 192, 3)):
        self._given = {"characters": np.float32([characters]), "states": np.float32([states])}
        self._told = told
        self._taken = taken

    def run(self, names, inputs):
        return [self._given[name] for name in names]

    def get_inputs(self):
        dtype, *axes = self._taken
        return [SimpleNamespace(name="pictures", shape=["n", *axes], type=f"tensor({dtype})")]

    def get_outputs(self):
        return [
            SimpleNamespace(name=name, shape=["n", *value.shape[1:]], type="tensor(float)")
            for name, value in self._given.items()
        ]

    def get_modelmeta(self):
        told = {} if self._told is None else {"plate_reader": json.dumps(self._told)}
        return SimpleNamespace(custom_metadata_map=told)


def reader(characters=None, states=(0.9, 0.05, 0.05), told=TOLD, **kwargs):
    if characters is None:
        characters = steps(step(A=0.9, B=0.1), step(_=1.0), step(A=0.2, B=0.8))
    session = FixedSession(characters, states, told, **kwargs)
    return OnnxPlateReader(OnnxModel("fixed", "0" * 64, session, "pictures"))


@pytest.mark.parametrize("seed", range(6))
def test_probabilities_are_those_of_all_ways_to_spread_a_text(seed):
    rng = np.random.default_rng(seed)
    given = rng.dirichlet(np.ones(4), size=5)
    summed = Counter()
    for path in itertools.product(range(4), repeat=5):
        text = tuple(key for key, _ in itertools.groupby(path) if key)
        summed[text] += np.prod([given[at, key] for at, key in enumerate(path)])
    for text, probability in summed.items():
        if text:
            assert text_probabilities(given, np.array([text]))[0] == pytest.approx(probability)
    assert summed[likeliest(given, beam=100)] == pytest.approx(max(summed.values()))


def test_the_likeliest_text_is_not_the_likeliest_path():
    given = steps(step(_=0.6, A=0.4), step(_=0.6, A=0.4))
    assert likeliest(given) == (1,)  # 'A' by three ways: 0.64; nothing by one: 0.36


def test_a_character_twice_needs_a_blank_between():
    assert likeliest(steps(step(A=1.0), step(A=1.0))) == (1,)
    assert likeliest(steps(step(A=1.0), step(_=1.0), step(A=1.0))) == (1, 1)


def test_alternatives_of_a_place_add_up_to_one_with_nothing_among_them():
    given = steps(step(A=0.7, B=0.2, _=0.1), step(_=1.0), step(**{"1": 1.0}))
    table = alternatives(given, (1, 3))
    assert table.sum(axis=1) == pytest.approx([1, 1])
    assert table[0] == pytest.approx([0.1, 0.7, 0.2, 0.0])
    assert table[1, 3] == pytest.approx(1.0)


def test_one_character_may_also_be_none():
    table = alternatives(steps(step(A=0.8, _=0.2)), (1,))
    assert table[0] == pytest.approx([0.2, 0.8, 0.0, 0.0])


def test_characters_come_with_their_alternatives_in_order():
    characters = decode(steps(step(A=0.7, B=0.3), step(_=1.0), step(B=1.0)), ALPHABET, 1.0)
    assert [character.best for character in characters] == ["A", "B"]
    assert characters[0].alternatives[1] == ("B", pytest.approx(0.3))


def test_a_crop_without_text_is_no_reading():
    assert reader(steps(step(_=1.0), step(_=0.98, A=0.02))).read(np.zeros((9, 9, 3), "u1")) is None


def test_a_temperature_softens_and_keeps_the_order():
    soft = softened(np.array([0.9, 0.1]), 2.0)
    assert soft.sum() == pytest.approx(1)
    assert 0.5 < soft[0] < 0.9


@pytest.mark.parametrize(
    ("states", "code"),
    [((0.9, 0.1, 0.0), "MA"), ((0.4, 0.35, 0.25), None), ((0.1, 0.1, 0.8), None)],
)
def test_a_state_is_named_only_when_probable(states, code):
    reading = state_reading(np.array(states), TRAITS)
    assert reading.code == code
    assert reading.alternatives[0][0] == "MA"
    assert UNKNOWN not in dict(reading.alternatives)


@pytest.mark.parametrize("shape", [(3, 5, 3), (400, 900, 3), (96, 192, 3)])
def test_a_crop_of_any_size_is_stretched(shape):
    crop = np.full(shape, 7, dtype=np.uint8)
    seen = reader_input(crop)
    assert seen.shape == (96, 192, 3)
    assert seen.min() == seen.max() == 7


def test_a_plate_too_narrow_to_show_its_state_is_given_none():
    narrow, wide = (np.zeros((30, width, 3), dtype=np.uint8) for width in (49, 50))
    assert reader().read_state(narrow) == reader().read(narrow).state == UNKNOWN_STATE
    assert reader().read_state(wide) == reader().read(wide).state != UNKNOWN_STATE
    assert reader().read(narrow).text == "AB"


def test_a_crop_is_read():
    reading = reader().read(np.zeros((40, 80, 3), dtype=np.uint8))
    assert reading.text == "AB"
    assert reading.confidence == pytest.approx(0.8)
    assert (reading.state.code, reading.state.confidence) == ("MA", pytest.approx(0.9))


@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 5), (5, 5, 4)])
def test_what_is_no_crop_is_refused(shape):
    with pytest.raises(VisionError, match="cannot be read"):
        reader().read(np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize(
    ("told", "kwargs", "said"),
    [
        (None, {}, "does not say what it reads"),
        ({**TOLD, "temperature": "hot"}, {}, "does not say what it reads"),
        ({**TOLD, "alphabet": "ABCDE"}, {}, "expected classes"),
        ({**TOLD, "states": ["MA"]}, {}, "expected classes"),
        ({**TOLD, "state_temperature": 0.0}, {}, "temperature"),
        (TOLD, {"taken": ("uint8", 48, 160, 3)}, "expected n x 96 x 192"),
        (TOLD, {"taken": ("float", 96, 192, 3)}, "expected n x 96 x 192"),
    ],
)
def test_a_file_that_is_no_plate_reader_is_refused(told, kwargs, said):
    with pytest.raises(ModelError, match=said):
        reader(told=told, **kwargs)
