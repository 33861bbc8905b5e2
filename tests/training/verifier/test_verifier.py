"""Training the verifier: it learns what a plate is, goes on, and doubts missing labels."""

from __future__ import annotations

import json
import sys
from argparse import Namespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the training dependencies")

from edge.vision.verifier import patch_input  # noqa: E402
from models.training.command import parser_of, report_of  # noqa: E402
from models.training.verifier.augment import plain  # noqa: E402
from models.training.verifier.examples import (  # noqa: E402
    EXAMPLE_HEIGHT_PX,
    EXAMPLE_WIDTH_PX,
    Examples,
)
from models.training.verifier.learn import BATCH, batches, learn, unlabelled  # noqa: E402

CPU = torch.device("cpu")


def striped(count=32):
    """Examples of which those with stripes are plates; every other one was drawn."""
    rng = np.random.default_rng(1)
    patches = rng.integers(90, 130, (count, EXAMPLE_HEIGHT_PX, EXAMPLE_WIDTH_PX, 3))
    is_plate = np.arange(count) < count // 2
    patches[is_plate, :, ::8] = 250
    patches[is_plate, :, 1::8] = 250
    return Examples(patches.astype(np.uint8), is_plate, np.arange(count) % 2 == 0)


class Brightness(torch.nn.Module):
    def forward(self, patches):
        return patches.mean(dim=(1, 2, 3)) * 100


def test_it_learns_and_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("models.training.verifier.learn.BATCH", 16)
    path, examples = tmp_path / "progress.pt", striped()
    torch.manual_seed(1)
    first = learn(examples, 0.03, 1, CPU, path)
    with torch.no_grad():
        patches = patch_input(np.stack([plain(each) for each in examples.patches]))
        probabilities = torch.sigmoid(first.average(torch.from_numpy(patches))).numpy()
    assert probabilities[examples.is_plate].min() > probabilities[~examples.is_plate].max()
    again = learn(examples, 0.03, 1, CPU, path)
    assert (again.step, again.spent_s) == (first.step, first.spent_s)


def test_a_photograph_taken_for_a_plate_is_left_out_and_no_drawing_is():
    examples = striped()
    others = ~examples.is_plate
    examples.patches[others] = 20
    bright = np.flatnonzero(others & ~examples.drawn)[0]
    examples.patches[bright] = 250
    examples.patches[np.flatnonzero(others & examples.drawn)[0]] = 250
    assert np.flatnonzero(unlabelled(Brightness(), examples, CPU)).tolist() == [bright]


def test_batches_repeat_and_hold_only_what_is_wanted(monkeypatch):
    monkeypatch.setattr("models.training.verifier.learn.augmented", lambda _, each: plain(each))
    examples = striped()
    wanted = np.zeros(len(examples.is_plate), dtype=np.bool_)
    wanted[[0, 1, -2, -1]] = True
    examples.patches[~wanted] = 0
    patches, targets = batches(examples, wanted, 1)(5)
    assert patches.shape[0] == targets.shape[0] == BATCH
    assert 0.2 < float(targets.mean()) < 0.7
    assert float(patches.mean(dim=(1, 2, 3)).min()) > -0.9  # none is black
    assert torch.equal(batches(examples, wanted, 1)(5)[0], patches)
    assert not torch.equal(batches(examples, wanted, 1)(6)[0], patches)


def test_the_report_is_written_and_an_error_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["x", "--data", "d", "--out", str(tmp_path / "out")])
    args = parser_of("verifier", None, "example", 8, "examples").parse_args()
    assert (args.minutes, args.seed, args.device, args.cache) == (8, 1, "auto", None)
    assert report_of(args, lambda _: {"steps": 3}) == 0
    assert json.loads(capsys.readouterr().out) == {"steps": 3}
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == {"steps": 3}

    def fails(args: Namespace):
        raise ValueError("the sets are missing")

    assert report_of(args, fails) == 1
    assert capsys.readouterr().err == "train: the sets are missing\n"
