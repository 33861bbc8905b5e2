"""A training run: it learns, it stops and goes on, and it says what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the training dependencies")

from models.training.curves import draw_curves  # noqa: E402
from models.training.run import (  # noqa: E402
    Plan,
    begin,
    choose_device,
    follow,
    schedule,
    train,
)


def fresh(path, rate=0.05):
    torch.manual_seed(1)
    network = torch.nn.Linear(3, 1)
    return begin(network, torch.optim.AdamW(network.parameters(), rate), path)


def draw(step):
    given = torch.from_numpy(np.random.default_rng(step).normal(size=(16, 3)).astype(np.float32))
    return given, given.sum(dim=1, keepdim=True)


def losses_of(network, batch):
    return {"loss": ((network(batch[0]) - batch[1]) ** 2).mean()}


def test_a_run_learns_and_goes_on_where_it_stopped(tmp_path):
    path = tmp_path / "progress.pt"
    plan = Plan(minutes=0.01, say_every_s=0.1, save_every_s=0.2, measure_every_s=0.2)
    first = train(fresh(path), draw, losses_of, plan, path, lambda _: {"held": 1.0})
    assert float(losses_of(first.average, draw(-1 % 100))["loss"]) < 0.5
    again = fresh(path)
    assert (again.step, again.spent_s) == (first.step, first.spent_s)
    assert again.history == first.history
    assert torch.equal(again.average.weight, first.average.weight)
    assert {"loss", "held"} <= {name for entry in first.history for name in entry}


def test_a_run_stops_at_its_share_of_the_minutes(tmp_path):
    path = tmp_path / "progress.pt"
    first = train(fresh(path), draw, losses_of, Plan(minutes=0.01, until=0.5), path)
    assert 0.3 <= first.spent_s < 0.6
    assert train(first, draw, losses_of, Plan(minutes=0.01), path).spent_s >= 0.6


def test_progress_of_another_network_is_refused(tmp_path):
    path = tmp_path / "progress.pt"
    fresh(path).save(path)
    other = torch.nn.Linear(4, 1)
    with pytest.raises(ValueError, match="another network"):
        begin(other, torch.optim.AdamW(other.parameters()), path)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    path = tmp_path / "progress.pt"
    with pytest.raises(ValueError, match="lower the rate"):
        train(
            fresh(path), draw, lambda network, batch: {"loss": network(batch[0]).sum() * np.inf},
            Plan(minutes=1), path,
        )  # fmt: skip


def test_the_rate_rises_then_falls():
    rates = [schedule(share) for share in (0, 0.03, 0.5, 1)]
    assert rates[1] == pytest.approx(1)
    assert rates[0] < rates[1] > rates[2] > rates[3] == pytest.approx(0)


def test_the_average_follows():
    average, network = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    before, towards = float(average.weight.detach()), float(network.weight.detach())
    follow(average, network, 0.75)
    assert float(average.weight.detach()) == pytest.approx(0.75 * before + 0.25 * towards)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_a_card_that_is_not_there_is_refused():
    assert choose_device("auto").type == "cpu"
    with pytest.raises(ValueError, match="--device cpu"):
        choose_device("cuda")


@pytest.mark.parametrize("history", [[], [{"step": 1.0, "minutes": 0.5, "loss": 2.0}] * 3])
def test_curves_are_drawn_of_whatever_was_measured(tmp_path, history):
    draw_curves(tmp_path / "curves.png", history)
    assert (tmp_path / "curves.png").stat().st_size > 0
