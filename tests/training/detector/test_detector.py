"""Training the detector: what is drawn is what is labelled, and the loss teaches it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the training dependencies")

from edge.vision.geometry import Box  # noqa: E402
from edge.vision.models import load_onnx  # noqa: E402
from edge.vision.plate_detector import OnnxPlateDetector, cell_count  # noqa: E402
from models.training.detector.loss import DetectorLoss  # noqa: E402
from models.training.detector.measure import (  # noqa: E402
    Labelled,
    average_precision,
    figures,
    held_out,
)
from models.training.detector.network import (  # noqa: E402
    DetectorNetwork,
    ExportFacts,
    describe,
    save_onnx,
)
from models.training.detector.quantise import quantise  # noqa: E402
from models.training.detector.samples import Sample, Sampler, mosaic  # noqa: E402
from models.training.detector.truth import truth_of  # noqa: E402
from models.training.scenes.photos import STRETCHED, Photo, as_boxes  # noqa: E402
from models.training.scenes.textures import Textures  # noqa: E402

FACTS = ExportFacts(longest_side_px=128, threshold=0.5)
SIDE = 128


def photograph(name="set/a.jpg"):
    image = np.random.default_rng(1).integers(60, 110, (120, 160, 3)).astype(np.uint8)
    _, encoded = cv2.imencode(".png", image)
    plates = as_boxes([[60.0, 40.0, 100.0, 60.0], [5.0, 5.0, 8.0, 8.0]])
    return Photo(
        name, encoded.tobytes(), (160, 120), 1.0, plates,
        as_boxes([[20.0, 10.0, 140.0, 110.0]]), as_boxes([[1.0, 1.0, 4.0, 3.0]]),
    )  # fmt: skip


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """One texture of each kind, as models.training.scenes.textures keeps them."""
    texture = np.full((40, 80, 4), 255, dtype=np.uint8)
    size = texture.nbytes
    return Textures(
        np.tile(texture.ravel(), 4), np.arange(4) * size, np.array([[40, 80]] * 4), np.arange(4)
    )


@pytest.fixture
def sampler(stock):
    return Sampler([photograph(), photograph(f"{STRETCHED}/b.jpg")], stock, SIDE)


def test_a_batch_depends_on_its_seed_alone(sampler):
    first = sampler.batch(np.random.default_rng([1, 7]), 8)
    again = sampler.batch(np.random.default_rng([1, 7]), 8)
    assert len(first) == 8
    for a, b in zip(first, again, strict=True):
        assert (a.image == b.image).all()
        assert len(a.plates) == len(b.plates)


def test_samples_hold_boxes_inside_and_corners_round_them(sampler):
    rng = np.random.default_rng(3)
    drawn = 0
    for sample in sampler.batch(rng, 60):
        assert sample.image.shape == (SIDE, SIDE, 3)
        for box, corners in sample.plates:
            assert (box >= 0).all()
            assert (box <= SIDE).all()
            assert (box[2:] > box[:2]).all()
            if not np.isnan(corners).any():
                drawn += 1
                assert (corners.min(axis=0) <= box[:2] + 0.01).all()
                assert (corners.max(axis=0) >= box[2:] - 0.01).all()
    assert drawn > 10


def test_a_mosaic_halves_four_samples():
    sample = white_plate()
    sample.ignored.append(np.array([0, 0, 8, 8], dtype=np.float32))
    whole = mosaic(np.random.default_rng(1), [sample])
    assert whole.image.shape == (SIDE, SIDE, 3)
    boxes = [box.tolist() for box, _ in whole.plates]
    assert boxes == [
        [20, 25, 44, 37], [84, 25, 108, 37], [20, 89, 44, 101], [84, 89, 108, 101]
    ]  # fmt: skip
    assert whole.plates[3][1].tolist() == [[84, 89], [108, 89], [108, 101], [84, 101]]
    assert whole.ignored[1].tolist() == [64, 0, 68, 4]


def test_a_plate_too_small_to_be_asked_for_is_a_region_of_doubt():
    sample = Sample(np.zeros((SIDE, SIDE, 3), dtype=np.uint8))
    sample.note(np.array([1, 1, 11, 8], dtype=np.float32), np.zeros((4, 2), dtype=np.float32))
    assert sample.plates == []
    assert len(sample.ignored) == 1


def test_no_photographs_are_an_error(stock):
    with pytest.raises(ValueError, match="no photograph"):
        Sampler([], stock)


def test_held_out_photographs_are_measured_in_their_true_shape_and_tiny_plates_are_in_doubt():
    photos = [photograph(f"set/{number}.jpg") for number in range(400)]
    labelled = list(held_out(photos))
    assert 20 < len(labelled) < 60
    assert labelled[0].image.shape == (120, 160, 3)
    assert labelled[0].plates == (Box(60, 40, 40, 20),)
    assert labelled[0].doubtful == (Box(1, 1, 3, 2), Box(5, 5, 3, 3))


def test_the_network_gives_as_many_cells_as_the_edge_expects():
    network = DetectorNetwork().eval()
    assert network(torch.zeros(1, 3, 96, 160)).shape == (1, 13, cell_count(96, 160))


def white_plate():
    sample = Sample(np.full((128, 128, 3), 40, dtype=np.uint8))
    sample.image[50:74, 40:88] = 240
    corners = np.array([[40, 50], [88, 50], [88, 74], [40, 74]], dtype=np.float32)
    sample.plates.append((np.array([40, 50, 88, 74], dtype=np.float32), corners))
    return sample


@pytest.fixture(scope="module")
def taught():
    """A network that was shown one white rectangle until it finds it."""
    torch.manual_seed(1)
    network = DetectorNetwork()
    sample = white_plate()
    tensor = torch.from_numpy(sample.image).permute(2, 0, 1)[None].float().repeat(2, 1, 1, 1)
    truth = truth_of([sample, sample])
    loss = DetectorLoss(128, 128, torch.device("cpu"))
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(150):
        optimiser.zero_grad()
        value = loss(network(tensor), truth)["loss"]
        value.backward()
        optimiser.step()
        losses.append(float(value.detach()))
    assert losses[-1] < losses[0] / 2
    return network.eval()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_loss_teaches_box_and_corners_and_the_export_keeps_them(taught, tmp_path):
    path, small = tmp_path / "detector.onnx", tmp_path / "detector_int8.onnx"
    save_onnx(taught, path, FACTS)
    image = white_plate().image
    quantise(path, small, [np.ascontiguousarray(image.transpose(2, 0, 1))[None]] * 2)
    describe(small, FACTS)
    for file in (path, small):
        detector = OnnxPlateDetector(load_onnx(file), threshold=0.2)
        best = detector.detect(image)[0]
        assert figures(detector.detect, [Labelled(image, (Box(40, 50, 48, 24),))], 0.2)[
            "found50"
        ] == 1  # fmt: skip
        assert best.corners == pytest.approx(
            np.array([[40, 50], [88, 50], [88, 74], [40, 74]]), abs=6
        )


def test_regions_of_doubt_teach_nothing():
    network = DetectorNetwork()
    loss = DetectorLoss(128, 128, torch.device("cpu"))
    sample = Sample(np.zeros((128, 128, 3), dtype=np.uint8))
    sample.ignored.append(np.array([-10, -10, 200, 200], dtype=np.float32))
    cells = network(torch.zeros(1, 3, 128, 128))
    assert float(loss(cells, truth_of([sample]))["loss"].detach()) == 0


def test_average_precision_counts_plates_that_were_not_found():
    assert average_precision([(0.9, True), (0.8, True)], 2) == 1
    assert average_precision([(0.9, True)], 2) == 0.5
    assert average_precision([(0.9, False), (0.8, True)], 1) == 0.5
    assert average_precision([], 3) == 0
