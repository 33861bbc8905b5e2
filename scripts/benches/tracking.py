"""Measure the tracker on made-up traffic: how many cars become one pass, as each should.

Each scenario is drawn by its seed: cars past a pole, parked cars along a way, cars ahead for long,
cars that stop at lights; some hide others, some are of a fleet and differ in one character, the
camera shakes and turns, plates are missed and misread as small ones are. Frame rates are 3 to 30 a
second, and where there are ten or more a share of frames may be skipped.

- `cars`: those that were read in one frame at least; `passes`: what the tracker gave.
- `split_share`: passes too many, as a share of the cars; `lost_share`: cars without a pass of their
  own, which another pass took in or which were dropped as a misreading.
- `by_scenario`: both for each kind. `ms_per_frame`: processor time of the tracker.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter, defaultdict
from typing import Any

import click

from benches._traffic import scenarios, shots
from edge.vision.passes import Pass
from edge.vision.tracker import Tracker

EXAMPLE = "Example: scripts/bench tracking --scenarios 3000 --json"
FRAME_RATES = (3.0, 5.0, 10.0, 10.0, 15.0, 30.0)
SKIPPED = (0.0, 0.0, 0.2, 0.5)


@click.command(epilog=EXAMPLE, help=f"\b\n{__doc__}")
@click.option("--scenarios", "count", type=click.IntRange(1), default=300, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the first scenario.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def main(count: int, seed: int, as_json: bool) -> None:
    """See the module."""
    totals: defaultdict[str, Counter[str]] = defaultdict(Counter)
    tracked_s = 0.0
    for number in range(seed, seed + count):
        name, counted, seconds = _scenario(random.Random(number))  # noqa: S311 - nothing secret
        totals[name].update(counted)
        totals["all"].update(counted)
        tracked_s += seconds
    figures: dict[str, Any] = {
        "scenarios": count,
        "frames": totals["all"]["frames"],
        **_shares(totals["all"]),
        "ms_per_frame": round(tracked_s / totals["all"]["frames"] * 1000, 3),
        "by_scenario": {name: _shares(one) for name, one in totals.items() if name != "all"},
    }
    print(json.dumps(figures) if as_json else json.dumps(figures, indent=1))


def _scenario(rng: random.Random) -> tuple[str, Counter[str], float]:
    """One scenario's name, what was counted, and the tracker's processor time in seconds."""
    traffic, fps = scenarios(rng), rng.choice(FRAME_RATES)
    skipped = rng.choice(SKIPPED) if fps >= 10 else 0.0
    tracker, passes, whose, seen = Tracker(), list[Pass](), {}, set[int]()
    frames, tracked_s = 0, 0.0
    for shot in shots(traffic, rng, fps, skipped):
        for observation, car in zip(shot.observations, shot.cars, strict=True):
            whose[shot.frame.index, observation.box] = car
            seen.add(car)
        started_s = time.thread_time()
        passes += tracker.update(shot.frame, shot.observations).ended
        tracked_s += time.thread_time() - started_s
        frames += 1
    passes += tracker.flush()
    became = Counter(whose[one.best_frame.index, one.best_box] for one in passes)
    counted = Counter(
        frames=frames,
        cars=len(seen),
        passes=len(passes),
        split=sum(many - 1 for many in became.values()),
        lost=sum(not became[car] for car in seen),
    )
    return traffic.name, counted, tracked_s


def _shares(counted: Counter[str]) -> dict[str, Any]:
    cars = max(1, counted["cars"])
    return {
        "cars": counted["cars"],
        "passes": counted["passes"],
        "split_share": round(counted["split"] / cars, 4),
        "lost_share": round(counted["lost"] / cars, 4),
    }


if __name__ == "__main__":
    main(prog_name="scripts/bench tracking")
