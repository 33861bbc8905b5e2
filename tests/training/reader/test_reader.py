"""Training the reader: what it starts from, what it is shown, what is exported and measured."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the training dependencies")
pytest.importorskip("onnx", reason="needs the training dependencies")

import onnxruntime as ort  # noqa: E402

from edge.contract.plates import load_formats  # noqa: E402
from edge.vision.models import installed_file, load_onnx  # noqa: E402
from edge.vision.plate_reader import OnnxPlateReader, ReaderTraits  # noqa: E402
from edge.vision.reader import CharacterReading, plate_reading  # noqa: E402
from models.training.reader.batches import as_batch, batches  # noqa: E402
from models.training.reader.calibrate import fitted  # noqa: E402
from models.training.reader.export import halve, reads_by, save_onnx  # noqa: E402
from models.training.reader.learn import losses_by, optimiser_of  # noqa: E402
from models.training.reader.measure import (  # noqa: E402
    Outcome,
    accept,
    calibration_error,
    figures,
)
from models.training.reader.network import ALPHABET, CLASSES, PlateNetwork  # noqa: E402
from models.training.reader.quantise import quantise  # noqa: E402
from models.training.reader.real import RealPlate, cut  # noqa: E402
from models.training.reader.recogniser import WEIGHTS, load_recogniser  # noqa: E402
from models.training.reader.render import draw_one, recorded  # noqa: E402
from models.training.reader.shards import (  # noqa: E402
    NOT_SAID,
    Crops,
    load_shards,
    save_shard,
    shard_file,
)

TRAITS = ReaderTraits(ALPHABET, CLASSES, 1.0, 1.0, 0.4)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return PlateNetwork(*load_recogniser()).eval()


def pictures(count, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (count, 96, 192, 3), dtype=np.uint8)


def drawn(count):
    texts = tuple(f"AB{number:03d}" for number in range(count))
    return Crops(pictures(count), texts, np.arange(count, dtype=np.int64) % len(CLASSES))


def outcome(text, read, confidence, state=None):
    characters = tuple(CharacterReading(((each, confidence),)) for each in read)
    return Outcome(text, state, plate_reading(characters) if read else None)


def test_the_weights_are_the_packages_own():
    start, head, classes = load_recogniser()
    given = np.random.default_rng(1).uniform(-1, 1, (2, 3, 48, 160)).astype(np.float32)
    with torch.no_grad():
        ours = torch.softmax(head(start(torch.from_numpy(given))), 2).numpy()
    session = ort.InferenceSession(
        installed_file("rapidocr", WEIGHTS), providers=["CPUExecutionProvider"]
    )
    theirs = session.run(None, {session.get_inputs()[0].name: given})[0]
    assert len(classes) + 1 == theirs.shape[2]
    assert np.abs(ours - theirs).max() < 1e-4


@pytest.mark.filterwarnings("ignore")  # torch's exporter warns of its own ways
@pytest.mark.parametrize("smaller", [False, True])
def test_the_exported_file_gives_what_the_network_gives(tmp_path, network, smaller):
    path = tmp_path / "reader.onnx"
    save_onnx(network, TRAITS, path)
    given = pictures(2)
    if smaller:
        quantise(path, path, given)
        halve(path)
        assert path.stat().st_size < 12e6
    with torch.no_grad():
        characters, states = network(torch.from_numpy(given))
    steps, probabilities = reads_by(path)(given)
    allowed = 0.05 if smaller else 1e-4
    assert np.abs(steps - torch.softmax(characters, 2).numpy()).max() < allowed
    assert np.abs(probabilities - torch.softmax(states, 1).numpy()).max() < (
        0.05 if smaller else 1e-4
    )
    assert OnnxPlateReader(load_onnx(path)).traits == TRAITS


def test_it_learns_a_batch_and_leaves_the_first_layers_alone():
    torch.manual_seed(1)
    learner = PlateNetwork(*load_recogniser())
    before = learner.strokes[0].stem1.conv.weight.clone()
    optimiser = optimiser_of(learner, 1e-4, 1e-3, 0.0)
    batch = as_batch(pictures(2), ["AB123", "9XYZ"], [0, NOT_SAID], 2)
    losses = []
    for _ in range(4):
        found = losses_by(torch.device("cpu"))(learner, batch)
        optimiser.zero_grad()
        found["loss"].backward()
        optimiser.step()
        losses.append(float(found["text"].detach()))
    assert losses[-1] < losses[0]
    assert torch.equal(before, learner.strokes[0].stem1.conv.weight)


def test_batches_depend_on_the_seed_and_the_step_alone():
    real = [
        RealPlate(pictures(1)[0], np.float32([[9, 9], [90, 9], [90, 60], [9, 60]]), "X1", 3, False)
    ]
    draw, again = (batches(drawn(20), real, 8, 0.25, seed=4) for _ in range(2))
    first, other = draw(0), draw(1)
    assert torch.equal(first.pictures, again(0).pictures)
    assert not torch.equal(first.pictures, other.pictures)
    assert first.drawn == 6
    assert first.lengths.tolist() == [5] * 6 + [2] * 2
    assert first.states.tolist()[6:] == [3, 3]


def test_every_drawn_plate_is_shown_once_before_any_twice():
    draw = batches(drawn(24), [], 8, 0.0, seed=1)
    shown = [tuple(draw(step).texts.reshape(8, 5).tolist()) for step in range(3)]
    assert len({tuple(text) for step in shown for text in step}) == 24


def test_a_real_plate_is_cut_with_a_margin():
    picture = np.zeros((100, 200, 3), dtype=np.uint8)
    picture[30:70, 60:140] = 255
    corners = np.float32([[60, 30], [140, 30], [140, 70], [60, 70]])
    crop = cut(RealPlate(picture, corners, "A", 0, False), None)
    assert crop.shape == (96, 192, 3)
    assert crop[48, 96].min() == 255
    assert crop[2, 2].max() == 0
    assert 0.65 < crop.mean() / 255 < 0.8


@pytest.mark.parametrize(
    ("text", "state", "written"),
    [
        ("COUGAR", "ID", "C0UGAR"),  # personalised
        ("ABO123", "AK", "ABO123"),  # of the shape that the state issues
        ("RO12OOO", None, "RO12OOO"),  # foreign dies tell them apart
    ],
)
def test_a_personalised_plate_is_recorded_with_figures_for_the_letter_o(text, state, written):
    assert recorded(text, state, load_formats()) == written


def test_a_drawn_plate_follows_from_its_seed_alone():
    first, again = (draw_one(np.random.default_rng([1, 2, 3]), load_formats()) for _ in range(2))
    assert first[0].shape == (96, 192, 3)
    assert np.array_equal(first[0], again[0])
    assert first[1:] == again[1:]


def test_shards_are_read_as_they_were_written(tmp_path):
    given = [(picture, f"T{number}", number) for number, picture in enumerate(pictures(3))]
    save_shard(shard_file(tmp_path, 1, 0), given)
    crops = load_shards(tmp_path, 1, [0])
    assert crops.texts == ("T0", "T1", "T2")
    assert crops.states.tolist() == [0, 1, 2]
    assert np.array_equal(crops.pictures[2], given[2][0])


def test_figures_count_texts_letter_by_letter_and_folded():
    found = [outcome("AO1", "A01", 0.9), outcome("B2", "B2", 0.8), outcome("C3", "", 0.0)]
    values = figures(found)
    assert (values["exact"], values["folded"]) == (0.3333, 0.6667)
    assert "state" not in values


def test_a_reader_as_sure_as_it_is_right_has_no_calibration_error():
    confidences = np.full(100, 0.8)
    right = np.arange(100) < 80
    assert calibration_error(confidences, right) == pytest.approx(0)
    assert calibration_error(np.full(100, 0.99), right) == pytest.approx(0.19)


def test_the_threshold_takes_all_that_stays_below_one_in_a_hundred():
    confidences = np.linspace(1, 0, 400)
    right = np.arange(400) < 200
    right[100] = False
    threshold, accepted = accept(confidences, right)
    assert accepted == pytest.approx(0.5, abs=0.02)
    assert threshold == pytest.approx(0.5, abs=0.02)
    assert accept(confidences, np.zeros(400, dtype=bool)) == (1.0, 0.0)


def test_too_sure_a_reader_gets_a_temperature_above_one():
    rng = np.random.default_rng(1)
    steps = np.full((200, 1, 37), 1e-4)
    steps[:, 0, 11] = 0.98
    steps[:, 0, 12] = 0.0165
    labels = [("A" if rng.random() < 0.75 else "B", "MA") for _ in range(200)]
    states = np.full((200, len(CLASSES)), 1 / len(CLASSES))
    assert fitted(steps, states, labels, TRAITS).temperature > 1.3
