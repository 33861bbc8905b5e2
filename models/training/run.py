"""A training run: seeded batches drawn ahead, a schedule of rates, an average of the weights.

What every network here needs to be trained the same way on two cores or on a graphics card: a
file of progress from which a stopped run goes on, rates that rise, then fall along half a cosine
over the minutes asked for, and lines that say how far it is. How a batch is made and what its
loss is belong to each network.
"""

from __future__ import annotations

import contextlib
import copy
import math
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

Batch = TypeVar("Batch")
Losses = dict[str, Tensor]
"""Scalars by name; 'loss' is what is made smaller, the others are only reported."""

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to learn. Rates are those of the optimiser's groups ('peak' in each).

    `average_decay` is that of the moving average of weights; `clip` the largest norm of the
    gradients, 0 for none; `until` the share of the minutes after which to stop, as one does who
    goes on with other batches: the rates fall over all the minutes.
    """

    minutes: float
    warm_up: float = 0.03
    average_decay: float = 0.995
    clip: float = 1.0
    say_every_s: float = 15.0
    save_every_s: float = 60.0
    measure_every_s: float = 120.0
    ahead: int = 3
    until: float = 1.0


@dataclass(slots=True)
class Progress:
    """Where training stands; `spent_s` is what counts towards the minutes asked for."""

    network: nn.Module
    average: nn.Module
    optimiser: torch.optim.Optimizer
    step: int = 0
    spent_s: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write everything that going on needs, whole or not at all."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "spent_s": self.spent_s,
            "history": self.history,
        }
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def restore(self, path: Path) -> None:
        """Go on from what save() wrote; raises OSError or ValueError where it is of another."""
        state = torch.load(path, weights_only=True, map_location="cpu")
        try:
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.spent_s = state["step"], state["spent_s"]
            self.history = state["history"]
        except (KeyError, RuntimeError) as error:
            raise ValueError(f"{path} is the progress of another network: {error}") from error


def begin(network: nn.Module, optimiser: torch.optim.Optimizer, path: Path) -> Progress:
    """A run from the start, or from where the one that wrote `path` stopped.

    Every group of the optimiser keeps the rate it came with as its highest.
    """
    for group in optimiser.param_groups:
        group["peak"] = group["lr"]
    average = copy.deepcopy(network).eval().requires_grad_(False)
    progress = Progress(network, average, optimiser)
    if path.exists():
        progress.restore(path)
        say(f"going on at step {progress.step}, {progress.spent_s:.0f} s in")
    return progress


def train(
    progress: Progress,
    draw: Callable[[int], Batch],
    losses_of: Callable[[nn.Module, Batch], Losses],
    plan: Plan,
    path: Path,
    measure: Callable[[nn.Module], dict[str, float]] | None = None,
) -> Progress:
    """Train as long as the plan says, saving to `path` now and then and at the end.

    `draw` makes the batch of a step from nothing but its number (threads call it ahead of time);
    `losses_of` moves it to the network's device and gives the losses; `measure` looks at the
    average of the weights. Time for measuring does not count. Raises ValueError where the loss is
    not a number.
    """
    said = _Sums()
    saved_s = said_s = measured_s = progress.spent_s
    progress.network.train()
    with ThreadPoolExecutor(plan.ahead, thread_name_prefix="batch") as threads:
        coming = [threads.submit(draw, progress.step + ahead) for ahead in range(plan.ahead)]
        while progress.spent_s < plan.minutes * 60 * plan.until:
            started = time.monotonic()
            batch = coming.pop(0).result()
            coming.append(threads.submit(draw, progress.step + plan.ahead))
            said.add(_step(progress, losses_of, batch, plan))
            progress.spent_s += time.monotonic() - started
            if progress.spent_s - said_s >= plan.say_every_s:
                said_s = progress.spent_s
                progress.history.append(
                    {"step": float(progress.step), "minutes": said_s / 60} | said.means()
                )
                say(_line(progress))
            if measure is not None and progress.spent_s - measured_s >= plan.measure_every_s:
                measured_s = progress.spent_s
                _measure(progress, measure)
            if progress.spent_s - saved_s >= plan.save_every_s:
                saved_s = progress.spent_s
                progress.save(path)
        for future in coming:
            future.cancel()
    if measure is not None:
        _measure(progress, measure)
    progress.save(path)
    return progress


def _step(
    progress: Progress, losses_of: Callable[[nn.Module, Batch], Losses], batch: Batch, plan: Plan
) -> dict[str, float]:
    rate = schedule(progress.spent_s / (plan.minutes * 60), plan.warm_up)
    for group in progress.optimiser.param_groups:
        group["lr"] = group["peak"] * rate
    losses = losses_of(progress.network, batch)
    loss = losses["loss"]
    if not torch.isfinite(loss):
        value = float(loss.detach())
        raise ValueError(f"the loss is {value} at step {progress.step}: lower the rate")
    progress.optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if plan.clip:
        nn.utils.clip_grad_norm_(progress.network.parameters(), plan.clip)
    progress.optimiser.step()
    progress.step += 1
    follow(progress.average, progress.network, min(plan.average_decay, 1 - 2 / (progress.step + 2)))
    return {name: float(value.detach()) for name, value in losses.items()}


def _measure(progress: Progress, measure: Callable[[nn.Module], dict[str, float]]) -> None:
    progress.average.eval()
    with torch.no_grad():
        found = measure(progress.average)
    progress.history.append(
        {"step": float(progress.step), "minutes": progress.spent_s / 60} | found
    )
    say("held out: " + ", ".join(f"{name} {value:.4f}" for name, value in found.items()))


def _line(progress: Progress) -> str:
    entry = progress.history[-1]
    values = ", ".join(
        f"{name} {value:.4f}" for name, value in entry.items() if name not in ("step", "minutes")
    )
    return f"step {progress.step}, {progress.spent_s:.0f} s: {values}"


class _Sums:
    """Means of the losses since they were last asked for."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._steps = 0

    def add(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._steps += 1

    def means(self) -> dict[str, float]:
        means = {name: total / self._steps for name, total in self._sums.items()}
        self._sums, self._steps = {}, 0
        return means


def schedule(share: float, warm_up: float = 0.03) -> float:
    """The learning rate, as a share of the highest, when that share of the time is over."""
    if share < warm_up:
        return max(0.02, share / warm_up)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (share - warm_up) / (1 - warm_up))))


def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the average of the weights, and of the layers' statistics, towards the network."""
    with torch.no_grad():
        for kept, now in zip(
            average.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if kept.dtype.is_floating_point:
                kept.lerp_(now, 1 - decay)
            else:
                kept.copy_(now)


def choose_device(name: str) -> torch.device:
    """The device of that name; 'auto' is a graphics card where there is one.

    Raises ValueError where a card is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: torch finds no graphics card; use --device cpu")
    return torch.device(name)


def half_precision(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Reckon in bfloat16 where the device does so faster: on a card, or a processor with it."""
    if device.type == "cuda" or _processor_has_bfloat16():
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


def _processor_has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False  # not Linux: plain floats serve everywhere
    return "avx512_bf16" in flags or "amx_bf16" in flags


def seed_everything(seed: int, threads: int = 1) -> None:
    """Seed torch, and use that many threads inside each operation of a processor."""
    torch.manual_seed(seed)
    torch.set_num_threads(threads)


def say(message: str) -> None:
    """Progress, on stderr."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()
